// What a rule says about a name or an address: exactly this, below this domain, of this form, on this list. Names are
// compared in lower case and without a final dot. For mail addresses "@example.com" is anybody there and "postmaster@" is that
// mailbox anywhere.

import type { Pattern } from './pattern.ts';

export type NameTest =
  | { readonly kind: 'exact'; readonly value: string }
  /** The domain itself and everything below it. */
  | { readonly kind: 'under'; readonly domain: string }
  | { readonly kind: 'glob' | 'matches'; readonly pattern: Pattern }
  | { readonly kind: 'list'; readonly list: List };

/** Entries of a file, which may be read again while it is in use; nothing is on it before it was read. */
export interface List {
  readonly path: string;
  readonly kind: 'addresses' | 'domains';
  has(value: string): boolean;
}

export type OpenList = (path: string, kind: List['kind']) => List;

export function nameFits(name: string, tests: readonly NameTest[]): boolean {
  const lower = name.toLowerCase();
  const bare = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  return tests.some((test) => fits(bare, bare, test));
}

/** `address` without angle brackets; '' is the null sender, which only fits where it is written. */
export function addressFits(address: string, tests: readonly NameTest[]): boolean {
  const whole = address.toLowerCase();
  const domain = whole.slice(whole.lastIndexOf('@') + 1);
  return tests.some((test) => fits(whole, domain, test));
}

/** `domain`: what is held against domains; the whole, unless it is a mail address. */
function fits(whole: string, domain: string, test: NameTest): boolean {
  switch (test.kind) {
    case 'exact':
      if (test.value.length > 1 && test.value.startsWith('@'))
        return whole !== domain && domain === test.value.slice(1);
      if (test.value.endsWith('@')) return whole.startsWith(test.value) || whole === test.value.slice(0, -1);
      return whole === test.value;
    case 'under':
      return domain === test.domain || domain.endsWith(`.${test.domain}`);
    case 'glob':
    case 'matches':
      return test.pattern.test(whole);
    case 'list':
      return test.list.has(domain);
  }
}
