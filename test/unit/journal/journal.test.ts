// The journal as it is written: what is in the files, and that nobody waits or hears of it when it cannot be.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { journalQueueOctetsMax } from '../../../src/core/limits.ts';
import type { SessionRecord } from '../../../src/core/record.ts';
import { Journal, type JournalOptions } from '../../../src/journal/journal.ts';
import { decisionOf } from '../../support/records.ts';

const hourMs = 3_600_000;
const four = Date.parse('2026-11-26T04:30:00Z');
let folder = '';
const opened: Journal[] = [];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'iprevd-journal-')), 'journal');
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  rmSync(join(folder, '..'), { recursive: true });
});

function openJournal(options: Partial<JournalOptions> = {}) {
  const said: string[] = [];
  const say = (_: unknown, text?: string): void => void said.push(text ?? '');
  const log = { error: say, warn: say } as unknown as JournalOptions['log'];
  const journal = new Journal({
    folder,
    log,
    keepMs: 24 * hourMs,
    octetsMax: 2 ** 30,
    envelope: 'none',
    now: () => four,
    ...options,
  });
  opened.push(journal);
  return { journal, said };
}

const record = (journal: Journal, id: string): void => journal.record(decisionOf({}, { id }));
const linesOf = (name: string): string[] => readFileSync(join(folder, name), 'utf8').split('\n');
const refsOf = (name: string): string[] =>
  linesOf(name)
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as SessionRecord).evidence.id);

/** Files whose writes do what `write` says: so many octets of them go in, then the error. */
function faulty(write: (octets: number) => number | Error): typeof open {
  return (async (...args: Parameters<typeof open>) => {
    const file = await open(...args);
    const whole = file.write.bind(file) as (
      octets: Buffer,
      from: number,
      length: number,
    ) => Promise<{ bytesWritten: number }>;
    return Object.assign(file, {
      write: async (octets: Buffer, from: number) => {
        const room = write(octets.length - from);
        if (room instanceof Error) throw room;
        return whole(octets, from, Math.min(room, octets.length - from));
      },
    });
  }) as typeof open;
}

test('a line for each session, in a file of the hour that only its group may read', async () => {
  const { journal, said } = openJournal();
  journal.record(decisionOf({ client: { sender: 'a@b.example', recipient: 'c@d.example' } }), { rcpt: [250], dot: [] });
  await journal.close();
  expect(readdirSync(folder)).toEqual(['2026-11-26T04.jsonl']);
  expect(JSON.parse(linesOf('2026-11-26T04.jsonl')[0] ?? '')).toMatchObject({
    v: 1,
    evidence: { v: 1, id: 'testref', door: 'smtp', ptr: { kind: 'nxdomain' } },
    envelope: 'none',
    verdict: { action: 'reject', rule: 'no-ptr', reply: '550 5.7.25' },
    outcome: { rcpt: [250], dot: [] },
  });
  expect(readFileSync(join(folder, '2026-11-26T04.jsonl'), 'utf8')).not.toMatch(/@/);
  expect((statSync(join(folder, '2026-11-26T04.jsonl')).mode & 0o777).toString(8)).toBe('640');
  expect((statSync(folder).mode & 0o777).toString(8)).toBe('750');
  expect(said).toEqual([]);
  expect(journal.status()).toEqual({ folder, recorded: 1, dropped: 0, waiting: 0 });
});

test('nothing is written before there is a session, nor in the turn in which there is one', async () => {
  const { journal } = openJournal();
  expect(existsSync(folder)).toBe(false);
  record(journal, 'one');
  expect(existsSync(folder)).toBe(false);
  expect(journal.status().waiting).toBeGreaterThan(100);
});

test('each hour has its segment, and each process its own', async () => {
  let now = four;
  const [one, other] = [openJournal({ now: () => now }).journal, openJournal({ now: () => now }).journal];
  for (const [journal, id] of [
    [one, 'a'],
    [other, 'b'],
  ] as const) {
    record(journal, id);
    await journal.write();
  }
  now += hourMs;
  record(one, 'c');
  await one.close();
  expect(readdirSync(folder).sort()).toEqual(['2026-11-26T04-1.jsonl', '2026-11-26T04.jsonl', '2026-11-26T05.jsonl']);
  expect(['2026-11-26T04.jsonl', '2026-11-26T04-1.jsonl', '2026-11-26T05.jsonl'].map(refsOf)).toEqual([
    ['a'],
    ['b'],
    ['c'],
  ]);
});

