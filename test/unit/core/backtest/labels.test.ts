// Ham and spam by a CSV and by Rspamd's history; what cannot be read is said with its place.

import { expect, test } from '@jest/globals';
import { readLabels } from '../../../../src/core/backtest/labels.ts';
import { printProblem } from '../../../../src/core/problem.ts';
import { ipOf } from '../../../support/evidence.ts';

function read(text: string) {
  const problems: string[] = [];
  const labels = readLabels(text, 'labels', (problem) => problems.push(printProblem(problem)));
  const of = (id: string, ip: string, at = '2026-11-26T10:00:00.000Z') =>
    labels.of({ id, at, client: { ip: ipOf(ip) } });
  return { problems, of, size: labels.size };
}

test('a CSV of refs and addresses; a ref counts more', () => {
  const { of, problems, size } = read('ref,label\n1ng2ewjmsa2,ham\r\n"192.0.2.7", SPAM\n\n# remark\n2001:DB8::1,ham\n');
  expect([of('1ng2ewjmsa2', '192.0.2.7'), of('other', '192.0.2.7'), of('other', '2001:db8::1')]).toEqual([
    'ham',
    'spam',
    'ham',
  ]);
  expect(of('other', '192.0.2.8')).toBeUndefined();
  expect([problems, size]).toEqual([[], 3]);
});

test('a line that is none is said with its number, escaped, and the rest is used', () => {
  const { of, problems } = read('192.0.2.7,maybe\n\u001b[2J,ham,x\n192.0.2.8,ham\n');
  expect(problems).toEqual([
    'labels:1: "192.0.2.7,maybe" is not a ref or an address, a comma, and ham or spam',
    'labels:2: "\\x1b[2J,ham,x" is not a ref or an address, a comma, and ham or spam',
  ]);
  expect(of('x', '192.0.2.8')).toBe('ham');
});

test("Rspamd's history: the row of the address that is nearest in time", () => {
  const at = Date.parse('2026-11-26T10:00:05Z') / 1_000;
  const rows = [
    { ip: '192.0.2.7', action: 'no action', score: 1, required_score: 15, unix_time: at },
    { ip: '192.0.2.7', action: 'reject', score: 20, required_score: 15, unix_time: at + 3_600 },
    { ip: '192.0.2.8', action: 'greylist', score: 4.5, required_score: 15, unix_time: at },
    { ip: '192.0.2.9', action: 'add header', score: 8, required_score: 15, unix_time: at },
    { ip: 'unknown', action: 'reject' },
    { ip: '192.0.2.1', action: 'soft reject' },
    7,
  ];
  const { of, problems } = read(JSON.stringify({ rows, version: 1 }));
  expect(of('x', '192.0.2.7')).toBe('ham');
  expect(of('x', '192.0.2.7', '2026-11-26T11:00:00.000Z')).toBe('spam');
  expect(of('x', '192.0.2.7', '2026-11-26T15:00:00.000Z')).toBeUndefined();
  expect([of('x', '192.0.2.8'), of('x', '192.0.2.9')]).toEqual(['ham', 'spam']);
  expect(problems.map((problem) => problem.slice(0, 40))).toEqual([
    'labels: row 5: no address in "ip": "unkn',
    'labels: row 6: neither an action nor a s',
    'labels: row 7: no row of a history',
  ]);
  expect(read(JSON.stringify(rows)).of('x', '192.0.2.9')).toBe('spam');
});

test('what is neither is said once', () => {
  expect(read('{"a":').problems).toHaveLength(1);
  expect(read('{"a":1}').problems).toEqual(['labels: no history of Rspamd: it has no "rows"']);
});
