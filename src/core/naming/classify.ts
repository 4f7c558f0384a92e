// Is a PTR name a provider's template? A pure reading of one name, with the pieces that speak for and against it. Neither `generic`
// nor `custom` is a judgement: about 4 % of the servers that deliver to public lists have a template's name. Never throws,
// whatever the name holds; what is beyond 255 characters is not read.

import type { Ip } from '../ip.ts';
import { nameReadMax } from '../limits.ts';
import { nameClass } from '../name.ts';
import type { Sign, SignId } from './sign.ts';
import { signsOf } from './signs.ts';
import { bias, certainFrom, likelyFrom, tracesFrom, weights } from './weights.ts';

export const namingLabels = [
  'generic', // a provider's template, filled in
  'custom', // a name that somebody gave this host
  'infrastructure', // a piece of a network: a router, a firewall, a NAT, a crawler
  'unknown', // signs of a template, but too few; or no name at all
] as const;
export type NamingLabel = (typeof namingLabels)[number];

export const namingKinds = [
  'access', // a line of somebody's customer: dsl, cable, mobile
  'static', // such a line with an address of its own, rented by a business mostly
  'hosting', // a rented machine
  'placeholder', // one name for many addresses: unassigned, no-reverse
  'malformed', // no host name: an address, odd octets, an empty label
] as const;
export type NamingKind = (typeof namingKinds)[number];

/** How sure `generic` is; `none` for every other label. */
export const namingTiers = ['certain', 'likely', 'none'] as const;
export type NamingTier = (typeof namingTiers)[number];

/** A piece of the name, where it stands (characters from 0) and what it speaks for: > 0 for a template, < 0 against. */
export interface NamingSign extends Sign {
  readonly weight: number;
}

export interface Classified {
  readonly label: NamingLabel;
  /** Of a generic name, or `malformed`; absent where it does not apply. */
  readonly kind?: NamingKind;
  readonly tier: NamingTier;
  /** Log-odds, the sum of all weights and a start below 0: the higher, the more like a template. */
  readonly score: number;
  /** In the order of their places; at least one for `generic`. */
  readonly evidence: readonly NamingSign[];
}

/** `name` as the PTR gives it, in presentation form; `ip`: the client's address, which makes the reading much surer. */
export function classify(name: string, ip?: Ip): Classified {
  // ASCII only: other letters may become two, and places would be others.
  const bare = name
    .slice(0, nameReadMax)
    .replace(/\.$/, '')
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  const signs = signsOf(bare, ip);
  let score = bias;
  for (const { id } of signs) score += weights[id];
  const evidence = signs.map((sign): NamingSign => ({ ...sign, weight: weights[sign.id] }));
  const ids = new Set(signs.map(({ id }) => id));
  const malformed = !hostClasses.has(nameClass(name.replace(/\.$/, '')));
  if (score >= likelyFrom) {
    const kind = malformed ? 'malformed' : kindOf(ids);
    return { label: 'generic', kind, tier: score >= certainFrom ? 'certain' : 'likely', score, evidence };
  }
  if (malformed) return { label: 'unknown', kind: 'malformed', tier: 'none', score, evidence };
  return { label: labelOf(ids, score), tier: 'none', score, evidence };
}

/** localhost is the oldest placeholder. */
const hostClasses: ReadonlySet<string> = new Set(['host', 'underscore', 'localhost']);

type Ids = ReadonlySet<SignId>;

function holds(ids: Ids, ...some: readonly SignId[]): boolean {
  return some.some((id) => ids.has(id));
}

function kindOf(ids: Ids): NamingKind {
  const numbered = holds(
    ids,
    'address',
    'address-part',
    'octets',
    'numbers',
    'serial',
    'number',
    'numeral',
    'hash',
    'code',
  );
  if (!numbered && holds(ids, 'placeholder', 'spare', 'only-words', 'reverse-zone')) return 'placeholder';
  if (holds(ids, 'hosting', 'org-hosting', 'machines')) return 'hosting';
  if (holds(ids, 'static', 'business')) return 'static';
  if (holds(ids, 'dynamic', 'access', 'customer', 'org-access', 'address', 'address-part', 'octets', 'numbers'))
    return 'access';
  return holds(ids, 'placeholder', 'spare', 'reverse-zone') ? 'placeholder' : 'hosting';
}

/** Of a name that is no template for sure. */
function labelOf(ids: Ids, score: number): NamingLabel {
  if (score >= tracesFrom) return 'unknown';
  if (holds(ids, 'mail', 'org-mail', 'mail-pool')) return 'custom';
  return holds(ids, 'infrastructure', 'nat', 'content', 'crawler') ? 'infrastructure' : 'custom';
}
