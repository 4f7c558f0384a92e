// Who may still come in: counted in all, by address and by network; places come back.

import { describe, expect, test } from '@jest/globals';
import { type AdmissionLimits, admission } from '../../../../src/doors/smtp/admission.ts';
import { ipOf } from '../../../support/evidence.ts';

const wide = { connections: 100, perAddress: 100, perNetwork: 100 };
const door = (limits: Partial<AdmissionLimits>) => {
  const { enter, leave } = admission({ ...wide, ...limits });
  return {
    enter: (ip: string, isTrusted = false) => enter(ipOf(ip), isTrusted),
    leave: (ip: string, isTrusted = false) => leave(ipOf(ip), isTrusted),
  };
};

describe('over a limit', () => {
  test.each<[Partial<AdmissionLimits>, readonly string[], string, string]>([
    [{ connections: 2 }, ['192.0.2.1', '198.51.100.1'], '203.0.113.1', 'too many connections, try again later'],
    [{ perAddress: 2 }, ['192.0.2.1', '192.0.2.1'], '192.0.2.1', 'too many connections from 192.0.2.1'],
    [{ perAddress: 1 }, ['2001:db8::1'], '2001:DB8:0::1', 'too many connections from 2001:db8::1'],
    [{ perAddress: 1 }, ['192.0.2.1'], '::ffff:192.0.2.1', 'too many connections from 192.0.2.1'],
    [
      { perNetwork: 2 },
      ['192.0.2.1', '192.0.2.254'],
      '192.0.2.3',
      'too many connections from the network of 192.0.2.3',
    ],
    [
      { perNetwork: 1 },
      ['2001:db8:1:2::1'],
      '2001:db8:1:2:ffff::1',
      'too many connections from the network of 2001:db8:1:2:ffff::1',
    ],
    // The first reason that there is.
    [{ connections: 1, perAddress: 1 }, ['192.0.2.1'], '192.0.2.1', 'too many connections, try again later'],
    [{ perAddress: 1, perNetwork: 1 }, ['192.0.2.1'], '192.0.2.1', 'too many connections from 192.0.2.1'],
  ])('%j, after %j: %s', (limits, before, next, why) => {
    const { enter, leave } = door(limits);
    expect(before.map((ip) => enter(ip))).toEqual(before.map(() => undefined));
    expect(enter(next)).toBe(why);
    expect(enter(next)).toBe(why); // being turned away has taken no place, and given none
    leave(before[0] ?? '');
    expect(enter(next)).toBeUndefined();
    expect(enter(next)).toBe(why);
  });
});

test.each([
  ['another /24', '192.0.2.1', '192.0.3.1'],
  ['another /64', '2001:db8:1:2::1', '2001:db8:1:3::1'],
])('a network is that of its owner: %s has places of its own', (_, first, next) => {
  const { enter } = door({ perNetwork: 1 });
  expect([enter(first), enter(next)]).toEqual([undefined, undefined]);
});

test('a proxy is counted in all, and nowhere else', () => {
  const { enter, leave } = door({ connections: 3, perAddress: 1, perNetwork: 1 });
  expect([enter('192.0.2.1', true), enter('192.0.2.1', true), enter('192.0.2.1')]).toEqual(Array(3).fill(undefined));
  expect(enter('192.0.2.1', true)).toBe('too many connections, try again later');
  leave('192.0.2.1', true);
  expect(enter('192.0.2.2')).toBe('too many connections from the network of 192.0.2.2');
  expect(enter('192.0.2.1', true)).toBeUndefined();
});
