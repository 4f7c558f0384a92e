// What changes when one policy is replaced by another: rules, settings, and verdicts (verdict-diff.ts). Rules are the same rule
// if they have the same id. Everything is in words, as the policy file would have them. Pure, throws nothing.

import { conditionText, dateText, exceptionText, sentence } from '../condition-text.ts';
import type { Actions, Policy, Rule } from '../policy.ts';
import { describe } from '../walk.ts';
import { type VerdictDiff, verdictDiff } from './verdict-diff.ts';

/** `from` or `to` absent: it is not said there. */
export interface KeyChange {
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

export interface RuleChange {
  readonly id: string;
  /** "place" is its number in the file, and told only of rules that others do not pass on their own way. */
  readonly changes: readonly KeyChange[];
}

export interface PolicyDiff {
  readonly rules: {
    readonly added: readonly RuleChange[];
    readonly removed: readonly RuleChange[];
    readonly changed: readonly RuleChange[];
  };
  readonly settings: readonly KeyChange[];
  readonly verdicts: VerdictDiff;
}

/** `now` in milliseconds since 1970. */
export function policyDiff(from: Policy, to: Policy, now: number): PolicyDiff {
  return {
    rules: {
      added: lackingIn(from, to).map((rule) => ({ id: rule.id, changes: changes(new Map(), keysOf(rule)) })),
      removed: lackingIn(to, from).map((rule) => ({ id: rule.id, changes: changes(keysOf(rule), new Map()) })),
      changed: changedRules(from, to),
    },
    settings: changes(settingsOf(from), settingsOf(to)),
    verdicts: verdictDiff(from, to, now),
  };
}

export function differs({ rules, settings, verdicts }: PolicyDiff): boolean {
  const parts = [rules.added, rules.removed, rules.changed, settings, verdicts.blocks];
  return parts.some((part) => part.length > 0);
}

function lackingIn({ rules }: Policy, other: Policy): readonly Rule[] {
  const known = new Set(rules.map(({ id }) => id));
  return other.rules.filter(({ id }) => !known.has(id));
}

function changedRules(from: Policy, to: Policy): readonly RuleChange[] {
  const pairs = from.rules.flatMap((before, i) => {
    const j = to.rules.findIndex(({ id }) => id === before.id);
    const after = to.rules[j];
    return after === undefined ? [] : [{ before, after, i, j }];
  });
  const stayed = longestRise(pairs.map(({ j }) => j));
  return pairs.flatMap(({ before, after, i, j }) => {
    const place = stayed.has(j) ? [] : [{ key: 'place', from: `${i + 1}`, to: `${j + 1}` }];
    const all = [...changes(keysOf(before), keysOf(after)), ...place];
    return all.length === 0 ? [] : [{ id: before.id, changes: all }];
  });
}

function keysOf({ when, except, mode, percent, until, actions }: Rule): ReadonlyMap<string, string> {
  return new Map([
    ['when', conditionText(when)],
    ...(except.length === 0 ? [] : [['except', `[${except.map(exceptionText).join(', ')}]`] as const]),
    ['mode', mode],
    ['percent', `${percent}`],
    ...(until === undefined ? [] : [['until', dateText(until)] as const]),
    ['does', actionsText(actions)],
  ]);
}

function settingsOf({ announce, postmaster, authenticated, trusted, otherwise }: Policy): ReadonlyMap<string, string> {
  return new Map([
    ['announce', announce],
    ['postmaster', postmaster],
    ['authenticated', authenticated],
    ...(trusted === undefined ? [] : [['trusted', conditionText(trusted)] as const]),
    ['otherwise', actionsText(otherwise)],
  ]);
}

/** With the words of a refusal or field, which describe() leaves out. */
function actionsText(actions: Actions): string {
  const { field, decision } = actions;
  const words = [field?.value, decision === 'accept' ? undefined : decision?.text].filter((text) => text !== undefined);
  return [describe(actions), ...words.map(sentence)].join(' ');
}

function changes(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): readonly KeyChange[] {
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((key) => {
    const [before, after] = [from.get(key), to.get(key)];
    if (before === after) return [];
    return [{ key, ...(before === undefined ? {} : { from: before }), ...(after === undefined ? {} : { to: after }) }];
  });
}

/** The members of the longest rising subsequence: who keeps its place while the others move. */
function longestRise(numbers: readonly number[]): ReadonlySet<number> {
  const best: (readonly number[])[] = [];
  for (const number of numbers) {
    const before = best.filter((rise) => (rise.at(-1) ?? -1) < number);
    best.push([...before.reduce((a, b) => (b.length > a.length ? b : a), []), number]);
  }
  return new Set(best.reduce((a, b) => (b.length > a.length ? b : a), []));
}
