// Remedies for what the reverse lookup came to: no name, no PTR record, no host name in it, or nobody could tell.

import type { DnsError } from '../answer.ts';
import type { Evidence } from '../evidence.ts';
import { type Ip, isIpv4, reverseName } from '../ip.ts';
import type { HostName } from '../name.ts';
import { type Advice, type Way, wayOf } from './advice.ts';
import { claim, listed, placeholderServer, serverName } from './name.ts';
import { addressType, classlessRecords, ptrQuestion, ptrRecord, reverseZone } from './record.ts';
import { trouble } from './trouble.ts';

const ptrTrouble =
  (code: DnsError) =>
  (evidence: Evidence): Advice => {
    const { ip } = evidence.client;
    const asked = { question: ptrQuestion(ip), dig: `-x ${ip}`, zone: `the reverse zone of ${ip}` };
    return trouble(code, asked, evidence.ptr);
  };

export const reverseRemedies = {
  'no-ptr': (evidence: Evidence) =>
    unnamed(evidence, 'and does not exist (NXDOMAIN): nobody gave this address a name.'),
  'ptr-empty': (evidence: Evidence) =>
    unnamed(evidence, 'and exists, but without a PTR record (NODATA), so the address has no name.'),
  'ptr-invalid': invalid,
  'ptr-servfail': ptrTrouble('servfail'),
  'ptr-refused': ptrTrouble('refused'),
  'ptr-timeout': ptrTrouble('timeout'),
  'ptr-network': ptrTrouble('network'),
  'ptr-malformed': ptrTrouble('malformed'),
  'ptr-outage': ptrTrouble('outage'),
} as const;

function unnamed(evidence: Evidence, came: string): Advice {
  const { ip } = evidence.client;
  return {
    owner: 'address owner',
    says: `${ptrQuestion(ip)} was looked up ${came} A mail server needs one (RFC 1912 s2.1), and many receivers refuse a host without. Only the owner of the address can add it: your provider or hoster, under "reverse DNS", "rDNS" or "PTR" in its panel or by a ticket; or you, if the zone ${reverseZone(ip)} was handed on to you.`,
    ways: [ptrWay(evidence, false), ...classlessWay(evidence)],
    verify: verifyName(ip, serverName(evidence).name),
  };
}

function invalid(evidence: Evidence): Advice {
  const { client, ptr } = evidence;
  const claims = ptr.kind === 'records' ? ptr.records.map(claim) : [];
  return {
    owner: 'address owner',
    says: `${ptrQuestion(client.ip)} was looked up, and what it holds is no host name: ${listed(claims)}. A host name has letters, digits and hyphens between its dots (RFC 1123 s2.1), and only such a name can be looked up to see whether it leads back. The owner of the address must correct the record.`,
    ways: [ptrWay(evidence, true)],
    verify: verifyName(client.ip, serverName(evidence).name),
  };
}

/** The PTR record that the server should have. `instead`: of those that are there; `when` opens the sentence. */
export function ptrWay(evidence: Evidence, instead: boolean, when = ''): Way {
  const { ip } = evidence.client;
  const { name, changes, says } = serverName(evidence);
  const alias = isIpv4(ip) ? `; where ${reverseName(ip)} is an alias (RFC 2317), at what it leads to` : '';
  const what = instead
    ? `the owner of the address replaces every PTR record that is there${alias}.`
    : 'the owner of the address adds the PTR record.';
  const known = says === '' ? `The HELO name ${name} leads back already.` : says;
  const opening = when === '' ? `T${what.slice(1)}` : `${when}, ${what}`;
  return wayOf('address owner', `${opening} ${known}`, [ptrRecord(ip, name, instead), ...changes]);
}

/** Only IPv4 networks are cut smaller than the labels of their reverse names; nibbles are small enough (RFC 3596 s2.5). */
function classlessWay(evidence: Evidence): readonly Way[] {
  const { ip } = evidence.client;
  if (!isIpv4(ip)) return [];
  const { name, changes } = serverName(evidence);
  const says = `If your provider handed less than a /24 on to you (RFC 2317), it has an alias for each address, and the PTR record stands in a zone of yours. With eight addresses, for instance, and ${placeholderServer} for your name server:`;
  return [wayOf('address owner', says, [...classlessRecords(ip, name, placeholderServer), ...changes])];
}

export function verifyName(ip: Ip, name: HostName): readonly string[] {
  return [`dig +short -x ${ip}`, `dig +short ${name} ${addressType(ip)}`];
}
