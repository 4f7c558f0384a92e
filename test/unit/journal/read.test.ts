// What lies in a journal, and what is made of it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { journalLineOctetsMax, journalProblemsMax, journalReadOctets } from '../../../src/core/limits.ts';
import { printProblem } from '../../../src/core/problem.ts';
import type { SessionRecord } from '../../../src/core/record.ts';
import { type ReadJournalOptions, readJournal } from '../../../src/journal/read.ts';
import { lineOf } from '../../support/records.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-read-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content, 'utf8');
  return join(folder, name);
}

/** The refs that were read, and the problems, without the folder in them. */
async function read(paths: readonly string[], options: Partial<ReadJournalOptions> = {}) {
  const problems: string[] = [];
  const records: SessionRecord[] = [];
  const onProblem: ReadJournalOptions['onProblem'] = (problem) =>
    problems.push(printProblem(problem).replaceAll(`${folder}/`, ''));
  for await (const some of readJournal({ paths, onProblem, ...options })) records.push(...some);
  return { refs: records.map(({ evidence }) => evidence.id), problems };
}

const line = (id: string, at?: string): string => lineOf({ id, ...(at === undefined ? {} : { at }) });

describe('a file', () => {
  test('of whole lines', async () => {
    expect(await read([put('any', line('one') + line('two'))])).toEqual({ refs: ['one', 'two'], problems: [] });
  });

  test('packed, whatever its name is', async () => {
    expect(await read([put('any', gzipSync(line('one') + line('two')))])).toEqual({
      refs: ['one', 'two'],
      problems: [],
    });
  });

  test('of several packed parts, one behind the other', async () => {
    const parts = [line('one'), line('two')].map((text) => gzipSync(text));
    expect(await read([put('any.gz', Buffer.concat(parts))])).toEqual({ refs: ['one', 'two'], problems: [] });
  });

  test.each([
    ['no JSON', 'garbage'],
    ['no JSON', '\u0000\ufffd\u001b[31m'],
    ['no record of a session', '[]'],
    ['no record of a session', '{"msg":"decision"}'],
    ['a record of version 2, and this program knows version 1', '{"v":2,"session":{}}'],
    ['a record whose evidence cannot be right', '{"v":1}'],
    ['a record whose client cannot be right', line('x').trim().replace('192.0.2.7', '192.0.2.700')],
    ['a record whose ref cannot be right', line('x').trim().replace('"id":"x"', '"id":"\\u001b[31m"')],
    ['a record whose time cannot be right', line('x').trim().replace('2026-11-21T', '2026-13-21T')],
  ])('between good lines, %s', async (what, bad) => {
    const { refs, problems } = await read([put('any', `${line('one')}${bad}\n${line('two')}`)]);
    expect(refs).toEqual(['one', 'two']);
    expect(problems).toEqual([`any:2: ${what}`]);
  });

  test('whose last line was never finished', async () => {
    const { refs, problems } = await read([put('any', line('one') + line('two').slice(0, 60))]);
    expect(refs).toEqual(['one']);
    expect(problems).toEqual(['any:2: no JSON, and the file ends in it']);
  });

  test('whose last line lacks nothing but its line feed', async () => {
    expect(await read([put('any', line('one').trim())])).toEqual({ refs: ['one'], problems: [] });
  });

  test('packed, and cut: what is there is used', async () => {
    const text = Array.from({ length: 200 }, (_, i) => line(`r${i}`)).join('');
    const { refs, problems } = await read([put('a.gz', gzipSync(text).subarray(0, -30))]);
    expect(refs.length).toBeGreaterThan(150);
    expect(refs.slice(0, 2)).toEqual(['r0', 'r1']);
    expect(problems.join('\n')).toMatch(/^a\.gz:\d+: cannot be read on: unexpected end of file/);
  });

  test('packed, and damaged in the middle: what stands before it is used, and the next file is read', async () => {
    const packed = gzipSync(Array.from({ length: 20_000 }, (_, i) => line(`r${i * 7919}`)).join(''));
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 200);
    const { refs, problems } = await read([put('a.gz', packed), put('b', line('next'))]);
    expect(refs.length).toBeGreaterThan(1_000);
    expect(refs.at(-1)).toBe('next');
    expect(problems.some((problem) => /^a\.gz:\d+: cannot be read on: /.test(problem))).toBe(true);
  });

  test('with a line that is too long, over many pieces of the file', async () => {
    const long = 'x'.repeat(journalReadOctets * 2);
    const { refs, problems } = await read([put('any', `${line('one')}${long}\n${line('two')}`)]);
    expect(refs).toEqual(['one', 'two']);
    expect(problems).toEqual([`any:2: a line of more than ${journalLineOctetsMax} octets`]);
  });

  test('of nothing but garbage: some of it is shown, the rest counted', async () => {
    const { problems } = await read([put('any', 'x\n'.repeat(1_000))]);
    expect(problems).toHaveLength(journalProblemsMax + 1);
    expect(problems.at(-1)).toBe(`any: ${1_000 - journalProblemsMax} more lines that cannot be read`);
  });

  test('with characters of several octets, cut anywhere', async () => {
    const odd = lineOf({ id: 'odd', client: { helo: 'é☃' } });
    const text = (odd + line('x'.repeat(9))).repeat(1_500);
    expect(await read([put('any', text)])).toMatchObject({ refs: { length: 3_000 }, problems: [] });
  });

  test('that is not there, or is empty', async () => {
    const { refs, problems } = await read([join(folder, 'nowhere'), put('empty', '')]);
    expect(refs).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^nowhere: no such file or folder$/)]);
  });
});

