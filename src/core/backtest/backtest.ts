// Recorded sessions judged again under a candidate policy, one by one, and what would have been different: whom it would newly
// refuse though the mail server took their mail, first of all. Memory is bounded by limits.ts, however many sessions come. Pure;
// it runs in a browser too.
//
// Judging takes longest, and sessions come again: `judgeSession` finds what one session says, `count` counts it for it and for
// every other that differs in nothing but ref, time and port.

import { assess } from '../findings.ts';
import { otherwiseId, type Policy } from '../policy.ts';
import { asksDns } from './asks.ts';
import type { Refused } from './exceptions.ts';
import { type Judged, judge, recorded, type Session, withoutRule } from './judge.ts';
import { organisationOf } from './organisations.ts';
import { accepted, type Label, quality } from './quality.ts';
import { marksOf, type RuleMarks } from './rule-tally.ts';
import { admits, type BacktestResult, countEffects, type Effect, refuses } from './tally.ts';

export interface BacktestParts {
  readonly candidate: Policy;
  /** What to compare with; absent: what was decided then. */
  readonly current?: Policy;
}

export interface Backtest {
  judgeSession(session: Session, label?: Label): Effect;
  count(effect: Effect, ref: string, at: string): void;
  /** Both at once. */
  add(session: Session, label?: Label): void;
  /** What came of all so far. `now`, in milliseconds since 1970, is the day from which proposed exceptions hold. */
  result(now: number): BacktestResult;
}

export function backtest({ candidate, current }: BacktestParts): Backtest {
  const openRules = candidate.rules.filter((rule) => rule.mode !== 'off' && asksDns(rule)).map(({ id }) => id);
  const tally = countEffects(candidate);
  const judgeSession = (session: Session, label?: Label): Effect => {
    const before = current === undefined ? recorded(session) : judge(current, session);
    const after = judge(candidate, session);
    const [from, to] = [before.outcome, after.outcome];
    const pattern = tally.pattern({
      from,
      to,
      before: current === undefined ? recordedMarks(session, before) : marksOf(before),
      after: marksOf(after),
      open: session.dnsNotRecorded ? openRules : [],
      ...(label === undefined ? {} : { label }),
    });
    const moved = (admits(from) && refuses(to)) || (refuses(from) && admits(to));
    if (!moved && !refuses(to)) return { pattern, moved: undefined, refused: undefined };
    const organisation = ownerOf(session, after);
    const wasAccepted = accepted(session.outcome) || label === 'ham';
    return {
      pattern,
      moved: moved ? { organisation, wasAccepted } : undefined,
      refused: refuses(to) ? { organisation, ...refusal(candidate, session, before, after, label) } : undefined,
    };
  };
  return {
    judgeSession,
    count: tally.count,
    add(session, label) {
      tally.count(judgeSession(session, label), session.evidence.id, session.evidence.at);
    },
    result: tally.result,
  };
}

function recordedMarks({ verdict: { would = [] } }: Session, { rule }: Judged): RuleMarks {
  return { decided: rule, watched: would };
}

function ownerOf({ evidence, dnsNotRecorded }: Session, { findings }: Judged): string {
  return organisationOf(dnsNotRecorded ? { iprev: noName } : (findings ?? assess(evidence)), evidence.client.ip);
}
const noName = { result: 'temperror', reason: 'ptr-timeout' } as const;

function refusal(
  candidate: Policy,
  session: Session,
  before: Judged,
  after: Judged,
  label: Label | undefined,
): Omit<Refused, 'organisation'> {
  // What is refused today shall not be let in by an exception, unless somebody calls it ham.
  const worth = refuses(before.outcome) && label !== 'ham' ? 'bad' : quality(session.outcome, label);
  return { ip: session.evidence.client.ip, worth, by: worth === 'good' ? refusers(candidate, session, after) : [] };
}

/** The rule that refuses, and the ones that would if it did not. `otherwise` alone, where that is last: a rule before all spares. */
function refusers(candidate: Policy, session: Session, first: Judged): readonly string[] {
  const found: string[] = [];
  let policy = candidate;
  for (let judged = first; refuses(judged.outcome) && !found.includes(judged.rule); judged = judge(policy, session)) {
    found.push(judged.rule);
    if (judged.rule === otherwiseId) return [otherwiseId];
    policy = withoutRule(policy, judged.rule);
  }
  return found;
}
