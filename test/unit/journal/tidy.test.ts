// What goes out of a journal, and what is packed.

import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { journalPackStaleMs, journalRestMs } from '../../../src/core/limits.ts';
import { tidy } from '../../../src/journal/tidy.ts';

const hourMs = 3_600_000;
const now = Date.parse('2026-11-26T04:30:00Z');
const roomy = { keepMs: 24 * hourMs, octetsMax: 1e9 };
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-tidy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Last written to so long ago. */
function put(name: string, content: string | Buffer = 'x'.repeat(100), ago = hourMs): void {
  writeFileSync(join(folder, name), content);
  utimesSync(join(folder, name), (now - ago) / 1_000, (now - ago) / 1_000);
}
const left = (): readonly string[] => readdirSync(folder).sort();

test('what is over is packed, whole, and the other removed; what may still be written to is not', async () => {
  put('2026-11-26T02.jsonl', 'of two\n');
  put('2026-11-26T03.jsonl', 'still written to\n', journalRestMs / 2);
  put('2026-11-26T04.jsonl');
  put('2026-11-26T05.jsonl');
  await tidy(folder, roomy, now);
  expect(left()).toEqual([
    '2026-11-26T02.jsonl.gz',
    '2026-11-26T03.jsonl',
    '2026-11-26T04.jsonl',
    '2026-11-26T05.jsonl',
  ]);
  expect(gunzipSync(readFileSync(join(folder, '2026-11-26T02.jsonl.gz'))).toString()).toBe('of two\n');
});

test('what is too old goes, by its hour and not by its file', async () => {
  put('2026-11-25T03.jsonl.gz', 'x', 0);
  put('2026-11-25T04.jsonl.gz', 'x', 99 * hourMs);
  put('2026-11-25T05-3.jsonl.gz', 'x', 99 * hourMs);
  expect(await tidy(folder, roomy, now)).toBe(2);
  expect(left()).toEqual(['2026-11-25T04.jsonl.gz', '2026-11-25T05-3.jsonl.gz']);
});

test('of what is too much the oldest goes, never the present hour', async () => {
  for (const name of [
    '2026-11-26T01.jsonl.gz',
    '2026-11-26T02.jsonl.gz',
    '2026-11-26T03.jsonl.gz',
    '2026-11-26T04.jsonl',
  ])
    put(name);
  expect(await tidy(folder, { ...roomy, octetsMax: 250 }, now)).toBe(200);
  expect(left()).toEqual(['2026-11-26T03.jsonl.gz', '2026-11-26T04.jsonl']);
  expect(await tidy(folder, { ...roomy, octetsMax: 50 }, now)).toBe(100);
  expect(left()).toEqual(['2026-11-26T04.jsonl']);
});

test('what a killed process left of its packing is cleared away; what somebody is packing is his', async () => {
  put('2026-11-26T01.jsonl.gz', gzipSync('done\n'));
  put('2026-11-26T01.jsonl', 'done\n');
  put('2026-11-26T02.jsonl', 'begun\n');
  put('2026-11-26T02.jsonl.gz.part', 'half', journalPackStaleMs);
  put('2026-11-26T03.jsonl', 'at it\n');
  put('2026-11-26T03.jsonl.gz.part', 'half', 1_000);
  await tidy(folder, roomy, now);
  expect(left()).toEqual([
    '2026-11-26T01.jsonl.gz',
    '2026-11-26T02.jsonl.gz',
    '2026-11-26T03.jsonl',
    '2026-11-26T03.jsonl.gz.part',
  ]);
  expect(gunzipSync(readFileSync(join(folder, '2026-11-26T02.jsonl.gz'))).toString()).toBe('begun\n');
});

test('files of others stay, and a folder that is not there is empty', async () => {
  put('2020-01-01.log');
  put('README');
  expect(await tidy(folder, { keepMs: 1, octetsMax: 1 }, now)).toBe(0);
  expect(left()).toEqual(['2020-01-01.log', 'README']);
  expect(await tidy(join(folder, 'nowhere'), roomy, now)).toBe(0);
});

test('packing that is broken off leaves the segment as it was', async () => {
  put('2026-11-26T02.jsonl', 'x\n'.repeat(3_000_000));
  const stop = new AbortController();
  const tidying = tidy(folder, roomy, now, stop.signal);
  setTimeout(() => stop.abort(), 30);
  await tidying;
  expect(left()).toEqual(['2026-11-26T02.jsonl']);
});
