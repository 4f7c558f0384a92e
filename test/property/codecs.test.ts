// Codecs see octets in whatever pieces the network cuts them into, and packets that nobody would write.

import { expect, test } from '@jest/globals';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { parseIp, reverseName } from '../../src/core/ip.ts';
import { decodeResponse, encodeQuery, type Question } from '../../src/dns/wire.ts';
import { readRequests } from '../../src/doors/policy/codec.ts';
import { messageFilter } from '../../src/doors/smtp/message.ts';
import { readReply } from '../../src/doors/smtp/replies.ts';
import { request } from '../support/delegation.ts';

const check = (property: fc.IProperty<unknown>): void =>
  void fc.assert(property as never, { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? 2_000), seed: 8601 });

/** A text of these words, cut anywhere. */
const cut = (words: readonly string[]): fc.Arbitrary<{ whole: Buffer; pieces: Buffer[] }> =>
  fc
    .tuple(fc.array(fc.constantFrom(...words), { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 12 }))
    .map(([chosen, places]) => {
      const whole = Buffer.from(chosen.join(''), 'latin1');
      const at = [0, ...places.map((place) => place % (whole.length + 1)), whole.length].sort((a, b) => a - b);
      return { whole, pieces: at.slice(1).map((end, i) => whole.subarray(at[i], end)) };
    });

test('a message is the same however it is cut', () => {
  const words = [
    '\r\n',
    '.',
    '..',
    'A: 1',
    ' x',
    '\t',
    'Authentication-Results',
    ': mx.test.example',
    '; none',
    'X-Iprevd-Tag:',
    'text',
    '\xff',
    ':',
    '(',
    '"',
  ];
  const through = (pieces: readonly Buffer[]): string | undefined => {
    const filter = messageFilter(['Top: 1'], 'mx.test.example');
    const out = [...pieces.map((piece) => filter.push(piece)), filter.end()];
    return out.includes(undefined) ? undefined : Buffer.concat(out as Buffer[]).toString('latin1');
  };
  check(fc.property(cut(words), ({ whole, pieces }) => expect(through(pieces)).toBe(through([whole]))));
});

test('what leaves the message filter has no line "." and no bare line end', () => {
  const words = ['\r\n', '\r\n.\r\n', '\r\n.', '\n', '\r', '.', 'x', '\0'];
  check(
    fc.property(cut(words), ({ pieces }) => {
      const filter = messageFilter([], 'mx.test.example');
      const out = [...pieces.map((piece) => filter.push(piece)), filter.end()];
      if (out.includes(undefined)) return;
      const text = Buffer.concat(out as Buffer[]).toString('latin1');
      expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
      expect(text.split('\r\n')).not.toContain('.');
    }),
  );
});

test('policy requests are the same however they are cut', () => {
  const words = [request({}), request({ sender: 'x=y' }), 'request=smtpd_access_policy\n', 'a=b\n', '\n', 'junk', '='];
  check(
    fc.property(cut(words), ({ whole, pieces }) => {
      const once = readRequests(whole);
      const got: unknown[] = [];
      let rest: Buffer = Buffer.alloc(0);
      let problem: unknown;
      for (const piece of pieces) {
        if (problem !== undefined) break;
        const read = readRequests(Buffer.concat([rest, piece]));
        got.push(...read.requests);
        ({ rest, problem } = { rest: read.rest, problem: read.problem });
      }
      expect({ requests: got, problem }).toEqual({ requests: once.requests, problem: once.problem });
    }),
  );
});

test('a reply that is complete does not change with what follows', () => {
  check(
    fc.property(
      fc.array(fc.constantFrom('250', '451', '-', ' ', 'x', '\r\n', '\n', '\x80'), { maxLength: 20 }),
      fc.string(),
      (words, more) => {
        const first = readReply(words.join(''));
        if (first.reply !== undefined) expect(readReply(words.join('') + more).reply).toEqual(first.reply);
      },
    ),
  );
});

