// A failed lookup never makes a permanent refusal, for any policy. Under `otherwise: reject` or `not: { iprev: pass }`
// a plain first match would turn a SERVFAIL into a 5xx; so when a lookup failed, every answer the DNS might have given is
// put in its place, the policy is asked again for each, and a 5xx stands only if all of them end in a 5xx too. Else it
// becomes the matching 4xx. Pure; the vocabulary of condition.ts decides which answers must be told apart.

import { type DnsAnswer, dnsError } from './answer.ts';
import { candidateNames, type Evidence, type Forward } from './evidence.ts';
import { type Ip, isIpv4, parseIp, reverseName } from './ip.ts';
import { iprev } from './iprev.ts';
import { namesMax } from './limits.ts';
import { type ClaimedName, claimedName, type HostName } from './name.ts';
import type { End } from './verdict.ts';

/** `again` walks the same policy over other evidence. An end that is no 5xx comes back as it is. */
export function soften(evidence: Evidence, end: End, again: (evidence: Evidence) => End): End {
  if (!permanent(end) || iprev(evidence).result !== 'temperror') return end;
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

/**
 * Evidence as it might have been, had no lookup failed: one for each case that some condition can tell apart. Only
 * called for temperror, so either the PTR answer failed, or no name confirmed and at least one name's lookup failed.
 */
export function alternatives(evidence: Evidence): readonly Evidence[] {
  return evidence.ptr.kind === 'error' ? anyReverse(evidence) : anyForward(evidence);
}

function anyReverse(evidence: Evidence): readonly Evidence[] {
  const negative: DnsAnswer<ClaimedName>[] = [{ kind: 'nxdomain', ttl }, { kind: 'nodata', ttl }, names(['\\000'])];
  const many = Array.from({ length: namesMax + 1 }, (_, i) => `n${i}.invalid`);
  return [
    ...negative.map((ptr) => ({ ...evidence, ptr, forward: [] })),
    ...anyForward({ ...evidence, ptr: names(many), forward: [] }),
    ...['mail.invalid', templateName(evidence.client.ip)].flatMap((name) =>
      anyForward({ ...evidence, ptr: names([name]), forward: [] }),
    ),
  ];
}

/** Each name whose answer is missing or failed confirms; or none of them does, by another address or by no such name. */
function anyForward(evidence: Evidence): readonly Evidence[] {
  const tried = candidateNames(evidence.ptr).slice(0, namesMax);
  const known = new Map(evidence.forward.map((entry) => [entry.name, entry.addresses]));
  const open = tried.filter((name) => (known.get(name) ?? dnsError('timeout')).kind === 'error');
  const withOpen = (answer: (name: HostName) => DnsAnswer<Ip>): Evidence => {
    const forward: Forward[] = tried.map((name) => ({
      name,
      addresses: open.includes(name) ? answer(name) : (known.get(name) ?? answer(name)),
    }));
    return { ...evidence, forward };
  };
  const { ip } = evidence.client;
  const nowhere: DnsAnswer<Ip> = { kind: 'nxdomain', ttl };
  return [
    ...open.map((name) => withOpen((asked) => (asked === name ? addresses([ip]) : nowhere))),
    withOpen(() => nowhere),
    withOpen(() => addresses([elsewhere(ip)])),
  ];
}

function names(claims: readonly string[]): DnsAnswer<ClaimedName> {
  return { kind: 'records', records: claims.map(claimedName), ttl };
}

function addresses(records: readonly Ip[]): DnsAnswer<Ip> {
  return { kind: 'records', records, ttl };
}

function elsewhere(ip: Ip): Ip {
  return parseIp(ip === '192.0.2.1' ? '192.0.2.2' : '192.0.2.1') as Ip;
}

/** A name that naming.ts calls generic for this client: its address, written out. */
function templateName(ip: Ip): string {
  return `${isIpv4(ip) ? ip.replaceAll('.', '-') : reverseName(ip).replace('.ip6.arpa', '').replaceAll('.', '')}.invalid`;
}
