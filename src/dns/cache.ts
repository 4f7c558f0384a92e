// Answers, kept for as long as each of them may be believed, least recently used first to go. Equal questions that are
// in flight are asked once. Failures are kept for a moment (RFC 9520), so that a dead zone is not asked once for each
// connection. The answer itself is shared between callers and must not be changed.

import { LRUCache } from 'lru-cache';
import type { DnsAnswer } from '../core/answer.ts';
import { cacheEntriesMax, failureTtlS, ttlMaxS } from '../core/limits.ts';
import type { Resolver } from './resolver.ts';

export interface CacheOptions {
  readonly entriesMax?: number;
  /** Milliseconds on a clock that never runs backwards; performance.now unless a test says otherwise. */
  readonly now?: () => number;
}

export function cached(
  behind: Resolver,
  { entriesMax = cacheEntriesMax, now = () => performance.now() }: CacheOptions = {},
): Resolver {
  // ttlResolution 0 asks the clock at each look, so that a test's clock is obeyed.
  const kept = new LRUCache<string, DnsAnswer<string>>({ max: entriesMax, ttlResolution: 0, perf: { now } });
  const inFlight = new Map<string, Promise<DnsAnswer<string>>>();

  return {
    lookup(name, type) {
      const key = `${type} ${name.toLowerCase()}`;
      const known = kept.get(key);
      if (known !== undefined) return Promise.resolve(known);
      const already = inFlight.get(key);
      if (already !== undefined) return already;
      const asking = behind.lookup(name, type).then(
        (answer) => {
          inFlight.delete(key);
          const ttlS = lifetimeS(answer);
          // TTL 0: for this question only, and for those who asked it while it was in flight (RFC 1035 s3.2.1).
          if (ttlS > 0) kept.set(key, answer, { ttl: ttlS * 1000 });
          return answer;
        },
        (error: unknown) => {
          inFlight.delete(key);
          throw error;
        },
      );
      inFlight.set(key, asking);
      return asking;
    },
  };
}

function lifetimeS(answer: DnsAnswer<string>): number {
  return answer.kind === 'error' ? failureTtlS : Math.min(answer.ttl, ttlMaxS);
}
