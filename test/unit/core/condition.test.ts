// Each word of the vocabulary: whom it holds for, whom not, and when it is not known yet.

import { describe, expect, test } from '@jest/globals';
import type { Client } from '../../../src/core/client.ts';
import { type Condition, only, weigh } from '../../../src/core/condition.ts';
import { assess } from '../../../src/core/findings.ts';
import { policyOf } from '../../support/doors.ts';
import { evidenceOf, type Given } from '../../support/evidence.ts';

const conditionOf = (text: string): Condition => {
  const [rule] = policyOf(`rules: [{ id: r, when: ${text}, accept: true }]\notherwise: accept`).rules;
  if (rule === undefined) throw new Error(text);
  return rule.when;
};
const holds = (text: string, given: Given, at?: string) => {
  const evidence = { ...evidenceOf(given), ourName: 'mx.test.example', ...(at === undefined ? {} : { at }) };
  return only(weigh(conditionOf(text), { evidence, findings: assess(evidence), score: { least: 2, most: 2 } }));
};
const named: Given = {
  ptr: ['mx.Example.com', 'a b', 'other.example.net'],
  forward: { 'mx.example.com': ['192.0.2.7'], 'other.example.net': ['192.0.2.8'] },
};
const shown = (verified: boolean, name: string) => ({ protocol: 'TLSv1.3', certificate: { verified, names: [name] } });
const said = (client: Partial<Client>): Given => ({ ...named, client });

describe('names of the DNS', () => {
  test.each([
    ['{ ptr: mx.example.com }', true],
    ['{ ptr: MX.EXAMPLE.COM. }', true],
    ['{ ptr: [x.example, other.example.net] }', true],
    ['{ ptr: example.com }', false],
    ['{ ptr: { under: example.com } }', true],
    ['{ ptr: { under: mx.example.com } }', true],
    ['{ ptr: { under: ample.com } }', false],
    ['{ ptr: { under: .example.net } }', true],
    ['{ ptr: { glob: "*.example.com" } }', true],
    ['{ ptr: { glob: "m?.example.com" } }', true],
    ['{ ptr: { glob: "m?example.com" } }', false],
    ['{ ptr: { matches: "^mx\\\\d*\\\\." } }', true],
    ['{ ptr: { matches: "^MX" } }', true],
    ['{ ptr: { matches: "^x" } }', false],
    ['{ ptr: [{ under: x.example }, mx.example.com] }', true],
    ['{ verified_name: { under: example.com } }', true],
    ['{ verified_name: other.example.net }', false],
    ['{ names: 2 }', true],
    ['{ names: { at_least: 3 } }', false],
    ['{ names: { at_most: 2 } }', true],
  ])('%s: %s', (text, expected) => expect(holds(text, named)).toBe(expected));

  test('without a PTR record there are none', () => {
    for (const text of ['{ ptr: { glob: "*" } }', '{ verified_name: { glob: "*" } }', '{ names: { at_least: 1 } }'])
      expect(holds(text, { ptr: 'nxdomain' })).toBe(false);
  });
});

