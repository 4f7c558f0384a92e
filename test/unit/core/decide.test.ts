import { describe, expect, test } from '@jest/globals';
import { dnsError } from '../../../src/core/answer.ts';
import { decide } from '../../../src/core/decide.ts';
import type { HostName } from '../../../src/core/name.ts';
import { outageActions } from '../../../src/core/policy.ts';
import { policyOf } from '../../support/doors.ts';
import { type Answer, evidenceOf, type Given } from '../../support/evidence.ts';

const confirmed = { ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] } } as const;

describe('the walk', () => {
  test('the first deciding rule wins; tags and scores on the way count, later ones do not', () => {
    const policy = policyOf(`
rules:
  - { id: one, tag: first, score: 1.5 }
  - { id: two, when: { iprev: pass }, tag: second, accept: true }
  - { id: three, tag: third, reject: "never reached" }
otherwise: reject`);
    const { verdict, trace } = decide(policy, evidenceOf(confirmed));
    expect(verdict).toEqual({ action: 'tag', rule: 'one', tags: ['first', 'second'], score: 1.5 });
    expect(trace.map(({ rule, held }) => [rule, held])).toEqual([
      ['one', true],
      ['two', true],
      ['three', 'not-reached'],
      ['otherwise', 'not-reached'],
    ]);
  });

  test('otherwise is an action like any other', () => {
    const policy = policyOf('rules: []\notherwise: { tag: weak, defer: { code: 421, status: 4.7.0, text: "later" } }');
    expect(decide(policy, evidenceOf(confirmed)).verdict).toEqual({
      action: 'defer',
      rule: 'otherwise',
      reply: { code: 421, enhanced: '4.7.0', text: 'later [192.0.2.7 -> mx.example -> 192.0.2.7] (ref testref)' },
      tags: ['weak'],
      score: 0,
    });
  });

  test('a rule in monitor mode is recorded and passed over', () => {
    const policy = policyOf(
      'rules: [{ id: no, mode: monitor, reject: "no" }, { id: t, mode: monitor, tag: t }]\notherwise: accept',
    );
    const { verdict, trace } = decide(policy, evidenceOf(confirmed));
    expect(verdict).toEqual({ action: 'accept', rule: 'otherwise', tags: [], score: 0 });
    expect(trace[0]).toEqual({ rule: 'no', mode: 'monitor', held: true, does: 'reject 550 5.7.25' });
  });

  test('a reject with a 4xx code is a defer', () => {
    const policy = policyOf('rules: [{ id: r, reject: { code: 451, text: "x" } }]\notherwise: accept');
    expect(decide(policy, evidenceOf(confirmed)).verdict).toMatchObject({
      action: 'defer',
      reply: { code: 451, enhanced: '4.7.25' },
    });
  });

  test('authenticated clients pass before any rule', () => {
    const policy = policyOf('rules: [{ id: r, reject: "x" }]\notherwise: reject');
    const { verdict } = decide(policy, evidenceOf({ ptr: 'nxdomain', client: { authenticated: true } }));
    expect(verdict).toMatchObject({ action: 'accept', rule: 'authenticated' });
  });
});

describe('what is not known yet', () => {
  const policy = policyOf(`
rules:
  - { id: postmaster, when: { recipient: postmaster@test.example }, accept: true }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no" }
otherwise: accept`);

  test.each(['connect', 'helo', 'mail'] as const)('at %s a rule about the recipient holds the walk', (stage) => {
    const { verdict } = decide(policy, evidenceOf({ ptr: 'nxdomain', client: { stage } }));
    expect(verdict).toEqual({ action: 'pending', rule: 'postmaster', stage: 'rcpt', tags: [], score: 0 });
  });

  test('a known part may settle a condition early', () => {
    const early = policyOf(`
rules: [{ id: both, when: { all: [{ sender: a@b.example }, { iprev: fail }] }, accept: true }, { id: r, when: { iprev: permerror }, reject: "no" }]
otherwise: accept
announce: connect`);
    expect(decide(early, evidenceOf({ ptr: 'nxdomain', client: { stage: 'connect' } })).verdict.action).toBe('reject');
  });

  test.each([
    ['helo', 'connect', 'helo'],
    ['sender', 'helo', 'mail'],
    ['recipient', 'helo', 'rcpt'],
  ] as const)('%s at %s is asked for again at %s', (key, stage, next) => {
    const asks = policyOf(
      `rules: [{ id: r, when: { not: { any: [{ ${key}: x }] } }, accept: true }]\notherwise: accept`,
    );
    expect(decide(asks, evidenceOf({ ...confirmed, client: { stage } })).verdict).toMatchObject({
      action: 'pending',
      stage: next,
    });
  });

  test('what never came is false, not unknown', () => {
    const asks = policyOf('rules: [{ id: r, when: { helo: x }, reject: "x" }]\notherwise: accept');
    expect(decide(asks, evidenceOf(confirmed)).verdict.action).toBe('accept');
  });
});

