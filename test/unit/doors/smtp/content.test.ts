import { describe, expect, test } from '@jest/globals';
import type { BareNewline } from '../../../../src/core/relaying.ts';
import { contentScanner } from '../../../../src/doors/smtp/content.ts';

interface Read {
  /** What went on, in latin1. */
  readonly content: string;
  readonly octets: number;
  readonly isFaulty: boolean;
  /** Octets behind the final dot line; absent: it has not come. */
  readonly rest?: string;
}

function read(pieces: readonly Buffer[], bareNewline: BareNewline): Read {
  const scanner = contentScanner(bareNewline);
  const out: Buffer[] = [];
  let isFaulty = false;
  for (const [i, piece] of pieces.entries()) {
    const { content, end, fault } = scanner.push(piece);
    out.push(content);
    isFaulty = fault === true;
    if (isFaulty) expect(content).toHaveLength(0);
    if (end !== undefined) {
      const rest = Buffer.concat([piece.subarray(end), ...pieces.slice(i + 1)]).toString('latin1');
      return { content: Buffer.concat(out).toString('latin1'), octets: scanner.octets, isFaulty, rest };
    }
  }
  return { content: Buffer.concat(out).toString('latin1'), octets: scanner.octets, isFaulty };
}

/** Every way to cut the text in two, and one octet at a time. */
function* cuts(text: string): Generator<Buffer[]> {
  const whole = Buffer.from(text, 'latin1');
  for (let i = 0; i <= whole.length; i++) yield [whole.subarray(0, i), whole.subarray(i)];
  yield [...whole].map((octet) => Buffer.from([octet]));
}

const modes: readonly BareNewline[] = ['reject', 'normalize'];

describe.each(modes)('well-formed content, %s', (mode) => {
  test.each([
    ['an empty message', '.\r\n', '', 0],
    ['a line', 'a\r\n.\r\n', 'a\r\n', 3],
    ['an empty line', '\r\n.\r\n', '\r\n', 2],
    ['a stuffed dot', '..\r\n.\r\n', '..\r\n', 3],
    ['stuffed dots', 'a\r\n...\r\n..b\r\n.\r\n', 'a\r\n...\r\n..b\r\n', 11],
    ['a lone dot before text', '.a\r\n.b\r\n.\r\n', 'a\r\nb\r\n', 6],
    ['a lone dot before a blank', '. \r\n.\r\n', ' \r\n', 3],
    ['dots inside lines', 'a.\r\n .\r\na..b\r\n.\r\n', 'a.\r\n .\r\na..b\r\n', 14],
    ['control characters that end no line', '\t\v\f\x1f\r\n.\r\n', '\t\v\f\x1f\r\n', 6],
    ['8-bit octets', '\xff\x8d\x8a\r\n.\r\n', '\xff\x8d\x8a\r\n', 5],
  ])('%s', (_, text, content, octets) => {
    for (const rest of ['', '.\r\n', 'QUIT\r\n', '\n.\n\0']) {
      for (const pieces of cuts(text + rest))
        expect(read(pieces, mode)).toEqual({ content, octets, isFaulty: false, rest });
    }
  });

  test('without the final dot there is no end, and what may belong to it waits', () => {
    for (const [text, content] of [
      ['', ''],
      ['.', ''],
      ['.\r', ''],
      ['a', 'a'],
      ['a\r', 'a'],
      ['a\r\n', 'a\r\n'],
      ['a\r\n.', 'a\r\n'],
      ['a\r\n.\r', 'a\r\n'],
      ['a\r\n..', 'a\r\n..'],
      ['a\r\n..\r', 'a\r\n..'],
    ] as const) {
      const octets = content.replaceAll('..', '.').length;
      for (const pieces of cuts(text)) expect(read(pieces, mode)).toEqual({ content, octets, isFaulty: false });
    }
  });
});