describe('a folder', () => {
  test('is read from the oldest segment on; of one that is there twice the packed one; what is no segment is left alone', async () => {
    put('2026-11-21T05.jsonl', line('late'));
    put('2026-11-21T04-1.jsonl', line('second'));
    put('2026-11-21T04-10.jsonl', line('third'));
    put('2026-11-21T04.jsonl.gz', gzipSync(line('first')));
    put('2026-11-21T04.jsonl', line('first'));
    put('2026-11-21T04.jsonl.gz.part', 'x');
    put('notes.txt', 'x');
    mkdirSync(join(folder, '2026-11-21T06.jsonl'));
    expect(await read([folder])).toEqual({ refs: ['first', 'second', 'third', 'late'], problems: [] });
  });

  test('since and until: sessions by their arrival, in whatever segment they stand', async () => {
    const day = (time: string) => `2026-11-21T${time}:00.000Z`;
    put('2026-11-21T03.jsonl', 'not looked at\n');
    put('2026-11-21T04.jsonl', line('before', day('03:59')) + line('from', day('04:30')));
    put('2026-11-21T06.jsonl', line('long', day('04:45')) + line('until', day('06:00')));
    put('2026-12-21T06.jsonl', 'not looked at\n');
    const [since, until] = [Date.parse(day('04:30')), Date.parse(day('06:00'))];
    expect(await read([folder], { since, until })).toEqual({ refs: ['from', 'long'], problems: [] });
  });

  test('holding: nothing else is looked at', async () => {
    put('2026-11-21T04.jsonl', `${line('one')}garbage\n${line('two')}`);
    expect(await read([folder], { holding: '"id":"two"' })).toEqual({ refs: ['two'], problems: [] });
  });

  test('whose segment was packed since it was seen', async () => {
    put('2026-11-21T04.jsonl.gz', gzipSync(line('one')));
    put('2026-11-21T05.jsonl', line('two'));
    let isFirst = true;
    const onProgress = (): void => {
      if (!isFirst) return;
      isFirst = false;
      rmSync(join(folder, '2026-11-21T05.jsonl'));
      put('2026-11-21T05.jsonl.gz', gzipSync(line('two')));
    };
    expect(await read([folder], { onProgress })).toEqual({ refs: ['one', 'two'], problems: [] });
  });
});
