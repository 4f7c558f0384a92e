// What is odd about a policy that is right in itself: rules that never hold or are never reached, refusals that cannot stand,
// dates that are over. A *warning* is about something that surely does not do what is written; a *remark* is for somebody to
// think about. "Never" and "always" are proved over every client there could be (rule-logic.ts), or not said.

import { type Stage, stages } from '../client.ts';
import { alignmentStage } from '../condition.ts';
import { expiresSoonMs } from '../limits.ts';
import { placesIn } from '../places.ts';
import type { Exception, Policy, Rule } from '../policy.ts';
import { quote } from '../problem.ts';
import { type Case, type Leaf, leavesOf } from './every-case.ts';
import type { Notice, NoticeAt, SayOfRule, Severity } from './notice.ts';
import { aboutRefusal } from './refusal.ts';
import { isUnconditional, type RuleLogic, ruleLogic } from './rule-logic.ts';
import type { Formula } from './satisfiable.ts';
import { domainLike, slowElsewhere } from './slow-pattern.ts';

interface Seen {
  readonly policy: Policy;
  readonly logic: RuleLogic;
  readonly now: number;
}

/** `text` is what the policy was read from, `file` says where; `now` in milliseconds since 1970. In the order of the file. */
export function lint(policy: Policy, text: string, file: string, now: number): readonly Notice[] {
  const seen: Seen = { policy, logic: ruleLogic(policy, now), now };
  const places = placesIn(text, file);
  return [...aboutPolicy(policy), ...policy.rules.flatMap((rule, index) => aboutRule(rule, index, seen))]
    .map(({ path, ...notice }) => ({ notice, offset: places.offsetOf(path) }))
    .sort((a, b) => a.offset - b.offset)
    .map(({ notice, offset }) => ({ where: places.show(offset), ...notice }));
}

function aboutPolicy({ announce, postmaster, rules, otherwise }: Policy): readonly NoticeAt[] {
  const refuses = [otherwise, ...rules.filter(({ mode }) => mode === 'enforce').map(({ actions }) => actions)].some(
    ({ decision }) => typeof decision === 'object',
  );
  if (!refuses || announce === 'rcpt' || postmaster === 'judge') return [];
  return [
    {
      path: ['announce'],
      severity: 'remark',
      what: `refusals are told at ${announce}, before the recipient is known: postmaster@ and abuse@ are refused like any other`,
      hint: 'RFC 5321 s4.5.1 wants them reachable: announce: rcpt; or say postmaster: judge',
    },
  ];
}

function aboutRule(rule: Rule, index: number, seen: Seen): readonly NoticeAt[] {
  const { id, mode, percent, until } = rule;
  const path = ['rules', index];
  const say: SayOfRule = (severity, what, hint) => ({
    path,
    severity,
    rule: id,
    what,
    ...(hint === undefined ? {} : { hint }),
  });
  if (mode === 'off') return [say('remark', `"${id}" is switched off`)];
  if (until !== undefined && until <= seen.now)
    return [say('warning', `"${id}" held until ${lastDay(until)} and does nothing any more`)];

  const sense = neverHolds(index, rule, seen);
  const neverReached = sense === undefined ? whoDecidesBefore(index, seen) : undefined;
  return [
    ...(until !== undefined && until - seen.now < expiresSoonMs
      ? [say('remark', `"${id}" holds until ${lastDay(until)} only`)]
      : []),
    ...(mode === 'enforce' && percent <= 0
      ? [say('remark', `"${id}" is enforced for 0 % of the networks: for nobody`, 'mode: monitor says the same')]
      : []),
    ...(sense === undefined ? [] : [say('warning', `"${id}" can never hold: ${sense.why}`, sense.hint)]),
    ...(neverReached === undefined ? [] : [say('warning', `"${id}" is never reached: ${neverReached}`)]),
    ...(alwaysHolds(index, rule, seen)
      ? [say('warning', `"${id}" holds for every client`, 'if that is meant, leave "when" out')]
      : []),
    ...(sense === undefined && neverReached === undefined ? aboutRefusal(index, rule, seen.logic, say) : []),
    ...aboutWaiting(rule, seen.policy.announce, say),
    ...rule.except.flatMap((exception, i) => aboutException(index, i, exception, sense === undefined, rule, seen)),
    ...aboutPatterns(leavesOf(rule.when), rule.actions.decision === 'accept').map((one) => ({
      ...one,
      path,
      rule: id,
    })),
  ];
}

const dayMs = 86_400_000;

/** A day if it ends with that day in UTC, else the moment. */
function lastDay(until: number): string {
  return until % dayMs === 0
    ? new Date(until - dayMs).toISOString().slice(0, 10)
    : `${new Date(until).toISOString().slice(0, 16)}Z`;
}

/** Why the rule can hold for nobody; undefined if it may. */
function neverHolds(
  index: number,
  rule: Rule,
  { logic }: Seen,
): { readonly why: string; readonly hint?: string } | undefined {
  const steps: readonly [like: (one: Case) => Formula, why: string, hint?: string][] = [
    [(one) => logic.when(index, one, 'free score'), 'its conditions contradict each other'],
    [(one) => logic.when(index, one), `the rules before it add up to ${logic.mostBefore(index)} at most`],
    [
      (one) => ({ all: [logic.when(index, one), logic.noUser] }),
      'clients that logged in, or came to a submission port, pass before any rule',
      'authenticated: judge has them judged like any other',
    ],
    [(one) => logic.judged(logic.when(index, one), one), 'those it is about are trusted, and pass before any rule'],
    [
      (one) => logic.judged(logic.holds(index, one), one),
      rule.except.length === 1 ? 'its exception spares them all' : 'its exceptions spare them all',
    ],
  ];
  const step = steps.find(([like]) => logic.never(like));
  if (step === undefined) return undefined;
  const [, why, hint] = step;
  return { why, ...(hint === undefined ? {} : { hint }) };
}

