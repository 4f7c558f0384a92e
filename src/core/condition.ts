// The vocabulary of `when`, and how it is read: true, false, or unknown while the session has not come to the stage that tells.
// DNS trouble is not unknown; it is a result with a name. A closed list: tools must be able to say which predicate decided.
//
// What a condition comes to is a *set* of these three. About a real client it always has one member. Where soften.ts asks what
// the DNS might have said, a name may be any name at all, and what depends on it is both true and false.

import { type AddressList, addressList } from './address-list.ts';
import { type AlignmentLevel, type AlignmentPair, possibleLevels } from './alignment.ts';
import { type DoorKind, reached, type Stage, stages } from './client.ts';
import type { CertificateWord } from './client-certificate.ts';
import { candidateNames, type Evidence } from './evidence.ts';
import type { Findings } from './findings.ts';
import type { HeloDns, HeloForm } from './helo.ts';
import { type Cidr, printCidr } from './ip.ts';
import type { IprevReason, IprevResult } from './iprev.ts';
import type { HostName } from './name.ts';
import { addressFits, type List, type NameTest, nameFits } from './name-test.ts';
import type { NamingKind, NamingLabel, NamingTier } from './naming/classify.ts';
import type { Naming } from './naming.ts';
import { inWindow, type TimeWindow } from './time-window.ts';

export type Condition =
  | { readonly kind: 'iprev'; readonly results: readonly IprevResult[] }
  | { readonly kind: 'reason'; readonly reasons: readonly IprevReason[] }
  | { readonly kind: 'client_ip'; readonly ranges: readonly Cidr[]; readonly lists: readonly List[] }
  | NamingCondition
  | { readonly kind: 'ptr' | 'verified_name' | 'helo' | 'sender' | 'recipient'; readonly tests: readonly NameTest[] }
  | { readonly kind: 'helo_is'; readonly forms: readonly HeloForm[] }
  /** What the DNS says of the name in HELO. */
  | { readonly kind: 'helo_dns'; readonly words: readonly HeloDns[] }
  /** What the client's certificate is worth. */
  | { readonly kind: 'certificate'; readonly words: readonly CertificateWord[] }
  /** How far two of its names belong together. */
  | { readonly kind: 'alignment'; readonly pair: AlignmentPair; readonly levels: readonly AlignmentLevel[] }
  /** How many host names the PTR records hold. */
  | { readonly kind: 'names'; readonly atLeast: number; readonly atMost: number }
  | { readonly kind: 'authenticated'; readonly is: boolean }
  /** It spoke before it was greeted; false where the door cannot tell. */
  | { readonly kind: 'early_talker'; readonly is: boolean }
  | { readonly kind: 'door'; readonly doors: readonly (DoorKind | 'check')[] }
  /** The port of ours that the client connected to; nobody knows it where the door was not told. */
  | { readonly kind: 'port'; readonly ports: readonly number[] }
  /** What the rules before this one have added up to. */
  | { readonly kind: 'score'; readonly atLeast: number }
  | { readonly kind: 'time'; readonly windows: readonly TimeWindow[] }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

/** What the client's name looks like; what is absent is not asked for. */
export interface NamingCondition {
  readonly kind: 'naming';
  readonly labels?: readonly NamingLabel[];
  readonly kinds?: readonly NamingKind[];
  readonly tiers?: readonly NamingTier[];
}

export type Truth = true | false | 'unknown';

/** A set of truths: the sum of its members. */
export type Truths = number;
const isTrue = 1;
const isFalse = 2;
const isUnknown = 4;
const isEither = isTrue + isFalse;

/** Every set there is, at its own place; the empty one is none. */
export const allTruths: readonly Truths[] = [0, 1, 2, 3, 4, 5, 6, 7];

export function may(truths: Truths, truth: Truth): boolean {
  return (truths & (truth === true ? isTrue : truth === false ? isFalse : isUnknown)) !== 0;
}

/** The one member of a set; what a set of several holds depends on the DNS, and undefined says so. */
export function only(truths: Truths): Truth | undefined {
  if (truths === isTrue) return true;
  if (truths === isFalse) return false;
  return truths === isUnknown ? 'unknown' : undefined;
}

