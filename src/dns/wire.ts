// The wire format of RFC 1035, as much of it as a stub resolver needs: one question out, its answer in. Decoding is
// strict and bounded: compression pointers only lead backwards, counts are checked against the size of the packet before
// anything is read, the CNAME chain is walked from our own question. A packet that is not for us is `undefined`; one that
// is for us and makes no sense is an answer of kind "error", code "malformed".

import { type DnsAnswer, dnsError, type RecordType } from '../core/answer.ts';
import { parseIp } from '../core/ip.ts';
import { cnameChainMax, negativeTtlWithoutSoaS } from '../core/limits.ts';

export interface Question {
  /** 0..65535, random for each packet (RFC 5452 s9.2). */
  readonly id: number;
  readonly name: string;
  readonly type: RecordType;
}

const typeCodes = { A: 1, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, NS: 2 } as const;
const classIn = 1;
const headerOctets = 12;

/** Throws RangeError for a name that has no wire form; callers only ask for host names and reverse names. */
export function encodeQuery({ id, name, type }: Question): Buffer {
  const labels = name === '' ? [] : name.split('.').map((label) => Buffer.from(label, 'latin1'));
  const octets = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  if (octets > 255 || labels.some((label) => label.length === 0 || label.length > 63))
    throw new RangeError(`no wire form: ${JSON.stringify(name)}`);
  const packet = Buffer.alloc(headerOctets + octets + 4);
  packet.writeUInt16BE(id, 0);
  packet.writeUInt16BE(0x0100, 2); // recursion desired
  packet.writeUInt16BE(1, 4);
  let at = headerOctets;
  for (const label of labels) {
    packet[at] = label.length;
    at += 1 + label.copy(packet, at + 1);
  }
  packet.writeUInt16BE(typeCodes[type], at + 1);
  packet.writeUInt16BE(classIn, at + 3);
  return packet;
}

/** `truncated`: ask again over TCP (RFC 7766 s5). */
export type Decoded = { readonly truncated: true } | { readonly truncated: false; readonly answer: DnsAnswer<string> };

/** Undefined unless this is a response to exactly this question. */
export function decodeResponse(packet: Buffer, question: Question): Decoded | undefined {
  if (packet.length < headerOctets || packet.readUInt16BE(0) !== question.id) return undefined;
  const flags = packet.readUInt16BE(2);
  const isResponse = (flags & 0x8000) !== 0;
  const opcode = (flags >> 11) & 15;
  if (!isResponse || opcode !== 0 || packet.readUInt16BE(4) !== 1) return undefined;
  const asked = readName(packet, headerOctets);
  if (asked === undefined || asked.end + 4 > packet.length) return undefined;
  const isOurs =
    asked.name === question.name.toLowerCase() && packet.readUInt16BE(asked.end) === typeCodes[question.type];
  if (!isOurs || packet.readUInt16BE(asked.end + 2) !== classIn) return undefined;

  if ((flags & 0x0200) !== 0) return { truncated: true };
  const rcode = flags & 15;
  if (rcode === 5) return { truncated: false, answer: dnsError('refused') };
  if (rcode !== 0 && rcode !== 3) return { truncated: false, answer: dnsError('servfail') };
  return { truncated: false, answer: readAnswer(packet, asked.end + 4, question, rcode === 3) };
}

interface Record {
  readonly owner: string;
  readonly type: number;
  readonly ttl: number;
  readonly start: number;
  readonly end: number;
}

function readAnswer(packet: Buffer, start: number, question: Question, nameError: boolean): DnsAnswer<string> {
  const malformed = dnsError('malformed');
  const answerCount = packet.readUInt16BE(6);
  const authorityCount = packet.readUInt16BE(8);
  // The smallest record has 11 octets: a root owner, ten fixed octets, no data.
  if ((answerCount + authorityCount) * 11 > packet.length - start) return malformed;
  const records = readRecords(packet, start, answerCount + authorityCount);
  if (records === undefined) return malformed;
  const answers = records.slice(0, answerCount);
  const authority = records.slice(answerCount);

  // RFC 1034 s3.6.2, RFC 2317: follow the aliases from our own question, not from whatever the packet lists first.
  let owner = question.name.toLowerCase();
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; ; hops++) {
    const own = answers.filter((record) => record.owner === owner);
    const wanted = own.filter((record) => record.type === typeCodes[question.type]);
    if (wanted.length > 0) {
      if (nameError) return malformed;
      const values = wanted.map((record) => readData(packet, record, question.type));
      const known = values.filter((value) => value !== undefined);
      if (known.length < values.length) return malformed;
      return {
        kind: 'records',
        records: [...new Set(known)],
        ttl: Math.min(ttl, ...wanted.map((record) => record.ttl)),
      };
    }
    const alias = own.find((record) => record.type === typeCodes.CNAME);
    if (alias === undefined) return readNegative(packet, authority, nameError, hops > 0, ttl);
    const target = readName(packet, alias.start);
    if (target === undefined || target.end !== alias.end || hops === cnameChainMax) return malformed;
    owner = target.name;
    ttl = Math.min(ttl, alias.ttl);
  }
}

