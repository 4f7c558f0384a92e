// A failed lookup never makes a permanent refusal, for any policy. Under `otherwise: reject` or `not: { iprev: pass }`
// a plain first match would turn a SERVFAIL into a 5xx; so when a lookup failed, every answer the DNS might have given is
// put in its place, the policy is asked again for each, and a 5xx stands only if all of them end in a 5xx too. Else it
// becomes the matching 4xx. Pure; the vocabulary of condition.ts decides which answers must be told apart. Which name it might
// have been is left open: a condition on such a name is both true and false.

import { type DnsAnswer, dnsError, dnsErrors } from './answer.ts';
import type { Facts } from './condition.ts';
import { candidateNames, type Evidence, type Forward } from './evidence.ts';
import type { Ip } from './ip.ts';
import { namesMax } from './limits.ts';
import { type ClaimedName, claimedName, type HostName } from './name.ts';
import type { End } from './walk.ts';

/** Evidence as it might have been, and which names are open in it. */
export interface World {
  readonly evidence: Evidence;
  readonly open?: Facts['open'];
}

/** `again` walks the same policy over other evidence. An end that is no 5xx comes back as it is. */
export function soften(evidence: Evidence, end: End, again: (world: World) => readonly End[]): End {
  if (!permanent(end)) return end;
  let pending: End | undefined;
  for (const instead of alternatives(evidence).flatMap(again)) {
    if (instead.kind === 'pending') pending ??= instead;
    else if (!permanent(instead)) return temporary(end);
  }
  // An alternative that is not settled yet leaves this one open too: the late verdict must be able to differ.
  return pending ?? end;
}

function permanent(end: End): end is Extract<End, { kind: 'refuse' }> {
  return end.kind === 'refuse' && end.refusal.code >= 500;
}

/** 550 5.7.25 becomes 450 4.7.25 (RFC 7372 s3.3 names both). */
function temporary(end: Extract<End, { kind: 'refuse' }>): End {
  const { enhanced, text } = end.refusal;
  return { ...end, refusal: { code: 450, enhanced: `4${enhanced.slice(1)}`, text }, softened: true };
}

const ttl = 0;
const nowhere: DnsAnswer<Ip> = { kind: 'nodata', ttl };
/** Addresses that are not the client's: nobody connects from the unspecified ones. */
const somewhere: DnsAnswer<Ip> = { kind: 'records', records: ['0.0.0.0', '::'] as Ip[], ttl };

/**
 * What the DNS might have said, had no lookup failed: one world for each case that some condition can tell apart. Empty when
 * no lookup failed.
 */
export function alternatives(evidence: Evidence): readonly World[] {
  const ofAddress =
    evidence.ptr.kind === 'error' ? anyReverse(evidence) : [...anyForward(evidence), ...anyOther(evidence)];
  return withEveryHelo(ofAddress, evidence, heloInstead(evidence.helo, evidence.client.ip));
}

/** The same, had the lookup of HELO's name not failed, and whatever became of the others. */
export function heloAlternatives(evidence: Evidence): readonly World[] {
  return heloInstead(evidence.helo, evidence.client.ip).map((helo) => ({ evidence: { ...evidence, helo } }));
}

/** Whatever the DNS might say about this client, its failures included. */
export function everyWorld(evidence: Evidence): readonly World[] {
  const { helo, client } = evidence;
  // Why its lookup failed is no condition's question.
  const answers = [...anyAddresses(client.ip), { addresses: dnsError('timeout') }];
  const anyHelo = helo === undefined ? [] : answers.map((answer) => ({ name: helo.name, ...answer }));
  return withEveryHelo(everyAddress(evidence), evidence, anyHelo);
}

/** Each world, or this client as it is if there is none, with each of these answers on HELO's name. */
function withEveryHelo(worlds: readonly World[], evidence: Evidence, helos: readonly Forward[]): readonly World[] {
  if (helos.length === 0) return worlds;
  return (worlds.length > 0 ? worlds : [{ evidence }]).flatMap((world) =>
    helos.map((helo) => ({ ...world, evidence: { ...world.evidence, helo } })),
  );
}