/** What a condition is asked about. */
export interface Facts {
  readonly evidence: Evidence;
  readonly findings: Findings;
  /** The sum of the scores so far, in the least and the greatest case. */
  readonly score: { readonly least: number; readonly most: number };
  /** Names that the DNS might have confirmed or, 'any', might have given; absent: it has said everything. */
  readonly open?: ReadonlySet<HostName> | 'any';
  /** What the client said, or will say, and nobody who judges knows; absent: everything else was said or never will be. */
  readonly unrecorded?: ReadonlySet<Part>;
}

/** The parts of a session that a record of it may lack. */
export const parts = ['helo', 'sender', 'recipient', 'tls', 'port', 'door', 'names'] as const;
export type Part = (typeof parts)[number];

/** The parts that a condition without others in it asks about. */
export function partsAsked(condition: Condition): readonly Part[] {
  if (condition.kind === 'alignment') return partsOfPair[condition.pair];
  return partsOfKind[condition.kind] ?? none;
}

const none: readonly Part[] = [];
const partsOfKind: Readonly<Partial<Record<Condition['kind'], readonly Part[]>>> = {
  helo: ['helo'],
  helo_is: ['helo'],
  helo_dns: ['helo'],
  certificate: ['tls'],
  sender: ['sender'],
  recipient: ['recipient'],
  port: ['port'],
  door: ['door'],
  names: ['names'],
};
const partsOfPair: Readonly<Record<AlignmentPair, readonly Part[]>> = {
  'helo-ptr': ['helo'],
  'certificate-ptr': ['tls'],
  'certificate-helo': ['tls', 'helo'],
  'sender-ptr': ['sender'],
};

function dependsOn(condition: Condition, parts: ReadonlySet<Part>): boolean {
  for (const part of partsAsked(condition)) if (parts.has(part)) return true;
  return false;
}

export function weigh(condition: Condition, facts: Facts): Truths {
  const { evidence, findings, unrecorded } = facts;
  if (unrecorded !== undefined && dependsOn(condition, unrecorded)) return isEither;
  const { client } = evidence;
  switch (condition.kind) {
    case 'iprev':
      return one(condition.results.includes(findings.iprev.result));
    case 'reason':
      return one(condition.reasons.includes(findings.iprev.reason));
    case 'client_ip':
      return one(listOf(condition.ranges).has(client.ip) || condition.lists.some((list) => list.has(client.ip)));
    case 'naming':
      // Any name at all might have come.
      if (facts.open === 'any' && candidateNames(evidence.ptr).length > 0) return isEither;
      return one(namingFits(findings.naming, condition));
    case 'ptr':
      return weighPtr(condition.tests, facts);
    case 'verified_name':
      return weighVerified(condition.tests, facts);
    case 'names': {
      if (facts.open === 'any' && evidence.ptr.kind === 'records') return isEither;
      const count = candidateNames(evidence.ptr).length;
      return one(count >= condition.atLeast && count <= condition.atMost);
    }
    case 'helo':
      if (!reached(client, 'helo')) return isUnknown;
      return one(client.helo !== undefined && nameFits(client.helo, condition.tests));
    case 'helo_is':
      if (!reached(client, 'helo')) return isUnknown;
      return one(condition.forms.includes(findings.helo.form));
    case 'helo_dns':
      if (!reached(client, 'helo')) return isUnknown;
      return one(condition.words.includes(findings.helo.dns));
    case 'certificate':
      // STARTTLS comes after the first HELO.
      if (!reached(client, 'mail')) return isUnknown;
      return one(condition.words.includes(findings.certificate));
    case 'alignment':
      return weighAlignment(condition, facts);
    case 'sender':
      if (!reached(client, 'mail')) return isUnknown;
      return one(client.sender !== undefined && addressFits(client.sender, condition.tests));
    case 'recipient':
      if (!reached(client, 'rcpt')) return isUnknown;
      return one(client.recipient !== undefined && addressFits(client.recipient, condition.tests));
    case 'authenticated':
      return one(client.authenticated === condition.is);
    case 'early_talker':
      return one((client.early === true) === condition.is);
    case 'door':
      return one(condition.doors.includes(evidence.door));
    case 'port':
      return one(client.serverPort !== undefined && condition.ports.includes(client.serverPort));
    case 'score':
      return (
        (facts.score.most >= condition.atLeast ? isTrue : 0) | (facts.score.least < condition.atLeast ? isFalse : 0)
      );
    case 'time': {
      const at = Date.parse(evidence.at);
      return one(condition.windows.some((window) => inWindow(at, window)));
    }
    case 'all':
      return every(condition.of, (of) => weigh(of, facts));
    case 'any':
      return negate(every(condition.of, (of) => negate(weigh(of, facts))));
    case 'not':
      return negate(weigh(condition.of, facts));
  }
}

