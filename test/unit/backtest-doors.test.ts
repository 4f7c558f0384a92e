// Ten thousand sessions through the real doors, with a journal: under the same policy a replay finds no difference, and under
// strict it says of every session what the doors answer when strict is in force.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { replayJournal } from '../../src/commands/backtest-sources.ts';
import { backtest } from '../../src/core/backtest/backtest.ts';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { SessionRecord } from '../../src/core/record.ts';
import { toZone } from '../../src/core/zone.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { Journal } from '../../src/journal/journal.ts';
import { readJournal } from '../../src/journal/read.ts';
import { loadPolicy } from '../../src/load.ts';
import { makeLog } from '../../src/log.ts';
import { ask, request } from '../support/delegation.ts';
import { openDoors } from '../support/doors.ts';
import { projectFolder } from '../support/processes.ts';
import { openSink, type Sink } from '../support/sink.ts';
import { type Visitor, visitMilter, visitSmtp } from '../support/visit.ts';

const folder = mkdtempSync(join(tmpdir(), 'iprevd-backtest-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** By the last number of the address: confirmed, a template, no name, a mismatch, gone, a broken zone of either kind. */
const kinds = 8;
const zone: Record<string, string | string[]> = Object.fromEntries(
  Array.from({ length: 240 }, (_, i) => i).flatMap((i): [string, string | string[]][] => {
    const [ip, name] = [`198.51.100.${i}`, `mx${i}.kind${i % kinds}.example`];
    const template = `198-51-100-${i}.dyn.isp.example`;
    switch (i % kinds) {
      case 1:
        return [
          [ip, [template]],
          [template, [ip]],
        ];
      case 2:
        return [];
      case 3:
        return [
          [ip, [name]],
          [name, ['192.0.2.1']],
        ];
      case 4:
        return [[ip, [name]]];
      case 5:
        return [[ip, 'servfail']];
      case 6:
        return [
          [ip, [name]],
          [name, 'timeout'],
        ];
      default:
        return [
          [ip, [name]],
          [name, [ip]],
        ];
    }
  }),
);

const sessions = 10_000;
/** Most at the policy door, where they are quickest, in requests one behind the other. */
const visitors = Array.from({ length: sessions }, (_, i): Visitor & { readonly door: 'policy' | 'smtp' | 'milter' } => {
  const number = i % 240;
  return {
    door: i % 50 === 0 ? 'smtp' : i % 50 === 1 ? 'milter' : 'policy',
    ip: `198.51.100.${number}`,
    port: 1_024 + i,
    helo: [i % 7 === 0 ? 'localhost' : `mx${number}.kind${number % kinds}.example`],
    mail: i % 11 === 0 ? '' : 'a@sender.example',
    rcpt: [i % 101 === 0 ? 'postmaster@test.example' : 'b@test.example'],
    sasl: '',
    certificate: '',
    header: ['Subject: x'],
  };
});

test('the same policy changes nothing, and strict is what strict would have been', async () => {
  const [standard, strict] = [await shipped('standard'), await shipped('strict')];
  const journal = join(folder, 'standard');
  const before = await recorded(standard, journal);
  const after = await recorded(strict, join(folder, 'strict'));
  expect([before.length, after.length]).toEqual([sessions, sessions]);

  const same = await replayed(journal, standard);
  expect(same).toMatchObject({ sessions, changed: 0, not_recorded: 0, newly_refused: 0, newly_accepted: [] });

  const matrix: Record<string, Record<string, number>> = {};
  const then = new Map(named(after).map(([name, { verdict }]) => [name, verdict.action]));
  for (const [name, { verdict }] of named(before)) {
    const [from, to] = [verdict.action, then.get(name) ?? ''];
    matrix[from] = { ...matrix[from], [to]: (matrix[from]?.[to] ?? 0) + 1 };
  }
  const found = await replayed(journal, strict);
  expect(found.changed).toBeGreaterThan(1_000);
  const told = Object.fromEntries(
    Object.entries(found.matrix)
      .map(([from, row]) => [from, Object.fromEntries(Object.entries(row).filter(([, count]) => count > 0))] as const)
      .filter(([, row]) => Object.keys(row).length > 0),
  );
  expect(told).toEqual(matrix);
  // Only the SMTP door sees what the mail server says.
  expect(found.newly_refused_accepted.length).toBeGreaterThan(0);
}, 120_000);

/** The SMTP door is visited by one after the other; at the other doors ports tell the sessions of two runs apart. */
function named(records: readonly SessionRecord[]): readonly (readonly [string, SessionRecord])[] {
  let visits = 0;
  return records.map((record) => {
    const { door, client } = record.evidence;
    return [door === 'smtp' ? `visit ${visits++}` : `port ${client.port}`, record];
  });
}

async function shipped(name: string): Promise<Policy> {
  const loaded = await loadPolicy(name, projectFolder);
  if (!loaded.ok) throw new Error(`no policy ${name}`);
  return loaded.value;
}

async function replayed(path: string, candidate: Policy) {
  const replay = backtest({ candidate });
  const onProblem = (problem: unknown) => {
    throw new Error(JSON.stringify(problem));
  };
  await replayJournal({ paths: [path], onProblem, progress: () => {} }, { replay, policies: [candidate] });
  return replay.result(0);
}

/** Lets all of them come, and returns what the journal holds of them. */
async function recorded(policy: Policy, path: string): Promise<readonly SessionRecord[]> {
  const sink = await openSink();
  const log = makeLog('silent');
  const journal = new Journal({ folder: path, log, keepMs: 86_400_000, octetsMax: 1e9, envelope: 'none' });
  const doors = await openDoors({ resolver: zoneResolver(toZone(zone)), policy, backend: sink.endpoint });
  try {
    await letCome(doors, sink);
  } finally {
    await doors.close();
    for (const { decision, outcome } of doors.finished) journal.record(decision, outcome);
    await journal.close();
    await sink.close();
  }
  const records: SessionRecord[] = [];
  for await (const some of readJournal({ paths: [path], onProblem: (problem) => fail(problem) })) records.push(...some);
  return records;
}

function fail(problem: unknown): never {
  throw new Error(JSON.stringify(problem));
}

async function letCome(
  doors: { readonly smtp: TcpEndpoint; readonly policy: TcpEndpoint; readonly milter: TcpEndpoint },
  sink: Sink,
): Promise<void> {
  const asked = visitors.filter(({ door }) => door === 'policy');
  for (let i = 0; i < asked.length; i += 500) {
    const some = asked.slice(i, i + 500);
    await ask(doors.policy, some.map((visitor) => request(attributes(visitor))).join(''), some.length);
  }
  for (const visitor of visitors)
    if (visitor.door === 'smtp') await visitSmtp(doors.smtp, sink, visitor);
    else if (visitor.door === 'milter') await visitMilter(doors.milter, visitor);
}

function attributes({ ip, port, helo, mail, rcpt }: Visitor): Record<string, string> {
  return {
    client_address: ip,
    client_port: String(port),
    helo_name: helo[0] ?? '',
    sender: mail,
    recipient: rcpt[0] ?? '',
    instance: `${port}.1`,
  };
}
