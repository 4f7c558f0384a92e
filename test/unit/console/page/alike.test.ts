// Which recorded sessions the page takes for one, and what it says of lines that are none.

import { expect, test } from '@jest/globals';
import { gatherSessions } from '../../../../src/console/page/alike.ts';
import { lineOf } from '../../../support/records.ts';

const never = () => '';
const line = (given: Parameters<typeof lineOf>[0]): string => lineOf(given).trimEnd();
const gathered = (lines: readonly string[], clock: (at: string) => string = never, sinceMs?: number) => {
  const gathering = gatherSessions(clock, sinceMs);
  for (const one of lines) gathering.add(one);
  return gathering.result();
};

test('what differs in ref, time and port alone is one session with all its times, the first as it came', () => {
  const { all, sessions, since } = gathered([
    line({ id: 'r1', at: '2026-11-26T04:00:01.000Z', client: { port: 1_024 } }),
    line({ id: 'r2', at: '2026-11-26T03:00:00.000Z', client: { port: 1_025 } }),
    line({ id: 'r3', at: '2026-11-26T04:00:02.000Z', client: { helo: 'other.example' } }),
  ]);
  expect(all.map(({ session, times }) => [session.evidence.id, times.map(({ ref }) => ref)])).toEqual([
    ['r1', ['r1', 'r2']],
    ['r3', ['r3']],
  ]);
  expect([sessions, since]).toEqual([3, '2026-11-26T03:00:00.000Z']);
});

test('where the clock matters, times of another hour are another session', () => {
  const ats = ['2026-11-26T04:10:00.000Z', '2026-11-26T04:50:00.000Z', '2026-11-26T05:00:00.000Z'];
  const lines = ats.map((at, i) => line({ id: `r${i}`, at }));
  expect(gathered(lines, (at) => at.slice(0, 13)).all.map(({ times }) => times.length)).toEqual([2, 1]);
});

test('since: who came before does not count, whichever came first', () => {
  const lines = ['04', '05', '04', '06'].map((hour, i) => line({ id: `r${i}`, at: `2026-11-26T${hour}:00:00.000Z` }));
  const { all, sessions } = gathered(lines, never, Date.parse('2026-11-26T05:00:00Z'));
  expect([sessions, all.map(({ session, times }) => [session.evidence.id, times.length])]).toEqual([2, [['r1', 2]]]);
});

test('a record in a form of its own is a session too, whatever its keys stand like', () => {
  const { v, ...rest } = JSON.parse(line({ id: 'r1' }));
  expect(gathered([JSON.stringify({ ...rest, v })])).toMatchObject({ sessions: 1, problems: [] });
});

test('lines that are no record are counted, by what they lack', () => {
  expect(gathered(['garbage', 'garbage too', '{"v":7}', line({ id: 'r1' })])).toMatchObject({
    sessions: 1,
    problems: [
      '2 lines are left out: no JSON',
      '1 line is left out: a record of version 7, and this program knows version 1',
    ],
  });
});

test('records without sender and recipient are counted', () => {
  const lines = [line({ id: 'r1', envelope: 'none' }), line({ id: 'r2', envelope: 'full' })];
  expect(gathered(lines).withoutEnvelope).toBe(1);
});
