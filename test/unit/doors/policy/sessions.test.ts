import { expect, test } from '@jest/globals';
import type { Client } from '../../../../src/core/client.ts';
import { policyInstanceMs, policyInstancesMax } from '../../../../src/core/limits.ts';
import { makeSessions } from '../../../../src/doors/policy/sessions.ts';
import type { Inquiry } from '../../../../src/gate.ts';
import { ipOf } from '../../../support/evidence.ts';

function setUp() {
  let clock = 0;
  const closed: Client[] = [];
  const inquiry = { close: async (client: Client) => void closed.push(client) } as Partial<Inquiry> as Inquiry;
  const sessions = makeSessions({ open: () => ({ ...inquiry }) }, () => clock);
  const session = (port: number | undefined, instance = '', state = 'RCPT') =>
    sessions.session(clientAt(port), state, instance);
  return { sessions, session, closed, wait: (ms: number) => (clock += ms) };
}

function clientAt(port: number | undefined): Client {
  return { ip: ipOf('192.0.2.7'), stage: 'rcpt', authenticated: false, ...(port === undefined ? {} : { port }) };
}

test('address and port are a session; without a port, the instance; without either, each request', () => {
  const { session } = setUp();
  expect(session(1, 'a')).toBe(session(1, 'b'));
  expect(session(1)).not.toBe(session(2));
  expect(session(undefined, 'a')).toBe(session(undefined, 'a'));
  expect(session(undefined, 'a')).not.toBe(session(undefined, 'b'));
  expect(session(undefined)).not.toBe(session(undefined));
});

test('a port that connects anew is a new session, and the old one is reported', () => {
  const { session, closed } = setUp();
  const first = session(1);
  expect(session(1, '', 'CONNECT')).not.toBe(first);
  expect(closed).toEqual([clientAt(1)]);
});

test('who is asked about again in time stays; who was silent for longer than that is somebody else', () => {
  const { session, wait, closed } = setUp();
  const first = session(1);
  wait(policyInstanceMs - 1);
  expect(session(1)).toBe(first);
  wait(policyInstanceMs - 1);
  expect(session(1)).toBe(first);
  wait(policyInstanceMs);
  expect(session(1)).not.toBe(first);
  expect(closed).toHaveLength(1);
});

test('who was silent for too long is forgotten and reported, without anybody coming for the place', () => {
  const { sessions, session, wait, closed } = setUp();
  for (const port of [1, 2, 3]) session(port);
  wait(policyInstanceMs - 1);
  session(2);
  sessions.forgetSilent();
  expect(closed).toEqual([]);
  wait(1);
  sessions.forgetSilent();
  expect(closed).toEqual([clientAt(1), clientAt(3)]);
  wait(policyInstanceMs);
  sessions.forgetSilent();
  expect(closed).toEqual([clientAt(1), clientAt(3), clientAt(2)]);
});

test('the oldest go when there are too many, and are reported; at the end all are', async () => {
  const { sessions, session, closed } = setUp();
  const first = session(0);
  for (let port = 1; port <= policyInstancesMax; port++) session(port);
  expect(closed).toEqual([clientAt(0)]);
  expect(session(0)).not.toBe(first);
  await sessions.clear();
  expect(new Set(closed.map(({ port }) => port)).size).toBe(policyInstancesMax + 1);
});
