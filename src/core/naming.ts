// What the names of a client say about it: each name that the PTR claims is read by naming/classify.ts, and the one that is least
// like a provider's template speaks for the client. `unknown` without any. A template name is a remark, never a reason to refuse on
// its own: about 4 % of the servers that deliver to public lists have one.

import { candidateNames, type Evidence } from './evidence.ts';
import type { Ip } from './ip.ts';
import { namingListsRememberedMax, namingsRememberedMax } from './limits.ts';
import type { HostName } from './name.ts';
import { type Classified, classify, type NamingKind, type NamingTier } from './naming/classify.ts';

/** What was found; `classify(name, ip)` tells which pieces of the name say so. */
export interface Naming extends Omit<Classified, 'score' | 'evidence'> {
  /** The name that speaks for the client. Absent without any. */
  readonly name?: HostName;
}

/** What a rule may ask for: a name that is looked up is never malformed, and what is not generic has no tier. */
export const askedKinds = ['access', 'static', 'hosting', 'placeholder'] as const satisfies readonly NamingKind[];
export const askedTiers = ['certain', 'likely'] as const satisfies readonly NamingTier[];

/**
 * Reads every name that the PTR claims. Not the confirmed name alone: which one of several confirms first is a matter of
 * milliseconds, and of lookups that may fail.
 */
export function naming({ client: { ip }, ptr }: Evidence): Naming {
  const names = candidateNames(ptr);
  const [first] = names;
  if (first === undefined) return nameless;
  const known = names.length === 1 ? remembered : rememberedLists;
  const key = names.length === 1 ? ip : `${ip} ${names.join(' ')}`;
  const before = known.get(key);
  // An address has one name at a time.
  if (before !== undefined && (names.length > 1 || before.name === first)) return before;
  const read = leastGeneric(names, ip);
  known.set(key, read);
  return read;
}

/** Whoever judges many clients once each has nothing of what is remembered of them. */
export function forgetNamings(): void {
  remembered.clear();
  rememberedLists.clear();
}

const nameless: Naming = { label: 'unknown', tier: 'none' };

function leastGeneric(names: readonly HostName[], ip: Ip): Naming {
  let [least, found] = [Number.POSITIVE_INFINITY, nameless];
  for (const name of names) {
    const { label, kind, tier, score } = classify(name, ip);
    if (score >= least) continue;
    least = score;
    found = { label, ...(kind === undefined ? {} : { kind }), tier, name };
  }
  return found;
}

/** What was read of an address with one name, and of one with several: clients come again, and reading costs four times the rest. */
const remembered = memory(namingsRememberedMax);
const rememberedLists = memory(namingListsRememberedMax);

interface Memory {
  get(key: string): Naming | undefined;
  /** The oldest goes when a new one needs its place. */
  set(key: string, read: Naming): void;
  clear(): void;
}

function memory(most: number): Memory {
  const known = new Map<string, Naming>();
  // One for all: who begins anew steps over every place that one before was taken from.
  let oldest: Iterator<string> | undefined;
  return {
    get: (key) => known.get(key),
    set(key, read) {
      if (known.size >= most && !known.has(key)) {
        oldest ??= known.keys();
        known.delete(oldest.next().value as string);
      }
      known.set(key, read);
    },
    clear() {
      known.clear();
      oldest = undefined;
    },
  };
}
