// The codec against dns-packet on well-formed packets, and against hand-made ones that are not.

import { describe, expect, test } from '@jest/globals';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { decodeResponse, encodeQuery, type Question } from '../../../src/dns/wire.ts';

const question: Question = { id: 4711, name: '7.2.0.192.in-addr.arpa', type: 'PTR' };
const noError = 0x8180 & ~0x8000;
const flagsOf = (rcode: number, more = 0): number => noError | rcode | more;

function respond(packet: Packet, asked: Question = question): ReturnType<typeof decodeResponse> {
  const questions = [{ name: asked.name, type: asked.type }];
  return decodeResponse(
    encode({ type: 'response', id: asked.id, questions, flags: noError, ...packet } as Packet),
    asked,
  );
}
const soa = (ttl: number, minimum: number): Answer => ({
  name: 'in-addr.arpa',
  type: 'SOA',
  ttl,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});
const ptr = (name: string, data: string, ttl = 300): Answer => ({ name, type: 'PTR', ttl, data });
const cname = (name: string, data: string, ttl = 300): Answer => ({ name, type: 'CNAME', ttl, data });

test('a query is what dns-packet reads as one', () => {
  const read = decode(encodeQuery(question));
  expect(read).toMatchObject({
    type: 'query',
    id: 4711,
    flag_rd: true,
    questions: [{ name: question.name, type: 'PTR', class: 'IN' }],
  });
  expect(() => encodeQuery({ ...question, name: `${'a'.repeat(64)}.example` })).toThrow(RangeError);
  expect(() => encodeQuery({ ...question, name: 'a..example' })).toThrow(RangeError);
});

describe('records', () => {
  test('PTR, in any order of case, each value once, the smallest TTL', () => {
    const answers = [
      ptr('7.2.0.192.IN-ADDR.arpa', 'MX.example', 300),
      ptr(question.name, 'b.example', 60),
      ptr(question.name, 'mx.example', 900),
    ];
    expect(respond({ answers })).toEqual({
      truncated: false,
      answer: { kind: 'records', records: ['mx.example', 'b.example'], ttl: 60 },
    });
  });
  test('A and AAAA come out canonical', () => {
    const a: Question = { id: 1, name: 'mx.example', type: 'A' };
    expect(respond({ answers: [{ name: 'mx.example', type: 'A', ttl: 5, data: '192.0.2.7' }] }, a)).toMatchObject({
      answer: { records: ['192.0.2.7'] },
    });
    const aaaa: Question = { id: 1, name: 'mx.example', type: 'AAAA' };
    expect(
      respond({ answers: [{ name: 'mx.example', type: 'AAAA', ttl: 5, data: '2001:db8:0:0::7' }] }, aaaa),
    ).toMatchObject({
      answer: { records: ['2001:db8::7'] },
    });
  });
  test('RFC 2317: aliases are followed from the question, in whatever order they stand', () => {
    const answers = [
      ptr('7.0-63.customer.example', 'mx.example', 500),
      cname(question.name, '7.0-63.customer.example', 20),
    ];
    expect(respond({ answers })).toMatchObject({ answer: { kind: 'records', records: ['mx.example'], ttl: 20 } });
  });
  test('a record of another owner is not an answer', () => {
    expect(
      respond({ answers: [ptr('8.2.0.192.in-addr.arpa', 'mx.example')], authorities: [soa(60, 60)] }),
    ).toMatchObject({
      answer: { kind: 'nodata' },
    });
  });
  test('eight aliases are followed, nine and loops are not', () => {
    const chain = (n: number) =>
      Array.from({ length: n }, (_, i) => cname(i === 0 ? question.name : `c${i}.example`, `c${i + 1}.example`));
    expect(respond({ answers: [...chain(8), ptr('c8.example', 'mx.example')] })).toMatchObject({
      answer: { kind: 'records' },
    });
    expect(respond({ answers: [...chain(9), ptr('c9.example', 'mx.example')] })).toMatchObject({
      answer: { kind: 'error', code: 'malformed' },
    });
    expect(respond({ answers: [cname(question.name, question.name)] })).toMatchObject({
      answer: { code: 'malformed' },
    });
  });
  test('RFC 2181 s8: a TTL with its top bit set is zero', () => {
    expect(respond({ answers: [ptr(question.name, 'mx.example', 0x80000000)] })).toMatchObject({ answer: { ttl: 0 } });
  });
  test('RFC 1035 s5.1: dots inside labels and odd octets are escaped', () => {
    const packet = encode({
      type: 'response',
      id: 4711,
      flags: noError,
      questions: [{ name: question.name, type: 'PTR' }],
      answers: [ptr(question.name, 'aXb.cYd.example')],
    });
    packet[packet.indexOf('aXb') + 1] = 0x2e;
    packet[packet.indexOf('cYd') + 1] = 0x0a;
    expect(decodeResponse(packet, question)).toMatchObject({ answer: { records: ['a\\.b.c\\010d.example'] } });
  });
});

