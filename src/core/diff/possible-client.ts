// Every client that could come, as far as policies can tell: for a reason of iprev.ts, answers of the DNS that lead to it, in all
// the varieties that a rule or the softening may notice: what the names look like, how many there are, and what happened
// beside the lookup that decided. Which variety it is, is asked (ways.ts). Pure.

import { type DnsAnswer, type DnsError, dnsError } from '../answer.ts';
import { type Condition, type NamingCondition, namingFits } from '../condition.ts';
import { leafText } from '../condition-text.ts';
import type { Evidence, Forward } from '../evidence.ts';
import { type HeloDns, heloDnsWords } from '../helo.ts';
import type { Ip } from '../ip.ts';
import type { IprevReason } from '../iprev.ts';
import { namesMax, ptrNamesReadMax } from '../limits.ts';
import { type ClaimedName, claimedName, type HostName } from '../name.ts';
import { type ExampleName, exampleNames } from '../naming/examples.ts';
import { type Distinction, distinguish, either, type Fact, plainFact } from './distinction.ts';
import type { Ask } from './ways.ts';

/** What policies ask about that is no question of distinction.ts. */
export interface Interest {
  /** How the names look that rules tell apart; none: nobody asks. */
  readonly naming: readonly NamingCondition[];
  readonly names: readonly Extract<Condition, { readonly kind: 'names' }>[];
  /** What the DNS may say of HELO's name. */
  readonly heloDns: boolean;
  readonly authenticated: boolean;
  /** Whether mail to postmaster and abuse is another case. */
  readonly postmaster: boolean;
}

export interface PossibleClients {
  readonly distinctions: readonly Distinction[];
  evidence(ask: Ask): Evidence;
}

const byHeloDns: Distinction = { options: heloDnsWords.map((word) => new Set([plainFact(`helo_dns: ${word}`)])) };
const loggedIn = either(plainFact('authenticated'));
const toPostmaster = either(plainFact('recipient: [abuse@, postmaster@]'));

export function possibleClients(reason: IprevReason, interest: Interest): PossibleClients {
  const shape = shapeOf(reason);
  const [least, most] = shape.names;
  const naming = most > 0 ? looks(interest.naming) : undefined;
  const names = numberOfNames(least, most, interest.names);
  const beside = shape.beside === undefined ? undefined : either(shape.beside);
  const heloDns = interest.heloDns ? byHeloDns : undefined;
  const authenticated = interest.authenticated ? loggedIn : undefined;
  const postmaster = interest.postmaster ? toPostmaster : undefined;
  const distinctions = [naming?.distinction, names?.distinction, beside, heloDns, authenticated, postmaster];
  return {
    distinctions: distinctions.filter((distinction) => distinction !== undefined),
    evidence(ask) {
      const asked = (distinction: Distinction | undefined) => (distinction === undefined ? 0 : ask(distinction));
      const count = names?.count(ask) ?? Math.max(least, Math.min(2, most));
      const variety: Variety = {
        host: naming?.host(ask) ?? usualName.host,
        names: count,
        beside: (shape.beside?.names ?? 0) <= count && asked(beside) === 1,
      };
      return {
        v: 1,
        id: 'nobody',
        at: '1970-01-01T00:00:00.000Z',
        door: 'check',
        client: {
          ip,
          stage: 'rcpt',
          helo: heloName,
          sender: 'a@mail.invalid',
          recipient: asked(postmaster) === 1 ? 'postmaster@mail.invalid' : 'b@mail.invalid',
          authenticated: asked(authenticated) === 1,
        },
        ...answers(reason, variety),
        ...heloAnswer(heloDnsWords[asked(heloDns)] ?? 'not-asked'),
      };
    },
  };
}

interface Shape {
  /** How many host names there may be. */
  readonly names: readonly [least: number, most: number];
  /** What else may have happened that softens a verdict, with so many names at least. */
  readonly beside?: Fact & { readonly names: number };
}

function shapeOf(reason: IprevReason): Shape {
  switch (reason) {
    case 'no-ptr':
    case 'ptr-empty':
    case 'ptr-invalid':
      return { names: [0, 0] };
    case 'confirmed': {
      const beside = { words: 'the lookup of another name failed', otherwise: 'no lookup failed', names: 2 };
      return { names: [1, ptrNamesReadMax], beside };
    }
    case 'stale': {
      const beside = { words: 'the lookup of the other family failed', otherwise: 'no lookup failed', names: 1 };
      return { names: [1, namesMax], beside };
    }
    case 'mismatch':
    case 'other-family':
      return { names: [1, namesMax] };
    case 'too-many-names':
      return { names: [namesMax + 1, ptrNamesReadMax] };
    default: {
      if (reason.startsWith('ptr-')) return { names: [0, 0] };
      const beside = { words: 'another name has addresses', otherwise: 'no other name has addresses', names: 2 };
      return { names: [1, ptrNamesReadMax], beside };
    }
  }
}

