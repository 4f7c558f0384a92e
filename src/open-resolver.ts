// The DNS of the configuration, ready to be asked: behind the cache and the breaker, or a zone in a file.

import { type Config, dnsTimeoutDefaultMs } from './config.ts';
import type { Zone } from './core/zone.ts';
import { type BreakerOptions, breaker } from './dns/breaker.ts';
import { cached } from './dns/cache.ts';
import type { Resolver } from './dns/resolver.ts';
import { stubResolver } from './dns/stub.ts';
import { systemServers } from './dns/system-servers.ts';
import { type Answered, told } from './dns/told.ts';
import { zoneResolver } from './dns/zone.ts';

/** The DNS as configured, behind the cache: a zone, the servers named, or those of /etc/resolv.conf. */
export async function openResolver(
  dns: Pick<NonNullable<Config['dns']>, 'servers' | 'timeout'> | undefined,
  zone: Zone | undefined,
  { onOutage, onAnswer }: { onOutage?: BreakerOptions['onChange']; onAnswer?: Answered } = {},
): Promise<Resolver & { close(): void }> {
  if (zone !== undefined) return { ...cached(told(zoneResolver(zone), onAnswer)), close: () => {} };
  const named = dns?.servers;
  const servers = named === undefined ? await systemServers('/etc/resolv.conf') : () => named;
  const stub = stubResolver(servers, dns?.timeout ?? dnsTimeoutDefaultMs);
  const guarded = breaker(stub, onOutage === undefined ? {} : { onChange: onOutage });
  return { ...cached(told(guarded, onAnswer)), close: () => stub.close() };
}