function readNegative(
  packet: Buffer,
  authority: readonly Record[],
  nameError: boolean,
  aliased: boolean,
  chainTtl: number,
): DnsAnswer<never> {
  const kind = nameError ? 'nxdomain' : 'nodata';
  const soa = authority.find((record) => record.type === typeCodes.SOA);
  if (soa !== undefined) {
    // RFC 2308 s5: the smaller of the SOA's own TTL and its MINIMUM field, which is the last of its data.
    const minimum = soa.end - soa.start >= 22 ? packet.readUInt32BE(soa.end - 4) : 0;
    return { kind, ttl: Math.min(chainTtl, soa.ttl, minimum) };
  }
  if (nameError) return { kind, ttl: Math.min(chainTtl, negativeTtlWithoutSoaS) };
  // A referral, or an alias that nobody followed: the server does not say that there is nothing, it does not say.
  if (aliased || authority.some((record) => record.type === typeCodes.NS)) return dnsError('servfail');
  return { kind, ttl: negativeTtlWithoutSoaS };
}

function readRecords(packet: Buffer, start: number, count: number): readonly Record[] | undefined {
  const records: Record[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const owner = readName(packet, at);
    if (owner === undefined || owner.end + 10 > packet.length) return undefined;
    const dataStart = owner.end + 10;
    const dataEnd = dataStart + packet.readUInt16BE(owner.end + 8);
    if (dataEnd > packet.length) return undefined;
    const ttl = packet.readUInt32BE(owner.end + 4);
    const inClass = packet.readUInt16BE(owner.end + 2) === classIn;
    // RFC 2181 s8: a TTL with the top bit set counts as zero.
    if (inClass)
      records.push({
        owner: owner.name,
        type: packet.readUInt16BE(owner.end),
        ttl: ttl > 0x7fffffff ? 0 : ttl,
        start: dataStart,
        end: dataEnd,
      });
    else records.push({ owner: '', type: 0, ttl: 0, start: dataStart, end: dataEnd });
    at = dataEnd;
  }
  return records;
}

function readData(packet: Buffer, { start, end }: Record, type: RecordType): string | undefined {
  if (type === 'PTR') {
    const target = readName(packet, start);
    return target?.end === end ? target.name : undefined;
  }
  if (end - start !== (type === 'A' ? 4 : 16)) return undefined;
  if (type === 'A') return packet.subarray(start, end).join('.');
  return parseIp((packet.toString('hex', start, end).match(/.{4}/g) ?? []).join(':'));
}

/**
 * A name in presentation form and where it ends in the packet; undefined if it is cut off, too long, or points anywhere
 * but backwards. Lower case, because owners are compared without it (RFC 4343).
 */
function readName(packet: Buffer, start: number): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let end: number | undefined;
  let at = start;
  let lowest = start;
  let octets = 1;
  for (;;) {
    const length = packet[at];
    if (length === undefined) return undefined;
    if (length >= 0xc0) {
      const low = packet[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      at = ((length & 0x3f) << 8) | low;
      // Each pointer must lead before everything read so far, so that there can be no loop.
      if (at >= lowest || at < headerOctets) return undefined;
      lowest = at;
      continue;
    }
    if (length > 63) return undefined;
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    octets += 1 + length;
    if (octets > 255 || at + 1 + length > packet.length) return undefined;
    labels.push(presentLabel(packet.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}

/** RFC 1035 s5.1: a dot or backslash inside a label is escaped, an octet outside printable ASCII is \DDD. */
function presentLabel(label: Uint8Array): string {
  let out = '';
  for (const octet of label) {
    if (octet === 0x2e || octet === 0x5c) out += `\\${String.fromCharCode(octet)}`;
    else if (octet > 0x20 && octet < 0x7f) out += String.fromCharCode(octet);
    else out += `\\${String(octet).padStart(3, '0')}`;
  }
  return out.toLowerCase();
}
