// What the journal keeps of one session: the evidence, so that it can be judged again under another policy or by a corrected
// reading, what was decided about it, and what became of it. JSON-safe and versioned: a newer program reads older records
// (record-form.ts). Pure.

import type { Client } from './client.ts';
import { decide } from './decide.ts';
import type { Evidence } from './evidence.ts';
import { roleOf } from './mailbox.ts';
import { outageActions, type outageWords, type Policy } from './policy.ts';
import { type Decision, refuses, type Verdict } from './verdict.ts';

/**
 * How much of sender and recipient is kept: nothing, what stands behind the "@", or all. What is nobody's name is kept in any
 * case: the null sender, and that somebody wrote to postmaster or abuse.
 */
export const envelopes = ['none', 'domains', 'full'] as const;
export type Envelope = (typeof envelopes)[number];

export interface SessionRecord {
  readonly v: 1;
  /** Its `id` is the ref, its `at` the arrival; its client is as it was told the verdict, or when it left without hearing one. */
  readonly evidence: Evidence;
  /** What of the client's sender and recipient is in `evidence`. Conditions on the rest cannot be tried again. */
  readonly envelope: Envelope;
  /** `dns.outage` of the configuration then, which stands in for the policy where the DNS was not asked. Absent: none was set. */
  readonly outage?: (typeof outageWords)[number];
  readonly verdict: RecordedVerdict;
  /** Absent: the door does not see what becomes of a session (policy, milter). */
  readonly outcome?: Outcome;
}

export interface RecordedVerdict {
  /** `pending`: it left before anything could be told. */
  readonly action: Verdict['action'];
  readonly rule: string;
  /** Absent: none. */
  readonly tags?: readonly string[];
  /** Absent: 0. */
  readonly score?: number;
  /** Of a refusal: "550 5.7.25". */
  readonly reply?: string;
  readonly softened?: true;
  /** Monitored rules that held. Absent: none. */
  readonly would?: readonly string[];
}

/** What the backend said, in order, as codes of three digits; no more of each than limits.ts allows. */
export interface Outcome {
  /** To RCPT. */
  readonly rcpt: readonly number[];
  /** To the final dot. */
  readonly dot: readonly number[];
}

/** `outcome`: see SessionRecord. */
export function recordOf(
  decision: Decision,
  { envelope, outage }: Pick<SessionRecord, 'envelope' | 'outage'>,
  outcome?: Outcome,
): SessionRecord {
  const { evidence } = decision;
  return {
    v: 1,
    evidence: { ...evidence, client: recordedClient(evidence.client, envelope) },
    envelope,
    ...(outage === undefined ? {} : { outage }),
    verdict: recordedVerdict(decision),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

/** Of a decision, what is compared with a recorded one. Built step by step: there is one for each session. */
export function recordedVerdict({ verdict, trace }: Decision): RecordedVerdict {
  const { action, rule, tags, score } = verdict;
  const recorded: { -readonly [Key in keyof RecordedVerdict]: RecordedVerdict[Key] } = { action, rule };
  if (tags.length > 0) recorded.tags = tags;
  if (score !== 0) recorded.score = score;
  if (refuses(verdict)) {
    recorded.reply = `${verdict.reply.code} ${verdict.reply.enhanced}`;
    if (verdict.softened) recorded.softened = true;
  }
  const would = wouldHaveHit(trace);
  if (would !== undefined) recorded.would = would;
  return recorded;
}

/** The monitored rules that held; undefined: none. */
export function wouldHaveHit(trace: Decision['trace']): readonly string[] | undefined {
  let would: string[] | undefined;
  for (const { rule, mode, held } of trace)
    if (mode === 'monitor' && held === true) {
      would ??= [];
      would.push(rule);
    }
  return would;
}

/** Judges a recorded session under another policy, with the `dns.outage` of its time. */
export function judgeAgain(policy: Policy, { evidence, outage }: SessionRecord): Decision {
  return decide(outage === undefined ? policy : { ...policy, outage: outageActions[outage] }, evidence);
}

/** Of a client, what this envelope keeps. */
export function recordedClient(client: Client, envelope: Envelope): Client {
  if (envelope === 'full') return client;
  const { sender: _, recipient: __, ...rest } = client;
  const { sender, recipient } = recordedAddresses(client, envelope);
  const less: { -readonly [Key in keyof Client]: Client[Key] } = rest;
  if (sender !== undefined) less.sender = sender;
  if (recipient !== undefined) less.recipient = recipient;
  return less;
}

/** The same, of sender and recipient alone. */
export function recordedAddresses(
  { sender, recipient }: Client,
  envelope: Envelope,
): { readonly sender: string | undefined; readonly recipient: string | undefined } {
  if (envelope === 'full') return { sender, recipient };
  return { sender: lessOf(sender, envelope), recipient: lessOf(recipient, envelope) };
}

function lessOf(address: string | undefined, envelope: Exclude<Envelope, 'full'>): string | undefined {
  if (address === undefined || address === '') return address;
  const role = roleOf(address);
  if (envelope === 'none') return role;
  const at = address.lastIndexOf('@');
  return `${role ?? ''}${at < 0 ? '' : address.slice(at)}` || undefined;
}
