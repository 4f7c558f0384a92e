// The operator's word on one client: rules in file order, the first that decides ends the walk, tags and scores
// accumulate on the way. A rule that cannot be answered yet stops the walk with `pending`, so an early verdict never
// differs from a late one. A permanent refusal passes through soften.ts before it stands. Pure: same policy, same
// evidence, same Decision.

import { type Stage, stages } from './client.ts';
import { type Condition, type Facts, holds } from './condition.ts';
import type { Evidence } from './evidence.ts';
import { fields, fill, lookedUp } from './explain.ts';
import { assess, type Findings } from './findings.ts';
import { type Actions, authenticatedId, maskedId, otherwiseId, outageId, type Policy } from './policy.ts';
import { makeReply } from './reply.ts';
import { alternatives, everyWorld, soften } from './soften.ts';
import type { Decision, End, TraceLine, Verdict } from './verdict.ts';

export function decide(policy: Policy, evidence: Evidence): Decision {
  const findings = assess(evidence);
  const walked = walk(policy, { client: evidence.client, findings });
  const again = (other: Evidence): Walked => walk(policy, { client: other.client, findings: assess(other) });
  const judged = withoutReverseDns(policy, evidence, findings, walked, again);
  const end = soften(evidence, judged.end, (other) => again(other).end);
  return { evidence, findings, verdict: verdictOf(end, judged, evidence, findings), trace: walked.trace };
}

/**
 * Two cases in which the DNS must not decide: it cannot be asked at all, or the address is not the client's own. What does
 * not depend on it holds as ever; where it does, a fixed action stands in.
 */
function withoutReverseDns(
  { outage }: Policy,
  evidence: Evidence,
  { iprev }: Findings,
  walked: Walked,
  again: (evidence: Evidence) => Walked,
): Walked {
  if (evidence.client.authenticated) return walked;
  if (evidence.masked !== undefined)
    return unlessAllAgree(walked, everyWorld(evidence).map(again), maskedId, { decision: 'accept' });
  if (outage === undefined || !iprev.reason.endsWith('-outage')) return walked;
  return unlessAllAgree(walked, alternatives(evidence).map(again), outageId, outage);
}

function unlessAllAgree(walked: Walked, others: readonly Walked[], rule: string, actions: Actions): Walked {
  const all = [walked, ...others];
  const open = all.find(({ end }) => end.kind === 'pending');
  if (open !== undefined) return { ...walked, end: open.end };
  if (all.every((other) => sameOutcome(other, walked))) return walked;
  const { tag, decision } = actions;
  const end: End =
    decision === undefined || decision === 'accept'
      ? { kind: 'accept', rule }
      : { kind: 'refuse', rule, refusal: decision };
  return {
    end,
    tags: tag === undefined ? [] : [tag],
    score: 0,
    trace: walked.trace,
    ...(tag === undefined ? {} : { tagger: rule }),
  };
}

function sameOutcome(a: Walked, b: Walked): boolean {
  const sameEnd = a.end.kind === b.end.kind && a.end.rule === b.end.rule;
  return sameEnd && a.score === b.score && a.tagger === b.tagger && `${a.tags}` === `${b.tags}`;
}

interface Walked {
  readonly end: End;
  readonly tags: readonly string[];
  readonly score: number;
  /** The first rule that tagged. */
  readonly tagger?: string;
  readonly trace: readonly TraceLine[];
}

function walk(policy: Policy, facts: Facts): Walked {
  if (facts.client.authenticated) return passed(policy);
  const tags = new Set<string>();
  const trace: TraceLine[] = [];
  let score = 0;
  let tagger: string | undefined;
  let end: End | undefined;

  const act = (rule: string, actions: Actions): void => {
    if (actions.tag !== undefined) {
      tags.add(actions.tag);
      tagger ??= rule;
    }
    score += actions.score ?? 0;
    if (actions.decision === 'accept') end = { kind: 'accept', rule };
    else if (actions.decision !== undefined) end = { kind: 'refuse', rule, refusal: actions.decision };
  };

  for (const rule of policy.rules) {
    const held = end === undefined ? holds(rule.when, facts) : 'not-reached';
    trace.push({ rule: rule.id, mode: rule.mode, held, does: describe(rule.actions) });
    if (rule.mode === 'monitor') continue;
    if (held === true) act(rule.id, rule.actions);
    // Nothing may overtake a rule whose stage has not come.
    else if (held === 'unknown') end = { kind: 'pending', rule: rule.id, stage: stageThatTells(rule.when, facts) };
  }
  trace.push({
    rule: otherwiseId,
    mode: 'enforce',
    held: end === undefined ? true : 'not-reached',
    does: describe(policy.otherwise),
  });
  if (end === undefined) act(otherwiseId, policy.otherwise);
  return {
    end: end ?? { kind: 'accept', rule: otherwiseId },
    tags: [...tags],
    score,
    trace,
    ...(tagger === undefined ? {} : { tagger }),
  };
}

/** A client that logged in is a user of ours: rules about peer mail servers are not about it. */
function passed(policy: Policy): Walked {
  const trace = policy.rules.map(({ id, mode, actions }) => ({
    rule: id,
    mode,
    held: 'not-reached' as const,
    does: describe(actions),
  }));
  return { end: { kind: 'accept', rule: authenticatedId }, tags: [], score: 0, trace };
}

/** The first later stage at which the condition is no longer unknown; the last of all if none is. */
function stageThatTells(condition: Condition, facts: Facts): Stage {
  const later = stages.slice(stages.indexOf(facts.client.stage) + 1);
  const telling = later.find(
    (stage) => holds(condition, { ...facts, client: { ...facts.client, stage } }) !== 'unknown',
  );
  return telling ?? 'rcpt';
}

function verdictOf(end: End, { tags, score, tagger }: Walked, evidence: Evidence, findings: Findings): Verdict {
  switch (end.kind) {
    case 'pending':
      return { action: 'pending', rule: end.rule, stage: end.stage, tags, score };
    case 'accept':
      return tagger === undefined
        ? { action: 'accept', rule: end.rule, tags, score }
        : { action: 'tag', rule: tagger, tags, score };
    case 'refuse': {
      const { code, enhanced, text } = end.refusal;
      const words = `${fill(text, fields(evidence, findings))} [${lookedUp(evidence)}]`;
      const reply = makeReply(code, enhanced, words, evidence.id);
      const action = code < 500 ? 'defer' : 'reject';
      return { action, rule: end.rule, reply, tags, score, ...(end.softened ? { softened: true } : {}) };
    }
  }
}

/** The words for each set of actions, which never change: made once, not for each client. */
const described = new WeakMap<Actions, string>();

function describe(actions: Actions): string {
  const known = described.get(actions);
  if (known !== undefined) return known;
  const { tag, score, decision } = actions;
  const words: string[] = [];
  if (tag !== undefined) words.push(`tag ${tag}`);
  if (score !== undefined) words.push(`score ${score}`);
  if (decision === 'accept') words.push('accept');
  else if (decision !== undefined)
    words.push(`${decision.code < 500 ? 'defer' : 'reject'} ${decision.code} ${decision.enhanced}`);
  described.set(actions, words.join(', '));
  return words.join(', ');
}
