// The wiring: a loaded configuration becomes a running service. Resolver behind cache behind gather behind gate, doors in
// front of it. Nothing is decided here.

import { hostname } from 'node:os';
import { type AddressCache, addressCache } from './address-cache.ts';
import { type ClientWatch, clientWatch, type Masked } from './client-watch.ts';
import { type Config, dnsTimeoutDefaultMs, journalKeepDefaultMs, journalMaxDefaultOctets } from './config.ts';
import { type Console, consoleFeed, type Feed } from './console/console.ts';
import type { DoorKind } from './core/client.ts';
import { printEndpoint } from './core/endpoint.ts';
import { drainMs } from './core/limits.ts';
import { expired, outageActions } from './core/policy.ts';
import { printProblem } from './core/problem.ts';
import type { Decision } from './core/verdict.ts';
import type { Zone } from './core/zone.ts';
import { type BreakerOptions, breaker } from './dns/breaker.ts';
import { cached } from './dns/cache.ts';
import type { Resolver } from './dns/resolver.ts';
import { stubResolver } from './dns/stub.ts';
import { systemServers } from './dns/system-servers.ts';
import { type Answered, told } from './dns/told.ts';
import { zoneResolver } from './dns/zone.ts';
import { type GateParts, makeGate } from './gate.ts';
import { type Gather, gatherer, heloGatherer } from './gather.ts';
import { Journal, type JournalStatus } from './journal/journal.ts';
import { type Door, listen } from './listen.ts';
import { type Listener, makeListeners } from './listeners.ts';
import type { Loaded } from './load.ts';
import type { Logger } from './log.ts';
import { openServiceConsole } from './open-console.ts';
import { openDoor } from './open-door.ts';
import { makeRefs } from './ref.ts';

export interface Service {
  /** Where each door listens, in the order of the configuration. */
  readonly endpoints: readonly string[];
  /** How it is, for whoever runs it. */
  status(): Status;
  /** Where the console listens; absent: there is none. */
  readonly console?: string;
  readonly cache: Pick<AddressCache, 'get' | 'flush'>;
  /** Hears of each session from now on; the result ends that. */
  listen(listener: Listener): () => void;
  /** Reads the policy again, at once; what is wrong with it is in the log and in the status. */
  reload(): Promise<void>;
  /** Ends every door in order; resolves when the last client has gone or the time is up. */
  stop(ms?: number): Promise<void>;
}

export interface Status {
  /** Most lookups fail, and the DNS is asked but for a probe each second. */
  readonly outage: boolean;
  readonly addressesKept: number;
  /** `problems`: why the file on disk is not in force; `expired`: rules and exceptions that have ended. */
  readonly policy: {
    readonly file: string;
    readonly problems: readonly string[];
    readonly expired: readonly string[];
  };
  /** Absent: none is kept. */
  readonly journal?: JournalStatus;
  /** In the order of the configuration. `masked`: whose address is not believed at this door, see client-watch.ts. */
  readonly doors: readonly { readonly kind: DoorKind; readonly listen: string; readonly masked?: Masked }[];
}

