// Every client that a policy could ever meet, for claims such as "this rule can never hold". What the DNS can come to is
// enumerated: one real Evidence for each reason, each label and each number of names that some condition can tell apart, and
// condition.ts weighs them. What the client says and where it stands is left open: an atom for each single test, with what is
// known about two of them (a range lies in another, a HELO cannot be two names). The set may be too large, never too small, so
// that "never" and "always" are certain.

import { type DnsAnswer, dnsError, dnsErrors } from '../answer.ts';
import { doorKinds } from '../client.ts';
import { type Condition, namingFits, only, weigh } from '../condition.ts';
import { candidateNames, type Evidence, type Forward } from '../evidence.ts';
import { assess, type Findings } from '../findings.ts';
import { type Cidr, type Ip, inCidr, printCidr } from '../ip.ts';
import { lintComparedMax, namesMax, ptrNamesReadMax } from '../limits.ts';
import { type ClaimedName, claimedName, type HostName } from '../name.ts';
import { addressFits, type NameTest, nameFits } from '../name-test.ts';
import { type ExampleName, exampleNames } from '../naming/examples.ts';
import type { World } from '../soften.ts';
import type { TimeWindow } from '../time-window.ts';
import { alignmentFormula, certainNames, certificateAtom, exclusiveNames, heloAtom, heloDnsAtom } from './identity.ts';
import type { Formula, Relation, Relations } from './satisfiable.ts';

/** What the DNS came to. `mark` keeps the open names of one such case apart from those of another. */
export interface Case {
  readonly evidence: Evidence;
  readonly findings: Findings;
  readonly open?: Exclude<World['open'], undefined>;
  readonly mark: string;
}

export function caseOf({ evidence, open }: World, mark: string): Case {
  return { evidence, findings: assess(evidence), mark, ...(open === undefined ? {} : { open }) };
}

/** The leaves of conditions: what is neither all, any nor not. */
export type Leaf = Exclude<Condition, { readonly kind: 'all' | 'any' | 'not' }>;

export function leavesOf(condition: Condition): readonly Leaf[] {
  if (condition.kind === 'not') return leavesOf(condition.of);
  return 'of' in condition ? condition.of.flatMap(leavesOf) : [condition];
}

const ip = '192.0.2.7' as Ip;
const ttl = 0;
const nowhere: DnsAnswer<Ip> = { kind: 'nodata', ttl };
const addresses = (...records: readonly string[]): DnsAnswer<Ip> => ({
  kind: 'records',
  records: records as Ip[],
  ttl,
});

/** All that the DNS can say, for a policy with these leaves. */
export function everyCase(leaves: readonly Leaf[]): readonly Case[] {
  const counts = namesWorthCounting(leaves);
  const looks = looksWorthTelling(leaves);
  const upTo = (most: number) => counts.filter((count) => count >= 1 && count <= most);
  const failed = dnsErrors.map(dnsError);
  const pointless: DnsAnswer<ClaimedName>[] = [
    { kind: 'nxdomain', ttl },
    { kind: 'nodata', ttl },
    { kind: 'records', records: [claimedName('\\000')], ttl },
    ...failed,
  ];
  const forward = (of: readonly number[], answer: Omit<Forward, 'name'>) =>
    of.flatMap((count) => looks.map((look): World => ({ evidence: named(count, look, answer) })));
  const worlds: readonly World[] = [
    ...pointless.map((ptr): World => ({ evidence: { ...bare, ptr } })),
    ...forward(upTo(ptrNamesReadMax), { addresses: addresses(ip) }),
    // More than ten of these are too-many-names.
    ...forward(upTo(ptrNamesReadMax), { addresses: addresses('192.0.2.8') }),
    ...forward(upTo(namesMax), { addresses: nowhere, other: addresses('2001:db8::7') }),
    ...forward(upTo(namesMax), { addresses: nowhere }),
    ...failed.flatMap((answer) => forward(upTo(ptrNamesReadMax), { addresses: answer })),
  ];
  return worlds.map((world) => caseOf(world, ''));
}

