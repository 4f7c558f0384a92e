// The lists that a policy names, for the worker: from the texts that came with the policy in force. One that did not come has nobody
// in it, and is told, so that nobody takes the numbers for more than they are.

import { addressList } from '../../core/address-list.ts';
import { domainListBuilder } from '../../core/domain-list.ts';
import type { List, OpenList } from '../../core/name-test.ts';
import type { PolicyView } from '../wire.ts';

/** A list that counts as empty, and why. */
export interface EmptyList {
  readonly name: string;
  readonly why: string;
}

export interface ListTexts {
  /** For one reading of a policy; `empty` fills as that goes on. */
  reading(): { readonly openList: OpenList; readonly empty: readonly EmptyList[] };
}

export function listTexts({ lists, leftOut }: Pick<PolicyView, 'lists' | 'leftOut'>): ListTexts {
  // A list may be long, and is read again after every keystroke.
  const made = new Map<string, List>();
  const reading: ListTexts['reading'] = () => {
    const empty = new Map<string, EmptyList>();
    const openList: OpenList = (name, kind) => {
      if (!Object.hasOwn(lists, name)) {
        const why = Object.hasOwn(leftOut, name) ? leftOut[name] : undefined;
        empty.set(name, { name, why: why ?? 'the policy in force does not name it, so it did not come' });
        return { path: name, kind, has: () => false };
      }
      const key = `${kind} ${name}`;
      const list = made.get(key) ?? makeList(name, kind, lists[name] ?? '');
      made.set(key, list);
      return list;
    };
    return {
      openList,
      get empty() {
        return [...empty.values()];
      },
    };
  };
  return { reading };
}

function makeList(name: string, kind: List['kind'], text: string): List {
  const entries = text
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((entry) => entry !== '');
  if (kind === 'addresses') {
    const list = addressList(entries);
    return { path: name, kind, has: (ip) => list.has(ip as never) };
  }
  const builder = domainListBuilder(0);
  for (const entry of entries) builder.add(entry);
  const steps = builder.finish();
  for (;;) {
    const { value, done } = steps.next();
    if (done) return { path: name, kind, has: (domain) => value.has(domain) };
  }
}
