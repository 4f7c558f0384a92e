// What is kept of lines, how long, and that none is taken for another.

import { expect, test } from '@jest/globals';
import { hashOf, KeptLines } from '../../../../src/core/backtest/kept-lines.ts';
import { lineParts, timeless } from '../../../../src/core/backtest/replay-key.ts';
import { replayTriedLines, replayUntriedLines } from '../../../../src/core/limits.ts';
import { ipOf } from '../../../support/evidence.ts';
import { octetLine, type RecordGiven, sessionRecord } from '../../../support/records.ts';

function line(given: RecordGiven): string {
  return JSON.stringify(sessionRecord(given));
}
const ip = ipOf('192.0.2.7');
const of = (i: number) => line({ client: { helo: `h${i}.example` } });

function isKept(kept: KeptLines, text: string): boolean {
  return kept.cut(octetLine(text), timeless) !== undefined && kept.get() !== undefined;
}

function keep(kept: KeptLines, text: string): void {
  if (!isKept(kept, text)) kept.set(ip);
}

test.each([
  ['lines', { linesMax: 3 }],
  ['octets', { octetsMax: 4 * of(0).length }],
])('of more %s than find room, what came lately is kept', (_, most) => {
  const kept = new KeptLines(most);
  keep(kept, of(0));
  for (let i = 1; i < 20; i++) {
    keep(kept, of(i));
    expect(isKept(kept, of(i))).toBe(true);
    // It comes again all the time.
    expect(isKept(kept, of(0))).toBe(true);
  }
  expect(isKept(kept, of(1))).toBe(false);
});

test('a line that ends like another and its clock is another', () => {
  const kept = new KeptLines();
  const found = (text: string, late: string) =>
    kept.cut(octetLine(text), () => late) !== undefined && kept.get() !== undefined;
  expect(found(of(0), '12 ')).toBe(false);
  kept.set(ip);
  expect(found(of(0), '12 ')).toBe(true);
  expect(found(of(0), '2 ')).toBe(false);
  expect(found(`${of(0)}1`, '2 ')).toBe(false);
  expect(found(`${of(0)}\\n1`, '2 ')).toBe(false);
});

test('where hardly any line is like another, it is tried again only now and then', () => {
  const kept = new KeptLines();
  const first = octetLine(of(0));
  const isTried = () => kept.cut(first, timeless) !== undefined;
  for (let i = 1; i < replayTriedLines; i++) expect(isTried()).toBe(true);
  for (let i = 0; i <= replayUntriedLines; i++) if (isTried()) throw new Error(`tried again after ${i} lines`);
  expect(isTried()).toBe(true);
});

test('lines whose keys have the same hash are two', () => {
  const whole = (helo: string) => line({ client: { helo } });
  const [a, b] = sameHash(wordsOf(whole('0123456789abcdef')));
  expect(a).not.toBe(b);
  expect(hashOf(wordsOf(whole(a)))).toBe(hashOf(wordsOf(whole(b))));
  const kept = new KeptLines();
  keep(kept, whole(a));
  expect(isKept(kept, whole(b))).toBe(false);
  keep(kept, whole(b));
  expect(isKept(kept, whole(b))).toBe(true);
  expect(isKept(kept, whole(a))).toBe(false);
});

function wordsOf(text: string): Int32Array {
  const key = lineParts(text, timeless)?.key ?? '';
  return new Int32Array(Uint8Array.from(Buffer.from(key.padEnd(Math.ceil(key.length / 4) * 4, '\n'))).buffer);
}

/** Two texts that differ in two words of the key: the second makes good in the hash what the first did to it. */
function sameHash(words: Int32Array): [string, string] {
  const text = Buffer.from(words.buffer).toString('latin1');
  const begin = text.indexOf('0123456789abcdef');
  const at = Math.ceil(begin / 4);
  const helo = ({ buffer }: Int32Array) => Buffer.from(buffer).toString('latin1', begin, begin + 16);
  for (let i = 0; i < 26 ** 4; i++) {
    const other = words.slice();
    const letters = [0, 1, 2, 3].map((place) => 0x61 + (Math.floor(i / 26 ** place) % 26));
    other.set(new Int32Array(Uint8Array.from(letters).buffer), at);
    const next = words[at + 1] ?? 0;
    other[at + 1] = next ^ hashOf(words.slice(0, at + 1)) ^ hashOf(other.slice(0, at + 1));
    if (/^[#-[\]-~]+$/.test(helo(other))) return [helo(words), helo(other)];
  }
  throw new Error('no two texts with the same hash');
}
