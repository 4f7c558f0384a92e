import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Client } from '../../src/core/client.ts';
import { decide } from '../../src/core/decide.ts';
import { decisionFields, type Logger, logDecision, makeLog } from '../../src/log.ts';
import { makeRefs } from '../../src/ref.ts';
import { policyOf } from '../support/doors.ts';
import { evidenceOf } from '../support/evidence.ts';

test('a decision line tells who, what was found, which rule, and how long it took', () => {
  const policy = policyOf(`
rules:
  - { id: would, when: { iprev: fail }, mode: monitor, reject: "x" }
  - { id: weak, when: { iprev: fail }, tag: weak, score: 2 }
  - { id: no, when: { reason: mismatch }, reject: "no" }
otherwise: accept`);
  const client = { port: 4, helo: 'mx.example', sender: 'a@b.example', recipient: 'c@d.example' };
  const evidence = evidenceOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.8'] }, client });
  expect(decisionFields(decide(policy, evidence), 12.4)).toEqual({
    ref: 'testref',
    door: 'check',
    client: '192.0.2.7',
    port: 4,
    stage: 'rcpt',
    helo: 'mx.example',
    sender: 'a@b.example',
    recipient: 'c@d.example',
    ptr: ['mx.example'],
    iprev: 'fail',
    reason: 'mismatch',
    name: undefined,
    naming: 'custom',
    helo_is: 'fqdn',
    helo_dns: 'not-asked',
    alignment: 'claimed',
    certificate: undefined,
    stale: undefined,
    rule: 'no',
    action: 'reject',
    tags: ['weak'],
    score: 2,
    reply: '550 5.7.25',
    softened: undefined,
    would: ['would'],
    ms: 12,
  });
});

test('a decision is a line as the logger would write it, and none where nobody wants it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iprevd-log-'));
  try {
    const written = async (level: 'info' | 'warn', write: (log: Logger) => void): Promise<string> => {
      const file = join(folder, randomUUID());
      write(makeLog(level, file));
      await setImmediate();
      return readFileSync(file, 'utf8').replace(/"time":"[-:.\dTZ]{24}"/, '"time":""');
    };
    const quoted = evidenceOf({ ptr: ['mx.example'], client: { port: 4, helo: '"\\é', sender: '' } });
    const decision = decide(policyOf('rules: []\notherwise: { tag: t, hold: true }'), quoted);
    const line = await written('info', (log) => logDecision(log)(decision, 3));
    expect(line).toBe(await written('info', (log) => log.info(decisionFields(decision, 3), 'decision')));
    expect(line).toContain('"msg":"decision"}\n');
    expect(await written('warn', (log) => logDecision(log)(decision, 3))).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('decisions of one turn are written together, and before any other line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iprevd-log-'));
  try {
    const file = join(folder, 'log');
    const log = makeLog('info', file);
    const report = logDecision(log);
    const said = () => [...readFileSync(file, 'utf8').matchAll(/"msg":"(\w+)"/g)].map(([, word]) => word);
    const decision = decide(policyOf('rules: []\notherwise: accept'), evidenceOf({ ptr: 'nxdomain' }));
    report(decision, 1);
    expect(said()).toEqual([]);
    log.warn('other');
    expect(said()).toEqual(['decision', 'other']);
    report(decision, 1);
    report(decision, 1);
    await setImmediate();
    expect(said()).toEqual(['decision', 'other', 'decision', 'decision']);
    report(decision, 1);
    process.emit('exit', 0);
    expect(said()).toHaveLength(5);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('who spoke before the greeting, and over which TLS; neither where there is nothing to tell', () => {
  const line = (client: Partial<Client>): object => {
    const decision = decide(policyOf('rules: []\notherwise: accept'), evidenceOf({ ptr: 'nxdomain', client }));
    return JSON.parse(JSON.stringify(decisionFields(decision, 0)));
  };
  expect(line({ early: true, tls: { protocol: 'TLSv1.3' } })).toMatchObject({ early: true, tls: 'TLSv1.3' });
  for (const key of ['early', 'tls']) expect(line({})).not.toHaveProperty(key);
});

test('foreign bytes are escaped, wherever they come from', () => {
  const hostile = 'x\r\n{"level":"error"}\x1b[2J\u202e';
  const evidence = evidenceOf({ ptr: [hostile], client: { helo: hostile, sender: hostile, recipient: hostile } });
  const line = JSON.stringify(decisionFields(decide(policyOf('rules: []\notherwise: accept'), evidence), 0));
  expect(line).toMatch(/^[\x20-\x7e]*$/);
  expect(line).toContain('\\\\x0d\\\\x0a');
});

test('refs sort by time, do not repeat, and have no look-alikes', () => {
  let clock = Date.parse('2026-11-21T00:00:00Z');
  const next = makeRefs(() => clock, 32 ** 4 - 3);
  const refs = Array.from({ length: 1_000 }, () => next());
  expect(new Set(refs).size).toBe(1_000);
  expect(refs[0]).toMatch(/^[0-9a-hjkmnp-tv-z]{11}$/);
  clock += 1_000;
  expect(next() > (refs[0] ?? '')).toBe(true);
});

test.each([
  ['mx.example', ['192.0.2.7'], undefined],
  ['unknown', ['192.0.2.7'], 'unknown'],
  ['mx.example', ['192.0.2.8'], 'mx.example'],
  ['unknown', ['192.0.2.8'], undefined],
  ['\x1b[31m', ['192.0.2.8'], '\\x1b[31m'],
  [undefined, ['192.0.2.8'], undefined],
])(
  'what Postfix says of the name, %j, stands there if we came to something else (%j): %j',
  (clientName, addresses, heard) => {
    const client = clientName === undefined ? {} : { hearsay: { clientName } };
    const evidence = evidenceOf({ ptr: ['mx.example'], forward: { 'mx.example': addresses }, client });
    expect(decisionFields(decide(policyOf('rules: []\notherwise: accept'), evidence), 0).heard).toBe(heard);
  },
);

test('a mail server that looked nobody up has said nothing', () => {
  const client = { hearsay: { clientName: 'unknown', reverseClientName: 'unknown' } };
  const evidence = evidenceOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] }, client });
  expect(decisionFields(decide(policyOf('rules: []\notherwise: accept'), evidence), 0).heard).toBeUndefined();
});
