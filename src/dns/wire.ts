// The wire format of RFC 1035 with EDNS(0) (RFC 6891), as much of it as a stub resolver needs: one question out, its answer
// in. Decoding is strict and bounded: counts are checked against the size of the packet before anything is read, the
// question must come back as it was sent, letter case included (0x20, a second secret beside id and port), and the CNAME
// chain is walked from our own question. A packet that is not for us is `undefined`; one that is for us and makes no sense
// is an answer of kind "error", code "malformed".

import { type DnsAnswer, dnsError, type ExtendedError, type RecordType, type Remarks } from '../core/answer.ts';
import { parseIp } from '../core/ip.ts';
import {
  cnameChainMax,
  edeMax,
  edeOctetsMax,
  ednsOctets,
  negativeTtlWithoutSoaS,
  ptrNamesReadMax,
} from '../core/limits.ts';
import { printable } from '../core/name.ts';
import { endOfName, type NameReader, nameReader } from './wire-name.ts';

export interface Question {
  /** 0..65535, random for each packet (RFC 5452 s9.2). */
  readonly id: number;
  /** Which letters go out in upper case: bit n mod 32 for the n-th octet of the name. Random too. */
  readonly caseMask: number;
  /** Lower case, without final dot. */
  readonly name: string;
  readonly type: RecordType;
  /** False for servers that choke on EDNS. */
  readonly edns: boolean;
}

const typeCodes = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, OPT: 41 } as const;
const classIn = 1;
const headerOctets = 12;
/** The smallest record: a root owner, ten fixed octets, no data. */
const recordOctetsMin = 11;
const ednsRecordOctets = 11;
/** RFC 1035 s2.3.4: 255 octets on the wire. */
const nameCharactersMax = 253;

/** Throws RangeError for a name that has no wire form; callers only ask for host names and reverse names. */
export function encodeQuery({ id, caseMask, name, type, edns }: Question): Buffer {
  const packet = Buffer.allocUnsafe(headerOctets + name.length + 2 + 4 + (edns ? ednsRecordOctets : 0));
  packet.writeUInt16BE(id, 0);
  packet.writeUInt16BE(0x0120, 2); // recursion desired; AD: we understand that bit in the answer (RFC 6840 s5.7)
  packet.writeUInt32BE(0x00010000, 4);
  packet.writeUInt32BE(edns ? 1 : 0, 8);
  const end = writeName(packet, name, caseMask);
  packet.writeUInt16BE(typeCodes[type], end);
  packet.writeUInt16BE(classIn, end + 2);
  if (edns) {
    packet[end + 4] = 0; // root owner
    packet.writeUInt16BE(typeCodes.OPT, end + 5);
    packet.writeUInt16BE(ednsOctets, end + 7);
    packet.writeUInt32BE(0, end + 9);
    packet.writeUInt16BE(0, end + 13);
  }
  return packet;
}

function writeName(packet: Buffer, name: string, caseMask: number): number {
  if (name.length > nameCharactersMax) throw new RangeError(`no wire form: ${JSON.stringify(name)}`);
  let lengthAt = headerOctets;
  for (let i = 0; i <= name.length; i++) {
    const octet = i === name.length ? 0x2e : name.charCodeAt(i);
    const at = headerOctets + 1 + i;
    if (octet === 0x2e) {
      const length = at - lengthAt - 1;
      if (length < 1 || length > 63) throw new RangeError(`no wire form: ${JSON.stringify(name)}`);
      packet[lengthAt] = length;
      lengthAt = at;
    } else {
      const isLetter = octet >= 0x61 && octet <= 0x7a;
      packet[at] = isLetter && (caseMask >>> (i & 31)) & 1 ? octet - 0x20 : octet;
    }
  }
  packet[lengthAt] = 0;
  return lengthAt + 1;
}

/**
 * `again`: the answer must be asked for in another way. Over TCP when it was cut (RFC 7766 s5) or when the question came
 * back in another letter case, which an honest server may do and a forger must; without EDNS when the server knows none.
 */
export type Decoded =
  | { readonly again: 'tcp' | 'plain'; readonly answer?: never }
  | { readonly again?: never; readonly answer: DnsAnswer<string> };

