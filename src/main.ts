// The wiring: a loaded configuration becomes a running service. Resolver behind cache behind gather behind gate, doors in
// front of it. Nothing is decided here.

import { hostname } from 'node:os';
import { type AddressCache, addressCache } from './address-cache.ts';
import { type ClientWatch, clientWatch, type Masked } from './client-watch.ts';
import { type DoorConfig, dnsTimeoutDefaultMs, journalKeepDefaultMs, journalMaxDefaultOctets } from './config.ts';
import { type Console, consoleFeed, type Feed } from './console/console.ts';
import type { DoorKind } from './core/client.ts';
import { printEndpoint } from './core/endpoint.ts';
import { drainMs } from './core/limits.ts';
import { expired, outageActions } from './core/policy.ts';
import { printProblem } from './core/problem.ts';
import type { Decision } from './core/verdict.ts';
import { type GateParts, makeGate } from './gate.ts';
import { type Gather, gatherer, heloGatherer } from './gather.ts';
import { Journal, type JournalStatus } from './journal/journal.ts';
import { type Door, listen } from './listen.ts';
import { type Listener, makeListeners } from './listeners.ts';
import type { Loaded } from './load.ts';
import type { Logger } from './log.ts';
import { openServiceConsole } from './open-console.ts';
import { openDoor } from './open-door.ts';
import { openResolver } from './open-resolver.ts';
import type { PolicyFile } from './policy-file.ts';
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
  loaded: Loaded,
  log: Logger,
  report: (decision: Decision, ms: number) => void,
): Promise<Service> {
  const { config, policy } = loaded;
  const feed = config.console && consoleFeed(config.dns?.outage);
  const dns = await openDns(loaded, log, feed);
  const reloads = followPolicy(policy, log);
  const timeoutMs = config.dns?.timeout ?? dnsTimeoutDefaultMs;
  const cache = addressCache(gatherer(dns.resolver, timeoutMs));
  const name = config.name ?? hostname();
  const listeners = makeListeners((error) => log.error({ err: error }, 'a listener failed'));
  listeners.add({ told: report });
  const journal = openJournal(loaded, log);
  if (journal !== undefined) listeners.add({ finished: (decision, outcome) => journal.record(decision, outcome) });
  if (feed !== undefined) listeners.add(feed.listener);
  const standIn = config.dns?.outage && outageActions[config.dns.outage];
  const gateParts: GateParts = {
    gather: feed === undefined ? cache.gather : counted(cache.gather, feed),
    gatherHelo: heloGatherer(dns.resolver, timeoutMs),
    policy: standIn === undefined ? policy.policy : () => ({ ...policy.policy(), outage: standIn }),
    report: listeners.report,
    finished: listeners.finished,
    newRef: makeRefs(Date.now),
    now: Date.now,
    ourName: name.toLowerCase(),
  };
  const doors: OpenDoor[] = [];
  let console: Console | undefined;
  let isReady = false;
  const stop = async (ms = drainMs): Promise<void> => {
    isReady = false;
    policy.close();
    for (const { certificate } of loaded.tls.values()) certificate?.close();
    await Promise.all(doors.map(({ door }) => door.drain(ms)));
    await console?.close();
    dns.resolver.close();
    await journal?.close();
  };
  const status = (): Status => ({
    outage: dns.isOutage(),
    addressesKept: cache.size,
    policy: {
      file: policy.file,
      problems: policy.problems().map(printProblem),
      expired: expired(policy.policy(), Date.now()),
    },
    ...(journal === undefined ? {} : { journal: journal.status() }),
    doors: doors.map(statusOf),
  });
  try {
    for (const doorConfig of config.doors) doors.push(await openWatched(doorConfig, { name, gateParts, log, loaded }));
    if (config.console !== undefined && loaded.console !== undefined && feed !== undefined)
      console = await openServiceConsole({
        ...{ config: config.console, files: loaded.console, feed, log, name, policy, reloads },
        isReady: () => isReady,
        checkParts: gateParts,
        status: () => ({ ...status(), doors: doors.map((one) => ({ ...statusOf(one), server: one.door.server })) }),
      });
    isReady = true;
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    endpoints: doors.map(({ listen }) => listen),
    ...(console && { console: printEndpoint(console.endpoint) }),
    status,
    cache,
    listen: listeners.add,
    async reload() {
      await policy.reload();
      for (const { certificate } of loaded.tls.values()) await certificate?.reload();
    },
    stop,
  };
}

/** `isOutage`: most lookups fail at the moment, which the log was told when it began. */
async function openDns(
  { config: { dns }, zone }: Loaded,
  log: Logger,
  feed: Feed | undefined,
): Promise<{ resolver: Awaited<ReturnType<typeof openResolver>>; isOutage: () => boolean }> {
  let outage = false;
  const resolver = await openResolver(dns, zone, {
    onOutage(open, counted, failed) {
      outage = open;
      const action = dns?.outage ?? 'as the policy says';
      if (open) log.error({ counted, failed, action }, 'DNS outage: most lookups fail');
      else log.warn('DNS outage is over');
    },
    ...(feed === undefined ? {} : { onAnswer: feed.tally.lookedUp }),
  });
  return { resolver, isOutage: () => outage };
}

/** Says in the log what becomes of the policy file, and counts. */
function followPolicy(policy: PolicyFile, log: Logger): { good: number; bad: number; sinceMs: number } {
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
  return reloads;
}

interface OpenDoor {
  readonly kind: DoorKind;
  readonly door: Door;
  /** Where it really listens. */
  readonly listen: string;
  readonly watch: ClientWatch;
}

/** A door that listens, and has its clients watched. */
async function openWatched(
  config: DoorConfig,
  { name, gateParts, log, loaded }: { name: string; gateParts: GateParts; log: Logger; loaded: Loaded },
): Promise<OpenDoor> {
  const { kind } = config;
  const where = printEndpoint(config.listen);
  const watch = clientWatch({ onChange: (masked) => logMasked(log, kind, where, masked) });
  const gate = makeGate(config.expect_private_clients ? gateParts : { ...gateParts, watch });
  const door = openDoor(config, { name, gate, log, tls: loaded.tls.get(config) });
  const endpoint = printEndpoint(await listen(door.server, config.listen, 'socket' in config ? config.socket : {}));
  log.info({ door: kind, listen: endpoint }, 'listening');
  return { kind, door, listen: endpoint, watch };
}

function statusOf({ kind, listen, watch: { masked } }: OpenDoor): Status['doors'][number] {
  return { kind, listen, ...(masked === undefined ? {} : { masked }) };
}

/** Undefined: none is kept. */
function openJournal({ config: { journal, dns }, journalFolder: folder }: Loaded, log: Logger): Journal | undefined {
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
