// A log that Postfix 3.7.11 wrote itself (test/fixtures), and the same lines as rsyslog writes them with ISO times.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { backtest } from '../../../src/core/backtest/backtest.ts';
import type { Session } from '../../../src/core/backtest/judge.ts';
import { postfixLog } from '../../../src/core/postfix-log.ts';
import { policyOf } from '../../support/doors.ts';
import { projectFolder } from '../../support/processes.ts';

const text = readFileSync(join(projectFolder, 'test/fixtures/postfix-3.7.11-maillog.txt'), 'utf8');
const iso = text.replace(/^Nov 26 (\S+) /gm, '2026-11-26T$1.123456+02:00 ');
const latest = Date.parse('2026-11-26T12:00:00Z');

function sessions(log: string): Session[] {
  const found: Session[] = [];
  const read = postfixLog(latest, (session) => found.push(session));
  log.split('\n').forEach((line, i) => {
    read.line(line, `mail.log:${i + 1}`);
  });
  read.end();
  return found;
}

const short = ({ evidence, verdict, outcome, dnsNotRecorded }: Session) => ({
  ip: evidence.client.ip,
  helo: evidence.client.helo,
  action: verdict.action,
  codes: [...(outcome?.rcpt ?? []), ...(outcome?.dot ?? [])],
  dnsNotRecorded: dnsNotRecorded === true,
  early: evidence.client.early === true,
});

test.each([
  ['as Postfix writes it', text],
  ['with ISO times', iso],
])('%s: who came, and what became of it', (_, log) => {
  expect(sessions(log).map(short)).toEqual([
    { ip: '192.0.2.7', helo: undefined, action: 'accept', codes: [250], dnsNotRecorded: false, early: false },
    { ip: '192.0.2.9', helo: 'nobody.example', action: 'defer', codes: [450], dnsNotRecorded: true, early: false },
    {
      ip: '192.0.2.7',
      helo: 'mx.partner.example',
      action: 'reject',
      codes: [554],
      dnsNotRecorded: false,
      early: false,
    },
    { ip: '198.51.100.4', helo: undefined, action: 'pending', codes: [], dnsNotRecorded: true, early: false },
    { ip: '192.0.2.8', helo: 'mx.mismatch.example', action: 'defer', codes: [450], dnsNotRecorded: true, early: false },
    { ip: '203.0.113.5', helo: 'bot.example', action: 'reject', codes: [550], dnsNotRecorded: true, early: true },
  ]);
});

test('times, refs and the envelope', () => {
  const [taken, deferred] = sessions(iso);
  expect(taken?.evidence).toMatchObject({ id: '8ACF820C5EB', at: '2026-11-26T02:39:18.123Z' });
  expect(taken?.lacks).toEqual(new Set(['helo', 'sender', 'recipient', 'tls', 'port', 'door', 'names']));
  expect(deferred?.evidence).toMatchObject({
    id: 'mail.log:8',
    client: { sender: 'a@nobody.example', recipient: 'b@test.example' },
  });
  const local = sessions(text)[0]?.evidence.at ?? '';
  expect(new Date(local).getTime()).toBe(new Date(2026, 10, 26, 4, 39, 18).getTime());
  // Of a line without a year, no time lies ahead.
  const december = text.replace(/^Nov 26/gm, 'Dec 31');
  expect(new Date(sessions(december)[0]?.evidence.at ?? '').getFullYear()).toBe(2025);
});

test('"unknown" is not recorded where a rule needs the DNS, and known where none does', () => {
  const run = (policy: string) => {
    const replay = backtest({ candidate: policyOf(policy) });
    for (const session of sessions(text)) replay.add(session);
    return replay.result(0);
  };
  const asking = run('rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n');
  expect(asking.matrix).toMatchObject({
    accept: { accept: 1 },
    defer: { not_recorded: 2 },
    reject: { accept: 1, not_recorded: 1 },
    not_recorded: { not_recorded: 1 },
  });
  expect(asking.never_hit).toEqual([]);
  expect(asking.rules[0]).toMatchObject({ rule: 'no-ptr', held: 0, not_recorded: 4 });
  const banned = run(
    'rules: [{ id: ban, when: { client_ip: 192.0.2.8 }, reject: "no" }, { id: bot, when: { early_talker: true }, reject: "no" }]\notherwise: accept\n',
  );
  expect(banned.matrix).toMatchObject({ defer: { accept: 1, reject: 1 }, reject: { accept: 1, reject: 1 } });
  const byHelo = run('rules: [{ id: helo, when: { helo: mx.partner.example }, tag: partner }]\notherwise: accept\n');
  expect(byHelo.matrix).toMatchObject({ accept: { not_recorded: 1 }, reject: { tag: 1, accept: 1 } });
});

test.each([
  ['another program', 'Nov 26 04:39:18 host postfix/qmgr[1]: connect from x.example[192.0.2.7]'],
  ['no address', 'Nov 26 04:39:18 host postfix/smtpd[1]: connect from unknown[not-an-address]'],
  ['no time', 'Xxx 99 04:39:18 host postfix/smtpd[1]: connect from unknown[192.0.2.7]'],
  ['garbage', '\u0000\u001b[2J{}'],
  ['', ''],
])('%s is passed over', (_, line) => {
  expect(sessions(line)).toEqual([]);
});

test.each([
  ['its recipient', '; from=<x@y> to=<z@y> proto=ESMTP helo=<mx.partner.example>', 'mx.bot.example'],
  ['HELO', 'z@y', 'x>; from=<x@y> to=<z@y> proto=ESMTP helo=<mx.partner.example'],
])('a client that writes the end of a refusal into %s is not believed', (_, recipient, helo) => {
  const log = `Nov 26 04:39:18 host postfix/smtpd[1]: connect from unknown[192.0.2.9]
Nov 26 04:39:18 host postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 550 5.7.1 <${recipient}>: no; from=<a@b.example> to=<c@test.example> proto=ESMTP helo=<${helo}>
Nov 26 04:39:18 host postfix/smtpd[1]: disconnect from unknown[192.0.2.9] data=0/1`;
  const [session] = sessions(log);
  expect(session?.verdict.action).toBe('reject');
  expect(session?.evidence.client).toEqual({ ip: '192.0.2.9', stage: 'rcpt', authenticated: false });
});