/** One of those that the conditions cannot tell apart. */
export function distinct(cases: readonly Case[], leaves: readonly Leaf[]): readonly Case[] {
  const ofTheDns = leaves.filter(({ kind }) => ['iprev', 'reason', 'naming', 'names'].includes(kind));
  const asksAlignment = leaves.some(({ kind }) => kind === 'alignment');
  const signature = (one: Case): string =>
    [
      one.evidence.ptr.kind === 'records',
      one.findings.iprev.result === 'pass',
      asksAlignment && candidateNames(one.evidence.ptr).length > 0,
      ...ofTheDns.map((leaf) => told(leaf, one)),
    ].join(' ');
  return [...new Map(cases.map((one) => [signature(one), one])).values()];
}

/** What the DNS alone says about a condition on it; undefined: what it would have said is open. */
function told(leaf: Leaf, one: Case): boolean | undefined {
  const truth = only(weigh(leaf, { ...one, score: { least: 0, most: 0 } }));
  return truth === 'unknown' ? undefined : truth;
}

const bare: Evidence = {
  v: 1,
  id: '',
  at: '1970-01-01T00:00:00.000Z',
  door: 'check',
  client: { ip, stage: 'rcpt', authenticated: false },
  ptr: { kind: 'nxdomain', ttl },
  forward: [],
};

function named(count: number, { host }: ExampleName, answer: Omit<Forward, 'name'>): Evidence {
  const records = Array.from({ length: count }, (_, i) => claimedName(`${host}.n${i}.invalid`));
  const ptr: DnsAnswer<ClaimedName> = { kind: 'records', records, ttl };
  const tried: readonly HostName[] = candidateNames(ptr).slice(0, namesMax);
  return { ...bare, ptr, forward: tried.map((name) => ({ name, ...answer })) };
}

/** An example of each look that some condition tells from another; of generic names and of others in any case. */
function looksWorthTelling(leaves: readonly Leaf[]): readonly ExampleName[] {
  const asked = leaves.filter((leaf) => leaf.kind === 'naming');
  const signature = ({ reading }: ExampleName): string =>
    [reading.label === 'generic', ...asked.map((leaf) => namingFits(reading, leaf))].join(' ');
  // The first of those that look alike, in their order.
  return [...new Map(exampleNames.toReversed().map((example) => [signature(example), example])).values()].reverse();
}

/** Every number on either side of a border: of what we try, and of what a condition asks for. */
function namesWorthCounting(leaves: readonly Leaf[]): readonly number[] {
  const asked = leaves.flatMap((leaf) =>
    leaf.kind === 'names' ? [leaf.atLeast - 1, leaf.atLeast, leaf.atMost, leaf.atMost + 1] : [],
  );
  return [...new Set([1, namesMax, namesMax + 1, ptrNamesReadMax, ...asked])];
}

/** What the rules before have added up to: at least, at most, and a word that is another where it may be another sum. */
export interface ScoreSoFar {
  readonly least: number;
  readonly most: number;
  readonly mark: string;
}

