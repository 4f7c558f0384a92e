// A resolver that counts what it is asked and fails one question of a run.

import { type DnsError, dnsError } from '../../src/core/answer.ts';
import type { Resolver } from '../../src/dns/resolver.ts';

export interface Counting extends Resolver {
  readonly asked: readonly string[];
}

/** `failing`: which question fails, from 1; 0 for none. */
export function failNth(behind: Resolver, failing: number, code: DnsError = 'servfail'): Counting {
  const asked: string[] = [];
  return {
    asked,
    lookup(name, type) {
      asked.push(`${type} ${name}`);
      return asked.length === failing ? Promise.resolve(dnsError(code)) : behind.lookup(name, type);
    },
  };
}
