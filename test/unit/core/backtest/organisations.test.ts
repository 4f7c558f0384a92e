// Whose session it is, and how many are kept apart.

import { expect, test } from '@jest/globals';
import { countOrganisations, networkOf, organisationOf } from '../../../../src/core/backtest/organisations.ts';
import { assess } from '../../../../src/core/findings.ts';
import { organisationsCountedMax, refsShownMax } from '../../../../src/core/limits.ts';
import { evidenceOf, type Given, ipOf } from '../../../support/evidence.ts';

const owner = (given: Given) => {
  const evidence = evidenceOf(given);
  return organisationOf(assess(evidence), evidence.client.ip);
};

test.each([
  [
    'a confirmed name',
    { ptr: ['a.b.example.co.uk'], forward: { 'a.b.example.co.uk': ['192.0.2.7'] } },
    'example.co.uk',
  ],
  ['a public suffix', { ptr: ['co.uk'], forward: { 'co.uk': ['192.0.2.7'] } }, '192.0.2.0/24'],
  ['a claimed name', { ptr: ['mx.partner.example'], forward: { 'mx.partner.example': ['192.0.2.9'] } }, '192.0.2.0/24'],
  ['no name', { ptr: 'nxdomain' as const }, '192.0.2.0/24'],
])('%s', (_, given, expected) => {
  expect(owner(given)).toBe(expected);
});

test('networks of IPv6 are written as one range', () => {
  expect(networkOf(ipOf('2001:db8:1:2:3::4'))).toBe('2001:db8:1:2::/64');
  expect(networkOf(ipOf('2001:db8::4'))).toBe('2001:db8::/64');
  expect(networkOf(ipOf('2001:db8:0:7::4'))).toBe('2001:db8:0:7::/64');
});

test('beyond the bound there are others, and no more refs than are shown', () => {
  const counted = countOrganisations();
  for (let i = 0; i < organisationsCountedMax + 5; i++) counted.add(`o${i}.example`, `ref${i}`);
  for (let i = 0; i < 10; i++) counted.add('o1.example', 'again');
  const list = counted.list();
  expect(list).toHaveLength(organisationsCountedMax + 1);
  expect(list[0]).toMatchObject({ organisation: 'o1.example', sessions: 11 });
  expect(list[0]?.refs).toHaveLength(refsShownMax);
  expect(list.find(({ organisation }) => organisation === 'others')?.sessions).toBe(5);
  expect(counted.sessions).toBe(organisationsCountedMax + 15);
});
