// One walk through the rules of a policy, in file order: the first rule that decides ends it, tags and scores accumulate on the
// way, and nothing overtakes a rule whose stage has not come. Pure.
//
// About a real client the walk has one end. About a client of whom the DNS might have said many things (soften.ts), or of whom
// not everything was recorded (backtest/possible.ts), a rule may both hold and not hold; then both ways are gone, and there are
// several ends.

import { type Client, type Stage, submissionPorts } from './client.ts';
import { allTruths, type Condition, type Facts, may, only, stageThatTells, type Truths, weigh } from './condition.ts';
import type { Evidence } from './evidence.ts';
import type { Findings } from './findings.ts';
import { networkPrefix } from './ip.ts';
import {
  type Actions,
  authenticatedId,
  type Exception,
  otherwiseId,
  type Policy,
  type Refusal,
  type Rule,
  submissionId,
  trustedId,
} from './policy.ts';
import type { TraceLine } from './verdict.ts';

/** How a walk ended, before it is put into words. */
export type End =
  | { readonly kind: 'accept'; readonly rule: string }
  | { readonly kind: 'refuse'; readonly rule: string; readonly refusal: Refusal; readonly softened?: true }
  /** `refusal`: the rule refuses, and is told at `stage`; absent: nobody knows before. */
  | { readonly kind: 'pending'; readonly rule: string; readonly stage: Stage; readonly refusal?: Refusal };

export interface Walked {
  /** One about a real client. */
  readonly ends: readonly End[];
  /** False if a rule that acts both held and did not; always true about a real client. */
  readonly sure: boolean;
  /** What was done on the way: the rules that tagged, scored or held, in order. Sure ones only. */
  readonly done: readonly { readonly rule: string; readonly actions: Actions }[];
  readonly score: number;
  readonly trace: readonly TraceLine[];
}

/** What is not known for certain of a client, see Facts. */
export type Supposed = Pick<Facts, 'open' | 'unrecorded'>;

export function walk(policy: Policy, evidence: Evidence, findings: Findings, supposed?: Supposed): Walked {
  const passed = passesUnjudged(policy, evidence, findings);
  const { lines, dated } = prepared(policy.rules);
  if (passed !== undefined) {
    const trace = lines.map(({ notReached }) => notReached);
    return { ends: [{ kind: 'accept', rule: passed }], sure: true, done: [], score: 0, trace };
  }

  const ends: End[] = [];
  const done: { rule: string; actions: Actions }[] = [];
  const trace = new Array<TraceLine>(policy.rules.length + 1);
  const score = { least: 0, most: 0 };
  const facts: Facts =
    supposed === undefined ? { evidence, findings, score } : { evidence, findings, score, ...supposed };
  const at = dated ? Date.parse(evidence.at) : 0;
  let over = false;
  let sure = true;

  for (let i = 0; i < policy.rules.length; i++) {
    const rule = policy.rules[i] as Rule;
    const line = lines[i] as Lines;
    if (over || rule.mode === 'off') {
      trace[i] = line.notReached;
      continue;
    }
    const truths = ruleHolds(rule, facts, at);
    const acts = enforced(rule, evidence);
    const said = line[acts ? 'enforce' : 'monitor'][truths] as TraceLine;
    const excepted = truths === whollyFalse ? sparedBy(rule, facts, at) : undefined;
    trace[i] = excepted === undefined ? said : { ...said, excepted: excepted.why };
    if (!acts || truths === whollyFalse) continue;
    const { decision } = rule.actions;
    if (only(truths) === undefined) sure = false;
    if (may(truths, 'unknown')) {
      ends.push({ kind: 'pending', rule: rule.id, stage: stageThatTells(whenWithExceptions(rule), facts) });
    }
    if (may(truths, true)) {
      if (decision !== undefined) ends.push(endOf(rule.id, decision));
      if (truths === whollyTrue) done.push({ rule: rule.id, actions: rule.actions });
      addScore(score, rule.actions.score ?? 0, truths === whollyTrue);
    }
    over = !may(truths, false) && !(may(truths, true) && decision === undefined);
  }
  if (!over) {
    const { decision } = policy.otherwise;
    ends.push(decision === undefined ? { kind: 'accept', rule: otherwiseId } : endOf(otherwiseId, decision));
    done.push({ rule: otherwiseId, actions: policy.otherwise });
    addScore(score, policy.otherwise.score ?? 0, true);
  }
  const held = over ? 'not-reached' : true;
  trace[policy.rules.length] = { rule: otherwiseId, mode: 'enforce', held, does: describe(policy.otherwise) };
  return { ends, sure, done, score: score.least, trace };
}

const whollyTrue: Truths = 1;
const whollyFalse: Truths = 2;