// What stands between "a" and "b", whether it is a fault, what becomes of it when normalized. The first nine are from
// SMTP-Smuggling-Tools (MIT), smtp_smuggling_scanner.py.
const variants: readonly (readonly [string, boolean, string])[] = [
  ['\n.\n', true, '\r\n..\r\n'],
  ['\n.\r', true, '\r\n.. '],
  ['\r.\n', true, ' .\r\n'],
  ['\r.\r', true, ' . '],
  ['\n.\r\n', true, '\r\n..\r\n'],
  ['\r.\r\n', true, ' .\r\n'],
  ['\r\n.\r\r\n', true, '\r\n \r\n'],
  ['\r\r\n.\r\r\n', true, ' \r\n \r\n'],
  ['\r\n\0.\r\n', true, '\r\n .\r\n'],
  ['\r\n.\n', true, '\r\n\r\n'],
  ['\r\n.\r', true, '\r\n '],
  ['\n.\n\r', true, '\r\n..\r\n '],
  ['\r\n.\0\r\n', true, '\r\n \r\n'],
  ['\r\0\n.\r\0\n', true, '  \r\n..  \r\n'],
  ['\n..\r\n', true, '\r\n...\r\n'],
  ['\n..\n', true, '\r\n...\r\n'],
  ['\n\r.\n\r', true, '\r\n .\r\n '],
  ['\r\n. \r\n', false, '\r\n \r\n'],
  ['\r\n.\t\r\n', false, '\r\n\t\r\n'],
  ['\r\n..\r\n', false, '\r\n..\r\n'],
  ['\x85.\x85', false, '\x85.\x85'],
  ['\v.\v', false, '\v.\v'],
  ['\f.\f', false, '\f.\f'],
  ['\x8d\x8a.\x8d\x8a', false, '\x8d\x8a.\x8d\x8a'],
  ['\xe2\x80\xa8.\xe2\x80\xa8', false, '\xe2\x80\xa8.\xe2\x80\xa8'],
];

describe('what is not the end of data', () => {
  const rest = 'RSET\r\n';
  test.each(variants)('%j, however it is cut', (between, isFaulty, normalized) => {
    for (const pieces of cuts(`a${between}b\r\n.\r\n${rest}`)) {
      const rejected = read(pieces, 'reject');
      const content = `a${normalized}b\r\n`;
      expect([rejected.isFaulty, rejected.rest]).toEqual([isFaulty, rest]);
      if (!isFaulty) expect(rejected.content).toBe(content);
      expect(read(pieces, 'normalize')).toMatchObject({ isFaulty: false, rest, content });
    }
  });

  test.each([
    ['\r\r\n.\r\n', true, 'a \r\n'],
    ['\r\n\r\n.\r\n', false, 'a\r\n\r\n'],
  ])('but %j is', (between, isFaulty, content) => {
    for (const pieces of cuts(`a${between}b\r\n.\r\n`)) {
      expect(read(pieces, 'reject')).toMatchObject({ isFaulty, rest: 'b\r\n.\r\n' });
      expect(read(pieces, 'normalize')).toMatchObject({ isFaulty: false, content, rest: 'b\r\n.\r\n' });
    }
  });

  test.each(['\n.\r\n', '\r.\r\n', '\0.\r\n', '.\n', '.\r.\r\n'])('nor is %j at the very beginning', (beginning) => {
    for (const pieces of cuts(`${beginning}b\r\n.\r\n`)) {
      expect(read(pieces, 'reject')).toMatchObject({ content: '', isFaulty: true, rest: '' });
      expect(read(pieces, 'normalize').rest).toBe('');
    }
  });
});

test('a fault stays, and what comes before it in the same chunk does not go on', () => {
  const scanner = contentScanner('reject');
  expect(scanner.push(Buffer.from('good\r\n')).content.toString()).toBe('good\r\n');
  expect(scanner.push(Buffer.from('good\r\nbad\n'))).toEqual({ content: Buffer.alloc(0), fault: true });
  expect(scanner.push(Buffer.from('good\r\n'))).toEqual({ content: Buffer.alloc(0), fault: true });
  expect(scanner.octets).toBe(22);
  expect(scanner.push(Buffer.from('.\r\n.\r\n'))).toEqual({ content: Buffer.alloc(0), fault: true, end: 3 });
});

test('nothing is copied that needs no change', () => {
  const scanner = contentScanner('reject');
  const chunk = Buffer.from('a\r\n..b\r\n\r\nc\r\n.\r\nQUIT\r\n');
  const { content, end } = scanner.push(chunk);
  expect([content.buffer, content.byteOffset, content.length]).toEqual([chunk.buffer, chunk.byteOffset, 13]);
  expect(end).toBe(16);
});
