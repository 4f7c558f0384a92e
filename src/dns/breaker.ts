// Notices when the DNS as a whole is in trouble, and stops asking it but for a probe each second, so that nothing piles up
// behind a dead resolver. Open when most of the lookups of the last seconds failed; closed again by itself after three good
// probes. A question that was not asked is an answer of kind "error", code "outage".
//
// One broken zone is not an outage: where a server answered (SERVFAIL, REFUSED, nonsense), a zone counts once in a window,
// or somebody with a broken reverse zone of their own could blind us with it.

import { type DnsAnswer, dnsError } from '../core/answer.ts';
import {
  breakerLookupsMin,
  breakerProbeMs,
  breakerProbesGood,
  breakerWindowMs,
  breakerZonesMax,
} from '../core/limits.ts';
import type { Resolver } from './resolver.ts';

export interface BreakerOptions {
  /** Told once for each change, with the lookups counted and failed that led to it. */
  readonly onChange?: (open: boolean, counted: number, failed: number) => void;
  /** Milliseconds on a clock that never runs backwards. */
  readonly now?: () => number;
}

interface Window {
  counted: number;
  failed: number;
}

export function breaker(
  behind: Resolver,
  { onChange = () => {}, now = () => performance.now() }: BreakerOptions = {},
): Resolver {
  // Two windows, so that what is counted reaches back for one to two of them.
  let current = emptyWindow();
  let before = emptyWindow();
  let begun = now();
  const zones = new Set<string>();
  let open = false;
  let probeAt = 0;
  let goodProbes = 0;

  const turn = (clock: number): void => {
    if (clock - begun < breakerWindowMs) return;
    before = clock - begun < 2 * breakerWindowMs ? current : emptyWindow();
    current = emptyWindow();
    begun = clock;
    zones.clear();
  };
  const change = (to: boolean): void => {
    open = to;
    onChange(to, current.counted + before.counted, current.failed + before.failed);
    current = emptyWindow();
    before = emptyWindow();
    zones.clear();
    goodProbes = 0;
    probeAt = now() + breakerProbeMs;
  };
  const count = (name: string, answer: DnsAnswer<string>): void => {
    turn(now());
    if (isZoneTrouble(answer)) {
      if (zones.has(zoneOf(name)) || zones.size >= breakerZonesMax) return;
      zones.add(zoneOf(name));
    }
    current.counted++;
    if (answer.kind === 'error') current.failed++;
    const [counted, failed] = [current.counted + before.counted, current.failed + before.failed];
    if (counted >= breakerLookupsMin && failed * 2 > counted) change(true);
  };
  const probed = (answer: DnsAnswer<string>): void => {
    goodProbes = answer.kind === 'error' ? 0 : goodProbes + 1;
    if (goodProbes >= breakerProbesGood) change(false);
  };

  return {
    async lookup(name, type) {
      if (!open) {
        const answer = await behind.lookup(name, type);
        if (!open) count(name, answer); // what was under way when it opened says nothing new
        return answer;
      }
      if (now() < probeAt) return dnsError('outage');
      probeAt = now() + breakerProbeMs;
      const answer = await behind.lookup(name, type);
      if (open) probed(answer);
      return answer;
    },
  };
}

function emptyWindow(): Window {
  return { counted: 0, failed: 0 };
}

function isZoneTrouble(answer: DnsAnswer<string>): boolean {
  return answer.kind === 'error' && answer.code !== 'timeout' && answer.code !== 'network';
}

/** About what one owner has: the /16 or /48 of a reverse name, the last two labels of any other. */
function zoneOf(name: string): string {
  const labels = name.split('.');
  const kept = name.endsWith('.in-addr.arpa') ? 4 : name.endsWith('.ip6.arpa') ? 14 : 2;
  return labels.slice(-kept).join('.');
}