/** An example of each look that makes a difference. Those of a label come before those of a kind. */
function looks(asked: Interest['naming']) {
  const facts = asked.map(
    (leaf) =>
      [leafText(leaf), plainFact(leafText(leaf)), ({ reading }: ExampleName) => namingFits(reading, leaf)] as const,
  );
  const distinction = distinguish(facts, exampleNames)[0]?.[1].distinction;
  if (distinction === undefined || distinction.options.length < 2) return undefined;
  const examples = distinction.options.map((option) =>
    exampleNames.find((example) => facts.every(([, fact, holds]) => holds(example) === option.has(fact))),
  );
  return { distinction, host: (ask: Ask) => (examples[ask(distinction)] ?? usualName).host };
}

const usualName = exampleNames[0] as ExampleName;

/** Where rules count names, or more than ten would be another reason: an example of each number that makes a difference. */
function numberOfNames(least: number, most: number, counted: Interest['names']) {
  const counts = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  const tooMany = least <= namesMax && most > namesMax ? [tooManyNames] : [];
  const facts = [
    ...tooMany.map((fact) => [fact.words, fact, (count: number) => count > namesMax] as const),
    ...counted.map((leaf) => {
      const holds = (count: number) => count >= leaf.atLeast && count <= leaf.atMost;
      return [leafText(leaf), plainFact(leafText(leaf)), holds] as const;
    }),
  ];
  const distinction = distinguish(facts, counts)[0]?.[1].distinction;
  if (distinction === undefined || distinction.options.length < 2) return undefined;
  const examples = distinction.options.map((option) => {
    const fitting = counts.filter((count) => facts.every(([, fact, holds]) => holds(count) === option.has(fact)));
    return fitting.find((count) => count > 1) ?? fitting[0] ?? least;
  });
  return { distinction, count: (ask: Ask) => examples[ask(distinction)] ?? least };
}

const tooManyNames: Fact = { words: 'more than ten names', otherwise: 'ten names at most' };

interface Variety {
  readonly host: string;
  readonly names: number;
  readonly beside: boolean;
}

function answers(reason: IprevReason, variety: Variety): Pick<Evidence, 'ptr' | 'forward'> {
  const { host, beside } = variety;
  const named = (answer: (i: number) => Omit<Forward, 'name'>) => {
    const all = Array.from({ length: variety.names }, (_, i): Forward => {
      const given = answer(i);
      return { name: nameOf(i, host, given.addresses.kind === 'error'), ...given };
    });
    const ptr: DnsAnswer<ClaimedName> = { kind: 'records', records: all.map(({ name }) => name), ttl };
    return { ptr, forward: all.slice(0, namesMax) };
  };
  switch (reason) {
    case 'no-ptr':
      return { ptr: { kind: 'nxdomain', ttl }, forward: [] };
    case 'ptr-empty':
      return { ptr: { kind: 'nodata', ttl }, forward: [] };
    case 'ptr-invalid':
      return { ptr: { kind: 'records', records: [claimedName('\\000')], ttl }, forward: [] };
    case 'confirmed':
      return named((i) => ({ addresses: beside && i === 0 ? dnsError('timeout') : records(ip) }));
    case 'mismatch':
    case 'too-many-names':
      return named(() => ({ addresses: elsewhere }));
    case 'other-family':
      return named(() => ({ addresses: nowhere, other: elsewhere }));
    case 'stale':
      return named(() => ({ addresses: nowhere, ...(beside ? { other: dnsError('timeout') } : {}) }));
    default: {
      const failed = dnsError(reason.replace(/^(?:ptr|forward)-/, '') as DnsError);
      if (reason.startsWith('ptr-')) return { ptr: failed, forward: [] };
      return named((i) => ({ addresses: beside && i > 0 ? elsewhere : failed }));
    }
  }
}

const heloName = 'helo.invalid' as HostName;

function heloAnswer(word: HeloDns): Pick<Evidence, 'helo'> {
  const answer: Readonly<Record<Exclude<HeloDns, 'not-asked'>, Omit<Forward, 'name'>>> = {
    client: { addresses: records(ip) },
    elsewhere: { addresses: elsewhere },
    'other-family': { addresses: nowhere, other: elsewhere },
    nowhere: { addresses: nowhere },
    temperror: { addresses: dnsError('timeout') },
  };
  return word === 'not-asked' ? {} : { helo: { name: heloName, ...answer[word] } };
}

const ip = '192.0.2.1' as Ip;
const ttl = 0;
const nowhere: DnsAnswer<Ip> = { kind: 'nodata', ttl };
/** Nobody's addresses. */
const elsewhere = records('0.0.0.0' as Ip, '::' as Ip);

function records(...addresses: readonly Ip[]): DnsAnswer<Ip> {
  return { kind: 'records', records: addresses, ttl };
}

const doubt = '.doubt.invalid';

/** Whether the lookup of this name failed, so that it might have been confirmed. */
export function isDoubtful(name: string): boolean {
  return name.endsWith(doubt);
}

/** In the order of the alphabet, since that is how names are tried. */
function nameOf(i: number, host: string, doubtful: boolean): HostName {
  return `${host}.n${String(i).padStart(3, '0')}${doubtful ? doubt : '.invalid'}` as HostName;
}
