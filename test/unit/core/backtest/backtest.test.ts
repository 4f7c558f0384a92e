// A replay: whom a candidate would newly refuse, the exceptions that spare them, what the record does not tell.

import { expect, test } from '@jest/globals';
import { backtest } from '../../../../src/core/backtest/backtest.ts';
import type { Label } from '../../../../src/core/backtest/quality.ts';
import { decide } from '../../../../src/core/decide.ts';
import type { Policy } from '../../../../src/core/policy.ts';
import { type Envelope, type Outcome, recordOf, type SessionRecord } from '../../../../src/core/record.ts';
import { policyOf } from '../../../support/doors.ts';
import { evidenceOf, type Given } from '../../../support/evidence.ts';

const open = policyOf('rules: []\notherwise: accept\n');
const strictText = `rules:
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }
  - { id: unconfirmed, when: { iprev: fail }, reject: "not confirmed" }
  - { id: never, when: { helo: "nobody.example" }, tag: nobody }
  - { id: trouble, when: { iprev: temperror }, defer: "later" }
otherwise: accept
`;
const strict = policyOf(strictText);
const now = Date.parse('2026-11-26T12:00:00Z');
const taken: Outcome = { rcpt: [250], dot: [250] };
const turnedAway: Outcome = { rcpt: [550], dot: [] };

let refs = 0;
interface Recorded extends Given {
  readonly policy?: Policy;
  readonly envelope?: Envelope;
  readonly outcome?: Outcome;
}
function record({ policy = open, envelope = 'none', outcome, ...given }: Recorded): SessionRecord {
  const evidence = { ...evidenceOf(given), id: `ref${++refs}`, door: 'smtp' as const };
  return recordOf(decide(policy, evidence), { envelope }, outcome);
}
const confirmed = (name: string, ip: string): Given => ({ ip, ptr: [name], forward: { [name]: [ip] } });

function replay(candidate: Policy, records: readonly SessionRecord[], labels: readonly (Label | undefined)[] = []) {
  const run = backtest({ candidate });
  for (const [i, one] of records.entries()) run.add(one, labels[i]);
  return run.result(now);
}

test('newly refused comes by organisation, what the mail server took apart from the rest', () => {
  refs = 0;
  const found = replay(strict, [
    record({ ...confirmed('mx.good.example', '192.0.2.1'), outcome: taken }),
    record({ ip: '192.0.2.7', ptr: 'nxdomain', outcome: taken }),
    record({ ip: '192.0.2.8', ptr: 'nxdomain', outcome: taken }),
    record({ ip: '198.51.100.1', ptr: 'nxdomain', outcome: turnedAway }),
    record({ ip: '203.0.113.1', ptr: 'nxdomain' }),
    record({ ip: '2001:db8:1::5', ptr: 'timeout', outcome: taken }),
  ]);
  expect(found).toMatchObject({
    sessions: 6,
    changed: 5,
    newly_refused: 5,
    not_recorded: 0,
    newly_refused_accepted: [
      { organisation: '192.0.2.0/24', sessions: 2, refs: ['ref2', 'ref3'] },
      { organisation: '2001:db8:1::/64', sessions: 1, refs: ['ref6'] },
    ],
    newly_accepted: [],
    never_hit: ['unconfirmed', 'never'],
  });
  expect(found.newly_refused_other.map(({ organisation }) => organisation)).toEqual([
    '198.51.100.0/24',
    '203.0.113.0/24',
  ]);
  expect(found.matrix).toEqual({
    accept: { accept: 1, tag: 0, defer: 1, reject: 4 },
    tag: { accept: 0, tag: 0, defer: 0, reject: 0 },
    defer: { accept: 0, tag: 0, defer: 0, reject: 0 },
    reject: { accept: 0, tag: 0, defer: 0, reject: 0 },
  });
  expect(found.examples).toContainEqual({ from: 'accept', to: 'reject', refs: ['ref2', 'ref3', 'ref4', 'ref5'] });
});

test('what was refused and would be let in', () => {
  const found = replay(open, [record({ policy: strict, ip: '192.0.2.7', ptr: 'nxdomain' })]);
  expect(found).toMatchObject({
    changed: 1,
    newly_refused: 0,
    newly_accepted: [{ organisation: '192.0.2.0/24', sessions: 1 }],
  });
});

test('an exception that is proposed spares them, pasted into the policy', () => {
  const templates = `rules:
  - id: template
    when: { verified_name: { glob: "*pool*" } }
    reject: "a pool"
  - id: pools
    when: { helo: { glob: "*pool*" } }
    reject: "says it is a pool"
otherwise: accept
`;
  const helo = 'a.pool.partner.example';
  const records = [
    record({ ...confirmed('a.pool.partner.example', '192.0.2.1'), client: { helo }, outcome: taken }),
    record({ ...confirmed('b.pool.partner.example', '192.0.2.2'), client: { helo }, outcome: taken }),
    record({ ...confirmed('a.pool.spammer.example', '192.0.2.3'), outcome: taken }),
    record({ ...confirmed('b.pool.spammer.example', '192.0.2.4'), outcome: turnedAway }),
  ];
  const { suggestions, newly_refused_accepted } = replay(policyOf(templates), records);
  expect(newly_refused_accepted.map(({ organisation }) => organisation)).toEqual([
    'partner.example',
    'spammer.example',
  ]);
  // Both rules refuse it, and nothing spares those whom the mail server refused.
  expect(suggestions.map(({ rule, organisation, sessions }) => [rule, organisation, sessions])).toEqual([
    ['template', 'partner.example', 2],
    ['pools', 'partner.example', 2],
  ]);
  const yaml =
    'except:\n  - { when: { verified_name: { under: partner.example } }, why: "2 good sessions, 2026-11-21", until: 2027-02-24 }\n';
  expect(suggestions[0]?.yaml).toBe(yaml);
  let mended = templates;
  for (const { rule, yaml: lines } of suggestions)
    mended = mended.replace(`- id: ${rule}\n`, `- id: ${rule}\n${lines.replace(/^/gm, '    ').trimEnd()}\n`);
  expect(replay(policyOf(mended), records).newly_refused_accepted.map(({ organisation }) => organisation)).toEqual([
    'spammer.example',
  ]);
});

