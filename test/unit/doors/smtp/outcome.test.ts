// What the backend said to RCPT and to the final dot, as it is reported of a session: its own words only, never ours.

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { play } from '../../../../src/demo/player.ts';
import type { Doors } from '../../../support/doors.ts';
import { until } from '../../../support/processes.ts';
import { part, setUp } from '../../../support/smtp-set.ts';

async function finished({ finished: all }: Doors) {
  await until('the session is over', () => all.length > 0);
  expect(all).toHaveLength(1);
  const [one] = all;
  return { action: one?.decision.verdict.action, ...one?.outcome };
}

test('a message that is taken', async () => {
  const { doors } = await setUp({ script: (verb) => ({ RCPT: '251 2.1.5 will forward' })[verb] ?? 'default' });
  await play(part(doors));
  expect(await finished(doors)).toEqual({ action: 'accept', rcpt: [251], dot: [250] });
});

test('a recipient that the backend refuses, and one that it takes; a message that it does not like', async () => {
  let recipients = 0;
  const { doors } = await setUp({
    script: (verb) => {
      if (verb === 'RCPT') return ++recipients === 1 ? '550 5.1.1 nobody' : 'default';
      return verb === 'DOT' ? '554 5.7.1 spam' : 'default';
    },
  });
  await play({ ...part(doors), rcpt: ['x@test.example', 'y@test.example'] });
  expect(await finished(doors)).toEqual({ action: 'accept', rcpt: [550, 250], dot: [554] });
});

test('a client that we refuse: the backend hears and says nothing', async () => {
  const { doors } = await setUp();
  await play({ ...part(doors), from: '192.0.2.9' });
  expect(await finished(doors)).toEqual({ action: 'reject', rcpt: [], dot: [] });
});

test('a backend that is gone before the final dot has said nothing to it, whatever we say', async () => {
  const { doors } = await setUp({ script: (verb) => (verb === 'DOT' ? '' : 'default') });
  const { dot } = await play(part(doors));
  expect(dot).toMatch(/^451/);
  expect(await finished(doors)).toEqual({ action: 'accept', rcpt: [250], dot: [] });
});

test('LMTP takes one recipient at a time: what we say of the others is not the word of the backend', async () => {
  const { doors } = await setUp({ backend: { protocol: 'lmtp' } });
  await play(part(doors, { rcpt: ['a@test.example', 'b@test.example'] }));
  expect(await finished(doors)).toEqual({ action: 'accept', rcpt: [250], dot: [250] });
});

test('a session that is cut by the end of the door is finished before the door is', async () => {
  const { doors } = await setUp({ settings: { proxy: [] } });
  const client = connect(doors.smtp.port, doors.smtp.host);
  await once(client, 'data');
  await doors.close();
  expect(doors.finished).toHaveLength(1);
  client.destroy();
});