describe('softening: a failed lookup never makes a 5xx', () => {
  const verdictFor = (rules: string, ptr: Answer, forward: Record<string, Answer> = {}, otherwise = 'accept') =>
    decide(policyOf(`rules: [${rules}]\notherwise: ${otherwise}`), evidenceOf({ ptr, forward })).verdict;

  test.each([
    ['not: pass', '{ id: r, when: { not: { iprev: pass } }, reject: "x" }', 'servfail', {}],
    ['temperror itself', '{ id: r, when: { iprev: temperror }, reject: "x" }', 'timeout', {}],
    [
      'all but stale',
      '{ id: r, when: { not: { reason: stale } }, reject: "x" }',
      ['mx.example'],
      { 'mx.example': 'servfail' },
    ],
    ['all but ptr-empty', '{ id: r, when: { not: { reason: ptr-empty } }, reject: "x" }', 'refused', {}],
    ['all but ptr-invalid', '{ id: r, when: { not: { reason: ptr-invalid } }, reject: "x" }', 'refused', {}],
    ['all but too-many-names', '{ id: r, when: { not: { reason: too-many-names } }, reject: "x" }', 'refused', {}],
    ['all but mismatch', '{ id: r, when: { not: { reason: mismatch } }, reject: "x" }', 'network', {}],
    ['all but generic', '{ id: r, when: { not: { naming: generic } }, reject: "x" }', 'servfail', {}],
    [
      'all but not generic',
      '{ id: g, when: { naming: unknown, not: { iprev: temperror } }, accept: true }, { id: r, reject: "x" }',
      'servfail',
      {},
    ],
    [
      'the reason itself',
      '{ id: r, when: { reason: forward-timeout }, reject: "x" }',
      ['a.example'],
      { 'a.example': 'timeout' },
    ],
  ] as [string, string, Answer, Record<string, Answer>][])('%s becomes 450', (_, rules, ptr, forward) => {
    expect(verdictFor(rules, ptr, forward)).toMatchObject({
      action: 'defer',
      softened: true,
      reply: { code: 450, enhanced: '4.7.25' },
    });
  });

  test.each([
    ['an address', '{ id: r, when: { client_ip: 192.0.2.7 }, reject: "x" }', 'servfail', {}],
    ['everybody', '{ id: r, reject: "x" }', 'servfail', {}],
    [
      'each result in turn',
      '{ id: a, when: { iprev: [pass, fail] }, reject: "x" }, { id: r, when: { not: { iprev: pass } }, reject: "x" }',
      'timeout',
      {},
    ],
    // The name is known and generic, whatever its address records say.
    [
      'a generic name',
      '{ id: r, when: { naming: generic }, reject: "x" }',
      ['192-0-2-7.example'],
      { '192-0-2-7.example': 'servfail' },
    ],
  ] as [string, string, Answer, Record<string, Answer>][])(
    'a 5xx that depends on %s stands',
    (_, rules, ptr, forward) => {
      expect(verdictFor(rules, ptr, forward)).toMatchObject({ action: 'reject', reply: { code: 550 } });
    },
  );

  test('the second of two failed names might have confirmed under its own name', () => {
    const rules = '{ id: r, when: { all: [{ not: { iprev: fail } }, { not: { naming: generic } }] }, reject: "x" }';
    const both: Record<string, Answer> = { 'a.example': 'servfail', '192-0-2-7.example': 'servfail' };
    expect(verdictFor(rules, ['a.example', '192-0-2-7.example'], both)).toMatchObject({
      action: 'defer',
      softened: true,
    });
  });

  test('an open alternative keeps the verdict open', () => {
    const rules = '{ id: vip, when: { iprev: pass, recipient: v@test.example }, accept: true }, { id: r, reject: "x" }';
    const policy = policyOf(`rules: [${rules}]\notherwise: accept`);
    const at = (stage: 'mail' | 'rcpt', recipient?: string) =>
      decide(policy, evidenceOf({ ptr: 'servfail', client: { stage, ...(recipient ? { recipient } : {}) } })).verdict;
    expect(at('mail')).toMatchObject({ action: 'pending', rule: 'vip', stage: 'rcpt' });
    expect(at('rcpt', 'v@test.example')).toMatchObject({ action: 'defer', softened: true });
    expect(at('rcpt', 'w@test.example')).toMatchObject({ action: 'reject' });
  });
});

