// What a report makes of lines, whether the journal wrote them or somebody else in another form of JSON.

import { expect, test } from '@jest/globals';
import { decide } from '../../../src/core/decide.ts';
import { recordOf } from '../../../src/core/record.ts';
import { makeReport } from '../../../src/core/report.ts';
import { policyOf } from '../../support/doors.ts';
import { evidenceOf } from '../../support/evidence.ts';

const since = Date.parse('2026-11-26T00:00:00.000Z');
const accepting = policyOf('rules: []\notherwise: accept\n');
const refusing = policyOf('rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n');
let refs = 0;
function lineAt(day: string, ip = '192.0.2.7', policy = refusing): string {
  const at = `2026-11-${day}T10:00:00.000Z`;
  const evidence = { ...evidenceOf({ ip, ptr: 'nxdomain' }), id: `ref${++refs}`, at, door: 'smtp' as const };
  return JSON.stringify(recordOf(decide(policy, evidence), { envelope: 'none' }));
}

const lines = [
  lineAt('25'), // refused the day before
  lineAt('25', '203.0.113.9', accepting), // let in the day before
  lineAt('26'),
  lineAt('26', '203.0.113.9'),
];

test('who was refused before is not new, and who was let in is', () => {
  const report = makeReport(since);
  expect(lines.map(report.line)).toEqual([undefined, undefined, undefined, undefined]);
  expect(report.result(since)).toMatchObject({
    sessions: 2,
    new_refusals: [{ organisation: '203.0.113.0/24', refs: ['ref4'] }],
    refusals: [{ organisation: '192.0.2.0/24', refs: ['ref3'] }],
  });
});

test('the form of the JSON makes no difference', () => {
  const [own, other] = [makeReport(since), makeReport(since)];
  for (const line of lines) {
    own.line(line);
    other.line(JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', ''));
  }
  expect(other.result(since)).toEqual(own.result(since));
});

test('a line that is torn is said, whatever its day', () => {
  const report = makeReport(since);
  for (const line of lines) expect(report.line(line.slice(0, -1))).toBe('no JSON');
});

test('a rule that decided then has held, whatever the evidence says now', () => {
  const policy = policyOf(
    'rules: [{ id: no-ptr, when: { iprev: pass }, tag: x }, { id: idle, when: { iprev: fail }, tag: y }, { id: off, mode: off, when: { iprev: fail }, tag: z }]\notherwise: accept\n',
  );
  const report = makeReport(since, policy);
  for (const line of lines) report.line(line);
  expect(report.result(since).never_fired).toEqual(['idle']);
});
