// One outbound host, judged by what a strict receiver would hold against it, without any policy: its reverse DNS must lead back,
// its name must not be a provider's template, and what it says in HELO must be a name that leads to it. What nobody could tell
// is kept apart: it is no shortcoming, and no good sign either. Pure.

import type { Evidence } from '../evidence.ts';
import { assess, type Findings } from '../findings.ts';
import { type Ip, isIpv4 } from '../ip.ts';
import { temperrorReasons } from '../iprev.ts';
import type { HostName } from '../name.ts';
import { type Remedy, type RemedyReason, remedies } from '../remedy/remedy.ts';

export const auditResults = [
  'fine', // nothing is missing, or what is missing was allowed
  'short', // something must be mended
  'unsure', // a lookup failed, and nothing else is wrong
] as const;
export type AuditResult = (typeof auditResults)[number];

export interface Audited {
  readonly evidence: Evidence;
  readonly findings: Findings;
  readonly result: AuditResult;
  /** What is wrong, or could not be told; what was allowed is not among them. */
  readonly remedies: readonly Remedy[];
}

/** `allowed`: what the operator knows of and will not mend. */
export function audited(evidence: Evidence, allowed: ReadonlySet<RemedyReason>): Audited {
  const findings = assess(evidence);
  const found = remedies(evidence, findings).filter(({ reason }) => !allowed.has(reason));
  const result = found.length === 0 ? 'fine' : found.every(({ reason }) => isTemporary(reason)) ? 'unsure' : 'short';
  return { evidence, findings, result, remedies: found };
}

const temporary: ReadonlySet<string> = new Set([...temperrorReasons, 'helo-temperror']);

export function isTemporary(reason: RemedyReason): boolean {
  return temporary.has(reason);
}

/** The worst of them: one that falls short is, one that nobody could tell of might be. */
export function worst(results: readonly AuditResult[]): AuditResult {
  return results.includes('short') ? 'short' : results.includes('unsure') ? 'unsure' : 'fine';
}

export interface FamilyCount extends Readonly<Record<AuditResult, number>> {
  readonly addresses: number;
}

export function families(hosts: readonly Audited[]): { readonly ipv4: FamilyCount; readonly ipv6: FamilyCount } {
  const count = (of: readonly Audited[]): FamilyCount => {
    const counted = (result: AuditResult) => of.filter((host) => host.result === result).length;
    return { addresses: of.length, fine: counted('fine'), short: counted('short'), unsure: counted('unsure') };
  };
  const isFour = ({ evidence }: Audited) => isIpv4(evidence.client.ip);
  return { ipv4: count(hosts.filter(isFour)), ipv6: count(hosts.filter((host) => !isFour(host))) };
}

/** Addresses of a confirmed name in the other family. */
export interface OtherFamily {
  readonly name: HostName;
  readonly addresses: readonly Ip[];
}

/** Those that were not named, and so not looked at: a host that sends over both families needs a name in both. */
export function notNamed(others: readonly OtherFamily[], named: ReadonlySet<Ip>): readonly OtherFamily[] {
  const merged = new Map<HostName, ReadonlySet<Ip>>();
  for (const { name, addresses } of others) {
    const unknown = addresses.filter((ip) => !named.has(ip));
    if (unknown.length > 0) merged.set(name, new Set([...(merged.get(name) ?? []), ...unknown]));
  }
  return [...merged].map(([name, addresses]) => ({ name, addresses: [...addresses] }));
}

/** What is to be mended, each reason with the hosts it is about, in the order in which it first turns up. */
export function byReason(hosts: readonly Audited[]): ReadonlyMap<RemedyReason, readonly (readonly [Ip, Remedy])[]> {
  const groups = new Map<RemedyReason, (readonly [Ip, Remedy])[]>();
  for (const { evidence, remedies: found } of hosts)
    for (const remedy of found)
      groups.set(remedy.reason, [...(groups.get(remedy.reason) ?? []), [evidence.client.ip, remedy]]);
  return groups;
}
