// What the DNS said about an address, kept whole: one entry for each client instead of one for each of its questions, half
// the memory and one look-up for a verdict. An entry lives as long as the shortest-lived of its answers. Bounded by number
// and by octets; a network has a quota, so that whoever rotates through a /64 pushes out nobody but itself. An entry that had
// confirmed its client stands in for a while when the DNS is in trouble (RFC 8767), and says so.

import { LRUCache } from 'lru-cache';
import { confirms } from './core/evidence.ts';
import type { Ip } from './core/ip.ts';
import {
  addressesKeptMax,
  addressesOctetsMax,
  addressesWholeMax,
  failureTtlMaxS,
  failureTtlS,
  refreshAheadHits,
  staleMaxS,
  staleRetryS,
  ttlMaxS,
  ttlMinS,
} from './core/limits.ts';
import type { Answers, Gather } from './gather.ts';
import { networkQuota } from './network-quota.ts';
import { octetsOf, type Packed, pack, unpack } from './packed-answers.ts';

export interface AddressCache {
  readonly gather: Gather;
  /** What is kept about an address, fresh or not; undefined: nothing. */
  get(ip: Ip): Kept | undefined;
  /** Forgets one address, or all; returns how many that were. */
  flush(ip?: Ip): number;
  readonly size: number;
}

export interface Kept {
  readonly answers: Answers;
  /** Fresh until then, on the clock of `now`. */
  readonly until: number;
}

interface Entry {
  readonly packed: Packed;
  readonly until: number;
  readonly ttlMs: number;
  hits: number;
  /** Which question it was when it was asked about last, see wholeOnes; 0: it was not. */
  askedAt: number;
  /** What `packed` stands for, if it is one of a busy client. */
  whole: Answers | undefined;
  /** While the DNS is in trouble: until then the old answers are given without asking again. */
  standsInUntil?: number;
}

export interface AddressCacheOptions {
  readonly addressesMax?: number;
  readonly octetsMax?: number;
  /** Milliseconds on a clock that never runs backwards. */
  readonly now?: () => number;
}

export function addressCache(
  behind: Gather,
  {
    addressesMax = addressesKeptMax,
    octetsMax = addressesOctetsMax,
    now = () => performance.now(),
  }: AddressCacheOptions = {},
): AddressCache {
  const quota = networkQuota();
  const kept = new LRUCache<Ip, Entry>({
    max: addressesMax,
    maxSize: octetsMax,
    dispose: (_, ip) => quota.leave(ip),
  });
  const inFlight = new Map<Ip, Promise<Answers>>();
  const whole = wholeOnes(addressesWholeMax);

  const keep = (ip: Ip, answers: Answers, before: Entry | undefined): void => {
    const ttlMs = isTrouble(answers, ip)
      ? failureMs(before, ip, isOutage(answers))
      : 1000 * Math.max(ttlMinS, Math.min(ttlMaxS, ttlOf(answers)));
    sweep();
    kept.delete(ip);
    // A network over its quota is asked about each time, like everybody before there was a cache.
    if (!quota.enter(ip)) return;
    const packed = pack(answers, ip);
    // Whole milliseconds, which the engine keeps without a box of their own.
    kept.set(
      ip,
      { packed, until: Math.round(now() + ttlMs), ttlMs, hits: 0, askedAt: 0, whole: undefined },
      { size: octetsOf(packed) },
    );
  };
  /** Two of the least recently used are looked at for each that comes, so that what is of no more use does not pile up. */
  const sweep = (): void => {
    let looked = 0;
    for (const ip of kept.rkeys()) {
      const entry = kept.peek(ip);
      if (entry !== undefined && entry.until < now() && !mayStandIn(entry, ip, now())) kept.delete(ip);
      if (++looked === 2) return;
    }
  };
  const ask = (ip: Ip): Promise<Answers> => {
    const already = inFlight.get(ip);
    if (already !== undefined) return already;
    const asking = Promise.resolve(behind(ip))
      .then((answers) => {
        const before = kept.peek(ip);
        if (before !== undefined && isTrouble(answers, ip) && mayStandIn(before, ip, now())) {
          before.standsInUntil = now() + staleRetryS * 1000;
          return stale(before, ip);
        }
        keep(ip, answers, before);
        return answers;
      })
      .finally(() => inFlight.delete(ip));
    inFlight.set(ip, asking);
    return asking;
  };

  return {
    gather(ip) {
      const entry = kept.get(ip);
      const clock = now();
      if (entry === undefined) return ask(ip);
      if (entry.until <= clock) return (entry.standsInUntil ?? 0) > clock ? stale(entry, ip) : ask(ip);
      // A busy client is looked up again in the last tenth of its time, so that it never waits.
      if (++entry.hits >= refreshAheadHits && entry.until - clock < entry.ttlMs / 10) ask(ip).catch(() => {});
      return whole(entry, ip);
    },
    get(ip) {
      const entry = kept.peek(ip);
      return entry && { answers: unpack(entry.packed, ip), until: entry.until };
    },
    flush(ip) {
      const before = kept.size;
      if (ip === undefined) kept.clear();
      else kept.delete(ip);
      return before - kept.size;
    },
    get size() {
      return kept.size;
    },
  };
}

