// A failed lookup never makes a permanent refusal, for any policy. Under `otherwise: reject` or `not: { iprev: pass }`
// a plain first match would turn a SERVFAIL into a 5xx; so when a lookup failed, every answer the DNS might have given is
// put in its place, the policy is asked again for each, and a 5xx stands only if all of them end in a 5xx too. Else it
// becomes the matching 4xx. Pure; the vocabulary of condition.ts decides which answers must be told apart.

import { type DnsAnswer, dnsError, dnsErrors } from './answer.ts';
import { candidateNames, confirms, type Evidence, type Forward } from './evidence.ts';
import { type Ip, isIpv4, reverseName } from './ip.ts';
import { namesMax } from './limits.ts';
import { type ClaimedName, claimedName, type HostName } from './name.ts';
import type { End } from './verdict.ts';

/** `again` walks the same policy over other evidence. An end that is no 5xx comes back as it is. */
export function soften(evidence: Evidence, end: End, again: (evidence: Evidence) => End): End {
  if (!permanent(end)) return end;
  let pending: End | undefined;
  for (const other of alternatives(evidence)) {
    const instead = again(other);
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
 * Evidence as it might have been, had no lookup failed: one for each case that some condition can tell apart. Empty when
 * no failed lookup matters, because none failed or because a name confirmed all the same.
 */
export function alternatives(evidence: Evidence): readonly Evidence[] {
  if (evidence.ptr.kind === 'error') return anyReverse(evidence);
  if (evidence.forward.some(({ addresses }) => confirms(addresses, evidence.client.ip))) return [];
  return [...anyForward(evidence), ...anyOther(evidence)];
}

/** Whatever the DNS might say about this client, its failures included: one case for each that a condition can tell apart. */
export function everyWorld(evidence: Evidence): readonly Evidence[] {
  const failed = dnsErrors.map(dnsError);
  const name = 'mail.invalid' as HostName;
  return [
    ...failed.map((ptr) => ({ ...evidence, ptr, forward: [] })),
    ...failed.map((answer) => ({ ...evidence, ptr: names([name]), forward: [{ name, addresses: answer }] })),
    ...anyReverse(evidence),
  ];
}

function anyReverse(evidence: Evidence): readonly Evidence[] {
  const negative: DnsAnswer<ClaimedName>[] = [{ kind: 'nxdomain', ttl }, { kind: 'nodata', ttl }, names(['\\000'])];
  const many = Array.from({ length: namesMax + 1 }, (_, i) => `n${i}.invalid`);
  const positive = [many, ['mail.invalid'], [templateName(evidence.client.ip)]].map(names);
  return [
    ...negative.map((ptr) => ({ ...evidence, ptr, forward: [] })),
    ...positive.flatMap((ptr) => anyForward({ ...evidence, ptr, forward: [] })),
  ];
}

/** Each name whose answer is missing or failed confirms; or none does: another address, one of the other family, or none. */
function anyForward(evidence: Evidence): readonly Evidence[] {
  const tried = candidateNames(evidence.ptr).slice(0, namesMax);
  const known = new Map(evidence.forward.map((entry) => [entry.name, entry]));
  const open = tried.filter((name) => (known.get(name)?.addresses.kind ?? 'error') === 'error');
  if (open.length === 0) return [];
  const withOpen = (answer: (name: HostName) => Omit<Forward, 'name'>): Evidence => {
    const forward = tried.map((name): Forward => {
      const entry = known.get(name);
      return entry === undefined || open.includes(name) ? { name, ...answer(name) } : entry;
    });
    return { ...evidence, forward };
  };
  const { ip } = evidence.client;
  return [
    ...open.map((name) => withOpen((asked) => ({ addresses: asked === name ? addresses([ip]) : nowhere }))),
    withOpen(() => ({ addresses: nowhere })),
    withOpen(() => ({ addresses: nowhere, other: somewhere })),
    withOpen(() => ({ addresses: somewhere })),
  ];
}

/** The other family was asked and its lookup failed: that name has addresses there, or has none. */
function anyOther(evidence: Evidence): readonly Evidence[] {
  if (!evidence.forward.some(({ other }) => other?.kind === 'error')) return [];
  return [nowhere, somewhere].map((answer) => ({
    ...evidence,
    forward: evidence.forward.map((entry) => (entry.other?.kind === 'error' ? { ...entry, other: answer } : entry)),
  }));
}

function names(claims: readonly string[]): DnsAnswer<ClaimedName> {
  return { kind: 'records', records: claims.map(claimedName), ttl };
}

function addresses(records: readonly Ip[]): DnsAnswer<Ip> {
  return { kind: 'records', records, ttl };
}

/** A name that naming.ts calls generic for this client: its address, written out. */
function templateName(ip: Ip): string {
  return `${isIpv4(ip) ? ip.replaceAll('.', '-') : reverseName(ip).replace('.ip6.arpa', '').replaceAll('.', '')}.invalid`;
}
