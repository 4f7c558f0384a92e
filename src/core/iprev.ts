// The iprev method of RFC 8601 s3: is the connecting address one of the addresses of a name that its PTR records claim?
// A pure function of the evidence with four results and a closed list of reasons. The only place that makes a
// VerifiedName. "Not looked up" is no result of it.

import type { DnsError } from './answer.ts';
import { candidateNames, confirms, type Evidence } from './evidence.ts';
import { namesMax } from './limits.ts';
import type { VerifiedName } from './name.ts';

export const iprevResults = ['pass', 'fail', 'temperror', 'permerror'] as const;
export type IprevResult = (typeof iprevResults)[number];

export const passReasons = [
  'confirmed', // one of the names has the client's address
] as const;
export const failReasons = [
  'mismatch', // a name exists, and none has the client's address
  'other-family', // none of the names has an address in the client's family, one has some in the other
  'stale', // none of the names has an address
] as const;
export const permerrorReasons = [
  'no-ptr', // the reverse name does not exist (NXDOMAIN)
  'ptr-empty', // the reverse name exists and holds no PTR record (NODATA)
  'ptr-invalid', // no PTR record holds a host name
  'too-many-names', // none of the first ten names matched, and there are more (RFC 8601 s3)
] as const;
/** Nobody could tell: `ptr-…` at the reverse lookup, `forward-…` at the address records of a name. */
export type TemperrorReason = `${'ptr' | 'forward'}-${DnsError}`;
export const temperrorReasons = [
  'ptr-servfail',
  'ptr-refused',
  'ptr-timeout',
  'ptr-network',
  'ptr-malformed',
  'ptr-outage',
  'forward-servfail',
  'forward-refused',
  'forward-timeout',
  'forward-network',
  'forward-malformed',
  'forward-outage',
] as const satisfies readonly TemperrorReason[];

export const iprevReasons = [...passReasons, ...failReasons, ...permerrorReasons, ...temperrorReasons] as const;
export type IprevReason = (typeof iprevReasons)[number];

export type Iprev =
  | {
      readonly result: 'pass';
      readonly reason: (typeof passReasons)[number];
      /** The first of `names`. */
      readonly name: VerifiedName;
      /** Every name that confirms the client. */
      readonly names: readonly VerifiedName[];
    }
  | { readonly result: 'fail'; readonly reason: (typeof failReasons)[number] }
  | { readonly result: 'temperror'; readonly reason: TemperrorReason }
  | { readonly result: 'permerror'; readonly reason: (typeof permerrorReasons)[number] };

export function iprev(evidence: Evidence): Iprev {
  const { client, ptr, forward } = evidence;
  if (ptr.kind === 'error') return { result: 'temperror', reason: `ptr-${ptr.code}` };
  // RFC 8601 s2.7.3: no PTR is permerror, not fail.
  if (ptr.kind !== 'records') return { result: 'permerror', reason: ptr.kind === 'nxdomain' ? 'no-ptr' : 'ptr-empty' };

  const names = candidateNames(ptr);
  if (names.length === 0) return { result: 'permerror', reason: 'ptr-invalid' };

  // RFC 8601 s3: any of the names may confirm; a failed sibling does not count against it.
  const verified: VerifiedName[] = [];
  for (const { name, addresses } of forward) if (confirms(addresses, client.ip)) verified.push(name as VerifiedName);
  const [first] = verified;
  if (first !== undefined) return { result: 'pass', reason: 'confirmed', name: first, names: verified };

  // A name whose lookup failed might have confirmed, so nothing permanent may be said, not even "too many".
  const answers = names.slice(0, namesMax).map((name) => forward.find((entry) => entry.name === name)?.addresses);
  for (const answer of answers) {
    if (answer === undefined) return { result: 'temperror', reason: 'forward-timeout' };
    if (answer.kind === 'error') return { result: 'temperror', reason: `forward-${answer.code}` };
  }
  if (names.length > namesMax) return { result: 'permerror', reason: 'too-many-names' };
  if (answers.some((answer) => answer?.kind === 'records')) return { result: 'fail', reason: 'mismatch' };
  // An answer of the other family confirms nobody; that it failed is no reason to doubt that this is a fail.
  const otherFamily = forward.some(({ other }) => other?.kind === 'records');
  return { result: 'fail', reason: otherFamily ? 'other-family' : 'stale' };
}
