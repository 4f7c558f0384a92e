// Evidence made to order: what the DNS would have to say for a given reason about a given address. For whoever has a reason and
// no evidence: `iprevd remedy no-ptr`, the page of all remedies, and tests. A name that is not given is one for examples.

import { type DnsAnswer, type DnsError, dnsError, dnsErrors } from '../answer.ts';
import type { Evidence, Forward } from '../evidence.ts';
import { type Ip, isIpv4, reverseName } from '../ip.ts';
import { iprevReasons } from '../iprev.ts';
import { namesMax } from '../limits.ts';
import { type ClaimedName, claimedName, type HostName } from '../name.ts';
import { heloReasons } from './helo.ts';
import type { RemedyReason } from './remedy.ts';

export const remedyReasons: readonly RemedyReason[] = [
  ...iprevReasons.filter((reason) => reason !== 'confirmed'),
  'generic-name',
  ...heloReasons,
];

export interface Example {
  readonly ip: Ip;
  /** The name that the PTR record claims, or that HELO says. */
  readonly name: HostName;
  /** A name that leads back to the address, said in HELO. Absent: none is known. */
  readonly own?: HostName;
}

const ttl = 3_600;

/** `at` and `id` are ''. */
export function exampleOf(reason: RemedyReason, example: Example): Evidence {
  const { ip, own } = example;
  const said = reason.startsWith('helo-') ? heloOf(reason, example) : saidName(own, ip);
  const base = { v: 1, id: '', at: '', door: 'check', client: clientOf(ip) } as const;
  return { ...base, ...answers(reason, example), ...said };
}

function saidName(own: HostName | undefined, ip: Ip): Partial<Evidence> {
  if (own === undefined) return {};
  return { client: { ...clientOf(ip), helo: own }, helo: { name: own, addresses: records([ip]) } };
}

function heloOf(reason: RemedyReason, { ip, name }: Example): Partial<Evidence> {
  const say = (helo: string, more: Partial<Evidence> = {}) => ({ client: { ...clientOf(ip), helo }, ...more });
  const [elsewhere, otherFamily] = isIpv4(ip) ? [other4, other6] : [other6, other4];
  const asked = (addresses: DnsAnswer<Ip>, more: Partial<Forward> = {}) =>
    say(name, { helo: { name, addresses, ...more } });
  switch (reason) {
    case 'helo-localhost':
      return say('localhost');
    case 'helo-bare-ip':
      return say(ip);
    case 'helo-other-literal':
      return say(isIpv4(elsewhere) ? `[${elsewhere}]` : `[IPv6:${elsewhere}]`);
    case 'helo-ours':
      return say('mx.example', { ourName: 'mx.example' });
    case 'helo-not-fqdn':
      return say('mail');
    case 'helo-unicode':
      return say('m\u00e4il.example');
    case 'helo-invalid':
      return say('-');
    case 'helo-elsewhere':
      return asked(records([elsewhere]));
    case 'helo-other-family':
      return asked({ kind: 'nodata', ttl }, { other: records([otherFamily]) });
    case 'helo-temperror':
      return asked(dnsError('servfail'));
    default:
      return asked({ kind: 'nxdomain', ttl });
  }
}

const other4 = '192.0.2.44' as Ip;
const other6 = '2001:db8::44' as Ip;

function clientOf(ip: Ip): Evidence['client'] {
  return { ip, stage: 'rcpt', authenticated: false };
}

function answers(reason: RemedyReason, { ip, name }: Example): Pick<Evidence, 'ptr' | 'forward'> {
  const error = errorOf(reason);
  if (reason.startsWith('ptr-') && error !== undefined) return { ptr: dnsError(error), forward: [] };
  const claims = (addresses: DnsAnswer<Ip>, more: Partial<Forward> = {}) => ({
    ptr: records([name as ClaimedName]),
    forward: [{ name, addresses, ...more }],
  });
  if (reason.startsWith('forward-') && error !== undefined) return claims(dnsError(error));
  switch (reason) {
    case 'no-ptr':
      return { ptr: { kind: 'nxdomain', ttl }, forward: [] };
    case 'ptr-empty':
      return { ptr: { kind: 'nodata', ttl }, forward: [] };
    case 'ptr-invalid':
      return { ptr: records([claimedName(isIpv4(ip) ? ip : 'localhost')]), forward: [] };
    case 'mismatch':
      return claims(records([isIpv4(ip) ? other4 : other6]));
    case 'other-family':
      return claims({ kind: 'nodata', ttl }, { other: records([isIpv4(ip) ? other6 : other4]) });
    case 'stale':
      return claims({ kind: 'nxdomain', ttl });
    case 'too-many-names':
      return crowd();
    case 'generic-name':
      return template(ip);
    default:
      return claims(records([ip]));
  }
}

function errorOf(reason: RemedyReason): DnsError | undefined {
  return dnsErrors.find((code) => reason.endsWith(`-${code}`));
}

function crowd(): Pick<Evidence, 'ptr' | 'forward'> {
  const names = Array.from({ length: namesMax + 2 }, (_, i) => `n${i + 10}.example.org` as HostName);
  const addresses: DnsAnswer<Ip> = records([other4]);
  return { ptr: records(names), forward: names.slice(0, namesMax).map((name) => ({ name, addresses })) };
}

function template(ip: Ip): Pick<Evidence, 'ptr' | 'forward'> {
  const digits = isIpv4(ip)
    ? ip.replaceAll('.', '-')
    : [...reverseName(ip).replace('.ip6.arpa', '').split('.')].reverse().join('');
  const name = `${digits}.dyn.isp.example` as HostName;
  return { ptr: records([name]), forward: [{ name, addresses: records([ip]) }] };
}

function records<T>(list: readonly T[]): DnsAnswer<T> {
  return { kind: 'records', records: list, ttl };
}
