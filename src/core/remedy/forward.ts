// Remedies for a PTR name that does not lead back: it belongs to another address, has none, has one of the other family, or
// nobody could tell.

import { type DnsError, outcomeWord } from '../answer.ts';
import { candidateNames, type Evidence, type Forward } from '../evidence.ts';
import { namesMax } from '../limits.ts';
import type { HostName } from '../name.ts';
import { type Advice, type Way, wayOf } from './advice.ts';
import { foreignName, isTemplate, listed, serverName } from './name.ts';
import { addressRecord, addressType, domainOf, otherType, ptrQuestion } from './record.ts';
import { ptrWay, verifyName } from './reverse.ts';
import { trouble } from './trouble.ts';

const forwardTrouble =
  (code: DnsError) =>
  (evidence: Evidence): Advice => {
    const failed = evidence.forward.find(({ addresses }) => addresses.kind === 'error' && addresses.code === code);
    // Names that were not waited for are not in the evidence (iprev.ts takes that for a timeout).
    const name = failed?.name ?? missing(evidence);
    const type = addressType(evidence.client.ip);
    const question = `The PTR record of ${evidence.client.ip} names ${name}. ${type} ${name}`;
    const asked = { question, dig: `${name} ${type}`, zone: domainOf(name) };
    return trouble(code, asked, failed?.addresses ?? {});
  };

export const forwardRemedies = {
  mismatch: (evidence: Evidence) =>
    notBack(
      evidence,
      'Anybody can write any name into a PTR record; only the address record of the name proves it, and here it does not.',
    ),
  'other-family': (evidence: Evidence) => {
    const [own, other] = [addressType(evidence.client.ip), otherType(evidence.client.ip)];
    return notBack(
      evidence,
      `The server came over ${own === 'A' ? 'IPv4' : 'IPv6'}, where only an ${own} record counts; ${other} records say nothing about it.`,
    );
  },
  stale: (evidence: Evidence) =>
    notBack(evidence, 'The PTR record is a left-over, or the record of the name was forgotten.'),
  'too-many-names': tooMany,
  'forward-servfail': forwardTrouble('servfail'),
  'forward-refused': forwardTrouble('refused'),
  'forward-timeout': forwardTrouble('timeout'),
  'forward-network': forwardTrouble('network'),
  'forward-malformed': forwardTrouble('malformed'),
  'forward-outage': forwardTrouble('outage'),
} as const;

function notBack(evidence: Evidence, means: string): Advice {
  const { client, forward } = evidence;
  const said = listed(forward.map((entry) => `${addressType(client.ip)} ${entry.name} ${came(entry)}`));
  const { name, changes } = serverName(evidence);
  const forwards = forwardWay(evidence);
  const ways = [...forwards, ptrWay(evidence, true, forwards.length === 0 ? '' : 'If its name is another')];
  // A name that leads back already needs one record, and nobody else's.
  const ordered = changes.length === 0 ? [...ways].reverse() : ways;
  const [first] = ordered;
  return {
    owner: first?.owner ?? 'address owner',
    says: `${ptrQuestion(client.ip)} names ${listed(forward.map((entry) => foreignName(entry.name)))}, but ${said}: that does not lead back to ${client.ip}. ${means}`,
    ways: ordered,
    verify: verifyName(client.ip, first?.owner === 'domain owner' ? (claimed(evidence) ?? name) : name),
  };
}

/** The record that the claimed name lacks; none for a provider's template, whose zone is not the sender's. */
function forwardWay(evidence: Evidence): readonly Way[] {
  const name = claimed(evidence);
  if (name === undefined) return [];
  const { ip } = evidence.client;
  const says = `If ${name} is this server's name, the owner of the domain adds the address to it:`;
  return [wayOf('domain owner', says, [addressRecord(name, ip)])];
}

function tooMany(evidence: Evidence): Advice {
  const { ip } = evidence.client;
  const names = candidateNames(evidence.ptr);
  return {
    owner: 'address owner',
    says: `${ptrQuestion(ip)} holds ${names.length} names, of which the first ${namesMax} of the alphabet were looked up (RFC 8601 s3 wants a limit), and none of these leads back to ${ip}. A mail server needs one name. The owner of the address should leave one that leads back, and take out the others.`,
    ways: [ptrWay(evidence, true)],
    verify: verifyName(ip, serverName(evidence).name),
  };
}

/** The first claimed name that may be the sender's own: the one that a missing address record is proposed for. */
export function claimed(evidence: Evidence): HostName | undefined {
  return evidence.forward.map(({ name }) => name).find((name) => name.includes('.') && !isTemplate(evidence, name));
}

/** What the name has instead of the client's address. */
function came({ addresses, other }: Forward): string {
  if (addresses.kind === 'records') return `is ${listed(addresses.records)}`;
  if (addresses.kind === 'nxdomain') return 'does not exist (NXDOMAIN)';
  if (addresses.kind === 'error') return `came to ${outcomeWord(addresses)}`;
  return other?.kind === 'records' ? `is not there, only ${listed(other.records)}` : 'is not there (no such record)';
}

function missing({ ptr, forward }: Evidence): HostName {
  const looked = new Set(forward.map(({ name }) => name));
  const name = candidateNames(ptr).find((one) => !looked.has(one));
  if (name === undefined) throw new Error('a forward reason without a name');
  return name;
}
