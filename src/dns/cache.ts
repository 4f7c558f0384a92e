// Answers, kept for as long as each of them may be believed, least recently used first to go. Equal questions that are
// in flight are asked once. Failures are kept for a moment (RFC 9520), so that a dead zone is not asked once for each
// connection. The answer itself is shared between callers and must not be changed.

import { LRUCache } from 'lru-cache';
import type { DnsAnswer, RecordType, Soon } from '../core/answer.ts';
import { cacheEntriesMax, failureTtlS, ttlMaxS } from '../core/limits.ts';
import type { Resolver } from './resolver.ts';

export interface CacheOptions {
  readonly entriesMax?: number;
  /** Milliseconds on a clock that never runs backwards; performance.now unless a test says otherwise. */
  readonly now?: () => number;
}

/** One question: its answer, or the promise of one while it is on its way. */
interface Entry {
  answer: Soon<DnsAnswer<string>>;
  /** On the clock of `now`. */
  until: number;
}

export function cached(
  behind: Resolver,
  { entriesMax = cacheEntriesMax, now = () => performance.now() }: CacheOptions = {},
): Resolver {
  // The time stands in the entry: the library's own clockwork costs as much as the rest of it.
  const entries = () => new LRUCache<string, Entry>({ max: entriesMax });
  const byType: Readonly<Record<RecordType, LRUCache<string, Entry>>> = {
    PTR: entries(),
    A: entries(),
    AAAA: entries(),
  };

  return {
    lookup(name, type) {
      const kept = byType[type];
      const key = name.toLowerCase();
      const known = kept.get(key);
      if (known !== undefined && known.until > now()) return known.answer;
      const entry: Entry = { answer: undefined as never, until: Number.POSITIVE_INFINITY };
      entry.answer = Promise.resolve(behind.lookup(name, type)).then(
        (answer) => {
          entry.answer = answer;
          // TTL 0: for this question only, and for those who asked it while it was in flight (RFC 1035 s3.2.1).
          entry.until = now() + 1000 * lifetimeS(answer);
          return answer;
        },
        (error: unknown) => {
          entry.until = 0;
          throw error;
        },
      );
      kept.set(key, entry);
      return entry.answer;
    },
  };
}

function lifetimeS(answer: DnsAnswer<string>): number {
  return answer.kind === 'error' ? failureTtlS : Math.min(answer.ttl, ttlMaxS);
}
