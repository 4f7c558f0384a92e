// The tests in a policy file, played: what they see of the world, where they stand, and what is said of one that fails.

import { expect, test } from '@jest/globals';
import { playPolicyTests } from '../../src/play-policy-tests.ts';
import { policyOf } from '../support/doors.ts';

const text = `rules:
  - { id: no-ptr, when: { iprev: permerror }, reject: "no" }
  - { id: ours, when: { helo_is: ours }, reject: "not us" }
  - { id: night, when: { time: { from: "22:00", until: "06:00" } }, tag: night }
otherwise: accept
tests:
  - name: a name that leads back
    client: { ip: 192.0.2.7, at: 2026-11-26T12:00Z }
    zone: { 192.0.2.7: [mx.example], mx.example: [192.0.2.7] }
    expect: accept
  - name: nobody
    client: { ip: 192.0.2.8, at: 2026-11-26T12:00Z }
    expect: { action: accept, rule: no-ptr }
  - name: our own name
    client: { ip: 192.0.2.7, helo: mail.our.example, at: 2026-11-26T12:00Z }
    our_name: mail.our.example
    zone: { 192.0.2.7: [mx.example], mx.example: [192.0.2.7] }
    expect: { rule: ours }
  - name: without a time it is now
    client: { ip: 192.0.2.7 }
    zone: { 192.0.2.7: [mx.example], mx.example: [192.0.2.7] }
    expect: tag
`;

test('each with its place, and what is not as it says', async () => {
  const played = await playPolicyTests(policyOf(text), text, 'my.yaml', Date.parse('2026-11-26T23:00Z'));
  expect(played.map(({ name, where, mismatches }) => [name, where, mismatches])).toEqual([
    ['a name that leads back', 'my.yaml:7:5', []],
    ['nobody', 'my.yaml:11:5', [{ what: 'action', expected: 'accept', came: 'reject' }]],
    ['our own name', 'my.yaml:14:5', []],
    ['without a time it is now', 'my.yaml:19:5', []],
  ]);
});

test('a policy without tests has none to fail', async () => {
  expect(await playPolicyTests(policyOf('rules: []\notherwise: accept\n'), '', 'my.yaml', 0)).toEqual([]);
});
