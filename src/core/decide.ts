// The operator's word on one client. The rules are walked (walk.ts); a permanent refusal passes through soften.ts before it
// stands; a refusal is told at the stage that the policy names, and not to postmaster. Pure: same policy, same evidence, same
// Decision.

import { reached } from './client.ts';
import type { Evidence } from './evidence.ts';
import { fields, fill, lookedUp } from './explain.ts';
import { assess, type Findings } from './findings.ts';
import { roleOf } from './mailbox.ts';
import { type Actions, maskedId, outageId, type Policy, postmasterId } from './policy.ts';
import { makeReply } from './reply.ts';
import { alternatives, everyWorld, heloAlternatives, soften, type World } from './soften.ts';
import type { Decision, Verdict } from './verdict.ts';
import { type End, userBy, type Walked, walk } from './walk.ts';

export function decide(policy: Policy, evidence: Evidence): Decision {
  const findings = assess(evidence);
  const walked = walk(policy, evidence, findings);
  const again = ({ evidence: other, open }: World): Walked =>
    walk(policy, other, assess(other), open === undefined ? undefined : { open });
  const judged = withoutReverseDns(policy, evidence, findings, walked, again);
  const end = announced(
    policy,
    evidence,
    soften(evidence, endOf(judged), (world) => again(world).ends),
  );
  return { evidence, findings, verdict: verdictOf(end, judged, evidence, findings), trace: walked.trace };
}

/** The end of a walk about a real client. */
function endOf({ ends }: Pick<Walked, 'ends'>): End {
  const [end] = ends;
  if (end === undefined) throw new Error('a walk without an end');
  return end;
}

/**
 * Two cases in which the DNS must not decide: it cannot be asked at all, or the address is not the client's own. What does
 * not depend on it holds as ever; where it does, a fixed action stands in.
 */
function withoutReverseDns(
  { outage, authenticated }: Policy,
  evidence: Evidence,
  { iprev, helo }: Findings,
  walked: Walked,
  again: (world: World) => Walked,
): Walked {
  if (authenticated === 'accept' && userBy(evidence.client) !== undefined) return walked;
  if (evidence.masked !== undefined)
    return unlessAllAgree(walked, everyWorld(evidence).map(again), maskedId, { decision: 'accept' });
  if (outage === undefined) return walked;
  if (iprev.reason.endsWith('-outage'))
    return unlessAllAgree(walked, alternatives(evidence).map(again), outageId, outage);
  // HELO's name alone was not asked about: before HELO the other lookups decided without it, and they still do.
  if (helo.reason !== 'outage') return walked;
  return unlessAllAgree(walked, heloAlternatives(evidence).map(again), outageId, outage);
}

/** A fixed action may stand in for what the rules say of this client, see withoutReverseDns. */
export function isStoodInFor({ outage }: Policy, evidence: Evidence): boolean {
  if (evidence.masked !== undefined) return true;
  if (outage === undefined) return false;
  const { iprev, helo } = assess(evidence);
  return iprev.reason.endsWith('-outage') || helo.reason === 'outage';
}

function unlessAllAgree(walked: Walked, others: readonly Walked[], rule: string, actions: Actions): Walked {
  const open = [walked, ...others].flatMap(({ ends }) => ends).find(({ kind }) => kind === 'pending');
  if (open !== undefined) return { ...walked, ends: [open] };
  if (others.every((other) => other.sure && sameOutcome(other, walked))) return walked;
  const { decision = 'accept' } = actions;
  const end: End = decision === 'accept' ? { kind: 'accept', rule } : { kind: 'refuse', rule, refusal: decision };
  return { ends: [end], sure: true, done: [{ rule, actions }], score: 0, trace: walked.trace };
}

function sameOutcome(a: Walked, b: Walked): boolean {
  const [one, other] = [endOf(a), endOf(b)];
  const did = ({ done }: Walked) => done.map(({ rule }) => rule).join(' ');
  return one.kind === other.kind && one.rule === other.rule && a.score === b.score && did(a) === did(b);
}

/** A refusal waits for the stage at which it is told, and spares those whom everybody must be able to reach. */
export function announced({ announce, postmaster }: Policy, { client }: Evidence, end: End): End {
  if (end.kind !== 'refuse') return end;
  if (!reached(client, announce)) return { kind: 'pending', rule: end.rule, stage: announce, refusal: end.refusal };
  // RFC 5321 s4.5.1 and RFC 2142 s4: whoever is refused must be able to ask why.
  const spared = postmaster === 'accept' && announce === 'rcpt' && roleOf(client.recipient ?? '') !== undefined;
  return spared ? { kind: 'accept', rule: postmasterId } : end;
}

function verdictOf(end: End, { done, score }: Walked, evidence: Evidence, findings: Findings): Verdict {
  const marks = done.filter(({ actions: { tag, field, hold } }) => tag !== undefined || field !== undefined || hold);
  const more = marks.length === 0 ? { tags: [], score } : { score, ...marksOf(marks, evidence, findings) };
  switch (end.kind) {
    case 'pending':
      return {
        action: 'pending',
        rule: end.rule,
        stage: end.stage,
        ...more,
        ...(end.refusal ? { refusal: true } : {}),
      };
    case 'accept': {
      const [marker] = marks;
      return marker === undefined
        ? { action: 'accept', rule: end.rule, ...more }
        : { action: 'tag', rule: marker.rule, ...more };
    }
    case 'refuse': {
      const { code, enhanced, text, ifPermit } = end.refusal;
      const words = `${fill(text, fields(evidence, findings))} [${lookedUp(evidence)}]`;
      const reply = makeReply(code, enhanced, words, evidence.id);
      const action = code < 500 ? 'defer' : 'reject';
      return {
        action,
        rule: end.rule,
        reply,
        ...more,
        ...(end.softened ? { softened: true } : {}),
        ...(ifPermit ? { ifPermit } : {}),
      };
    }
  }
}

/** What the rules that held put on the message, each once. */
function marksOf(
  marks: Walked['done'],
  evidence: Evidence,
  findings: Findings,
): Pick<Verdict, 'tags' | 'headers' | 'hold'> {
  const tags = [...new Set(marks.flatMap(({ actions }) => actions.tag ?? []))];
  const headers = marks.flatMap(({ actions: { field } }) =>
    field === undefined ? [] : `${field.name}: ${fill(field.value, fields(evidence, findings))}`,
  );
  return {
    tags,
    ...(headers.length === 0 ? {} : { headers: [...new Set(headers)] }),
    ...(marks.some(({ actions }) => actions.hold) ? { hold: true as const } : {}),
  };
}
