// `--resolve`: the addresses of a log that Postfix could not confirm, each asked about once, and no others.

import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { replayPostfixLog } from '../../../src/commands/backtest-sources.ts';
import { backtest } from '../../../src/core/backtest/backtest.ts';
import { policyOf } from '../../support/doors.ts';
import { projectFolder } from '../../support/processes.ts';

const log = join(projectFolder, 'test/fixtures/postfix-3.7.11-maillog.txt');
const candidate = policyOf('rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n');

test('what they come to now is judged', async () => {
  const replay = backtest({ candidate });
  const asked: string[] = [];
  const shown: number[] = [];
  const source = { paths: [log, log], onProblem: () => {}, progress: () => {} };
  await replayPostfixLog(
    source,
    { replay, policies: [candidate] },
    {
      gather: (ip) => {
        asked.push(ip);
        return { ptr: { kind: 'nxdomain', ttl: 1 }, forward: [] };
      },
      progress: (done) => shown.push(done),
    },
  );
  expect(asked.sort()).toEqual(['192.0.2.8', '192.0.2.9', '198.51.100.4', '203.0.113.5']);
  expect(shown.at(-1)).toBe(4);
  // Who left before hearing anything has no "from"; what it would be told is known.
  expect(replay.result(0).matrix).toMatchObject({
    accept: { accept: 2 },
    defer: { reject: 4 },
    reject: { accept: 2, reject: 2 },
    not_recorded: { reject: 2 },
  });
});
