// `--fail-on`: what is a comparison, and what it compares.

import { expect, test } from '@jest/globals';
import { backtest } from '../../../../src/core/backtest/backtest.ts';
import { figure, holds, metrics, readThreshold } from '../../../../src/core/backtest/threshold.ts';
import { printProblem } from '../../../../src/core/problem.ts';
import { policyOf } from '../../../support/doors.ts';

const empty = backtest({ candidate: policyOf('rules: [{ id: a, tag: b }]\notherwise: accept\n') }).result(0);

test.each([
  ['newly_refused_accepted > 0', false],
  ['newly_refused_accepted>=0', true],
  [' never_hit == 1 ', true],
  ['never_hit != 1', false],
  ['changed < 1', true],
  ['sessions <= 0', true],
])('%s: %p', (text, expected) => {
  const read = readThreshold(text);
  expect(read.ok && holds(read.value, empty)).toBe(expected);
});

test('every figure has a number', () => {
  for (const metric of metrics) expect(typeof figure(empty, metric)).toBe('number');
});

test.each([
  ['newly_refused_acepted > 0', 'did you mean "newly_refused_accepted"?'],
  ['process.exit() > 0', 'is no comparison'],
  ['changed > many', 'known here: newly_refused_accepted'],
  ['', 'is no comparison'],
])('%s is refused', (text, said) => {
  const read = readThreshold(text);
  expect(read.ok ? '' : read.problems.map(printProblem).join()).toContain(said);
});
