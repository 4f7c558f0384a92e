// Codecs see octets in whatever pieces the network cuts them into, and packets that nobody would write.

import { expect, test } from '@jest/globals';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { parseIp, reverseName } from '../../src/core/ip.ts';
import type { BareNewline } from '../../src/core/relaying.ts';
import { decodeResponse, encodeQuery, type Question } from '../../src/dns/wire.ts';
import { requestReader } from '../../src/doors/policy/codec.ts';
import { contentScanner } from '../../src/doors/smtp/content.ts';
import { headerFilter, messageFilter } from '../../src/doors/smtp/message.ts';
import { readReply } from '../../src/doors/smtp/replies.ts';
import { request } from '../support/delegation.ts';

const check = (property: fc.IProperty<unknown>, runs = 2_000): void =>
  void fc.assert(property as never, { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? runs), seed: 8601 });

/** A text of these words, cut anywhere. */
const cut = (words: readonly string[]): fc.Arbitrary<{ whole: Buffer; pieces: Buffer[] }> =>
  fc
    .tuple(fc.array(fc.constantFrom(...words), { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 12 }))
    .map(([chosen, places]) => {
      const whole = Buffer.from(chosen.join(''), 'latin1');
      const at = [0, ...places.map((place) => place % (whole.length + 1)), whole.length].sort((a, b) => a - b);
      return { whole, pieces: at.slice(1).map((end, i) => whole.subarray(at[i], end)) };
    });

/** RFC 5321 s4.5.2 and s4.1.1.4 on a whole message, in latin1, and what stands behind it. */
function readContent(wire: string): { lines: readonly string[]; rest: string } {
  const lines = wire.split('\r\n');
  const end = lines.indexOf('.');
  return {
    lines: lines.slice(0, end).map((line) => (line.startsWith('.') ? line.slice(1) : line)),
    rest: lines.slice(end + 1).join('\r\n'),
  };
}
const printContent = (content: string): string => content.replace(/(^|\r\n)\./g, '$1..');

function scanAll(input: readonly Buffer[], mode: BareNewline) {
  const scanner = contentScanner(mode);
  let out = '';
  for (const [i, piece] of input.entries()) {
    const { content, end, fault } = scanner.push(piece);
    out += content.toString('latin1');
    if (end === undefined) continue;
    const rest = Buffer.concat([piece.subarray(end), ...input.slice(i + 1)]).toString('latin1');
    return { content: out, octets: scanner.octets, isFaulty: fault === true, rest };
  }
  throw new Error('the final dot was not seen');
}

test.each(['reject', 'normalize'] as const)('content is what RFC 5321 says, %s', (mode) => {
  const words = ['\r\n', '\r\n', '\r\n.\r\n', '\r\n.', '\n', '\r', '.', '..', '\0', 'x', '\xff', 'longer text'];
  const afterwards = fc.constantFrom('', '\r\n.\r\n', 'RSET\r\n', '\n\0');
  check(
    fc.property(cut(words), afterwards, ({ pieces }, after) => {
      const input = [...pieces, Buffer.from(`\r\n.\r\n${after}`, 'latin1')];
      const truth = readContent(Buffer.concat(input).toString('latin1'));
      const content = truth.lines.map((line) => `${line}\r\n`).join('');
      const clean = /^(?:\r\n|[^\r\n\0])*/.exec(content)?.[0] ?? '';
      const isFaulty = mode === 'reject' && clean !== content;
      const mended = content.replace(/\r\n|[\r\n\0]/g, (found) => (found.endsWith('\n') ? '\r\n' : ' '));

      const { content: out, ...got } = scanAll(input, mode);
      expect({ ...got, out: isFaulty ? printContent(clean).startsWith(out) : out }).toEqual({
        rest: truth.rest,
        isFaulty,
        octets: (isFaulty ? content : mended).length,
        out: isFaulty || printContent(mended),
      });
      // Whatever the truth is: nobody behind can see another end in it.
      if (/\r\n\.\r\n|^\.\r\n|\0|\r(?!\n)|(?<!\r)\n/.test(out))
        throw new Error(`not canonical: ${JSON.stringify(out)}`);
    }),
    20_000,
  );
});

test('a message is the same however it is cut', () => {
  const words = [
    '\r\n',
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
  const through = (pieces: readonly Buffer[]): string => {
    const filter = messageFilter(['Top: 1'], 'mx.test.example');
    return Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.end()]).toString('latin1');
  };
  check(fc.property(cut(words), ({ whole, pieces }) => expect(through(pieces)).toBe(through([whole]))));
});

test('no field that claims to be ours leaves the header, and nothing else is missing', () => {
  const words = [
    'X-Iprevd-Tag: 1',
    'x-iprevd-tag:',
    'X-Iprevd-Tags: 1',
    'A: 1',
    ' folded',
    '\tX-Iprevd-Tag: 1',
    'text',
    '..a',
    '',
  ];
  check(
    fc.property(cut(words.map((word) => `${word}\r\n`)), ({ whole, pieces }) => {
      const filter = headerFilter('mx.test.example');
      const out = Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.end()]).toString('latin1');
      const text = whole.toString('latin1');
      const emptyLine = `\r\n${text}`.indexOf('\r\n\r\n');
      const header = emptyLine < 0 ? text : text.slice(0, emptyLine);
      const kept = header.replace(/^x-iprevd-tag:.*\r\n(?:[ \t].*\r\n)*/gim, '');
      expect(out).toBe(kept + text.slice(header.length));
    }),
  );
});

test('policy requests are the same however they are cut', () => {
  const words = [request({}), request({ sender: 'x=y' }), 'request=smtpd_access_policy\n', 'a=b\n', '\n', 'junk', '='];
  check(
    fc.property(cut(words), ({ whole, pieces }) => {
      const once = requestReader()(whole);
      const read = requestReader();
      const got: unknown[] = [];
      let problem: unknown;
      for (const piece of pieces) {
        if (problem !== undefined) break;
        const { requests, ...more } = read(piece);
        got.push(...requests);
        problem = more.problem;
      }
      expect({ requests: got, problem }).toEqual({ requests: once.requests, problem: once.problem });
    }),
  );
});

test('a policy request is read the same whatever its peer sent before', () => {
  const lines = [...request({}).trimEnd().split('\n'), 'a=b', 'sender=', 'request=junk', 'size', '=', 'a=b=c'];
  const drawn = fc.oneof(
    fc.constant(lines.slice(0, 13)),
    fc.subarray(lines.slice(0, 15)),
    fc.array(fc.constantFrom(...lines), { maxLength: 20 }),
  );
  const printed = drawn.map((some) => Buffer.from(`${some.join('\n')}\n\n`));
  check(
    fc.property(fc.array(printed, { maxLength: 3 }), printed, (before, text) => {
      const reader = requestReader();
      for (const one of before) reader(one);
      expect(reader(text)).toEqual(requestReader()(text));
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