test('a segment that a killed process left torn is not written to, nor one of which there is a packed form', async () => {
  const before = openJournal().journal;
  record(before, 'torn');
  await before.close();
  const path = join(folder, '2026-11-26T04.jsonl');
  writeFileSync(path, readFileSync(path).subarray(0, 50));
  writeFileSync(join(folder, '2026-11-26T04-1.jsonl.gz'), '');
  const { journal } = openJournal();
  record(journal, 'next');
  await journal.close();
  expect(readFileSync(path)).toHaveLength(50);
  expect(refsOf('2026-11-26T04-2.jsonl')).toEqual(['next']);
});

describe('when the disk does not take it', () => {
  test('full in the middle of a line: no line is torn, none is lost or doubled once there is room', async () => {
    let room = 0;
    const openFile = faulty((octets) => {
      if (room <= 0) return new Error('ENOSPC: no space left on device');
      const taken = Math.min(room, octets);
      room -= taken;
      return taken;
    });
    const { journal, said } = openJournal({ openFile });
    const refs = Array.from({ length: 40 }, (_, i) => `r${i}`);
    for (const ref of refs) record(journal, ref);
    for (room = 1_000; room < 1_000_000; room = room === 0 ? 1_000_000 : room) {
      await journal.write();
      expect(linesOf('2026-11-26T04.jsonl').at(-1)).toBe('');
    }
    expect(journal.status().problem).toContain('ENOSPC');
    await journal.write();
    expect(refsOf('2026-11-26T04.jsonl')).toEqual(refs);
    expect(journal.status()).toEqual({ folder, recorded: 40, dropped: 0, waiting: 0 });
    expect(said).toEqual(['journal cannot be written; verdicts do not depend on it', 'journal is written again']);
  });

  test('the queue is bounded, what is too much is counted, and said once', async () => {
    const { journal, said } = openJournal({ openFile: faulty(() => new Error('EIO')) });
    const decision = decisionOf({ client: { helo: 'x'.repeat(60_000) } });
    for (let i = 0; i < 400; i++) journal.record(decision);
    const { dropped, recorded, waiting } = journal.status();
    expect(dropped).toBeGreaterThan(50);
    expect(recorded + dropped).toBe(400);
    expect(waiting).toBeLessThan(journalQueueOctetsMax + 100_000);
    await journal.close();
    expect(journal.status()).toMatchObject({ dropped: 400, waiting: 0 });
    expect(said.filter((text) => text === 'sessions are not in the journal')).toHaveLength(1);
  });

  test('a session whose evidence fills pages is not kept', async () => {
    const { journal } = openJournal();
    journal.record(decisionOf({ client: { helo: '\u0001'.repeat(30_000) } }));
    expect(journal.status()).toMatchObject({ recorded: 0, dropped: 1 });
  });

  test('a folder that cannot be made, and can be later', async () => {
    writeFileSync(folder, 'a file is in its place');
    const { journal, said } = openJournal();
    record(journal, 'one');
    await journal.write();
    expect(journal.status().problem).toMatch(/EEXIST|ENOTDIR/);
    rmSync(folder);
    await journal.write();
    expect(refsOf('2026-11-26T04.jsonl')).toEqual(['one']);
    expect(said).toHaveLength(2 + (said[0] === 'journal is not tidied' ? 1 : 0));
  });

  test('a folder that goes away while it is written', async () => {
    let now = four;
    const { journal } = openJournal({ now: () => now });
    record(journal, 'one');
    await journal.write();
    rmSync(folder, { recursive: true });
    now += 2_000;
    record(journal, 'two');
    await journal.write();
    expect(refsOf('2026-11-26T04.jsonl')).toEqual(['two']);
  });

  test('an hour that alone is larger than all may be: nothing more of it, and on with the next', async () => {
    let now = four;
    const { journal } = openJournal({ now: () => now, octetsMax: 1_000 });
    for (let i = 0; i < 10; i++) record(journal, `r${i}`);
    await journal.write();
    await journal.tidy();
    record(journal, 'more');
    await journal.write();
    expect(journal.status().problem).toContain('"max"');
    now += hourMs;
    await journal.tidy();
    await journal.write();
    expect(readdirSync(folder)).toEqual(['2026-11-26T05.jsonl']);
    expect(refsOf('2026-11-26T05.jsonl')).toEqual(['more']);
  });
});

test('after its end nothing is taken any more', async () => {
  const { journal } = openJournal();
  await journal.close();
  record(journal, 'late');
  expect(journal.status()).toMatchObject({ recorded: 0, dropped: 1 });
});
