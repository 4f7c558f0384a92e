// What becomes of each client when one policy is replaced by another: not of those who came, but of all who could come. Every
// reason of iprev.ts is decided under both policies, together with every answer to whatever else their rules ask about
// (distinction.ts). The walk asks as it goes, and each way it might have gone from there is gone too. So the verdicts compared
// are those of decide.ts, softening included. If there are too many ways, `tried` says what was done instead. Pure.

import type { Leaf } from '../condition-text.ts';
import { decide } from '../decide.ts';
import {
  failReasons,
  type IprevReason,
  type IprevResult,
  iprevReasons,
  iprevResults,
  passReasons,
  permerrorReasons,
  temperrorReasons,
} from '../iprev.ts';
import { diffRulesMax, diffWaysMax } from '../limits.ts';
import type { Policy } from '../policy.ts';
import { type Action, refuses, type Verdict } from '../verdict.ts';
import { type Distinction, leavesOf, optionsText, questionsOf } from './distinction.ts';
import { possibleClients } from './possible-client.ts';
import { standIn } from './stand-in.ts';
import { type Ask, everyWay, type Line, runsOf, someWays, type Ways } from './ways.ts';

/** A verdict without its sentence, which belongs to the rule. */
export interface Outcome {
  readonly action: Action;
  readonly code?: number;
  readonly enhanced?: string;
  readonly softened?: true;
  readonly tags: readonly string[];
  /** Names of header fields. */
  readonly headers: readonly string[];
  readonly score: number;
  readonly hold: boolean;
  readonly rule: string;
}

/** Clients of whom something may differ. Read like rules: the first line that fits counts, and the last one always fits. */
export interface VerdictBlock {
  /** All of one iprev result. */
  readonly reasons: readonly IprevReason[];
  readonly lines: readonly VerdictLine[];
}

export interface VerdictLine {
  /** What must be so, in words. */
  readonly if: readonly string[];
  /** Absent: the verdict is the same. */
  readonly change?: { readonly from: Outcome; readonly to: Outcome };
}

export interface VerdictDiff {
  /** What is not here is the same. */
  readonly blocks: readonly VerdictBlock[];
  /** Kinds of clients that were decided under both policies. */
  readonly considered: number;
  /** `pairs`: what the rules ask was varied alone and in pairs, all else being as usual; `single`: alone only. */
  readonly tried: 'all' | 'pairs' | 'single';
}

/** `now` in milliseconds since 1970: whatever ended before is over. */
export function verdictDiff(from: Policy, to: Policy, now: number): VerdictDiff {
  const kinds = kindsOf(from, to, now);
  const most = Math.min(diffWaysMax, diffRulesMax / (1 + from.rules.length + to.rules.length));
  const every = everyWayOfAll(kinds, most);
  if (every !== undefined) return told(kinds, every, 'all');
  const inPairs = kinds.reduce((sum, { distinctions }) => sum + runsOf(distinctions, true), 0) <= most;
  const some = kinds.map(({ run, distinctions }) => someWays(run, distinctions, inPairs));
  return told(kinds, some, inPairs ? 'pairs' : 'single');
}

export const reasonsOf: Readonly<Record<IprevResult, readonly IprevReason[]>> = {
  pass: passReasons,
  fail: failReasons,
  permerror: permerrorReasons,
  temperror: temperrorReasons,
};

/** Of reasons that all come from one result. */
export function resultOf(reasons: readonly IprevReason[]): IprevResult {
  const found = iprevResults.find((result) => reasons.every((reason) => reasonsOf[result].includes(reason)));
  if (found === undefined) throw new Error(`reasons of several results: ${reasons.join()}`);
  return found;
}

/** Reasons that both policies treat alike, and what can be asked about such a client. */
interface Kind {
  readonly reasons: readonly IprevReason[];
  readonly distinctions: readonly Distinction[];
  readonly run: (ask: Ask) => string;
}