const question: Question = { id: 99, caseMask: 0, name: '7.2.0.192.in-addr.arpa', type: 'PTR', edns: true };
const query = encodeQuery(question);
const seedPacket = encode({
  type: 'response',
  id: 99,
  flags: 0x0180,
  questions: [{ name: question.name, type: 'PTR' }],
  answers: [
    { name: question.name, type: 'CNAME', ttl: 9, data: '7.0-63.customer.example' },
    { name: '7.0-63.customer.example', type: 'PTR', ttl: 9, data: 'mx.example' },
  ],
  authorities: [{ name: 'example', type: 'NS', ttl: 9, data: 'ns.example' }],
});

test('a well-formed packet means to us what it means to dns-packet', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?$/);
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
  const ttl = fc.nat(0x7fffffff);
  const records = fc.record({
    type: fc.constantFrom('PTR' as const, 'A' as const, 'AAAA' as const),
    asked: name,
    aliases: fc.uniqueArray(name, { maxLength: 8 }),
    targets: fc.array(name, { minLength: 1, maxLength: 20 }),
    ttls: fc.array(ttl, { minLength: 30, maxLength: 30 }),
    stranger: name,
    shuffle: fc.infiniteStream(fc.nat(1_000)),
  });
  check(
    fc.property(records, ({ type, asked, aliases, targets, ttls, stranger, shuffle }) => {
      const chain = [asked, ...aliases.filter((alias) => alias !== asked)];
      const owner = chain.at(-1) ?? asked;
      const data = (target: string, i: number) =>
        type === 'PTR' ? target : type === 'A' ? `192.0.2.${i}` : `2001:db8::${(i + 1).toString(16)}`;
      const answers = [
        ...chain.slice(1).map((alias, i) => ({ name: chain[i] ?? '', type: 'CNAME' as const, data: alias })),
        ...targets.map((target, i) => ({ name: owner, type, data: data(target, i) })),
        ...(chain.includes(stranger) ? [] : [{ name: stranger, type, data: data('stranger.example', 99) }]),
      ].map((record, i) => ({ record: { ...record, ttl: ttls[i] ?? 0 }, at: shuffle.next().value ?? 0 }));
      answers.sort((a, b) => a.at - b.at);
      const packet = encode({
        type: 'response',
        id: 99,
        flags: 0x0180,
        questions: [{ name: asked, type }],
        answers: answers.map(({ record }) => record) as never,
      });
      const theirs = (decode(packet).answers ?? []) as { name: string; type: string; ttl: number; data: string }[];
      const useful = theirs.filter((record) => record.type === type && record.name === owner);
      const used = [...useful, ...theirs.filter((record) => record.type === 'CNAME')];
      const ours = decodeResponse(packet, encodeQuery({ id: 99, caseMask: 0, name: asked, type, edns: false }), type);
      expect(ours?.answer).toEqual({
        kind: 'records',
        records: [...new Set(useful.map((record) => record.data))],
        ttl: Math.min(...used.map((record) => record.ttl)),
      });
    }),
  );
});

test('mutated packets: an answer or nothing, never an exception, never a name with raw octets', () => {
  const mutation = fc.tuple(fc.nat(seedPacket.length - 1), fc.nat(255));
  check(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), fc.nat(seedPacket.length), (mutations, cutAt) => {
      const packet = Buffer.from(seedPacket);
      for (const [offset, octet] of mutations) packet[offset] = octet;
      const decoded = decodeResponse(packet.subarray(0, cutAt % 7 === 0 ? cutAt : packet.length), query, 'PTR');
      if (decoded?.answer?.kind !== 'records') return;
      for (const record of decoded.answer.records) expect(record).toMatch(/^[\x21-\x7e]*$/);
    }),
  );
});

test('random octets are no answer', () => {
  check(
    fc.property(fc.uint8Array({ maxLength: 600 }), (octets) =>
      expect(decodeResponse(Buffer.from(octets), query, 'PTR')).toBeUndefined(),
    ),
  );
});

test('reverse names of any address have a wire form', () => {
  check(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const ip = parseIp(text);
      if (ip === undefined) throw new Error(text);
      expect(parseIp(ip)).toBe(ip);
      expect(encodeQuery({ ...question, name: reverseName(ip) }).length).toBeLessThan(110);
    }),
  );
});