describe('nothing, and nobody can tell', () => {
  test.each([
    ['NXDOMAIN', { flags: flagsOf(3), authorities: [soa(900, 60)] }, { kind: 'nxdomain', ttl: 60 }],
    ['NODATA', { authorities: [soa(30, 60)] }, { kind: 'nodata', ttl: 30 }],
    ['NODATA without SOA', {}, { kind: 'nodata', ttl: 60 }],
    [
      'NXDOMAIN behind an alias',
      { flags: flagsOf(3), answers: [cname(question.name, 'x.example', 10)], authorities: [soa(900, 60)] },
      { kind: 'nxdomain', ttl: 10 },
    ],
    [
      'an alias that nobody followed',
      { answers: [cname(question.name, 'x.example')] },
      { kind: 'error', code: 'servfail' },
    ],
    [
      'a referral',
      { authorities: [{ name: 'arpa', type: 'NS', ttl: 1, data: 'ns.example' }] },
      { kind: 'error', code: 'servfail' },
    ],
    ['FORMERR', { flags: flagsOf(1) }, { kind: 'error', code: 'servfail' }],
    ['SERVFAIL', { flags: flagsOf(2) }, { kind: 'error', code: 'servfail' }],
    ['NOTIMP', { flags: flagsOf(4) }, { kind: 'error', code: 'servfail' }],
    ['REFUSED', { flags: flagsOf(5) }, { kind: 'error', code: 'refused' }],
    [
      'NXDOMAIN with an answer',
      { flags: flagsOf(3), answers: [ptr(question.name, 'mx.example')] },
      { kind: 'error', code: 'malformed' },
    ],
  ] as [string, Packet, unknown][])('%s', (_, packet, answer) =>
    expect(respond(packet)).toEqual({ truncated: false, answer }),
  );

  test('TC asks for TCP', () => expect(respond({ flags: flagsOf(0, 0x0200) })).toEqual({ truncated: true }));
});

describe('packets that are not for us are ignored', () => {
  const good = encode({
    type: 'response',
    id: 4711,
    flags: noError,
    questions: [{ name: question.name, type: 'PTR' }],
    answers: [ptr(question.name, 'mx.example')],
  });
  const changed = (offset: number, octet: number): Buffer => {
    const packet = Buffer.from(good);
    packet[offset] = octet;
    return packet;
  };
  test('the packet itself is good', () =>
    expect(decodeResponse(good, question)).toMatchObject({ answer: { kind: 'records' } }));
  test.each([
    ['another id', changed(0, 1)],
    ['a question, not a response', changed(2, 0x01)],
    ['another opcode', changed(2, 0xa8)],
    ['two questions', changed(5, 2)],
    ['another name', changed(13, 0x38)],
    ['another type', changed(12 + question.name.length + 2 + 1, 1)],
    ['another class', changed(12 + question.name.length + 2 + 3, 3)],
    ['half a header', good.subarray(0, 11)],
  ])('%s', (_, packet) => expect(decodeResponse(packet, question)).toBeUndefined());

  test.each([
    ['more records than octets', changed(7, 200)],
    ['cut in the middle of a record', good.subarray(0, good.length - 3)],
    [
      'a pointer to itself',
      (() => {
        const packet = Buffer.from(good);
        const at = 12 + question.name.length + 2 + 4;
        packet.writeUInt16BE(0xc000 | at, at);
        return packet;
      })(),
    ],
    [
      'a forward pointer',
      (() => {
        const packet = Buffer.from(good);
        const at = 12 + question.name.length + 2 + 4;
        packet.writeUInt16BE(0xc000 | (at + 4), at);
        return packet;
      })(),
    ],
  ])('%s is malformed', (_, packet) => {
    expect(decodeResponse(packet, question)).toEqual({
      truncated: false,
      answer: { kind: 'error', code: 'malformed' },
    });
  });
});
