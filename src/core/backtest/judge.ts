// A recorded session judged again. What the record does not hold is never guessed: where it makes a difference, the outcome is
// `not_recorded`. What a record holds is judged as decide.ts judged it then. What stood in for the DNS during an outage comes from
// the record, since no policy file has it. Pure.

import { type Client, reached } from '../client.ts';
import type { Part } from '../condition.ts';
import { decide, isStoodInFor } from '../decide.ts';
import type { Evidence } from '../evidence.ts';
import type { Findings } from '../findings.ts';
import { outageActions, type Policy } from '../policy.ts';
import { envelopes, type SessionRecord } from '../record.ts';
import { alternatives, everyWorld } from '../soften.ts';
import type { Action, TraceLine } from '../verdict.ts';
import { asked, envelopeAsked } from './asks.ts';
import { possible } from './possible.ts';

/** What became of a session in the four words of a verdict; `not_recorded`: the record does not tell. */
export type Outcome = Action | 'not_recorded';

/** A record that may lack more than the journal's: a mail server's log says nothing of most of what the DNS said. */
export interface Session extends SessionRecord {
  /** Nobody knows what the DNS said of the address: `ptr` and `forward` of the evidence stand there for nothing. */
  readonly dnsNotRecorded?: true;
  /** What else is not known. Absent: what the envelope of a record leaves out. */
  readonly lacks?: ReadonlySet<Part>;
}

export interface Judged {
  readonly outcome: Outcome;
  /** Who decided; '' where that depends on what was not recorded. */
  readonly rule: string;
  /** What came of each rule, as far as that is known. */
  readonly trace: readonly TraceLine[];
  /** Absent: they depend on what was not recorded, or nobody asked. */
  readonly findings?: Findings;
}

/** What was decided then. Who left before hearing a verdict has none. */
export function recorded({ verdict: { action, rule } }: SessionRecord): Judged {
  return action === 'pending' ? { outcome: 'not_recorded', rule: '', trace: [] } : { outcome: action, rule, trace: [] };
}

/** What this policy says of it, had it gone on to RCPT. */
export function judge(policy: Policy, session: Session): Judged {
  const unrecorded = unrecordedParts(policy, session);
  const inForce = inOutage(policy, session);
  const { client } = session.evidence;
  const evidence: Evidence =
    client.stage === 'rcpt' ? session.evidence : { ...session.evidence, client: { ...client, stage: 'rcpt' } };
  if (unrecorded === undefined && !session.dnsNotRecorded && session.lacks === undefined) {
    const { verdict, trace, findings } = decide(inForce, evidence);
    const outcome = verdict.action === 'pending' ? 'not_recorded' : verdict.action;
    return { outcome, rule: outcome === 'not_recorded' ? '' : verdict.rule, trace, findings };
  }
  // Here every answer of the DNS is asked for already, and what that comes to depends on what nobody knows.
  const isAsked = !session.dnsNotRecorded || session.evidence.masked !== undefined;
  if (isAsked && isStoodInFor(inForce, session.evidence)) return { outcome: 'not_recorded', rule: '', trace: [] };
  const worlds = session.dnsNotRecorded ? everyWorld(evidence) : [{ evidence }];
  const withHelo =
    session.lacks === undefined || session.dnsNotRecorded ? worlds : [...worlds, ...alternatives(evidence)];
  const { actions, rule, trace } = possible(inForce, withHelo, unrecorded);
  const [only, another] = actions;
  return only === undefined || another !== undefined
    ? { outcome: 'not_recorded', rule: '', trace }
    : { outcome: only, rule, trace };
}

/** The parts that the policy asks about and the record does not hold; undefined: none. */
function unrecordedParts(policy: Policy, { evidence: { client }, envelope, lacks }: Session): Set<Part> | undefined {
  let missing: Set<Part> | undefined;
  for (const part of asked(policy))
    if (lacks?.has(part) || isUnsaid(part, client) || isLeftOut(part, policy, client, envelope))
      (missing ??= new Set()).add(part);
  return missing;
}

/** The session was over, or judged, before it was said. */
function isUnsaid(part: Part, client: Client): boolean {
  if (part === 'helo') return !reached(client, 'helo');
  if (part === 'sender' || part === 'tls') return !reached(client, 'mail');
  return part === 'recipient' && !reached(client, 'rcpt');
}

function isLeftOut(part: Part, policy: Policy, client: Client, envelope: SessionRecord['envelope']): boolean {
  if (part !== 'sender' && part !== 'recipient') return false;
  // The null sender is in every record.
  if (part === 'sender' && client.sender === '') return false;
  return envelopes.indexOf(envelopeAsked(policy, part)) > envelopes.indexOf(envelope);
}

/** While the DNS could not be asked, the configuration had its own word, and the record holds it. */
function inOutage(policy: Policy, { outage }: SessionRecord): Policy {
  if (outage === undefined) return policy;
  return variant(policy, `outage ${outage}`, () => ({ ...policy, outage: outageActions[outage] }));
}

/** The same policy as if the rule did not hold. */
export function withoutRule(policy: Policy, id: string): Policy {
  return variant(policy, `without ${id}`, () => ({
    ...policy,
    rules: policy.rules.map((rule) => (rule.id === id ? { ...rule, mode: 'off' as const } : rule)),
  }));
}

/** Made once for each policy, since what walk.ts prepares for its rules is kept by them. */
const variants = new WeakMap<Policy, Map<string, Policy>>();

function variant(policy: Policy, name: string, make: () => Policy): Policy {
  const made = variants.get(policy) ?? new Map<string, Policy>();
  variants.set(policy, made);
  const known = made.get(name) ?? make();
  made.set(name, known);
  return known;
}
