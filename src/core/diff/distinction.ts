// What policies ask about a client beside its reverse DNS, as distinctions: each has a few options, and every client falls under
// one of them. Where one answer rules out another (addresses, doors, dates, exact names) no option says both. Patterns, lists
// and times of day are taken as they come: each holds or does not, whatever the others do. Pure, throws nothing.

import ipaddr from 'ipaddr.js';
import { alignmentPairs } from '../alignment.ts';
import { doorKinds } from '../client.ts';
import { certificateWords } from '../client-certificate.ts';
import type { Condition } from '../condition.ts';
import { dateText, isLeaf, type Leaf, leafText } from '../condition-text.ts';
import { heloForms } from '../helo.ts';
import { type Cidr, type Ip, inCidr, parseIp } from '../ip.ts';
import { addressFits, type NameTest, nameFits } from '../name-test.ts';
import type { Policy, Rule } from '../policy.ts';
import { type AlignmentLeaf, alignmentParts, asksPtr, besidePtr, levelsOf } from './alignment-parts.ts';

/** Something that is so or is not so. */
export interface Fact {
  readonly words: string;
  /** The words for its opposite. */
  readonly otherwise: string;
}

/** Each option is the set of facts that are so under it; no two are equal, and the first is the usual one. */
export interface Distinction {
  readonly options: readonly ReadonlySet<Fact>[];
}

/** Is this fact so? The option that is so tells. */
export interface Question {
  readonly distinction: Distinction;
  readonly fact: Fact;
}

/** What a fact is called: the text of a condition, or one of these. */
export function untilKey(until: number): string {
  return `until ${dateText(until)}`;
}

export function shareKey(id: string, percent: number): string {
  return `within the ${percent} % of ${id}`;
}

/** That a name would fit whose lookup failed. */
export function doubtKey(leaf: Leaf): string {
  return `${leafText(leaf)} but for the failed lookup`;
}

/** Does not follow from the findings, and is no sum of what happened before. */
export type Free = Exclude<
  Leaf,
  { readonly kind: 'iprev' | 'reason' | 'naming' | 'names' | 'helo_dns' | 'score' | 'authenticated' }
>;

export function isFree(leaf: Leaf): leaf is Free {
  return !['iprev', 'reason', 'naming', 'names', 'helo_dns', 'score', 'authenticated'].includes(leaf.kind);
}

/** Every leaf of the policies, each text once; `trusted` and the exceptions are among them. */
export function leavesOf(policies: readonly Policy[]): readonly Leaf[] {
  const found = new Map<string, Leaf>();
  const visit = (condition: Condition): void => {
    if (isLeaf(condition)) found.set(leafText(condition), condition);
    else for (const of of condition.kind === 'not' ? [condition.of] : condition.of) visit(of);
  };
  for (const { trusted, rules } of policies) {
    if (trusted !== undefined) visit(trusted);
    for (const rule of rules.filter(isLookedAt)) {
      visit(rule.when);
      for (const exception of rule.except) visit(exception.when);
    }
  }
  return [...found.values()];
}

/** Whether the rule can have a part in any verdict. */
export function isLookedAt({ mode, percent }: Rule): boolean {
  return mode === 'enforce' && percent > 0;
}

