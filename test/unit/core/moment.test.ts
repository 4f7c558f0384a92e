// Moments as people type them.

import { expect, test } from '@jest/globals';
import { parseMoment } from '../../../src/core/moment.ts';

const now = Date.parse('2026-11-26T12:00:00Z');

test.each([
  ['7d', false, '2026-11-19T12:00:00.000Z'],
  ['12h', true, '2026-11-26T00:00:00.000Z'],
  ['2026-11-20', false, '2026-11-20T00:00:00.000Z'],
  ['2026-11-20', true, '2026-11-21T00:00:00.000Z'],
  ['2026-11-20T08:00+01:00', true, '2026-11-20T07:00:00.000Z'],
])('%s (end: %s)', (text, end, expected) => {
  expect(new Date(parseMoment(text, now, end) ?? Number.NaN).toISOString()).toBe(expected);
});

test.each(['yesterday', '', '7', '7y', '2026-02-31', '2026-11-20T25:00Z', '-1d'])('%p is none', (text) => {
  expect(parseMoment(text, now)).toBeUndefined();
});