/** The condition in this case, with everything open that the DNS does not tell. */
export function formulaOf(condition: Condition, one: Case, score: ScoreSoFar): Formula {
  switch (condition.kind) {
    case 'iprev':
    case 'reason':
    case 'naming':
    case 'names':
      return told(condition, one) ?? one.mark + JSON.stringify(condition);
    case 'ptr':
      if (one.evidence.ptr.kind !== 'records') return false;
      return { any: condition.tests.map((test) => one.mark + nameAtom('ptr', test)) };
    case 'verified_name':
      if (one.findings.iprev.result !== 'pass') return false;
      return { any: condition.tests.map((test) => one.mark + nameAtom('verified_name', test)) };
    case 'score':
      if (score.least >= condition.atLeast) return true;
      return score.most < condition.atLeast ? false : one.mark + scoreAtom(condition.atLeast, score);
    case 'time':
      return condition.windows.some(isAlways)
        ? true
        : { any: condition.windows.map((window) => `time ${JSON.stringify(window)}`) };
    case 'client_ip':
      return {
        any: [...condition.ranges.map(rangeAtom), ...condition.lists.map(({ path }) => `client_ip list ${path}`)],
      };
    case 'helo':
    case 'sender':
    case 'recipient':
      return { any: condition.tests.map((test) => nameAtom(condition.kind, test)) };
    case 'helo_is':
      return { any: condition.forms.map(heloAtom) };
    case 'helo_dns':
      return { any: condition.words.map(heloDnsAtom) };
    case 'certificate':
      return { any: condition.words.map(certificateAtom) };
    case 'alignment':
      return alignmentFormula(condition, one);
    case 'door':
      return { any: condition.doors.map(doorAtom) };
    case 'port':
      return { any: condition.ports.map(portAtom) };
    case 'authenticated':
      return condition.is ? authenticatedAtom : { not: authenticatedAtom };
    case 'early_talker':
      return condition.is ? earlyTalkerAtom : { not: earlyTalkerAtom };
    case 'all':
      return { all: condition.of.map((of) => formulaOf(of, one, score)) };
    case 'any':
      return { any: condition.of.map((of) => formulaOf(of, one, score)) };
    case 'not':
      return { not: formulaOf(condition.of, one, score) };
  }
}

export const authenticatedAtom = 'authenticated';
const earlyTalkerAtom = 'early_talker';
const doorAtom = (door: string): string => `door ${door}`;
export const portAtom = (port: number): string => `port ${port}`;
const rangeAtom = (range: Cidr): string => `client_ip ${printCidr(range)}`;
const scoreAtom = (atLeast: number, { mark }: ScoreSoFar): string => `score ${atLeast} ${mark}`;

type Subject = 'ptr' | 'verified_name' | 'helo' | 'sender' | 'recipient';

function nameAtom(subject: Subject, test: NameTest): string {
  switch (test.kind) {
    case 'exact':
      return `${subject} ${JSON.stringify(test.value)}`;
    case 'under':
      return `${subject} under ${test.domain}`;
    case 'glob':
    case 'matches':
      return `${subject} ${test.kind} ${test.pattern.source}`;
    case 'list':
      return `${subject} list ${test.list.path}`;
  }
}

/** A whole day on every day. */
function isAlways({ days, from, until }: TimeWindow): boolean {
  return from === until && new Set(days).size === 7;
}