test('who has no confirmed name is spared by address, and only where nothing bad came from there', () => {
  const one = (ip: string, outcome: Outcome) => record({ ip, ptr: 'nxdomain', outcome });
  const found = replay(strict, [one('192.0.2.7', taken), one('192.0.2.8', turnedAway), one('198.51.100.1', taken)]);
  expect(found.suggestions.map(({ yaml }) => /when: (.*), why/.exec(yaml)?.[1])).toEqual([
    '{ client_ip: 192.0.2.7 }',
    '{ client_ip: 198.51.100.1 }',
  ]);
  const mixed = replay(strict, [one('192.0.2.7', taken), one('192.0.2.7', turnedAway)]);
  expect(mixed.suggestions).toEqual([]);
});

test('what nothing but "otherwise" refuses is spared by a rule of its own', () => {
  const onlyKnown = 'rules: []\notherwise: reject\n';
  const records = [record({ ...confirmed('mx.partner.example', '192.0.2.1'), outcome: taken })];
  const [suggestion] = replay(policyOf(onlyKnown), records).suggestions;
  expect(suggestion).toMatchObject({ rule: 'otherwise', organisation: 'partner.example' });
  const mended = policyOf(`rules:\n  ${suggestion?.yaml}otherwise: reject\n`);
  expect(replay(mended, records)).toMatchObject({ changed: 0, newly_refused: 0 });
});

test('nobody who is refused today is let in by an exception, unless somebody calls it ham', () => {
  const partner = confirmed('mx.partner.example', '192.0.2.1');
  const refusing = policyOf('rules: [{ id: all, when: { iprev: pass }, reject: "no" }]\notherwise: accept\n');
  const records = [record({ ...partner, outcome: taken }), record({ ...partner, policy: refusing })];
  expect(replay(refusing, records).suggestions).toEqual([]);
  expect(replay(refusing, records, [undefined, 'ham']).suggestions).toHaveLength(1);
});

test('labels give each rule its precision and recall', () => {
  const bad = { ip: '192.0.2.7', ptr: 'nxdomain' as const };
  const good = confirmed('mx.good.example', '192.0.2.1');
  const records = [record(bad), record(bad), record(bad), record(good), record(good)];
  const { rules, labelled } = replay(strict, records, ['spam', 'spam', 'ham', 'spam', undefined]);
  expect(labelled).toEqual({ spam: 3, ham: 1 });
  const of = (id: string) => rules.find(({ rule }) => rule === id)?.labelled;
  expect(of('no-ptr')).toEqual({ spam: 2, ham: 1, precision: 2 / 3, recall: 2 / 3 });
  expect(of('trouble')).toEqual({ spam: 0, ham: 0, precision: null, recall: 0 });
});

test('a condition on what was not recorded leaves open only what depends on it', () => {
  const asking = policyOf(`rules:
  - { id: list, when: { recipient: "list@test.example" }, tag: list }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }
  - { id: boss, when: { sender: "boss@test.example" }, accept: true }
  - { id: unconfirmed, when: { iprev: fail }, reject: "not confirmed" }
otherwise: { tag: other }
`);
  const client = { sender: 'a@b.example', recipient: 'c@test.example' };
  const one = (given: Given, envelope: Envelope = 'none') => record({ ...given, client, envelope, policy: open });
  const to = (given: SessionRecord) => {
    const { matrix } = replay(asking, [given]);
    return Object.entries(matrix.accept ?? {}).find(([, count]) => count > 0)?.[0];
  };
  expect(to(one({ ptr: 'nxdomain' }))).toBe('reject');
  expect(to(one({ ptr: ['x.example'], forward: { 'x.example': ['192.0.2.9'] } }))).toBe('not_recorded');
  expect(to(one({ ptr: ['x.example'], forward: { 'x.example': ['192.0.2.9'] } }, 'full'))).toBe('reject');
});

test('who left before hearing a verdict has no "from", and is no change', () => {
  const left = record({ ptr: 'nxdomain', client: { stage: 'helo' }, policy: strict });
  expect(left.verdict.action).toBe('pending');
  expect(replay(strict, [left])).toMatchObject({ sessions: 1, changed: 0, not_recorded: 1, newly_refused: 0 });
});

test('postmaster stays reachable in a replay, and keeps its tags', () => {
  const client = { sender: 'a@b.example', recipient: 'postmaster@test.example' };
  const found = replay(strict, [record({ ptr: 'nxdomain', client, outcome: taken })]);
  expect(found).toMatchObject({ changed: 0, newly_refused: 0 });
});

test('against a policy both are judged anew, whatever was decided then', () => {
  const run = backtest({ candidate: strict, current: open });
  run.add(record({ ptr: 'nxdomain', policy: strict }));
  expect(run.result(now)).toMatchObject({ changed: 1, newly_refused: 1 });
});