/** Undefined unless this is a response to exactly this query. */
export function decodeResponse(packet: Buffer, query: Buffer, type: RecordType): Decoded | undefined {
  if (packet.length < headerOctets || packet.readUInt16BE(0) !== query.readUInt16BE(0)) return undefined;
  const flags = packet.readUInt16BE(2);
  const isResponse = (flags & 0x8000) !== 0;
  const opcode = (flags >> 11) & 15;
  const rcode = flags & 15;
  if (!isResponse || opcode !== 0) return undefined;
  const hadEdns = query.readUInt16BE(10) === 1;
  // RFC 6891 s7: a server without EDNS says FORMERR or NOTIMP, and may leave even the question out.
  if (hadEdns && (rcode === 1 || rcode === 4) && packet.readUInt16BE(4) === 0) return { again: 'plain' };
  if (packet.readUInt16BE(4) !== 1) return undefined;

  const questionEnd = query.length - (hadEdns ? ednsRecordOctets : 0);
  if (packet.length < questionEnd) return undefined;
  if (packet.compare(query, headerOctets, questionEnd, headerOctets, questionEnd) !== 0) {
    return sameButForCase(packet, query, questionEnd) ? { again: 'tcp' } : undefined;
  }
  if ((flags & 0x0200) !== 0) return { again: 'tcp' };
  if (hadEdns && (rcode === 1 || rcode === 4)) return { again: 'plain' };
  const records = readRecords(packet, questionEnd);
  if (records === undefined) return { answer: dnsError('malformed') };
  // RFC 6891 s6.1.3: the OPT record has the upper bits of the code, as BADVERS (16).
  const opt = records.find((record) => record.section === 'additional' && record.type === typeCodes.OPT);
  const extended = opt === undefined ? rcode : ((opt.ttl >>> 24) << 4) | rcode;
  const answer = readAnswer(packet, records, type, extended);
  const remarks = readRemarks(packet, opt, (flags & 0x0020) !== 0);
  return { answer: remarks === undefined ? answer : { ...answer, ...remarks } };
}

function sameButForCase(packet: Buffer, query: Buffer, end: number): boolean {
  const plain = (buffer: Buffer) => buffer.toString('latin1', headerOctets, end - 4).toLowerCase();
  return plain(packet) === plain(query) && packet.compare(query, end - 4, end, end - 4, end) === 0;
}

interface WireRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  /** Where its owner's name begins. */
  readonly owner: number;
  readonly type: number;
  readonly ttl: number;
  readonly start: number;
  readonly end: number;
}

/** Where each record lies; no name is read yet. Undefined if the counts or lengths do not fit the packet. */
function readRecords(packet: Buffer, start: number): readonly WireRecord[] | undefined {
  const answers = packet.readUInt16BE(6);
  const beforeAdditional = answers + packet.readUInt16BE(8);
  const count = beforeAdditional + packet.readUInt16BE(10);
  if (count * recordOctetsMin > packet.length - start) return undefined;
  const records: WireRecord[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const fixed = endOfName(packet, at);
    if (fixed === undefined || fixed + 10 > packet.length) return undefined;
    const end = fixed + 10 + packet.readUInt16BE(fixed + 8);
    if (end > packet.length) return undefined;
    const type = packet.readUInt16BE(fixed);
    // The class of an OPT record is the size of the server's buffer; any other class than IN is not ours to read.
    if (packet.readUInt16BE(fixed + 2) === classIn || type === typeCodes.OPT) {
      const section = i < answers ? 'answer' : i < beforeAdditional ? 'authority' : 'additional';
      records.push({ section, owner: at, type, ttl: packet.readUInt32BE(fixed + 4), start: fixed + 10, end });
    }
    at = end;
  }
  return records;
}

function readAnswer(
  packet: Buffer,
  records: readonly WireRecord[],
  type: RecordType,
  rcode: number,
): DnsAnswer<string> {
  if (rcode === 5) return dnsError('refused');
  if (rcode !== 0 && rcode !== 3) return dnsError('servfail');
  const names = nameReader(packet);
  const asked = names.read(headerOctets);
  if (asked === undefined) return dnsError('malformed');

  // Each owner is read once, however long the chain.
  const useful: Owned[] = [];
  for (const record of records) {
    if (record.section !== 'answer' || (record.type !== typeCodes[type] && record.type !== typeCodes.CNAME)) continue;
    const owner = names.read(record.owner);
    if (owner === undefined) return dnsError('malformed');
    useful.push({ owner: owner.name, record });
  }

  // RFC 1034 s3.6.2, RFC 2317: follow the aliases from our own question, not from whatever the packet lists first.
  let owner = asked.name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; ; hops++) {
    const wanted = useful.filter(({ owner: own, record }) => own === owner && record.type === typeCodes[type]);
    if (wanted.length > 0) return rcode === 3 ? dnsError('malformed') : readValues(packet, names, wanted, type, ttl);
    const alias = useful.find(({ owner: own }) => own === owner)?.record;
    if (alias === undefined) return readNegative(packet, records, rcode === 3, hops > 0, ttl);
    const target = names.read(alias.start);
    if (target === undefined || target.end !== alias.end || hops === cnameChainMax) return dnsError('malformed');
    owner = target.name;
    ttl = Math.min(ttl, ttlOf(alias));
  }
}