/** Every question that the policies ask, by its key. Dates that lie before `now` are over. */
export function questionsOf(policies: readonly Policy[], now: number): ReadonlyMap<string, Question> {
  const free = leavesOf(policies).filter(isFree);
  const rules = policies.flatMap((policy) => policy.rules).filter(isLookedAt);
  const addresses = free.filter((leaf) => leaf.kind === 'client_ip').filter(({ lists }) => lists.length === 0);
  const earlyTalkers = free.filter((leaf) => leaf.kind === 'early_talker');
  const doors = free.filter((leaf) => leaf.kind === 'door');
  const ports = free.filter((leaf) => leaf.kind === 'port');
  const forms = free.filter((leaf) => leaf.kind === 'helo_is');
  const certificates = free.filter((leaf) => leaf.kind === 'certificate');
  const alignments = free.filter((leaf) => leaf.kind === 'alignment');
  const named = (kind: 'helo' | 'sender' | 'recipient') =>
    free.filter((leaf): leaf is NameLeaf => leaf.kind === kind && leaf.tests.every(canBeSampled));
  const [helos, senders, recipients] = [named('helo'), named('sender'), named('recipient')] as const;
  const sampled = new Set<Leaf>(
    [addresses, earlyTalkers, doors, ports, forms, certificates, alignments, helos, senders, recipients].flat(),
  );
  const mailAddress = ({ tests }: NameLeaf, sample: string) => addressFits(sample, tests);
  return new Map([
    ...byLeaf(addresses, boundaries(addresses), ({ ranges }, ip) => ranges.some((range) => inCidr(ip, range))),
    ...spokeEarly(earlyTalkers),
    ...byLeaf(doors, [...doorKinds, 'check' as const], (leaf, door) => leaf.doors.includes(door)),
    ...byLeaf(ports, [25, 0, ...ports.flatMap((leaf) => leaf.ports)], (leaf, port) => leaf.ports.includes(port)),
    ...byLeaf(forms, ['fqdn' as const, ...heloForms], (leaf, form) => leaf.forms.includes(form)),
    ...byLeaf(certificates, ['none' as const, ...certificateWords], (leaf, word) => leaf.words.includes(word)),
    ...ofAlignment(alignments),
    ...distinctNames(alignments.filter(asksPtr)),
    ...byLeaf(helos, nameSamples(helos), ({ tests }, name) => nameFits(name, tests)),
    ...byLeaf(senders, addressSamples(senders), mailAddress),
    ...byLeaf(recipients, addressSamples(recipients), mailAddress),
    ...free.filter((leaf) => !sampled.has(leaf)).flatMap((leaf) => byLeaf([leaf], [false, true], (_, is) => is)),
    ...[...free.filter((leaf) => leaf.kind === 'verified_name'), ...alignments.flatMap(confirmedPart)]
      .map(doubtKey)
      .flatMap((key) => distinguish([[key, plainFact(key), (is: boolean) => is]], [false, true])),
    ...dates(rules, now),
    ...[...new Set(rules.map(({ id }) => id))].flatMap((id) => shares(rules.filter((rule) => rule.id === id))),
  ]);
}

type NameLeaf = Extract<Leaf, { readonly tests: readonly NameTest[] }>;

/** One fact by itself: not so, or so. */
export function either(fact: Fact): Distinction {
  return { options: [new Set(), new Set([fact])] };
}

export function plainFact(words: string): Fact {
  return { words, otherwise: `not ${words}` };
}

function byLeaf<L extends Leaf, S>(
  leaves: readonly L[],
  samples: readonly S[],
  holds: (leaf: L, sample: S) => boolean,
) {
  return distinguish(
    leaves.map((leaf) => [leafText(leaf), plainFact(leafText(leaf)), (sample: S) => holds(leaf, sample)]),
    samples,
  );
}

/** A client spoke before it was greeted or did not, whichever way a rule asks. Most do not. */
function spokeEarly(leaves: readonly Extract<Leaf, { readonly kind: 'early_talker' }>[]) {
  return distinguish(
    leaves.map((leaf) => [
      leafText(leaf),
      { words: leafText(leaf), otherwise: leafText({ ...leaf, is: !leaf.is }) },
      (isEarly: boolean) => isEarly === leaf.is,
    ]),
    [false, true],
  );
}

/** How far two names go together: one level for each pair, in the parts that the stand-in asks for. */
function ofAlignment(leaves: readonly AlignmentLeaf[]) {
  return alignmentPairs.flatMap((pair) => {
    const parts = leaves
      .filter((leaf) => leaf.pair === pair)
      .flatMap((leaf) => {
        const { confirmed, claimed } = alignmentParts(leaf);
        return asksPtr(leaf) ? [confirmed, claimed] : [leaf];
      })
      .filter((part) => part !== undefined);
    const unique = [...new Map(parts.map((part) => [leafText(part), part])).values()];
    return byLeaf(unique, levelsOf(pair), ({ levels }, level) => levels.includes(level));
  });
}

function distinctNames(leaves: readonly AlignmentLeaf[]) {
  const facts = [...new Map(leaves.map((leaf) => [leaf.pair, besidePtr(leaf)])).values()];
  return facts.flatMap((fact) => distinguish([[fact.words, fact, (is: boolean) => is]], [true, false]));
}

function confirmedPart(leaf: AlignmentLeaf): readonly Leaf[] {
  const { confirmed } = alignmentParts(leaf);
  return confirmed === undefined || !asksPtr(leaf) ? [] : [confirmed];
}

/** The facts that belong together, and the options that the samples show: each set of facts once. The first sample is usual. */
export function distinguish<S>(
  facts: readonly (readonly [key: string, fact: Fact, holds: (sample: S) => boolean])[],
  samples: readonly S[],
): readonly (readonly [string, Question])[] {
  const options = new Map<string, ReadonlySet<Fact>>();
  for (const sample of samples) {
    const holding = facts.filter(([, , holds]) => holds(sample));
    const id = holding.map(([key]) => key).join('\n');
    if (!options.has(id)) options.set(id, new Set(holding.map(([, fact]) => fact)));
  }
  const distinction = { options: [...options.values()] };
  return facts.map(([key, fact]) => [key, { distinction, fact }] as const);
}

