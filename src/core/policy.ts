// A policy as the operator wrote it, after it was checked: rules in file order and what holds otherwise. schema.ts makes
// it from YAML and is the only maker, so a code outside 4xx and 5xx or an action that contradicts its code cannot be here.

import type { Stage } from './client.ts';
import type { Condition } from './condition.ts';
import type { PolicyTest } from './policy-tests.ts';
import type { Checked } from './problem.ts';

export interface Policy {
  readonly rules: readonly Rule[];
  readonly otherwise: Actions;
  /** The first stage at which a refusal is told. Later is kinder: at RCPT the log has sender and recipient. */
  readonly announce: Stage;
  /** `accept`: postmaster@ and abuse@ stay reachable, whoever asks; only where refusals are told at RCPT. */
  readonly postmaster: 'accept' | 'judge';
  /** `accept`: clients that logged in, or came to a submission port to do so, pass before any rule. */
  readonly authenticated: 'accept' | 'judge';
  /** Clients of whom this holds pass before any rule. Absent: nobody does. */
  readonly trusted?: Condition;
  /** `dns.outage` of the configuration: what holds while the DNS cannot be asked at all. Absent: what the rules say. */
  readonly outage?: Actions;
  /** For `iprevd policy test`; no verdict looks at them. Absent: none. */
  readonly tests?: readonly PolicyTest[];
}

/** A policy with its text, for who looks at how it is written. */
export interface PolicyText {
  /** As Problems name it. */
  readonly file: string;
  /** '' if it could not be read at all. */
  readonly text: string;
  readonly policy: Checked<Policy>;
}

export interface Rule {
  readonly id: string;
  readonly when: Condition;
  /** Whom the rule spares though `when` holds. */
  readonly except: readonly Exception[];
  /** `monitor`: recorded and passed over. `off`: not even looked at. */
  readonly mode: 'enforce' | 'monitor' | 'off';
  /** Enforced for so many of a hundred networks, monitored for the others; 100 unless the policy says less. */
  readonly percent: number;
  /** Off from then on, in milliseconds since 1970. */
  readonly until?: number;
  readonly actions: Actions;
}

export interface Exception {
  readonly when: Condition;
  readonly why: string;
  /** No exception any more from then on, in milliseconds since 1970. */
  readonly until?: number;
}

/** What a rule does. Tag, field, score and hold accumulate and the walk goes on; a decision ends it. At least one is present. */
export interface Actions {
  /** Lower-case word, [a-z0-9-]. */
  readonly tag?: string;
  readonly field?: HeaderField;
  readonly score?: number;
  /** Accepted, and put aside where the mail server can. */
  readonly hold?: true;
  readonly decision?: 'accept' | Refusal;
}

/** A header field of the operator's own, for whoever filters behind us. */
export interface HeaderField {
  /** Begins with "X-". */
  readonly name: string;
  /** May hold the fields of a refusal's text. */
  readonly value: string;
}

/** Rules and exceptions that have ended, in words for an operator: they do nothing any more and should go, or be renewed. */
export function expired({ rules }: Policy, now: number): readonly string[] {
  const over = (until: number | undefined) => until !== undefined && until <= now;
  return rules.flatMap(({ id, until, except }) => [
    ...(over(until) ? [`rule ${id}`] : []),
    ...except.filter((one) => over(one.until)).map(({ why }) => `exception of ${id}: ${why}`),
  ]);
}

/** The names of the header fields that a policy writes, in lower case. */
export function fieldNames({ rules, otherwise }: Policy): ReadonlySet<string> {
  const fields = [...rules.map(({ actions }) => actions), otherwise].flatMap(({ field }) => field ?? []);
  return new Set(fields.map(({ name }) => name.toLowerCase()));
}

export interface Refusal {
  /** 400..599; the first digit says whether this is `defer` or `reject`. */
  readonly code: number;
  /** RFC 3463, same first digit as the code. */
  readonly enhanced: string;
  /** May hold {ip}, {ptr}, {name}, {iprev}, {reason}, {helo}. */
  readonly text: string;
  /** Of a 4xx, where Postfix asks: only if what it checks afterwards would let the client in. */
  readonly ifPermit?: true;
}

/** The fields that a refusal's text or a header's value may name. A closed list: each is safe to show (see explain.ts). */
export const templateFields = ['ip', 'ptr', 'name', 'iprev', 'reason', 'helo'] as const;
export type TemplateField = (typeof templateFields)[number];

/** The names of what is no rule and decides. */
export const otherwiseId = 'otherwise';
export const authenticatedId = 'authenticated';
export const submissionId = 'submission';
export const trustedId = 'trusted-network';
export const postmasterId = 'postmaster-open';
export const outageId = 'outage';
export const maskedId = 'masked-client';
export const reservedIds: readonly string[] = [
  otherwiseId,
  authenticatedId,
  submissionId,
  trustedId,
  postmasterId,
  outageId,
  maskedId,
];

export const outageWords = ['accept', 'tag', 'defer'] as const;
/** The three actions an outage may have. A refusal for good is none of them. */
export const outageActions: Readonly<Record<(typeof outageWords)[number], Actions>> = {
  accept: { decision: 'accept' },
  tag: { tag: 'dns-outage', decision: 'accept' },
  defer: { decision: { code: 450, enhanced: '4.7.25', text: 'reverse DNS of {ip} cannot be checked at the moment' } },
};