/** How we know that the client is a person's program and no mail server: it logged in, or came to where that is done. */
export function userBy({ authenticated, serverPort }: Client): string | undefined {
  if (authenticated) return authenticatedId;
  return serverPort !== undefined && submissionPorts.includes(serverPort) ? submissionId : undefined;
}

/** The name of what lets this client pass before any rule. */
function passesUnjudged(policy: Policy, evidence: Evidence, findings: Findings): string | undefined {
  const user = policy.authenticated === 'accept' ? userBy(evidence.client) : undefined;
  if (user !== undefined) return user;
  const facts: Facts = { evidence, findings, score: { least: 0, most: 0 } };
  return policy.trusted !== undefined && may(weigh(policy.trusted, facts), true) ? trustedId : undefined;
}

function ruleHolds(rule: Rule, facts: Facts, at: number): Truths {
  if (rule.until !== undefined && at >= rule.until) return whollyFalse;
  const truths = weigh(rule.when, facts);
  if (rule.except.length === 0 || !may(truths, true)) return truths;
  return weigh(whenWithExceptions(rule, at), facts);
}

/** The exception that keeps a rule from holding. */
function sparedBy(rule: Rule, facts: Facts, at: number): Exception | undefined {
  if (rule.except.length === 0 || !may(weigh(rule.when, facts), true)) return undefined;
  return rule.except.find((exception) => holdsStill(exception, at) && only(weigh(exception.when, facts)) === true);
}

/** What does not depend on the client: made once for each policy. */
interface Prepared {
  readonly lines: readonly Lines[];
  /** Some rule or exception ends some day. */
  readonly dated: boolean;
}

/** What the trace says of a rule is nearly always one of a few lines: by what its condition came to, see Truths. */
interface Lines {
  readonly enforce: readonly TraceLine[];
  readonly monitor: readonly TraceLine[];
  readonly notReached: TraceLine;
}

const preparations = new WeakMap<readonly Rule[], Prepared>();

function prepared(rules: readonly Rule[]): Prepared {
  const known = preparations.get(rules);
  if (known !== undefined) return known;
  const dated = rules.some(({ until, except }) => until !== undefined || except.some((one) => one.until !== undefined));
  const made = { lines: rules.map(linesOf), dated };
  preparations.set(rules, made);
  return made;
}

function linesOf({ id, mode, actions }: Rule): Lines {
  const line = (as: TraceLine['mode'], held: TraceLine['held']) => ({
    rule: id,
    mode: as,
    held,
    does: describe(actions),
  });
  const each = (as: TraceLine['mode']) => allTruths.map((truths) => line(as, only(truths) ?? 'unknown'));
  return { enforce: each('enforce'), monitor: each('monitor'), notReached: line(mode, 'not-reached') };
}

function whenWithExceptions({ when, except }: Rule, at = Number.NEGATIVE_INFINITY): Condition {
  const spared = except.filter((exception) => holdsStill(exception, at)).map((exception) => exception.when);
  return { kind: 'all', of: [when, { kind: 'not', of: { kind: 'any', of: spared } }] };
}

function holdsStill({ until }: Exception, at: number): boolean {
  return until === undefined || at < until;
}

/** Whether the rule acts on this client, should it hold. */
function enforced({ id, mode, percent }: Rule, { client }: Evidence): boolean {
  return mode === 'enforce' && (percent >= 100 || shareOf(id, networkPrefix(client.ip)) < percent);
}

/** Where a network stands among a hundred, the same each time and another for each rule: FNV-1a, well mixed. */
function shareOf(id: string, network: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${id} ${network}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * 100;
}

function endOf(rule: string, decision: NonNullable<Actions['decision']>): End {
  return decision === 'accept' ? { kind: 'accept', rule } : { kind: 'refuse', rule, refusal: decision };
}

function addScore(score: { least: number; most: number }, by: number, sure: boolean): void {
  score.least += sure ? by : Math.min(0, by);
  score.most += sure ? by : Math.max(0, by);
}

/** The words for each set of actions, which never change: made once, not for each client. */
const described = new WeakMap<Actions, string>();

export function describe(actions: Actions): string {
  const known = described.get(actions);
  if (known !== undefined) return known;
  const { tag, field, score, hold, decision } = actions;
  const words: string[] = [];
  if (tag !== undefined) words.push(`tag ${tag}`);
  if (field !== undefined) words.push(`header ${field.name}`);
  if (score !== undefined) words.push(`score ${score}`);
  if (hold) words.push('hold');
  if (decision === 'accept') words.push('accept');
  else if (decision !== undefined)
    words.push(
      `${decision.code < 500 ? 'defer' : 'reject'} ${decision.code} ${decision.enhanced}${decision.ifPermit ? ' if permitted' : ''}`,
    );
  described.set(actions, words.join(', '));
  return words.join(', ');
}