/** Rules and exceptions that end some day. */
function dates(rules: readonly Rule[], now: number): readonly (readonly [string, Question])[] {
  const untils = rules.flatMap(({ until, except }) => [until, ...except.map((exception) => exception.until)]);
  const given = [...new Set(untils)].filter((until) => until !== undefined);
  return distinguish(
    given.map((until) => [
      untilKey(until),
      { words: untilKey(until), otherwise: `after ${dateText(until)}` },
      (moment: number) => moment < until,
    ]),
    [now, ...given.filter((until) => until > now)],
  );
}

/** Networks are lined up by their hash, for each rule id in another order; a percentage takes the first of them. */
function shares(rules: readonly Rule[]): readonly (readonly [string, Question])[] {
  const percents = [...new Set(rules.map(({ percent }) => percent))].filter((percent) => percent < 100);
  return distinguish(
    percents.map((percent) => {
      const key = shareKey(rules[0]?.id ?? '', percent);
      return [key, { words: key, otherwise: key.replace('within', 'outside') }, (share: number) => share < percent];
    }),
    [50, 0, ...percents],
  );
}

/** An address of every region that the ranges divide the addresses into: one begins where a range begins, or behind its end. */
function boundaries(leaves: readonly { readonly ranges: readonly Cidr[] }[]): readonly Ip[] {
  const ranges = leaves.flatMap((leaf) => leaf.ranges);
  return [...(['0.0.0.0', '::'] as Ip[]), ...ranges.flatMap((range) => [range.base, ...behind(range)])];
}

function behind({ base, bits }: Cidr): readonly Ip[] {
  const bytes = ipaddr.parse(base).toByteArray();
  let carry = bits === 0 ? 0 : 1 << (7 - ((bits - 1) & 7));
  for (let i = (bits - 1) >> 3; i >= 0 && carry > 0; i--) {
    const sum = (bytes[i] ?? 0) + carry;
    bytes[i] = sum & 0xff;
    carry = sum >> 8;
  }
  const next = parseIp(ipaddr.fromByteArray(bytes).toString());
  return next === undefined ? [] : [next];
}

function canBeSampled({ kind }: NameTest): boolean {
  return kind === 'exact' || kind === 'under';
}

const other = 'other.invalid';

function nameSamples(leaves: readonly NameLeaf[]): readonly string[] {
  return [other, ...leaves.flatMap(({ tests }) => tests).flatMap(domainsOf)];
}

/** Every mailbox that is named for itself, at every domain that is. */
function addressSamples(leaves: readonly NameLeaf[]): readonly string[] {
  const tests = leaves.flatMap((leaf) => leaf.tests);
  const exact = tests.flatMap((test) => (test.kind === 'exact' ? [test.value] : []));
  const mailboxes = ['other@', ...exact.filter((value) => value.endsWith('@'))];
  const domains = [other, ...tests.flatMap(domainsOf)];
  return [
    ...new Set([
      ...mailboxes.flatMap((mailbox) => domains.map((domain) => mailbox + domain.slice(domain.lastIndexOf('@') + 1))),
      ...exact,
      ...mailboxes.map((mailbox) => mailbox.slice(0, -1)),
    ]),
  ];
}

function domainsOf(test: NameTest): readonly string[] {
  if (test.kind === 'exact') return [test.value];
  return test.kind === 'under' ? [test.domain, `other.${test.domain}`] : [];
}

/** One of these options, in words. What follows from the rest is left out; what would make it another option is denied. */
export function optionsText({ options }: Distinction, chosen: readonly number[]): string {
  const texts = chosen.map((i) => optionText(options[i] ?? new Set(), options));
  return texts.length === 1
    ? `${texts[0]}`
    : texts.map((text) => (text.includes(' and ') ? `(${text})` : text)).join(' or ');
}

function optionText(option: ReadonlySet<Fact>, options: readonly ReadonlySet<Fact>[]): string {
  const implies = (a: Fact, b: Fact) => options.every((any) => !any.has(a) || any.has(b));
  const facts = [...option];
  const said = facts.filter(
    (fact, i) => !facts.some((one, j) => i !== j && implies(one, fact) && (j < i || !implies(fact, one))),
  );
  const wider = options.filter((any) => any.size > option.size && facts.every((fact) => any.has(fact)));
  const denied = [...new Set(wider.flatMap((any) => [...any].filter((fact) => !option.has(fact))))].filter(
    (fact, _, all) => !all.some((one) => one !== fact && implies(fact, one) && !implies(one, fact)),
  );
  return [...said.map(({ words }) => words), ...denied.map((fact) => fact.otherwise)].join(' and ');
}