describe('what the client says', () => {
  test.each<[string, Partial<Client>, boolean | 'unknown']>([
    ['{ helo: mx.example }', { helo: 'MX.example.' }, true],
    ['{ helo: { under: example } }', { helo: 'mx.example' }, true],
    ['{ helo: mx.example }', {}, false],
    ['{ helo: mx.example }', { stage: 'connect' }, 'unknown'],
    ['{ helo_is: absent }', {}, true],
    ['{ helo_is: [literal, ours] }', { helo: 'mx.test.example' }, true],
    ['{ helo_is: ours }', { stage: 'connect' }, 'unknown'],
    ['{ helo_dns: not-asked }', { helo: '[192.0.2.7]' }, true],
    ['{ helo_dns: [client, elsewhere] }', { helo: '[192.0.2.7]' }, false],
    ['{ helo_dns: not-asked }', { stage: 'connect' }, 'unknown'],
    ['{ certificate: none }', {}, true],
    ['{ certificate: none }', { stage: 'helo' }, 'unknown'],
    ['{ certificate: [verified, unverified] }', { tls: shown(true, 'x.example') }, true],
    ['{ certificate: verified }', { tls: shown(false, 'x.example') }, false],
    ['{ certificate: verified }', { tls: { protocol: 'TLSv1.3' } }, false],
    ['{ alignment: { pair: helo-ptr } }', { helo: 'www.example.com' }, true],
    ['{ alignment: { pair: helo-ptr, level: exact } }', { helo: 'www.example.com' }, false],
    ['{ alignment: { pair: helo-ptr } }', { helo: 'www.example.net' }, false],
    ['{ alignment: { pair: helo-ptr, level: claimed } }', { helo: 'www.example.net' }, true],
    ['{ alignment: { pair: helo-ptr, level: [none, unknown] } }', { helo: 'mx.test.example' }, true],
    ['{ alignment: { pair: helo-ptr } }', { stage: 'connect' }, 'unknown'],
    ['{ alignment: { pair: [helo-ptr, sender-ptr] } }', { helo: 'x', sender: 'a@example.com' }, true],
    ['{ alignment: { pair: sender-ptr } }', { stage: 'helo' }, 'unknown'],
    ['{ alignment: { pair: certificate-ptr } }', { tls: shown(true, '*.example.com') }, true],
    ['{ alignment: { pair: certificate-ptr } }', { tls: shown(false, '*.example.com') }, false],
    ['{ alignment: { pair: certificate-helo } }', { helo: 'a.example', tls: shown(true, 'a.example') }, true],
    ['{ alignment: { pair: certificate-helo } }', { helo: 'a.example', stage: 'helo' }, 'unknown'],
    ['{ sender: "A@b.example" }', { sender: 'a@B.example' }, true],
    ['{ sender: "" }', { sender: '' }, true],
    ['{ sender: "" }', { sender: 'a@b.example' }, false],
    ['{ sender: "@b.example" }', { sender: 'a@b.example' }, true],
    ['{ sender: "@b.example" }', { sender: 'a@x.b.example' }, false],
    ['{ sender: { under: b.example } }', { sender: 'a@x.b.example' }, true],
    ['{ sender: { glob: "bounce-*@*" } }', { sender: 'bounce-12@b.example' }, true],
    ['{ sender: "a@b.example" }', { stage: 'helo' }, 'unknown'],
    ['{ recipient: "postmaster@" }', { recipient: 'Postmaster@test.example' }, true],
    ['{ recipient: "postmaster@" }', { recipient: 'postmaster' }, true],
    ['{ recipient: "master@" }', { recipient: 'postmaster@test.example' }, false],
    ['{ recipient: x@y.example }', { stage: 'mail' }, 'unknown'],
    ['{ authenticated: true }', { authenticated: true }, true],
    ['{ authenticated: false }', { authenticated: true }, false],
    ['{ early_talker: true }', { early: true }, true],
    ['{ early_talker: true }', {}, false],
    ['{ early_talker: false }', { early: true }, false],
    ['{ early_talker: false }', {}, true],
    ['{ early_talker: true }', { early: true, stage: 'connect' }, true],
    ['{ early_talker: true }', { stage: 'connect' }, false],
    ['{ door: [smtp, check] }', {}, true],
    ['{ door: policy }', {}, false],
    ['{ port: [25, 587] }', { serverPort: 587 }, true],
    ['{ port: 25 }', {}, false],
    ['{ score: { at_least: 2 } }', {}, true],
    ['{ score: { at_least: 2.5 } }', {}, false],
  ])('%s of %j: %s', (text, client, expected) => expect(holds(text, said(client))).toBe(expected));
});

// 2026-11-20 is a Friday; Berlin is an hour ahead of UTC in winter.
test.each([
  [
    '{ days: [mon, tue, wed, thu, fri], from: "08:00", until: "18:00", zone: Europe/Berlin }',
    '2026-11-20T07:00:00Z',
    true,
  ],
  [
    '{ days: [mon, tue, wed, thu, fri], from: "08:00", until: "18:00", zone: Europe/Berlin }',
    '2026-11-20T06:59:59Z',
    false,
  ],
  [
    '{ days: [mon, tue, wed, thu, fri], from: "08:00", until: "18:00", zone: Europe/Berlin }',
    '2026-11-20T17:00:00Z',
    false,
  ],
  ['{ days: sat }', '2026-11-20T23:59:59Z', false],
  ['{ days: sat, zone: Europe/Berlin }', '2026-11-20T23:00:00Z', true],
  ['{ days: fri, from: "22:00", until: "06:00" }', '2026-11-21T05:59:00Z', true],
  ['{ days: fri, from: "22:00", until: "06:00" }', '2026-11-20T05:59:00Z', false],
  ['{ days: fri, from: "22:00", until: "06:00" }', '2026-11-20T22:00:00Z', true],
  ['[{ days: sun }, { from: "07:00", until: "07:01" }]', '2026-11-20T07:00:30Z', true],
])('time %s at %s: %s', (window, at, expected) => expect(holds(`{ time: ${window} }`, named, at)).toBe(expected));

test('the three values: false wins in all, true wins in any, what is not known stays so', () => {
  const early = said({ stage: 'connect' });
  expect(holds('{ all: [{ iprev: pass }, { recipient: x@y.example }] }', early)).toBe('unknown');
  expect(holds('{ all: [{ iprev: fail }, { recipient: x@y.example }] }', early)).toBe(false);
  expect(holds('{ any: [{ iprev: pass }, { recipient: x@y.example }] }', early)).toBe(true);
  expect(holds('{ any: [{ iprev: fail }, { recipient: x@y.example }] }', early)).toBe('unknown');
  expect(holds('{ not: { recipient: x@y.example } }', early)).toBe('unknown');
});