export function namingFits(
  { label, kind, tier }: Pick<Naming, 'label' | 'kind' | 'tier'>,
  { labels, kinds, tiers }: NamingCondition,
): boolean {
  return (
    labels?.includes(label) !== false &&
    (kinds === undefined || (kind !== undefined && kinds.includes(kind))) &&
    tiers?.includes(tier) !== false
  );
}

/** The ranges of a condition never change: made into a list once, not for each client. */
const listed = new WeakMap<readonly Cidr[], AddressList>();

function listOf(ranges: readonly Cidr[]): AddressList {
  const known = listed.get(ranges);
  if (known !== undefined) return known;
  const made = addressList(ranges.map(printCidr));
  listed.set(ranges, made);
  return made;
}

/** True if one of the names that the PTR records claim fits, whatever it is. */
function weighPtr(tests: readonly NameTest[], { evidence: { ptr }, open }: Facts): Truths {
  if (ptr.kind !== 'records') return isFalse;
  return open === 'any' ? isEither : one(ptr.records.some((name) => nameFits(name, tests)));
}

/** True if one of the confirmed names fits. */
function weighVerified(tests: readonly NameTest[], { findings: { iprev }, open }: Facts): Truths {
  if (iprev.result !== 'pass') return isFalse;
  if (open === 'any') return isEither;
  if (iprev.names.some((name) => open?.has(name) !== true && nameFits(name, tests))) return isTrue;
  return open !== undefined && [...open].some((name) => nameFits(name, tests)) ? isEither : isFalse;
}

function weighAlignment(
  { pair, levels }: Extract<Condition, { readonly kind: 'alignment' }>,
  { evidence, findings, open }: Facts,
): Truths {
  if (!reached(evidence.client, alignmentStage(pair))) return isUnknown;
  let truths: Truths = 0;
  for (const level of possibleLevels(pair, evidence, findings, open)) truths |= one(levels.includes(level));
  return truths;
}

/** When the last of the two names is known. */
export function alignmentStage(pair: AlignmentPair): Stage {
  return pair === 'helo-ptr' ? 'helo' : 'mail';
}

function one(truth: boolean): Truths {
  return truth ? isTrue : isFalse;
}

/** Kleene's "and" over sets: false if one may be false, true if all may be true, unknown if one may be and none is false. */
function every(conditions: readonly Condition[], weighed: (of: Condition) => Truths): Truths {
  let all: Truths = isTrue;
  for (const of of conditions) {
    // Nothing makes it true again, so nobody asks on.
    if (all === isFalse) return all;
    const set = weighed(of);
    const couldBeFalse = (all | set) & isFalse;
    const couldBeTrue = all & set & isTrue;
    const couldBeUnknown =
      (all & isUnknown && set & (isTrue | isUnknown)) || (set & isUnknown && all & (isTrue | isUnknown));
    all = couldBeFalse | couldBeTrue | (couldBeUnknown ? isUnknown : 0);
  }
  return all;
}

function negate(truths: Truths): Truths {
  return (truths & isTrue ? isFalse : 0) | (truths & isFalse ? isTrue : 0) | (truths & isUnknown);
}

/** The first later stage at which the condition is no longer unknown; the last of all if none is. */
export function stageThatTells(condition: Condition, facts: Facts): Stage {
  const { evidence } = facts;
  const later = stages.slice(stages.indexOf(evidence.client.stage) + 1);
  const telling = later.find((stage) => {
    const then = { ...facts, evidence: { ...evidence, client: { ...evidence.client, stage } } };
    return !may(weigh(condition, then), 'unknown');
  });
  return telling ?? 'rcpt';
}
