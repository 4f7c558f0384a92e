// The rules of a policy as formulas over every client there could be, at any time from now on: what it takes that a rule holds,
// acts, decides. What is sure is said ("never"); what would take too long to find out is not. Pure.

import { submissionPorts } from '../client.ts';
import type { Condition } from '../condition.ts';
import { lintRulesMax } from '../limits.ts';
import type { Exception, Policy, Rule } from '../policy.ts';
import {
  authenticatedAtom,
  type Case,
  distinct,
  everyCase,
  formulaOf,
  leavesOf,
  portAtom,
  type ScoreSoFar,
  whatIsKnown,
} from './every-case.ts';
import { type Formula, satisfiable } from './satisfiable.ts';

export interface RuleLogic {
  /** Every case of the DNS, and one of each kind that the conditions of this policy tell apart. */
  readonly everyCase: readonly Case[];
  readonly cases: readonly Case[];
  /** True if no client is like this, whatever the case. */
  never(like: (one: Case) => Formula, cases?: readonly Case[]): boolean;
  /** True if some client may be like this, as far as can be told. */
  possible(like: (one: Case) => Formula, cases: readonly Case[]): boolean;
  /** The condition of the rule with this index alone. `free`: its score may be any. */
  when(index: number, one: Case, free?: 'free score'): Formula;
  exception(index: number, exception: Exception, one: Case): Formula;
  /** `when`, the exceptions and `until` together. */
  holds(index: number, one: Case): Formula;
  /** It holds, and the walk ends there. */
  decides(index: number, one: Case): Formula;
  /** No rule before this index decides. */
  undecidedBefore(index: number, one: Case): Formula;
  /** The policy as a whole refuses for good. */
  refusesForGood(one: Case): Formula;
  /** The client is no user, where that is enough to pass. */
  readonly noUser: Formula;
  /** This holds of a client that the rules are asked about: it is no user, and not trusted. */
  judged(formula: Formula, one: Case): Formula;
  /** The most that the rules before this index add up to. */
  mostBefore(index: number): number;
}

/** `now` in milliseconds since 1970: what has ended by then is over. */
export function ruleLogic(policy: Policy, now: number): RuleLogic {
  const { rules, trusted, otherwise } = policy;
  const conditions = [
    ...(trusted === undefined ? [] : [trusted]),
    ...rules.flatMap(({ when, except }) => [when, ...except.map((exception) => exception.when)]),
  ];
  const leaves = conditions.flatMap(leavesOf);
  const scores = scoresBefore(rules, now);
  const { relations, certain } = whatIsKnown(leaves, scores);
  const all = everyCase(leaves);
  const cases = distinct(all, leaves);
  const anyScore: ScoreSoFar = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY, mark: 'any' };

  const ruleAt = (index: number): Rule => {
    const rule = rules[index];
    if (rule === undefined) throw new RangeError(`no rule ${index}`);
    return rule;
  };
  const formula = (condition: Condition, index: number, one: Case) =>
    formulaOf(condition, one, scores[index] ?? anyScore);
  const until = (moment: number | undefined, index: number, which = ''): Formula =>
    moment === undefined ? true : moment > now && `until ${index} ${which}`;
  const holds = (index: number, one: Case): Formula => {
    const { when, except, until: end, mode } = ruleAt(index);
    if (mode === 'off') return false;
    const spared = except.map(
      (exception, i): Formula => ({
        all: [until(exception.until, index, String(i)), formula(exception.when, index, one)],
      }),
    );
    return { all: [until(end, index), formula(when, index, one), { not: { any: spared } }] };
  };
  const acts = (index: number, one: Case): Formula => {
    const { mode, percent } = ruleAt(index);
    if (mode !== 'enforce' || percent <= 0) return false;
    return { all: [holds(index, one), percent >= 100 ? true : `percent ${index}`] };
  };
  // Asked again for every rule behind it.
  const deciding = new WeakMap<Case, Formula[]>();
  const decides = (index: number, one: Case): Formula => {
    const known = deciding.get(one) ?? rules.map(({ actions }, i) => actions.decision !== undefined && acts(i, one));
    deciding.set(one, known);
    return known[index] ?? false;
  };

  const user: Formula = { any: [authenticatedAtom, ...submissionPorts.map(portAtom)] };
  const noUser: Formula = policy.authenticated === 'accept' ? { not: user } : true;
  const can = (formula: Formula) => satisfiable({ all: [formula, certain] }, relations);

  return {
    everyCase: all,
    cases,
    never: (like, of = cases) => of.every((one) => can(like(one)) === false),
    possible: (like, of) => of.some((one) => can(like(one)) === true),
    when: (index, one, free) =>
      free ? formulaOf(ruleAt(index).when, one, anyScore) : formula(ruleAt(index).when, index, one),
    exception: (index, exception, one) => formula(exception.when, index, one),
    holds,
    decides,
    undecidedBefore: (index, one) =>
      index >= lintRulesMax || { not: { any: rules.slice(0, index).map((_, i) => decides(i, one)) } },
    refusesForGood: (one) =>
      rules.length > lintRulesMax ||
      rules.reduceRight<Formula>((rest, { actions }, index) => {
        if (actions.decision === undefined) return rest;
        const decided = decides(index, one);
        return isForGood(actions.decision) ? { any: [decided, rest] } : { all: [{ not: decided }, rest] };
      }, isForGood(otherwise.decision)),
    noUser,
    judged: (what, one) => ({
      all: [what, noUser, trusted === undefined ? true : { not: formulaOf(trusted, one, anyScore) }],
    }),
    mostBefore: (index) => scores[index]?.most ?? 0,
  };
}

export function isForGood(decision: Policy['otherwise']['decision']): boolean {
  return typeof decision === 'object' && decision.code >= 500;
}

/** For each rule, and behind the last. A sum of scores is another one behind each rule that may add to it. */
function scoresBefore(rules: readonly Rule[], now: number): readonly ScoreSoFar[] {
  const scores: ScoreSoFar[] = [];
  let [least, most, mark] = [0, 0, 0];
  rules.forEach(({ mode, percent, until, when, except, actions }, i) => {
    scores.push({ least, most, mark: String(mark) });
    const { score, decision } = actions;
    const over = until !== undefined && until <= now;
    if (score === undefined || score === 0 || decision !== undefined || mode !== 'enforce' || percent <= 0 || over)
      return;
    const sure = isUnconditional(when) && except.length === 0 && until === undefined && percent >= 100;
    least += sure ? score : Math.min(0, score);
    most += sure ? score : Math.max(0, score);
    mark = i + 1;
  });
  return scores;
}

/** `when` was left out. */
export function isUnconditional(when: Condition): boolean {
  return when.kind === 'all' && when.of.length === 0;
}
