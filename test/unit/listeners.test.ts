// Who hears of a session.

import { expect, test } from '@jest/globals';
import { makeListeners } from '../../src/listeners.ts';
import { decisionOf } from '../support/records.ts';

const decision = decisionOf();

test('everybody who is there hears of it, each in the order of coming, until they leave', () => {
  const heard: string[] = [];
  const listeners = makeListeners(() => {});
  listeners.add({ told: (_, ms) => heard.push(`a ${ms}`) });
  const leave = listeners.add({
    told: () => heard.push('b'),
    finished: (_, outcome) => heard.push(`b ${outcome?.dot}`),
  });
  listeners.report(decision, 5);
  listeners.finished(decision, { rcpt: [], dot: [250] });
  leave();
  listeners.report(decision, 6);
  expect(heard).toEqual(['a 5', 'b', 'b 250', 'a 6']);
});

test('one that fails keeps nobody else from hearing, nor whoever reports from going on', () => {
  const [heard, errors]: [string[], unknown[]] = [[], []];
  const listeners = makeListeners((error) => errors.push(error));
  const bug = new Error('a bug of ours');
  listeners.add({
    told: () => {
      throw bug;
    },
  });
  listeners.add({ told: () => heard.push('told') });
  listeners.report(decision, 0);
  expect([heard, errors]).toEqual([['told'], [bug]]);
});

test('who leaves while it is told', () => {
  const heard: string[] = [];
  const listeners = makeListeners(() => {});
  const leave = listeners.add({
    told: () => {
      heard.push('once');
      leave();
    },
  });
  listeners.add({ told: () => heard.push('each time') });
  listeners.report(decision, 0);
  listeners.report(decision, 0);
  expect(heard).toEqual(['once', 'each time', 'each time']);
});
