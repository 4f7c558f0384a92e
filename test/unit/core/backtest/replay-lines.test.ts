// Lines judged once for all that are alike: the same result as each on its own.

import { expect, test } from '@jest/globals';
import { backtest } from '../../../../src/core/backtest/backtest.ts';
import { readLabels } from '../../../../src/core/backtest/labels.ts';
import { lineParts, timeless } from '../../../../src/core/backtest/replay-key.ts';
import { replayLines } from '../../../../src/core/backtest/replay-lines.ts';
import { decide } from '../../../../src/core/decide.ts';
import { recordOf } from '../../../../src/core/record.ts';
import { policyOf } from '../../../support/doors.ts';
import { type Answer, evidenceOf } from '../../../support/evidence.ts';
import { octetLine } from '../../../support/records.ts';

const open = policyOf('rules: []\notherwise: accept\n');
const candidate = policyOf(`rules:
  - { id: ended, when: { iprev: permerror }, until: 2026-11-21T12:00Z, defer: "later" }
  - { id: nights, when: { iprev: permerror, time: { from: "22:00", until: "23:00" } }, tag: night }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }
otherwise: accept
`);

function line(i: number, at: string, ptr: Answer = 'nxdomain'): string {
  const evidence = evidenceOf({ ptr, client: { port: 1_000 + i, helo: `h"ttl":${i % 2}` } });
  const seen = { ...evidence, id: `ref${i}`, at, door: 'smtp' as const };
  return JSON.stringify(recordOf(decide(open, seen), { envelope: 'none' }, { rcpt: [250], dot: [250] }));
}
const lines = Array.from({ length: 400 }, (_, i) => {
  const hour = String(i % 24).padStart(2, '0');
  return line(i, `2026-11-21T${hour}:00:00.000Z`, i % 3 === 0 ? 'nodata' : 'nxdomain');
});

test('the same as one by one', () => {
  const single = backtest({ candidate });
  for (const one of lines) single.add(JSON.parse(one));
  const shared = backtest({ candidate });
  let judged = 0;
  const judgeSession: typeof shared.judgeSession = (...args) => {
    judged++;
    return shared.judgeSession(...args);
  };
  const take = replayLines({ replay: { ...shared, judgeSession }, policies: [candidate] });
  for (const one of [...lines, ...lines.slice(0, 1)]) expect(take(octetLine(one))).toBeUndefined();
  single.add(JSON.parse(lines[0] ?? ''));
  expect(shared.result(0)).toEqual(single.result(0));
  // 24 hours, two answers, two HELOs, though ref and port differ in each.
  expect(judged).toBeLessThan(100);
});

test('labels tell lines apart that are alike otherwise', () => {
  const labels = readLabels('ref1,spam\nref2,ham\n', 'labels', () => {});
  const replay = backtest({ candidate });
  const take = replayLines({ replay, policies: [candidate], labels });
  for (const i of [1, 2, 4]) take(octetLine(line(i, '2026-11-21T13:00:00.000Z')));
  expect(replay.result(0).labelled).toEqual({ spam: 1, ham: 1 });
});

test('since and until', () => {
  const replay = backtest({ candidate });
  const since = Date.parse('2026-11-21T05:00:00Z');
  const take = replayLines({ replay, policies: [candidate], since, until: since + 3_600_000 });
  for (const one of lines) take(octetLine(one));
  expect(replay.result(0).sessions).toBe(lines.filter((one) => one.includes('T05:')).length);
});

test('garbage is a sentence, and so is a ref or time that is none', () => {
  const replay = replayLines({ replay: backtest({ candidate }), policies: [candidate] });
  const take = (text: string) => replay(octetLine(text));
  expect(take('\u001b[2J')).toBe('no JSON');
  expect(take('{"v":9}')).toContain('version 9');
  const good = lines[0] ?? '';
  for (const _ of [1, 2]) expect(take(good)).toBeUndefined();
  expect(take(good.replace('"ref0"', '"\\u001b[2J"'))).toContain('ref');
  expect(take(good.replace('T00:', 'T99:'))).toContain('time');
  expect(take(good.replace('-21T', '-32T'))).toContain('time');
  expect(take(good.replace('"port":1000', '"port":70000'))).toContain('client');
  expect(take(good.replace('"port":1000', '"port":'))).toBe('no JSON');
  expect(take(good.replace(/"ttl":\d+/, '"ttl":07'))).toBe('no JSON');
});

test('what a line says twice is not taken for what was cut out', () => {
  const shared = backtest({ candidate });
  const take = replayLines({ replay: shared, policies: [candidate] });
  for (const ref of ['one', 'two'])
    take(
      octetLine(
        line(1, '2026-11-21T13:00:00.000Z').replace('"ref1"', `"${ref}"`).replace(',"door"', ',"id":"last","door"'),
      ),
    );
  expect(shared.result(0).examples.flatMap(({ refs }) => refs)).toEqual(['last', 'last']);
});

test('a key holds all but ref, time, port and TTLs, and foreign text cannot pretend to be one of them', () => {
  const key = (text: string) => lineParts(text, timeless)?.key;
  const base = line(1, '2026-11-21T00:00:00.000Z');
  expect(key(base)).toContain('"door":"smtp"');
  expect(key(line(3, '2026-11-22T00:00:00.000Z'))).toBe(key(base));
  expect(key(line(2, '2026-11-21T00:00:00.000Z'))).not.toBe(key(base));
  expect(key(base.replace('nxdomain', 'nodata'))).not.toBe(key(base));
});