/**
 * Makes answers whole, and keeps those that are asked for again before so many others were: the sessions of a busy client then
 * hold one set of objects between them, and the collector has nothing to carry along for each.
 */
function wholeOnes(most: number): (entry: Entry, ip: Ip) => Answers {
  const last: Entry[] = [];
  let next = 0;
  let asked = 0;
  return (entry, ip) => {
    if (entry.whole !== undefined) return entry.whole;
    const before = entry.askedAt;
    entry.askedAt = ++asked;
    const whole = unpack(entry.packed, ip);
    if (before === 0 || asked - before > most) return whole;
    const oldest = last[next];
    if (oldest !== undefined) oldest.whole = undefined;
    last[next] = entry;
    next = (next + 1) % most;
    entry.whole = whole;
    return whole;
  };
}

function confirmed({ forward }: Answers, ip: Ip): boolean {
  return forward.some(({ addresses }) => confirms(addresses, ip));
}

/** A failed lookup that keeps a verdict from being known. */
function isTrouble(answers: Answers, ip: Ip): boolean {
  if (answers.ptr.kind === 'error') return true;
  return !confirmed(answers, ip) && answers.forward.some(({ addresses }) => addresses.kind === 'error');
}

function isOutage({ ptr, forward }: Answers): boolean {
  return [ptr, ...forward.map(({ addresses }) => addresses)].some(
    (answer) => answer.kind === 'error' && answer.code === 'outage',
  );
}

/** Only who was confirmed: an old refusal is not to be repeated on no new evidence. */
function mayStandIn({ packed, until }: Entry, ip: Ip, clock: number): boolean {
  return until + staleMaxS * 1000 >= clock && confirmed(unpack(packed, ip), ip);
}

function stale({ packed }: Entry, ip: Ip): Answers {
  return { ...unpack(packed, ip), stale: true };
}

/** RFC 9520 s3.2: a failure is kept for a moment, longer each time it repeats. */
function failureMs(before: Entry | undefined, ip: Ip, notAsked: boolean): number {
  // What was not asked is forgotten at once: the breaker closes by itself, and everyone should know.
  const again = before !== undefined && isTrouble(unpack(before.packed, ip), ip) && !notAsked;
  return Math.min(failureTtlMaxS * 1000, again ? before.ttlMs * 2 : failureTtlS * 1000);
}

/** Seconds: of all that was asked, what may be believed for the shortest time. Failed siblings of a match do not count. */
function ttlOf({ ptr, forward }: Answers): number {
  const ttls = [ptr, ...forward.map(({ addresses }) => addresses), ...forward.flatMap(({ other }) => other ?? [])].map(
    (answer) => (answer.kind === 'error' ? ttlMaxS : answer.ttl),
  );
  return Math.min(...ttls);
}