/** Rejects with a ListenError when a door cannot be opened; none is left open then. */
export async function startService(
  { config, policy, zone, tls, journalFolder, console: consoleFiles }: Loaded,
  log: Logger,
  report: (decision: Decision, ms: number) => void,
): Promise<Service> {
  let outage = false;
  const feed = config.console && consoleFeed(config.dns?.outage);
  const onOutage: BreakerOptions['onChange'] = (open, counted, failed) => {
    outage = open;
    if (open)
      log.error(
        { counted, failed, action: config.dns?.outage ?? 'as the policy says' },
        'DNS outage: most lookups fail',
      );
    else log.warn('DNS outage is over');
  };
  const resolver = await openResolver(config.dns, zone, {
    onOutage,
    ...(feed === undefined ? {} : { onAnswer: feed.tally.lookedUp }),
  });
  const reloads = { good: 0, bad: 0, sinceMs: Date.now() };
  const tellExpired = (): void => {
    const over = expired(policy.policy(), Date.now());
    if (over.length > 0) log.warn({ expired: over }, 'policy has rules or exceptions that have ended');
  };
  tellExpired();
  policy.follow({
    onChange: (file) => {
      reloads.good++;
      reloads.sinceMs = Date.now();
      log.info({ file }, 'policy is in force');
      tellExpired();
    },
    onTrouble: (problems) => {
      reloads.bad++;
      log.error({ problems: problems.map(printProblem) }, 'policy has mistakes: the old one stays in force');
    },
  });
  const standIn = config.dns?.outage && outageActions[config.dns.outage];
  const timeoutMs = config.dns?.timeout ?? dnsTimeoutDefaultMs;
  const cache = addressCache(gatherer(resolver, timeoutMs));
  const name = config.name ?? hostname();
  const listeners = makeListeners((error) => log.error({ err: error }, 'a listener failed'));
  listeners.add({ told: report });
  const journal = openJournal(config, journalFolder, log);
  if (journal !== undefined) listeners.add({ finished: (decision, outcome) => journal.record(decision, outcome) });
  if (feed !== undefined) listeners.add(feed.listener);
  const gateParts: GateParts = {
    gather: feed === undefined ? cache.gather : counted(cache.gather, feed),
    gatherHelo: heloGatherer(resolver, timeoutMs),
    policy: standIn === undefined ? policy.policy : () => ({ ...policy.policy(), outage: standIn }),
    report: listeners.report,
    finished: listeners.finished,
    newRef: makeRefs(Date.now),
    now: Date.now,
    ourName: name.toLowerCase(),
  };
  const open: Door[] = [];
  const endpoints: string[] = [];
  const watches: ClientWatch[] = [];
  let opened: Console | undefined;
  let isReady = false;
  const stop = async (ms = drainMs): Promise<void> => {
    isReady = false;
    policy.close();
    for (const { certificate } of tls.values()) certificate?.close();
    await Promise.all(open.map((door) => door.drain(ms)));
    await opened?.close();
    resolver.close();
    await journal?.close();
  };
  const status = (): Status => ({
    outage,
    addressesKept: cache.size,
    policy: {
      file: policy.file,
      problems: policy.problems().map(printProblem),
      expired: expired(policy.policy(), Date.now()),
    },
    ...(journal === undefined ? {} : { journal: journal.status() }),
    doors: open.map((_, i) => {
      const masked = watches[i]?.masked;
      const kind = config.doors[i]?.kind as DoorKind;
      return { kind, listen: endpoints[i] ?? '', ...(masked === undefined ? {} : { masked }) };
    }),
  });
  try {
    for (const doorConfig of config.doors) {
      const where = printEndpoint(doorConfig.listen);
      const watch = clientWatch({ onChange: (masked) => logMasked(log, doorConfig.kind, where, masked) });
      const gate = makeGate(doorConfig.expect_private_clients ? gateParts : { ...gateParts, watch });
      const door = openDoor(doorConfig, { name, gate, log, tls: tls.get(doorConfig) });
      const endpoint = printEndpoint(
        await listen(door.server, doorConfig.listen, 'socket' in doorConfig ? doorConfig.socket : {}),
      );
      open.push(door);
      endpoints.push(endpoint);
      watches.push(watch);
      log.info({ door: doorConfig.kind, listen: endpoint }, 'listening');
    }
    if (config.console !== undefined && consoleFiles !== undefined && feed !== undefined)
      opened = await openServiceConsole({
        config: config.console,
        files: consoleFiles,
        feed,
        log,
        name,
        policy,
        reloads,
        isReady: () => isReady,
        checkParts: gateParts,
        status: () => {
          const now = status();
          return { ...now, doors: now.doors.map((door, i) => ({ ...door, server: (open[i] as Door).server })) };
        },
      });
    isReady = true;
  } catch (error) {
    await stop(0);
    throw error;
  }
  const certificates = [...tls.values()].flatMap(({ certificate }) => certificate ?? []);
  const reload = async (): Promise<void> => {
    await policy.reload();
    for (const certificate of certificates) await certificate.reload();
  };
  const where = opened && { console: printEndpoint(opened.endpoint) };
  return { endpoints, ...where, status, cache, listen: listeners.add, reload, stop };
}

/** Undefined: none is kept. */
function openJournal({ journal, dns }: Config, folder: string | undefined, log: Logger): Journal | undefined {
  if (journal === undefined || folder === undefined) return undefined;
  return new Journal({
    folder,
    log,
    keepMs: journal.keep ?? journalKeepDefaultMs,
    octetsMax: journal.max ?? journalMaxDefaultOctets,
    envelope: journal.envelope ?? 'none',
    ...(dns?.outage === undefined ? {} : { outage: dns.outage }),
  });
}

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

/** The same, and the console hears where each answer came from. */
function counted(gather: Gather, { tally }: Feed): Gather {
  return (ip) => {
    const answers = gather(ip);
    tally.gathered(answers instanceof Promise ? 'miss' : answers.stale ? 'stale' : 'hit');
    return answers;
  };
}

function logMasked(log: Logger, door: string, listen: string, masked: Masked | undefined): void {
  if (masked === undefined) {
    log.warn({ door, listen }, 'the clients of this door have addresses of their own again');
    return;
  }
  const looks = `${masked.ip}${masked.masking === 'private-space' ? ' or another private address' : ''}`;
  const meant = 'if that is meant, set "expect_private_clients: true" for this door';
  log.error(
    { door, listen, client: masked.ip, masked: masked.masking },
    `every client looks like ${looks}: is a NAT or proxy in front? Rules on reverse DNS do not act on it; ${meant}`,
  );
}
