// What surrounds a rule: exceptions, dates, stages of a roll-out, and who is judged at all.

import { describe, expect, test } from '@jest/globals';
import type { Client } from '../../../src/core/client.ts';
import { decide } from '../../../src/core/decide.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { policyOf } from '../../support/doors.ts';
import { evidenceOf, type Given } from '../../support/evidence.ts';

const noPtr: Given = { ptr: 'nxdomain' };
const rule = (more: string) =>
  `rules: [{ id: no-ptr, when: { iprev: permerror }${more}, reject: "no PTR" }]\notherwise: accept\n`;
/** Read once for each text: some tests judge thousands. */
const policies = new Map<string, Policy>();
const read = (text: string): Policy => {
  const policy = policies.get(text) ?? policyOf(text);
  policies.set(text, policy);
  return policy;
};
const judge = (text: string, given: Given = noPtr, at = '2026-11-21T12:00:00Z') =>
  decide(read(text), { ...evidenceOf(given), at });
const action = (text: string, given?: Given, at?: string) => judge(text, given, at).verdict.action;
const asked = (client: Partial<Client>): Given => ({ ...noPtr, client });

describe('an exception beside its rule', () => {
  const spared = rule(', except: { when: { client_ip: 192.0.2.7 }, why: "our scanner", until: 2026-11-30 }');
  test('spares whom it names, and says why', () => {
    const { verdict, trace } = judge(spared);
    expect(verdict.action).toBe('accept');
    expect(trace[0]).toMatchObject({ rule: 'no-ptr', held: false, excepted: 'our scanner' });
    expect(action(spared, { ip: '192.0.2.8', ptr: 'nxdomain' })).toBe('reject');
  });
  test('until the end of its last day', () => {
    expect(action(spared, noPtr, '2026-11-30T23:59:59Z')).toBe('accept');
    expect(action(spared, noPtr, '2026-12-01T00:00:00Z')).toBe('reject');
  });
  test('one on a recipient is waited for', () => {
    const text = rule(', except: [{ when: { recipient: "list@" }, why: "public" }]');
    expect(judge(text, asked({ stage: 'mail' })).verdict).toMatchObject({ action: 'pending', stage: 'rcpt' });
    expect(action(text, asked({ recipient: 'list@test.example' }))).toBe('accept');
    expect(action(text, asked({ recipient: 'b@test.example' }))).toBe('reject');
  });
  test('it does not hide a rule that does not hold', () => {
    expect(
      judge(spared, { ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] } }).trace[0],
    ).not.toHaveProperty('excepted');
  });
});

describe('a rule is rolled out', () => {
  test('mode: monitor records, off does not look', () => {
    expect(judge(rule(', mode: monitor'))).toMatchObject({
      verdict: { action: 'accept' },
      trace: [{ held: true, mode: 'monitor' }, {}],
    });
    expect(judge(rule(', mode: off')).trace[0]).toMatchObject({ held: 'not-reached', mode: 'off' });
  });
  test('until a day', () => {
    const text = rule(', until: 2026-11-21');
    expect([action(text, noPtr, '2026-11-21T23:59:59Z'), action(text, noPtr, '2026-11-22T00:00:00Z')]).toEqual([
      'reject',
      'accept',
    ]);
    const moment = rule(', until: "2026-11-21T18:00+01:00"');
    expect([action(moment, noPtr, '2026-11-21T16:59:59Z'), action(moment, noPtr, '2026-11-21T17:00:00Z')]).toEqual([
      'reject',
      'accept',
    ]);
  });
  test('for ten of a hundred networks, always the same, the others are monitored', () => {
    const text = rule(', percent: 10');
    const refused = Array.from({ length: 2_000 }, (_, i) => `10.${i >> 8}.${i & 255}.7`).filter(
      (ip) => action(text, { ip, ptr: 'nxdomain' }) === 'reject',
    );
    expect(refused.length).toBeGreaterThan(150);
    expect(refused.length).toBeLessThan(250);
    const [first = ''] = refused;
    expect(action(text, { ip: first.replace(/7$/, '99'), ptr: 'nxdomain' })).toBe('reject');
    const more = rule(', percent: 50');
    expect(refused.every((ip) => action(more, { ip, ptr: 'nxdomain' }) === 'reject')).toBe(true);
    expect(judge(rule(', percent: 0')).trace[0]).toMatchObject({ mode: 'monitor', held: true });
  });
});

describe('who is not judged', () => {
  test('clients that logged in, unless the policy judges them', () => {
    expect(judge(rule(''), asked({ authenticated: true })).verdict).toMatchObject({
      action: 'accept',
      rule: 'authenticated',
    });
    expect(action(`${rule('')}authenticated: judge`, asked({ authenticated: true }))).toBe('reject');
  });
  test.each([587, 465])('who comes to port %i, where users do, logged in or not yet', (serverPort) => {
    expect(judge(rule(''), asked({ serverPort })).verdict).toMatchObject({ action: 'accept', rule: 'submission' });
    expect(action(`${rule('')}authenticated: judge`, asked({ serverPort }))).toBe('reject');
    expect(action(rule(''), asked({ serverPort: 25 }))).toBe('reject');
  });
  test('the networks that the policy lists; none by default, loopback neither', () => {
    expect(action(rule(''), { ip: '127.0.0.1', ptr: 'nxdomain' })).toBe('reject');
    expect(judge(`${rule('')}trusted: [192.0.2.0/24, "2001:db8::/32"]`).verdict).toMatchObject({
      rule: 'trusted-network',
    });
    expect(action(`${rule('')}trusted: 192.0.2.8`)).toBe('reject');
  });
  test.each(['postmaster@test.example', 'PostMaster', 'abuse@test.example'])('%s can be reached', (recipient) => {
    expect(judge(rule(''), asked({ recipient })).verdict).toMatchObject({ action: 'accept', rule: 'postmaster-open' });
    expect(action(`${rule('')}postmaster: judge`, asked({ recipient }))).toBe('reject');
    expect(action(`${rule('')}announce: mail`, asked({ recipient }))).toBe('reject');
  });
  test('postmasters and abused are others', () => {
    expect(action(rule(''), asked({ recipient: 'postmasters@test.example' }))).toBe('reject');
  });
});