function kindsOf(from: Policy, to: Policy, now: number): readonly Kind[] {
  const leaves = leavesOf([from, to]);
  const questions = questionsOf([from, to], now);
  let current: Ask = () => 0;
  const is = (key: string): boolean => {
    const question = questions.get(key);
    if (question === undefined) throw new Error(`nobody knows where to ask: ${key}`);
    return question.distinction.options[current(question.distinction)]?.has(question.fact) === true;
  };
  const [before, after] = [standIn(from, is), standIn(to, is)];

  const naming = leaves.filter((leaf) => leaf.kind === 'naming');
  const heloDns = leaves.some(({ kind }) => kind === 'helo_dns');
  const authenticated = [from, to].some((policy) => policy.authenticated === 'judge');
  const postmaster = sparesPostmaster(from) !== sparesPostmaster(to);
  const names = leaves.filter((leaf) => leaf.kind === 'names');
  return alike(leaves).map((reasons): Kind => {
    const possible = possibleClients(reasons[0] as IprevReason, {
      naming,
      names,
      heloDns,
      authenticated,
      postmaster,
    });
    const run = (ask: Ask): string => {
      current = ask;
      const evidence = possible.evidence(ask);
      const was = outcomeOf(decide(before, evidence).verdict);
      const becomes = outcomeOf(decide(after, evidence).verdict);
      return same(was, becomes) ? '' : JSON.stringify({ from: was, to: becomes });
    };
    const asked = [...questions.values()].map(({ distinction }) => distinction);
    return { reasons, distinctions: [...new Set([...possible.distinctions, ...asked])], run };
  });
}

function everyWayOfAll(kinds: readonly Kind[], most: number): readonly Ways[] | undefined {
  const all: Ways[] = [];
  let left = most;
  for (const { run } of kinds) {
    const ways = everyWay(run, left);
    if (ways === undefined) return undefined;
    left -= ways.runs;
    all.push(ways);
  }
  return all;
}

/** Reasons in groups: of a group, neither a rule nor the softening can tell one from the other. */
function alike(leaves: readonly Leaf[]): readonly (readonly IprevReason[])[] {
  const groups = new Map<string, IprevReason[]>();
  for (const reason of iprevReasons) {
    const told = leaves.filter((leaf) => leaf.kind === 'reason').map(({ reasons }) => reasons.includes(reason));
    const shape = reason.startsWith('forward-')
      ? 'forward'
      : (temperrorReasons as readonly IprevReason[]).includes(reason)
        ? 'ptr'
        : reason === 'ptr-empty'
          ? 'no-ptr'
          : reason;
    const group = [shape, ...told].join();
    groups.set(group, [...(groups.get(group) ?? []), reason]);
  }
  return [...groups.values()];
}

/** See decide.ts. */
function sparesPostmaster({ postmaster, announce }: Policy): boolean {
  return postmaster === 'accept' && announce === 'rcpt';
}

function outcomeOf(verdict: Verdict): Outcome {
  if (verdict.action === 'pending') throw new Error('at RCPT everything is settled');
  const { action, rule, tags, score, headers = [], hold = false } = verdict;
  const names = [...new Set(headers.map((header) => header.slice(0, header.indexOf(':'))))];
  const refusal = refuses(verdict)
    ? {
        code: verdict.reply.code,
        enhanced: verdict.reply.enhanced,
        ...(verdict.softened ? { softened: true as const } : {}),
      }
    : {};
  return { action, ...refusal, tags, headers: names, score, hold, rule };
}

/** Who decided is no difference, nor is why it is only 4xx. */
function same(one: Outcome, other: Outcome): boolean {
  const effect = ({ rule, softened, ...rest }: Outcome) => JSON.stringify(rest);
  return effect(one) === effect(other);
}

/** The lines of all kinds in words; kinds of one result with the same lines are one block. */
function told(kinds: readonly Kind[], ways: readonly Ways[], tried: VerdictDiff['tried']): VerdictDiff {
  const blocks = new Map<string, VerdictBlock>();
  kinds.forEach(({ reasons }, i) => {
    const lines = (ways[i]?.lines ?? []).map(inWords);
    if (lines.every(({ change }) => change === undefined)) return;
    const key = JSON.stringify([resultOf(reasons), lines]);
    const all = [...(blocks.get(key)?.reasons ?? []), ...reasons];
    blocks.set(key, { reasons: iprevReasons.filter((reason) => all.includes(reason)), lines });
  });
  return { blocks: [...blocks.values()], considered: ways.reduce((sum, { runs }) => sum + runs, 0), tried };
}

function inWords({ when, result }: Line): VerdictLine {
  return {
    if: when.map(({ distinction, options }) => optionsText(distinction, options)),
    ...(result === '' ? {} : { change: JSON.parse(result) as NonNullable<VerdictLine['change']> }),
  };
}
