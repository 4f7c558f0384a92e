// The codec against dns-packet on well-formed packets, and against hand-made ones that are not.

import { describe, expect, test } from '@jest/globals';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { decodeResponse, encodeQuery, type Question } from '../../../src/dns/wire.ts';

const question: Question = { id: 4711, caseMask: 0, name: '7.2.0.192.in-addr.arpa', type: 'PTR', edns: true };
const noError = 0x8180 & ~0x8000;
const flagsOf = (rcode: number, more = 0): number => noError | rcode | more;

const decodeFor = (packet: Buffer, asked: Question = question) =>
  decodeResponse(packet, encodeQuery(asked), asked.type);
function respond(packet: Packet, asked: Question = question): ReturnType<typeof decodeResponse> {
  const questions = [{ name: asked.name, type: asked.type }];
  return decodeFor(encode({ type: 'response', id: asked.id, questions, flags: noError, ...packet } as Packet), asked);
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
      answer: { kind: 'records', records: ['mx.example', 'b.example'], ttl: 60 },
    });
  });
  test('A and AAAA come out canonical', () => {
    const a: Question = { ...question, name: 'mx.example', type: 'A' };
    expect(respond({ answers: [{ name: 'mx.example', type: 'A', ttl: 5, data: '192.0.2.7' }] }, a)).toMatchObject({
      answer: { records: ['192.0.2.7'] },
    });
    const aaaa: Question = { ...question, name: 'mx.example', type: 'AAAA' };
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
    expect(decodeFor(packet)).toMatchObject({ answer: { records: ['a\\.b.c\\010d.example'] } });
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
    ['SERVFAIL', { flags: flagsOf(2) }, { kind: 'error', code: 'servfail' }],
    ['YXDOMAIN', { flags: flagsOf(6) }, { kind: 'error', code: 'servfail' }],
    ['REFUSED', { flags: flagsOf(5) }, { kind: 'error', code: 'refused' }],
    [
      'NXDOMAIN with an answer',
      { flags: flagsOf(3), answers: [ptr(question.name, 'mx.example')] },
      { kind: 'error', code: 'malformed' },
    ],
  ] as [string, Packet, unknown][])('%s', (_, packet, answer) => expect(respond(packet)).toEqual({ answer }));

  test.each([1, 4])(
    'rcode %d to a query with EDNS asks for one without, RFC 6891 s7; then it is a failure',
    (rcode) => {
      expect(respond({ flags: flagsOf(rcode) })).toEqual({ again: 'plain' });
      expect(respond({ flags: flagsOf(rcode), questions: [] })).toEqual({ again: 'plain' });
      expect(respond({ flags: flagsOf(rcode) }, { ...question, edns: false })).toEqual({
        answer: { kind: 'error', code: 'servfail' },
      });
    },
  );

  test('a question in another letter case asks for TCP, which cannot be forged from afar', () => {
    const mixed: Question = { ...question, caseMask: 0b1010_0000_0000 };
    const packet = encode({
      type: 'response',
      id: 4711,
      flags: noError,
      questions: [{ name: question.name, type: 'PTR' }],
      answers: [ptr(question.name, 'mx.example')],
    });
    expect(encodeQuery(mixed).subarray(12).toString('latin1')).toMatch(/[A-Z]/);
    expect(decodeFor(packet, mixed)).toEqual({ again: 'tcp' });
    packet.set(encodeQuery(mixed).subarray(12, 12 + question.name.length + 2), 12);
    expect(decodeFor(packet, mixed)).toMatchObject({ answer: { records: ['mx.example'] } });
  });

  test('TC asks for TCP', () => expect(respond({ flags: flagsOf(0, 0x0200) })).toEqual({ again: 'tcp' }));
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
  test('the packet itself is good', () => expect(decodeFor(good)).toMatchObject({ answer: { kind: 'records' } }));
  test.each([
    ['another id', changed(0, 1)],
    ['a question, not a response', changed(2, 0x01)],
    ['another opcode', changed(2, 0xa8)],
    ['two questions', changed(5, 2)],
    ['another name', changed(13, 0x38)],
    ['another type', changed(12 + question.name.length + 2 + 1, 1)],
    ['another class', changed(12 + question.name.length + 2 + 3, 3)],
    ['half a header', good.subarray(0, 11)],
  ])('%s', (_, packet) => expect(decodeFor(packet)).toBeUndefined());

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
    expect(decodeFor(packet)).toEqual({
      answer: { kind: 'error', code: 'malformed' },
    });
  });
});

