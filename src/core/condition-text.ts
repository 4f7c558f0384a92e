// A condition in words, as it would stand in the policy file on one line. Two conditions with the same text mean the same:
// members of a list are sorted, since their order says nothing. The converse does not hold, nobody proves theorems here.
// Everything comes out as printable ASCII. Pure, throws nothing.

import type { Condition, NamingCondition } from './condition.ts';
import { type Cidr, isIpv4, printCidr } from './ip.ts';
import { ptrNamesReadMax } from './limits.ts';
import { printable } from './name.ts';
import type { List, NameTest } from './name-test.ts';
import type { Exception } from './policy.ts';
import { type TimeWindow, weekdays } from './time-window.ts';

/** A condition that stands on its own: no other is in it. */
export type Leaf = Exclude<Condition, { readonly kind: 'all' | 'any' | 'not' }>;

/** "{ iprev: fail, naming: generic }"; "always" and "never" for what no file can say. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'all': {
      const { of } = condition;
      if (of.length === 0) return 'always';
      const leaves = of.filter(isLeaf);
      const oneMap = leaves.length === of.length && new Set(leaves.map(({ kind }) => kind)).size === of.length;
      return oneMap ? `{ ${leaves.map(leafText).join(', ')} }` : `{ all: [${of.map(conditionText).join(', ')}] }`;
    }
    case 'any':
      return condition.of.length === 0 ? 'never' : `[${condition.of.map(conditionText).join(', ')}]`;
    case 'not':
      return `{ not: ${conditionText(condition.of)} }`;
    default:
      return `{ ${leafText(condition)} }`;
  }
}

/** "reason: [no-ptr, ptr-empty]". */
export function leafText(leaf: Leaf): string {
  return `${leaf.kind}: ${valueText(leaf)}`;
}

export function exceptionText({ when, why, until }: Exception): string {
  return `{ when: ${conditionText(when)}, why: ${sentence(why)}${until === undefined ? '' : `, until: ${dateText(until)}`} }`;
}

/** The day that is the last, or the moment, as the file has it. `at`: milliseconds since 1970. */
export function dateText(at: number): string {
  const day = 86_400_000;
  if (at % day === 0) return new Date(at - day).toISOString().slice(0, 10);
  return new Date(at).toISOString().replace(/(?::00)?\.000Z$/, 'Z');
}

/** Quoted, whatever it is. */
export function sentence(text: string): string {
  // printable doubles the backslashes first, so that no text can end its own quotes.
  return `"${printable(text, Number.POSITIVE_INFINITY).replaceAll('"', '\\"')}"`;
}

export function isLeaf(condition: Condition): condition is Leaf {
  return condition.kind !== 'all' && condition.kind !== 'any' && condition.kind !== 'not';
}

function valueText(leaf: Leaf): string {
  switch (leaf.kind) {
    case 'iprev':
      return oneOrMore(leaf.results);
    case 'reason':
      return oneOrMore(leaf.reasons);
    case 'client_ip':
      return oneOrMore([...leaf.ranges.map(rangeText), ...leaf.lists.map(listText)]);
    case 'naming':
      return namingText(leaf);
    case 'ptr':
    case 'verified_name':
    case 'helo':
    case 'sender':
    case 'recipient':
      return oneOrMore(leaf.tests.map(testText));
    case 'helo_is':
      return oneOrMore(leaf.forms);
    case 'helo_dns':
    case 'certificate':
      return oneOrMore(leaf.words);
    case 'alignment':
      return `{ pair: ${leaf.pair}, level: ${oneOrMore(leaf.levels)} }`;
    case 'names': {
      const { atLeast, atMost } = leaf;
      if (atLeast === atMost) return `${atLeast}`;
      const bounds = [
        ...(atLeast > 0 ? [`at_least: ${atLeast}`] : []),
        ...(atMost < ptrNamesReadMax ? [`at_most: ${atMost}`] : []),
      ];
      return `{ ${(bounds.length > 0 ? bounds : ['at_least: 0']).join(', ')} }`;
    }
    case 'authenticated':
    case 'early_talker':
      return `${leaf.is}`;
    case 'door':
      return oneOrMore(leaf.doors);
    case 'port':
      return oneOrMore(leaf.ports.map(String));
    case 'score':
      return `{ at_least: ${leaf.atLeast} }`;
    case 'time':
      return oneOrMore(leaf.windows.map(windowText));
  }
}

/** A label alone stands for itself. */
function namingText({ labels, kinds, tiers }: NamingCondition): string {
  if (labels !== undefined && kinds === undefined && tiers === undefined) return oneOrMore(labels);
  const asked = Object.entries({ label: labels, kind: kinds, tier: tiers });
  return `{ ${asked.flatMap(([key, values]) => (values === undefined ? [] : [`${key}: ${oneOrMore(values)}`])).join(', ')} }`;
}

function oneOrMore(values: readonly string[]): string {
  const sorted = [...new Set(values)].sort();
  return sorted.length === 1 ? `${sorted[0]}` : `[${sorted.join(', ')}]`;
}

function rangeText(range: Cidr): string {
  return range.bits === (isIpv4(range.base) ? 32 : 128) ? range.base : printCidr(range);
}

function listText({ path }: List): string {
  return `{ list: ${word(path)} }`;
}

function testText(test: NameTest): string {
  switch (test.kind) {
    case 'exact':
      return word(test.value);
    case 'under':
      return `{ under: ${word(test.domain)} }`;
    case 'glob':
    case 'matches':
      return `{ ${test.kind}: ${word(test.pattern.source)} }`;
    case 'list':
      return listText(test.list);
  }
}

function windowText({ days, from, until, zone }: TimeWindow): string {
  const parts = [
    ...(days.length < weekdays.length ? [`days: ${daysText(days)}`] : []),
    `from: "${clock(from)}", until: "${clock(until)}"`,
    ...(zone === 'UTC' ? [] : [`zone: ${word(zone)}`]),
  ];
  return `{ ${parts.join(', ')} }`;
}

function daysText(days: TimeWindow['days']): string {
  const inOrder = weekdays.filter((day) => days.includes(day));
  return inOrder.length === 1 ? `${inOrder[0]}` : `[${inOrder.join(', ')}]`;
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** Plain where YAML could not take it for anything else. */
function word(text: string): string {
  return /^[a-z0-9_./@-]+$/i.test(text) && !/^[-@]/.test(text) ? text : sentence(text);
}