/** A record and whose it is. */
interface Owned {
  readonly owner: string;
  readonly record: WireRecord;
}

function readValues(
  packet: Buffer,
  names: NameReader,
  wanted: readonly Owned[],
  type: RecordType,
  chainTtl: number,
): DnsAnswer<string> {
  const values: string[] = [];
  let ttl = chainTtl;
  for (const { record } of type === 'PTR' ? wanted.slice(0, ptrNamesReadMax) : wanted) {
    const value = readData(packet, names, record, type);
    if (value === undefined) return dnsError('malformed');
    values.push(value);
    ttl = Math.min(ttl, ttlOf(record));
  }
  return { kind: 'records', records: values.length > 1 ? [...new Set(values)] : values, ttl };
}

function readNegative(
  packet: Buffer,
  records: readonly WireRecord[],
  nameError: boolean,
  aliased: boolean,
  chainTtl: number,
): DnsAnswer<never> {
  const authority = records.filter(({ section }) => section === 'authority');
  const kind = nameError ? 'nxdomain' : 'nodata';
  const soa = authority.find((record) => record.type === typeCodes.SOA);
  if (soa !== undefined) {
    // RFC 2308 s5: the smaller of the SOA's own TTL and its MINIMUM field, which is the last of its data.
    const minimum = soa.end - soa.start >= 22 ? packet.readUInt32BE(soa.end - 4) : 0;
    return { kind, ttl: Math.min(chainTtl, ttlOf(soa), minimum) };
  }
  if (nameError) return { kind, ttl: Math.min(chainTtl, negativeTtlWithoutSoaS) };
  // A referral, or an alias that nobody followed: the server does not say that there is nothing, it does not say.
  if (aliased || authority.some((record) => record.type === typeCodes.NS)) return dnsError('servfail');
  return { kind, ttl: negativeTtlWithoutSoaS };
}

/** RFC 2181 s8: a TTL with the top bit set counts as zero. */
function ttlOf({ ttl }: WireRecord): number {
  return ttl > 0x7fffffff ? 0 : ttl;
}

function readData(packet: Buffer, names: NameReader, { start, end }: WireRecord, type: RecordType): string | undefined {
  if (type === 'PTR') {
    const target = names.read(start);
    return target?.end === end ? target.name : undefined;
  }
  if (end - start !== (type === 'A' ? 4 : 16)) return undefined;
  if (type === 'A') return `${packet[start]}.${packet[start + 1]}.${packet[start + 2]}.${packet[start + 3]}`;
  return parseIp((packet.toString('hex', start, end).match(/.{4}/g) ?? []).join(':'));
}

const ednsOptionEde = 15;

/** RFC 8914: each EDE option is a code of two octets and a text, which is a stranger's and shown escaped. */
function readRemarks(packet: Buffer, opt: WireRecord | undefined, ad: boolean): Remarks | undefined {
  const ede: ExtendedError[] = [];
  for (let at = opt?.start ?? 0; opt !== undefined && at + 4 <= opt.end && ede.length < edeMax; ) {
    const [code, length] = [packet.readUInt16BE(at), packet.readUInt16BE(at + 2)];
    const end = at + 4 + length;
    if (end > opt.end) break;
    if (code === ednsOptionEde && length >= 2) {
      ede.push({
        code: packet.readUInt16BE(at + 4),
        text: printable(packet.toString('utf8', at + 6, end).replace(/\0$/, ''), edeOctetsMax),
      });
    }
    at = end;
  }
  if (!ad && ede.length === 0) return undefined;
  return { ...(ad ? { ad: true } : {}), ...(ede.length > 0 ? { ede } : {}) };
}