describe('what a server says beside its answer', () => {
  const opt = (options: object[], flags = 0) => ({
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags,
    flag_do: false,
    options,
  });
  const ede = (code: number, text: string) => ({
    code: 15,
    data: Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(text)]),
  });
  const withOptions = (options: object[], flags = flagsOf(2)) =>
    respond({ flags, additionals: [opt(options)] } as unknown as Packet);

  test('extended errors, RFC 8914, escaped, three at most', () => {
    expect(withOptions([ede(22, 'no server reachable\r\n'), { code: 10, data: Buffer.alloc(8) }, ede(6, '')])).toEqual({
      answer: {
        kind: 'error',
        code: 'servfail',
        ede: [
          { code: 22, text: 'no server reachable\\x0d\\x0a' },
          { code: 6, text: '' },
        ],
      },
    });
    const five = withOptions(Array.from({ length: 5 }, () => ede(0, 'x'.repeat(300))));
    expect(five?.answer?.ede).toHaveLength(3);
    expect(five?.answer?.ede?.[0]?.text).toHaveLength(120);
  });

  test('RFC 6891 s6.1.3: the upper bits of the code stand in OPT; BADVERS is no empty answer', () => {
    const badVersion = { ...opt([]), extendedRcode: 1 };
    expect(respond({ additionals: [badVersion] } as unknown as Packet)).toEqual({
      answer: { kind: 'error', code: 'servfail' },
    });
  });

  test('AD: the resolver vouches for it', () => {
    expect(respond({ flags: flagsOf(0, 0x0020), answers: [ptr(question.name, 'mx.example')] })).toMatchObject({
      answer: { ad: true },
    });
    expect(respond({ answers: [ptr(question.name, 'mx.example')] })?.answer).not.toHaveProperty('ad');
  });
});

describe('packets made to be slow, or large', () => {
  /** A response to `question` with these records behind it, each as octets. */
  const packetOf = (records: readonly Buffer[], count = records.length): Buffer => {
    const head = Buffer.from(encodeQuery({ ...question, edns: false }));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(count, 6);
    return Buffer.concat([head, ...records]);
  };
  const record = (owner: Buffer, type: number, data: Buffer): Buffer => {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(60, 4);
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([owner, fixed, data]);
  };
  const toQuestion = Buffer.from([0xc0, 12]);
  const wireName = (name: string): Buffer =>
    Buffer.concat([
      ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
      Buffer.from([0]),
    ]);

  test('2,500 PTR records: the first hundred are read', () => {
    const records = Array.from({ length: 2_500 }, (_, i) => record(toQuestion, 12, wireName(`n${i}.example`)));
    const decoded = decodeFor(packetOf(records));
    expect(decoded?.answer).toMatchObject({ kind: 'records', ttl: 60 });
    expect(decoded?.answer?.kind === 'records' ? decoded.answer.records.length : 0).toBe(100);
  });

  test('500 A records are all read', () => {
    const a: Question = { ...question, type: 'A' };
    const records = Array.from({ length: 500 }, (_, i) =>
      record(toQuestion, 1, Buffer.from([192, 0, i >> 8, i & 255])),
    );
    const packet = packetOf(records);
    packet.writeUInt16BE(1, 12 + question.name.length + 2);
    const decoded = decodeFor(packet, a);
    expect(decoded?.answer?.kind === 'records' ? decoded.answer.records.at(-1) : '').toBe('192.0.1.243');
  });

  test('a name of 300 octets comes out as one that is no host name', () => {
    const long = Array.from({ length: 75 }, () => 'abc').join('.');
    const decoded = decodeFor(packetOf([record(toQuestion, 12, wireName(long))]));
    expect(decoded?.answer).toMatchObject({ kind: 'records', records: [long] });
    expect(decodeFor(packetOf([record(toQuestion, 12, wireName(`${long}.${long}`))]))).toMatchObject({
      answer: { code: 'malformed' },
    });
  });

  test('names that unfold without end are given up', () => {
    // Every owner points into a long name, so that 11 octets of record cost 250 octets of name.
    const long = record(toQuestion, 16, wireName(Array.from({ length: 60 }, () => '\x80\x81\x82').join('.')));
    const at = packetOf([]).length + 12;
    const pointers = Array.from({ length: 5_000 }, (_, i) =>
      record(Buffer.from([1, i & 255, 0xc0 | (at >> 8), at & 255]), 12, Buffer.from([0])),
    );
    expect(decodeFor(packetOf([long, ...pointers]))).toEqual({ answer: { kind: 'error', code: 'malformed' } });
  });

  test('counts beyond the packet are not believed', () => {
    expect(decodeFor(packetOf([], 65_535))).toEqual({ answer: { kind: 'error', code: 'malformed' } });
  });
});