describe('when a refusal is told', () => {
  test.each([
    ['connect', ['reject', 'reject', 'reject', 'reject']],
    ['helo', ['pending', 'reject', 'reject', 'reject']],
    ['mail', ['pending', 'pending', 'reject', 'reject']],
    ['rcpt', ['pending', 'pending', 'pending', 'reject']],
  ])('announce: %s', (stage, expected) => {
    const stages = ['connect', 'helo', 'mail', 'rcpt'] as const;
    expect(stages.map((at) => action(`${rule('')}announce: ${stage}`, asked({ stage: at })))).toEqual(expected);
  });
  test('what is pending says whether it will refuse', () => {
    expect(judge(rule(''), asked({ stage: 'mail' })).verdict).toMatchObject({ stage: 'rcpt', refusal: true });
    const waits = 'rules: [{ id: r, when: { recipient: x@y.example }, reject: "no" }]\notherwise: accept';
    expect(judge(waits, asked({ stage: 'mail' })).verdict).not.toHaveProperty('refusal');
  });
});

describe('what adds up', () => {
  test('scores, and a rule on their sum', () => {
    const text = `rules:
  - { id: a, when: { iprev: permerror }, score: 2 }
  - { id: b, when: { helo_is: not-fqdn }, score: 1.5 }
  - { id: sum, when: { score: { at_least: 3 } }, reject: "too much" }
otherwise: accept`;
    expect(judge(text, asked({ helo: 'laptop' })).verdict).toMatchObject({ action: 'reject', rule: 'sum', score: 3.5 });
    expect(judge(text, asked({ helo: 'mx.example' })).verdict).toMatchObject({ action: 'accept', score: 2 });
  });
  test('tags, a header field with what is known filled in, and hold', () => {
    const text = `rules:
  - { id: a, when: { iprev: permerror }, tag: weak }
  - { id: b, when: { iprev: permerror }, tag: { header: X-Reverse-DNS, value: "{iprev} {reason} {helo}" } }
  - { id: c, when: { iprev: permerror }, hold: true }
otherwise: accept
allow_hold: true`;
    expect(judge(text, asked({ helo: 'a\r\nb' })).verdict).toEqual({
      action: 'tag',
      rule: 'a',
      tags: ['weak'],
      score: 0,
      headers: ['X-Reverse-DNS: permerror no-ptr a\\x0d\\x0ab'],
      hold: true,
    });
  });
});

describe('names that nobody could look up', () => {
  const friends = (condition: string) => `rules: [{ id: friend, when: ${condition}, accept: true }]\notherwise: reject`;
  test.each([
    '{ ptr: mx.friend.example }',
    '{ verified_name: { under: friend.example } }',
    '{ names: { at_least: 2 } }',
    '{ ptr: { matches: "^mail" } }',
  ])('%s might have held: 450', (condition) => {
    for (const ptr of ['servfail', 'timeout', 'refused'] as const)
      expect(judge(friends(condition), { ptr }).verdict).toMatchObject({ action: 'defer', softened: true });
    expect(judge(friends(condition), { ptr: 'nxdomain' }).verdict).toMatchObject({ action: 'reject' });
  });
  test('a failed name beside a confirmed one: only if it is the one that was asked for', () => {
    const given: Given = {
      ptr: ['a.example', 'mx.friend.example'],
      forward: { 'a.example': ['192.0.2.7'], 'mx.friend.example': 'servfail' },
    };
    expect(action(friends('{ verified_name: mx.friend.example }'), given)).toBe('defer');
    expect(action(friends('{ verified_name: mx.other.example }'), given)).toBe('reject');
  });
  test('a score that such a name would have spared the client', () => {
    const text = `rules:
  - { id: stranger, when: { not: { ptr: { under: friend.example } } }, score: 3 }
  - { id: sum, when: { score: { at_least: 3 } }, reject: "too much" }
otherwise: accept`;
    expect(action(text, { ptr: 'servfail' })).toBe('defer');
    expect(action(text, { ptr: 'nxdomain' })).toBe('reject');
  });
  test('a score that such a name would have taken away', () => {
    const text = `rules:
  - { id: friend, when: { verified_name: { under: friend.example } }, score: -5 }
  - { id: weak, when: { not: { iprev: pass } }, score: 3 }
  - { id: odd, when: { helo_is: not-fqdn }, score: 3 }
  - { id: sum, when: { score: { at_least: 3 } }, reject: "too much" }
otherwise: accept`;
    expect(action(text, { ptr: 'servfail', client: { helo: 'laptop' } })).toBe('defer');
    expect(action(text, { ptr: 'nodata', client: { helo: 'laptop' } })).toBe('reject');
  });
});