/** What is known about the atoms of these leaves, and what one of them must be: in formulas that hold for every client. */
export function whatIsKnown(
  leaves: readonly Leaf[],
  scores: readonly ScoreSoFar[],
): {
  readonly relations: Relations;
  readonly certain: Formula;
} {
  const implies = new Map<string, Set<string>>();
  const excludes = new Map<string, Set<string>>();
  const note = (map: Map<string, Set<string>>, a: string, b: string) => {
    if (a === b) return;
    const set = map.get(a) ?? new Set();
    map.set(a, set.add(b));
  };
  const exclusive = (atoms: readonly string[]) => {
    for (const a of atoms) for (const b of atoms) note(excludes, a, b);
  };

  const ranges = uniqueBy(
    leaves.flatMap((leaf) => (leaf.kind === 'client_ip' ? leaf.ranges : [])),
    rangeAtom,
  );
  pairs(ranges, (a, b) => {
    if (a.bits >= b.bits && inCidr(a.base, b)) note(implies, rangeAtom(a), rangeAtom(b));
    else if (a.bits < b.bits ? !inCidr(b.base, a) : true) note(excludes, rangeAtom(a), rangeAtom(b));
  });

  for (const subject of ['ptr', 'verified_name', 'helo', 'sender', 'recipient'] as const) {
    const tests = testsOf(leaves, subject);
    const single = subject !== 'ptr' && subject !== 'verified_name';
    pairs(tests, (a, b) => {
      const follows = nameFollows(subject, a, b);
      if (follows === true) note(implies, nameAtom(subject, a), nameAtom(subject, b));
      // A client has one HELO name and several PTR names.
      if (follows === false && single) {
        note(excludes, nameAtom(subject, a), nameAtom(subject, b));
        note(excludes, nameAtom(subject, b), nameAtom(subject, a));
      }
    });
  }
  // A confirmed name is one of those that were claimed.
  for (const a of testsOf(leaves, 'verified_name'))
    for (const b of testsOf(leaves, 'ptr'))
      if (nameAtom('ptr', a) === nameAtom('ptr', b) || nameFollows('ptr', a, b) === true)
        note(implies, nameAtom('verified_name', a), nameAtom('ptr', b));

  for (const atoms of exclusiveNames()) exclusive(atoms);
  const doors = [...doorKinds, 'check'].map(doorAtom);
  exclusive(doors);
  exclusive([...new Set(leaves.flatMap((leaf) => (leaf.kind === 'port' ? leaf.ports.map(portAtom) : [])))]);

  const asked = [...new Set(leaves.flatMap((leaf) => (leaf.kind === 'score' ? [leaf.atLeast] : [])))];
  for (const score of scores)
    pairs(asked, (a, b) => {
      if (a > b) note(implies, scoreAtom(a, score), scoreAtom(b, score));
    });

  const relations = new Map<string, Relation>();
  const impliedBy = new Map<string, Set<string>>();
  for (const [a, all] of implies) for (const b of all) note(impliedBy, b, a);
  for (const atom of new Set([...implies.keys(), ...impliedBy.keys(), ...excludes.keys()]))
    relations.set(atom, {
      implies: [...(implies.get(atom) ?? [])],
      impliedBy: [...(impliedBy.get(atom) ?? [])],
      excludes: [...(excludes.get(atom) ?? [])],
    });

  const everywhere = ranges.filter(({ bits }) => bits === 0).map(rangeAtom);
  const oneOf = [...certainNames(leaves), doors, ...(everywhere.length === 2 ? [everywhere] : [])];
  return { relations, certain: { all: oneOf.map((any) => ({ any })) } };
}

function pairs<T>(values: readonly T[], see: (a: T, b: T) => void): void {
  if (values.length > lintComparedMax) return;
  for (const a of values) for (const b of values) if (a !== b) see(a, b);
}

function uniqueBy<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}

function testsOf(leaves: readonly Leaf[], subject: Subject): readonly NameTest[] {
  const all = leaves.flatMap((leaf) => (leaf.kind === subject ? leaf.tests : []));
  return uniqueBy(all, (test) => nameAtom(subject, test));
}

/** Of a name that fits `a`: whether it fits `b` too; undefined if that cannot be said. */
function nameFollows(subject: Subject, a: NameTest, b: NameTest): boolean | undefined {
  if (b.kind === 'list') return undefined;
  const mail = subject === 'sender' || subject === 'recipient';
  if (a.kind === 'exact') {
    const anybodyAt = a.value.length > 1 && a.value.startsWith('@');
    if (!anybodyAt && !a.value.endsWith('@')) return mail ? addressFits(a.value, [b]) : nameFits(a.value, [b]);
    if (!mail || !anybodyAt) return undefined;
    if (b.kind === 'under') return addressFits(a.value, [b]);
    return b.kind === 'exact' && b.value.length > 1 && b.value.startsWith('@') ? false : undefined;
  }
  if (a.kind !== 'under' || b.kind !== 'under') return undefined;
  if (a.domain === b.domain || a.domain.endsWith(`.${b.domain}`)) return true;
  return b.domain.endsWith(`.${a.domain}`) ? undefined : false;
}