/** What the lookup of HELO's name might have come to. [] if it did not fail. */
function heloInstead(helo: Forward | undefined, ip: Ip): readonly Forward[] {
  if (helo === undefined) return [];
  const { name, addresses, other } = helo;
  if (addresses.kind === 'error') return anyAddresses(ip).map((answer) => ({ name, ...answer }));
  return other?.kind === 'error' ? [nowhere, somewhere].map((answer) => ({ ...helo, other: answer })) : [];
}

/** The client's, somebody else's, some in the other family, none. */
function anyAddresses(ip: Ip): readonly Omit<Forward, 'name'>[] {
  return [
    { addresses: addresses([ip]) },
    { addresses: somewhere },
    { addresses: nowhere, other: somewhere },
    { addresses: nowhere },
  ];
}

function everyAddress(evidence: Evidence): readonly World[] {
  const failed = dnsErrors.map(dnsError);
  const name = 'mail.invalid' as HostName;
  return [
    ...failed.map((ptr) => ({ evidence: { ...evidence, ptr, forward: [] } })),
    ...failed.map((answer) => ({
      evidence: { ...evidence, ptr: names([name]), forward: [{ name, addresses: answer }] },
      open: 'any' as const,
    })),
    ...anyReverse(evidence),
  ];
}

function anyReverse(evidence: Evidence): readonly World[] {
  const negative: DnsAnswer<ClaimedName>[] = [
    { kind: 'nxdomain', ttl },
    { kind: 'nodata', ttl },
  ];
  const odd = names(['\\000']);
  const many = Array.from({ length: namesMax + 1 }, (_, i) => `n${i}.invalid`);
  const positive = [many, ['mail.invalid']].map(names);
  return [
    ...negative.map((ptr) => ({ evidence: { ...evidence, ptr, forward: [] } })),
    { evidence: { ...evidence, ptr: odd, forward: [] }, open: 'any' },
    ...positive
      .flatMap((ptr) => anyForward({ ...evidence, ptr, forward: [] }))
      .map((world): World => ({ ...world, open: 'any' })),
  ];
}

/** Names whose answer is missing or failed confirm, any of them; or none does: another address, the other family, or none. */
function anyForward(evidence: Evidence): readonly World[] {
  const tried = candidateNames(evidence.ptr).slice(0, namesMax);
  const known = new Map(evidence.forward.map((entry) => [entry.name, entry]));
  const open = tried.filter((name) => (known.get(name)?.addresses.kind ?? 'error') === 'error');
  const [first] = open;
  if (first === undefined) return [];
  const withOpen = (answer: (name: HostName) => Omit<Forward, 'name'>): Evidence => {
    const forward = tried.map((name): Forward => {
      const entry = known.get(name);
      return entry === undefined || open.includes(name) ? { name, ...answer(name) } : entry;
    });
    return { ...evidence, forward };
  };
  const { ip } = evidence.client;
  // The first stands for all of them: which it was only matters to conditions on names, and those are left open.
  const confirmed = withOpen((name) => ({ addresses: name === first ? addresses([ip]) : nowhere }));
  return [
    { evidence: confirmed, open: new Set(open) },
    { evidence: withOpen(() => ({ addresses: nowhere })) },
    { evidence: withOpen(() => ({ addresses: nowhere, other: somewhere })) },
    { evidence: withOpen(() => ({ addresses: somewhere })) },
  ];
}

/** The other family was asked and its lookup failed: that name has addresses there, or has none. */
function anyOther(evidence: Evidence): readonly World[] {
  if (!evidence.forward.some(({ other }) => other?.kind === 'error')) return [];
  return [nowhere, somewhere].map((answer) => ({
    evidence: {
      ...evidence,
      forward: evidence.forward.map((entry) => (entry.other?.kind === 'error' ? { ...entry, other: answer } : entry)),
    },
  }));
}

function names(claims: readonly string[]): DnsAnswer<ClaimedName> {
  return { kind: 'records', records: claims.map(claimedName), ttl };
}

function addresses(records: readonly Ip[]): DnsAnswer<Ip> {
  return { kind: 'records', records, ttl };
}
