// A policy as the operator wrote it, after it was checked: rules in file order and what holds otherwise. schema.ts makes
// it from YAML and is the only maker, so a code outside 4xx and 5xx or an action that contradicts its code cannot be here.

import type { Condition } from './condition.ts';

export interface Policy {
  readonly rules: readonly Rule[];
  readonly otherwise: Actions;
  /** `dns.outage` of the configuration: what holds while the DNS cannot be asked at all. Absent: what the rules say. */
  readonly outage?: Actions;
}

export interface Rule {
  readonly id: string;
  readonly when: Condition;
  /** `monitor`: recorded and passed over. */
  readonly mode: 'enforce' | 'monitor';
  readonly actions: Actions;
}

/** What a rule does. Tag and score accumulate and the walk goes on; a decision ends it. At least one is present. */
export interface Actions {
  /** Lower-case word, [a-z0-9-]. */
  readonly tag?: string;
  readonly score?: number;
  readonly decision?: 'accept' | Refusal;
}

export interface Refusal {
  /** 400..599; the first digit says whether this is `defer` or `reject`. */
  readonly code: number;
  /** RFC 3463, same first digit as the code. */
  readonly enhanced: string;
  /** May hold {ip}, {ptr}, {name}, {iprev}, {reason}, {helo}. */
  readonly text: string;
}

/** The fields a refusal's text may name. A closed list: each is safe to show (see explain.ts). */
export const templateFields = ['ip', 'ptr', 'name', 'iprev', 'reason', 'helo'] as const;
export type TemplateField = (typeof templateFields)[number];

/** The names of what is no rule and decides: the last line, the pass for authenticated clients, an outage, a masked client. */
export const otherwiseId = 'otherwise';
export const authenticatedId = 'authenticated';
export const outageId = 'outage';
export const maskedId = 'masked-client';

export const outageWords = ['accept', 'tag', 'defer'] as const;
/** The three actions an outage may have. A refusal for good is none of them. */
export const outageActions: Readonly<Record<(typeof outageWords)[number], Actions>> = {
  accept: { decision: 'accept' },
  tag: { tag: 'dns-outage', decision: 'accept' },
  defer: { decision: { code: 450, enhanced: '4.7.25', text: 'reverse DNS of {ip} cannot be checked at the moment' } },
};
