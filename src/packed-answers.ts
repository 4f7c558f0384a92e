// The answers about an address in the form in which the cache keeps them. Nearly every mail server has one name with one
// address, and then the name and two TTLs say it all: a third of the memory, and made whole again in a moment. Anything
// else is kept as it is.

import { candidateNames, type Forward } from './core/evidence.ts';
import type { Ip } from './core/ip.ts';
import type { HostName } from './core/name.ts';
import type { Answers } from './gather.ts';

export type Packed = Answers | Usual;

/** One PTR record, a host name that has the client's address and no other. TTLs in seconds. */
interface Usual {
  readonly name: HostName;
  readonly ptrTtl: number;
  readonly addressTtl: number;
}

export function pack(answers: Answers, ip: Ip): Packed {
  const { ptr, forward, stale } = answers;
  const [only, ...more] = forward;
  const [name] = candidateNames(ptr);
  if (stale || only === undefined || more.length > 0 || name === undefined || only.other !== undefined) return answers;
  if (ptr.kind !== 'records' || ptr.records.length !== 1 || ptr.records[0] !== name || only.name !== name)
    return answers;
  const { addresses } = only;
  if (addresses.kind !== 'records' || addresses.records.length !== 1 || addresses.records[0] !== ip) return answers;
  if ([ptr, addresses].some(({ ad, ede }) => ad !== undefined || ede !== undefined)) return answers;
  return { name, ptrTtl: ptr.ttl, addressTtl: addresses.ttl };
}

/** The same answers that were packed for this address. */
export function unpack(packed: Packed, ip: Ip): Answers {
  if ('ptr' in packed) return packed;
  const { name, ptrTtl, addressTtl } = packed;
  return {
    ptr: { kind: 'records', records: [name], ttl: ptrTtl },
    forward: [{ name, addresses: { kind: 'records', records: [ip], ttl: addressTtl } }],
  };
}

/** About what an entry costs, with its key and its place in the cache: measured 240 octets for the usual one. */
export function octetsOf(packed: Packed): number {
  if (!('ptr' in packed)) return entryOctets + packed.name.length;
  return entryOctets + answerOctets(packed.ptr) + packed.forward.reduce((sum, entry) => sum + forwardOctets(entry), 0);
}

const entryOctets = 220;
const objectOctets = 150;
const recordOctets = 40;

function forwardOctets({ name, addresses, other }: Forward): number {
  return objectOctets + name.length + answerOctets(addresses) + (other === undefined ? 0 : answerOctets(other));
}

function answerOctets(answer: Answers['ptr'] | Forward['addresses']): number {
  const records: readonly string[] = answer.kind === 'records' ? answer.records : [];
  const remarks = (answer.ede ?? []).reduce((sum, { text }) => sum + recordOctets + text.length, 0);
  return objectOctets + remarks + records.reduce((sum, record) => sum + recordOctets + record.length, 0);
}