function alwaysHolds(index: number, { when }: Rule, { logic }: Seen): boolean {
  return !isUnconditional(when) && logic.never((one) => ({ not: logic.when(index, one) }));
}

/** Which rules decide on everybody whom this one is about; undefined if it may be reached. */
function whoDecidesBefore(index: number, { policy, logic }: Seen): string | undefined {
  const reached = (one: Case): Formula => logic.judged(logic.holds(index, one), one);
  if (!logic.never((one) => ({ all: [reached(one), logic.undecidedBefore(index, one)] }))) return undefined;
  const covers = (deciding: readonly number[]) =>
    logic.never((one) => ({ all: [reached(one), { not: { any: deciding.map((i) => logic.decides(i, one)) } }] }));
  const idOf = (i: number): string => `"${policy.rules[i]?.id}"`;
  let deciding = policy.rules.flatMap(({ actions }, i) => (i < index && actions.decision !== undefined ? [i] : []));

  const alone = deciding.find((i) => covers([i]));
  if (alone !== undefined)
    return logic.never((one) => ({ not: logic.decides(alone, one) }))
      ? `${idOf(alone)} decides for every client before it`
      : `whoever it is about, ${idOf(alone)} has decided before`;
  for (const i of deciding) {
    const others = deciding.filter((other) => other !== i);
    if (covers(others)) deciding = others;
  }
  const [last, ...others] = deciding.map(idOf).reverse();
  return others.length === 0
    ? undefined
    : `whoever it is about, ${others.reverse().join(', ')} and ${last} have decided before`;
}

/** A rule that waits for more than is known where refusals are told. */
function aboutWaiting({ id, when, except, mode, percent }: Rule, announce: Stage, say: SayOfRule): readonly NoticeAt[] {
  if (mode !== 'enforce' || percent <= 0) return [];
  const leaves = [when, ...except.map((exception) => exception.when)].flatMap(leavesOf);
  const late = leaves
    .map((leaf) => ({ leaf, stage: stageOf(leaf) }))
    .filter(({ stage }) => stages.indexOf(stage) > stages.indexOf(announce));
  const [last] = late.sort((a, b) => stages.indexOf(b.stage) - stages.indexOf(a.stage));
  if (last === undefined) return [];
  return [
    say(
      'remark',
      `"${id}" asks for ${last.leaf.kind}, which is not known at ${announce}: who comes to this rule waits until ${last.stage}`,
      'rules that ask for less could stand before it',
    ),
  ];
}

/** The first stage at which the leaf is known. */
function stageOf(leaf: Leaf): Stage {
  switch (leaf.kind) {
    case 'helo':
    case 'helo_is':
    case 'helo_dns':
      return 'helo';
    case 'alignment':
      return alignmentStage(leaf.pair);
    case 'certificate':
    case 'sender':
      return 'mail';
    case 'recipient':
      return 'rcpt';
    default:
      return 'connect';
  }
}

function aboutException(
  index: number,
  i: number,
  exception: Exception,
  canHold: boolean,
  { id, actions }: Rule,
  { logic, now }: Seen,
): readonly NoticeAt[] {
  const path = ['rules', index, 'except', i];
  const name = `the exception ${quote(exception.why)} of "${id}"`;
  const say = (severity: Severity, what: string): NoticeAt => ({ path, severity, rule: id, what });
  const { until } = exception;
  if (until !== undefined && until <= now)
    return [say('warning', `${name} held until ${lastDay(until)} and spares nobody any more`)];
  const spares = (one: Case): Formula => ({ all: [logic.when(index, one), logic.exception(index, exception, one)] });
  return [
    ...(until !== undefined && until - now < expiresSoonMs
      ? [say('remark', `${name} holds until ${lastDay(until)} only`)]
      : []),
    ...(canHold && logic.never((one) => logic.judged(spares(one), one))
      ? [say('warning', `${name} can never matter: the rule holds for nobody whom it is about`)]
      : []),
    ...aboutPatterns(leavesOf(exception.when), actions.decision !== 'accept').map((one) => ({
      ...one,
      path,
      rule: id,
    })),
  ];
}

/** `letsIn`: a pattern that fits too much lets somebody in. */
function aboutPatterns(leaves: readonly Leaf[], letsIn: boolean): readonly Omit<NoticeAt, 'path'>[] {
  const sources = leaves
    .flatMap((leaf) => ('tests' in leaf ? leaf.tests : []))
    .flatMap((test) => (test.kind === 'matches' ? [test.pattern.source] : []));
  return [...new Set(sources)].flatMap((source) => {
    const notices: Omit<NoticeAt, 'path'>[] = [];
    const domain = domainLike(source);
    if (domain !== undefined)
      notices.push({
        severity: letsIn ? 'warning' : 'remark',
        what: `the pattern ${quote(source)} fits more than it seems: ${domain.why}`,
        hint: `for that domain and all below it write under: ${domain.domain}`,
      });
    if (slowElsewhere(source) === true)
      notices.push({
        severity: 'remark',
        what: `the pattern ${quote(source)} is harmless here, and may take for ever in an engine that tracks back`,
      });
    return notices;
  });
}
