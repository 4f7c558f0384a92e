// The newest of a journal: in which order, how many, out of which files, and what cannot be read.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { journalLineOctetsMax, journalReadBackOctets } from '../../../src/core/limits.ts';
import { printProblem } from '../../../src/core/problem.ts';
import { type NewestOptions, newestLines } from '../../../src/journal/newest.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-newest-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, content: string): void =>
  writeFileSync(join(folder, name), name.endsWith('.gz') ? gzipSync(content) : content, 'utf8');

/** Lines of a segment, its first and last octets told apart from all others. */
const lines = (name: string, many: number, length = 20): string =>
  Array.from({ length: many }, (_, i) => `${`${name}${i} `.padEnd(length, '.')}\n`).join('');

async function newest(options: Partial<NewestOptions> = {}) {
  const problems: string[] = [];
  const cuts: string[] = [];
  let text = '';
  for await (const some of newestLines({
    folder,
    linesMax: 1_000_000,
    octetsMax: 1_000_000_000,
    onProblem: (problem) => problems.push(printProblem(problem).replaceAll(`${folder}/`, '')),
    onCut: (by) => cuts.push(by),
    ...options,
  }))
    text += some;
  const names = text.split('\n').map((line) => line.replace(/[ .]+$/, ''));
  expect(names.pop()).toBe(''); // whole lines
  return { names, problems, cuts };
}

const three = (): void => {
  put('2026-11-26T04.jsonl.gz', lines('a', 3));
  put('2026-11-26T05-1.jsonl.gz', lines('c', 2));
  put('2026-11-26T05.jsonl.gz', lines('b', 2));
  put('2026-11-26T06.jsonl', lines('d', 2));
};

test('every line of packed and plain segments, the newest first', async () => {
  three();
  expect(await newest()).toEqual({
    names: ['d1', 'd0', 'c1', 'c0', 'b1', 'b0', 'a2', 'a1', 'a0'],
    problems: [],
    cuts: [],
  });
});

test.each([
  [1, ['d1']],
  [2, ['d1', 'd0']],
  [3, ['d1', 'd0', 'c1']],
  [8, ['d1', 'd0', 'c1', 'c0', 'b1', 'b0', 'a2', 'a1']],
])('%d lines, and that there are older ones', async (linesMax, names) => {
  three();
  expect(await newest({ linesMax })).toEqual({ names, problems: [], cuts: ['lines'] });
});

test('exactly as many as there are is not cut', async () => {
  three();
  expect(await newest({ linesMax: 9 })).toMatchObject({ cuts: [] });
});

test('no more octets than wanted', async () => {
  three();
  expect(await newest({ octetsMax: 3 * 21 })).toEqual({ names: ['d1', 'd0', 'c1'], problems: [], cuts: ['octets'] });
  expect((await newest({ octetsMax: 3 * 21 - 1 })).names).toEqual(['d1', 'd0']);
});

test('since: hours that were over by then are not looked at', async () => {
  three();
  writeFileSync(join(folder, '2026-11-26T04.jsonl.gz'), 'no gzip at all');
  expect(await newest({ since: Date.parse('2026-11-26T05:30:00Z') })).toEqual({
    names: ['d1', 'd0', 'c1', 'c0', 'b1', 'b0'],
    problems: [],
    cuts: [],
  });
});

describe('whatever is read at a time', () => {
  const many = Math.ceil((3 * journalReadBackOctets) / 1_000);
  const length = 999; // with its line feed not a divisor of what is read
  test.each(['2026-11-26T04.jsonl', '2026-11-26T04.jsonl.gz'])('%s', async (name) => {
    put(name, lines('x', many, length - 2));
    const all = Array.from({ length: many }, (_, i) => `x${many - 1 - i}`);
    expect((await newest()).names).toEqual(all);
    expect((await newest({ linesMax: 300 })).names).toEqual(all.slice(0, 300));
    expect((await newest({ octetsMax: 40 * (length - 1) })).names).toEqual(all.slice(0, 40));
  });
});

test('a line that a killed process left half written is said, but for the file that may be in writing', async () => {
  put('2026-11-26T04.jsonl', `${lines('a', 2)}{"v":1,"evid`);
  put('2026-11-26T05.jsonl', `${lines('b', 2)}{"v":1,"evid`);
  expect(await newest()).toEqual({
    names: ['b1', 'b0', 'a1', 'a0'],
    problems: ['2026-11-26T04.jsonl: ends in the middle of a line, which is left out'],
    cuts: [],
  });
});

test('a line without end is left out and said; memory does not grow with it', async () => {
  const long = 'x'.repeat(journalLineOctetsMax + journalReadBackOctets);
  put('2026-11-26T04.jsonl', `${lines('a', 1)}${long}\n${lines('b', 1)}`);
  put('2026-11-26T05.jsonl', `${long}\n${lines('c', 1)}`);
  const tooLong = `a line of more than ${journalLineOctetsMax} octets is left out`;
  expect(await newest()).toEqual({
    names: ['c0', 'b0', 'a0'],
    problems: [`2026-11-26T05.jsonl: ${tooLong}`, `2026-11-26T04.jsonl: ${tooLong}`],
    cuts: [],
  });
});

test('where lines without end take the room, a packed file is no more than its last lines, none of them in part', async () => {
  const long = 'x'.repeat(32 * journalReadBackOctets);
  put('2026-11-26T04.jsonl.gz', `${lines('a', 40_000)}${long}\n${lines('b', 2)}`);
  const { names, cuts } = await newest({ linesMax: 10, octetsMax: 4 * journalReadBackOctets });
  expect(names.slice(0, 2)).toEqual(['b1', 'b0']);
  for (const name of names) expect(name).toMatch(/^[ab]\d+$/);
  expect(cuts).toHaveLength(1);
});

test('a packed file that ends early: what could be read of it, and why not more', async () => {
  // What hardly packs, so that half of the file is about half of the lines.
  const noise = Array.from({ length: 2_000 }, (_, i) => `x${i} ${Math.sin(i)}${Math.cos(i)}\n`).join('');
  put('2026-11-26T04.jsonl.gz', noise);
  truncateSync(join(folder, '2026-11-26T04.jsonl.gz'), 20_000);
  put('2026-11-26T03.jsonl', lines('a', 1));
  const { names, problems } = await newest();
  expect(names.at(-1)).toBe('a0');
  expect(names.length).toBeGreaterThan(500);
  expect(problems).toEqual([expect.stringMatching(/^2026-11-26T04\.jsonl\.gz: cannot be read on: /)]);
});

test('a folder that is not there holds nothing; one that is none is said', async () => {
  expect(await newest({ folder: join(folder, 'none') })).toEqual({ names: [], problems: [], cuts: [] });
  put('file', '');
  expect((await newest({ folder: join(folder, 'file') })).problems).toEqual([expect.stringContaining('ENOTDIR')]);
});

test('who wants no more gets no more', async () => {
  three();
  const signal = AbortSignal.abort();
  expect((await newest({ signal })).names).toEqual([]);
});