describe('during an outage the configured action takes over', () => {
  const rules = `
rules:
  - { id: banned, when: { client_ip: 192.0.2.66 }, reject: "banned" }
  - { id: friend, when: { client_ip: 192.0.2.77 }, accept: true }
  - { id: vip, when: { recipient: v@test.example, iprev: pass }, tag: vip }
  - { id: unconfirmed, when: { not: { iprev: pass } }, reject: "no", tag: weak }
otherwise: accept`;
  const at = (word: 'accept' | 'tag' | 'defer' | undefined, ip = '192.0.2.7', ptr: Answer = 'outage') =>
    decide(
      { ...policyOf(rules), ...(word === undefined ? {} : { outage: outageActions[word] }) },
      evidenceOf({ ip, ptr }),
    ).verdict;

  test.each([
    ['accept', { action: 'accept', rule: 'outage', tags: [] }],
    ['tag', { action: 'tag', rule: 'outage', tags: ['dns-outage'] }],
    ['defer', { action: 'defer', rule: 'outage', tags: [], reply: { code: 450, enhanced: '4.7.25' } }],
    [undefined, { action: 'defer', rule: 'unconfirmed', softened: true }],
  ] as const)('%s', (word, verdict) => expect(at(word)).toMatchObject(verdict));

  test('what does not depend on the DNS holds as ever', () => {
    expect(at('accept', '192.0.2.66')).toMatchObject({ action: 'reject', rule: 'banned' });
    expect(at('defer', '192.0.2.77')).toMatchObject({ action: 'accept', rule: 'friend' });
  });

  test('of HELO alone: only where a rule asks what the DNS says of it', () => {
    const policy = {
      ...policyOf(
        'rules: [{ id: helo, when: { not: { helo_dns: client }, sender: "a@b.example" }, tag: odd }]\notherwise: accept',
      ),
      outage: outageActions.tag,
    };
    const given = { ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] } };
    const helo = { name: 'mx.example' as HostName, addresses: dnsError('outage') };
    const judge = (sender: string) =>
      decide(policy, { ...evidenceOf({ ...given, client: { helo: 'mx.example', sender } }), helo }).verdict;
    expect(judge('a@b.example')).toMatchObject({ action: 'tag', rule: 'outage', tags: ['dns-outage'] });
    expect(judge('c@d.example')).toMatchObject({ action: 'accept', rule: 'otherwise' });
  });

  test('one failed lookup is no outage', () =>
    expect(at('accept', '192.0.2.7', 'servfail')).toMatchObject({ action: 'defer', rule: 'unconfirmed' }));
});

describe('a masked client is judged without reverse DNS', () => {
  const rules = `
rules:
  - { id: banned, when: { client_ip: 192.0.2.66 }, reject: "banned" }
  - { id: spam-helo, when: { helo: spam.example }, reject: "no" }
  - { id: generic, when: { naming: generic }, tag: generic-name }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }
otherwise: reject`;
  const judge = (given: Given) => decide(policyOf(rules), { ...evidenceOf(given), masked: 'private-space' }).verdict;
  const named = { ptr: ['192-0-2-7.example'], forward: { '192-0-2-7.example': ['192.0.2.7'] } };
  test.each([
    ['no PTR', { ptr: 'nxdomain' }],
    ['a failed lookup', { ptr: 'servfail' }],
    ['a name that would be tagged', named],
  ] as [string, Given][])('%s: accepted, untagged', (_, given) =>
    expect(judge({ ...given, client: { helo: 'mx.example' } })).toEqual({
      action: 'accept',
      rule: 'masked-client',
      tags: [],
      score: 0,
    }),
  );
  test('what has nothing to do with the DNS holds', () => {
    expect(judge({ ip: '192.0.2.66', ptr: 'nxdomain' })).toMatchObject({ action: 'reject', rule: 'banned' });
    expect(judge({ ptr: 'nxdomain', client: { helo: 'spam.example' } })).toMatchObject({ rule: 'spam-helo' });
    expect(judge({ ptr: 'nxdomain', client: { stage: 'connect' } })).toMatchObject({
      action: 'pending',
      stage: 'helo',
    });
  });
});
