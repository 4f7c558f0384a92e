// A real Postfix asks the milter door: what its clients are told, and what becomes of the header of their mail.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';
import type { Decision } from '../../src/core/verdict.ts';
import { toZone } from '../../src/core/zone.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { milterDoor } from '../../src/doors/milter/server.ts';
import { makeGate } from '../../src/gate.ts';
import { gatherer, heloGatherer } from '../../src/gather.ts';
import { type Door, listen } from '../../src/listen.ts';
import { makeLog } from '../../src/log.ts';
import { makeRefs } from '../../src/ref.ts';
import { ourName, policyOf } from '../support/doors.ts';
import { run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { openSink, type Sink } from '../support/sink.ts';

/** 127.0.0.2 is confirmed, .3 has no PTR, .4 and .5 are not confirmed, .7 is in trouble. */
const resolver = zoneResolver(
  toZone({
    '127.0.0.2': ['mail.good.example'],
    'mail.good.example': ['127.0.0.2'],
    '127.0.0.4': ['mail.elsewhere.example'],
    '127.0.0.5': ['100%d\r\n250 injected.example'],
    '127.0.0.7': 'servfail',
  }),
);
const atRcpt = `
allow_hold: true
rules:
  - { id: odd, when: { client_ip: 127.0.0.5 }, reject: "100%, %s: {ptr} said {helo}" }
  - { id: held, when: { sender: held@client.example }, hold: true }
  - { id: why, when: { iprev: fail }, tag: { header: X-Why, value: "not confirmed" } }
  - { id: weak, when: { iprev: fail }, tag: weak }
  - { id: no-ptr, when: { iprev: permerror }, reject: "{ip} has no usable PTR record" }
  - { id: trouble, when: { iprev: temperror }, defer: "try again" }
otherwise: accept`;

describeWith(['postfix', 'swaks'], 'Postfix asks the milter door', () => {
  const folder = temporaryFolder();
  const logFile = join(folder.path, 'door.log');
  const decisions: Decision[] = [];
  let text = atRcpt;
  let door: Door;
  let sink: Sink;
  let postfix: RealPostfix;

  beforeAll(async () => {
    const gate = makeGate({
      gather: gatherer(resolver, 2_000),
      gatherHelo: heloGatherer(resolver, 2_000),
      policy: () => policyOf(text),
      report: (decision) => decisions.push(decision),
      newRef: makeRefs(Date.now),
      now: Date.now,
    });
    door = milterDoor({ gate, log: makeLog('info', logFile), authservId: ourName });
    const at = (await listen(door.server, { kind: 'tcp', host: '127.0.0.1', port: 0 })) as TcpEndpoint;
    sink = await openSink();
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: `127.0.0.1:${sink.endpoint.port}`,
      main: `smtpd_milters = inet:127.0.0.1:${at.port}`,
    });
  });
  afterAll(async () => {
    await postfix.close();
    await door.drain(500);
    await sink.close();
    folder.remove();
  });

  async function swaks(from: string, ...args: string[]): Promise<string> {
    const where = ['--server', '127.0.0.1', '--port', String(postfix.port), '--timeout', '20'];
    const who = ['--local-interface', from, '--from', 'a@client.example', '--to', 'b@test.example'];
    return (await run('swaks', [...where, '--helo', 'client.example', ...who, ...args])).output;
  }
  const refusalsIn = (output: string): string[] => output.split('\n').filter((line) => /^<\*\* /.test(line));

  /** The header fields of what arrives. */
  async function delivered(from: string, ...args: string[]): Promise<string[]> {
    const before = sink.messages.length;
    expect(await swaks(from, ...args)).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
    await until('it is delivered', () => sink.messages.length > before);
    const [header = ''] = (sink.messages[before]?.wire.toString('latin1') ?? '').split('\r\n\r\n');
    return header.split(/\r\n(?![ \t])/);
  }
  const ofOurs = (fields: readonly string[]): string[] =>
    fields.filter((field) => /^(?:authentication-results|x-iprevd-tag|x-why)\b/i.test(field));

  test('accepted: the results stand on top of all that came', async () => {
    const fields = await delivered('127.0.0.2');
    expect(ofOurs(fields)).toEqual([`Authentication-Results: ${ourName}; iprev=pass policy.iprev=127.0.0.2`]);
    expect(fields.indexOf(ofOurs(fields)[0] ?? '')).toBeLessThan(fields.findIndex((field) => /^Date:/.test(field)));
  });

  test('tagged: results, tags and fields of the policy, in this order', async () => {
    expect(ofOurs(await delivered('127.0.0.4'))).toEqual([
      `Authentication-Results: ${ourName}; iprev=fail policy.iprev=127.0.0.4`,
      'X-Iprevd-Tag: weak',
      'X-Why: not confirmed',
    ]);
  });

  test('rejected: 550 5.7.25 at RCPT, with the ref of the decision', async () => {
    const [refused = ''] = refusalsIn(await swaks('127.0.0.3'));
    expect(refused).toMatch(/^<\*\* 550 5\.7\.25 127\.0\.0\.3 has no usable PTR record/);
    const ref = /\(ref (\w+)\)/.exec(refused)?.[1];
    await until('it is reported', () => decisions.some(({ evidence }) => evidence.id === ref));
    expect(decisions.find(({ evidence }) => evidence.id === ref)?.evidence.client).toMatchObject({
      ip: '127.0.0.3',
      stage: 'rcpt',
      helo: 'client.example',
      sender: 'a@client.example',
      recipient: 'b@test.example',
      serverIp: '127.0.0.1',
      hearsay: { clientName: 'unknown' },
    });
  });

  test('deferred: 450 4.7.25', async () => {
    expect(refusalsIn(await swaks('127.0.0.7'))[0]).toMatch(/^<\*\* 450 4\.7\.25 try again/);
  });

  test('odd octets in PTR and HELO, and "%", are one reply line', async () => {
    const refusals = refusalsIn(await swaks('127.0.0.5', '--helo', 'caf\xe9%s.example'));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(/^<\*\* 550 5\.7\.25 100%, %s: .*%s\.example/);
    expect(refusals[0]).toMatch(/^[\x20-\x7e]+$/);
  });

  test('forged fields are gone, however they are spelled; those of others stay', async () => {
    const forged = [
      `Authentication-Results: ${ourName}; iprev=pass (one)`,
      'Authentication-Results: other.example; spf=pass',
      `authentication-results:${ourName}; iprev=pass (two)`,
      `Authentication-Results: (a\r\n comment) ${ourName}; iprev=pass (three)`,
      `Authentication-Results : ${ourName}; iprev=pass (four)`,
      `Authentication-Results:\r\n\t${ourName}; iprev=pass (five)`,
      'X-Iprevd-Tag: weak',
      'X-IPREVD-TAG : weak',
      'X-Why: trust me',
      'Authentication-Results: last.example; spf=pass',
    ];
    const path = join(folder.path, 'message');
    writeFileSync(path, ['Subject: x', ...forged, 'X-Last: x', '', 'body', ''].join('\r\n'), 'latin1');
    const fields = await delivered('127.0.0.2', '--data', `@${path}`);
    expect(ofOurs(fields)).toEqual([
      `Authentication-Results: ${ourName}; iprev=pass policy.iprev=127.0.0.2`,
      'Authentication-Results: other.example; spf=pass',
      'Authentication-Results: last.example; spf=pass',
    ]);
    expect(fields).toContain('X-Last: x');
  });

  test('a header field of 100 KB, which Postfix cuts to 60,000 octets for its filters', async () => {
    const path = join(folder.path, 'long');
    const lines = Array.from({ length: 120 }, () => ` ${'x'.repeat(900)}`);
    writeFileSync(path, ['Subject: x', 'X-Long: x', ...lines, '', 'body', ''].join('\r\n'));
    const fields = await delivered('127.0.0.2', '--data', `@${path}`);
    expect(fields.find((field) => field.startsWith('X-Long'))?.length).toBeGreaterThan(59_000);
  });

  test('held: it stands in the hold queue', async () => {
    expect(await swaks('127.0.0.2', '--from', 'held@client.example')).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
    await until('it is held', () => /milter-hold: END-OF-MESSAGE from .* from=<held@/.test(postfix.log()));
  });

  test('several messages in a connection, one given up: each has its own fields', async () => {
    const before = sink.messages.length;
    const client = await openRawSmtp(postfix.port, '127.0.0.4');
    const port = client.socket.localPort;
    const letter = { sender: 'a@client.example', recipient: 'b@test.example', content: 'Subject: x\r\n\r\nbody\r\n' };
    expect(await sendLetter(client, letter)).toMatch(/^250 /);
    expect(await client.command('MAIL FROM:<a@client.example>')).toMatch(/^250 /);
    expect(await client.command('RSET')).toMatch(/^250 /);
    expect(await client.command('NONSENSE')).toMatch(/^50[02] /);
    expect(await sendLetter(client, letter)).toMatch(/^250 /);
    expect(await client.command('QUIT')).toMatch(/^221 /);
    await until('all are delivered', () => sink.messages.length === before + 2);
    const tags = sink.messages.slice(before).map(({ wire }) => wire.toString().match(/^X-Iprevd-Tag: /gm)?.length);
    expect(tags).toEqual([1, 1]);
    const reported = decisions.filter(({ evidence }) => evidence.client.port === port);
    expect(reported).toHaveLength(1);
  });

  test.each([
    ['connect', 'helo'],
    ['helo', 'helo'],
    ['mail', 'mail'],
  ])('announced at %s: Postfix keeps the refusal for MAIL', async (announce, stage) => {
    // A rule about the sender would wait for MAIL.
    text = `announce: ${announce}\n${atRcpt.replace(/^.*id: held.*$/m, '')}`;
    try {
      const lines = (await swaks('127.0.0.3')).split('\n');
      const at = lines.findIndex((line) => /^<\*\* /.test(line));
      expect(lines[at - 1]).toMatch(/^ -> MAIL/);
      expect(lines[at]).toMatch(/^<\*\* 550 5\.7\.25 127\.0\.0\.3 has no usable PTR record/);
      const ref = /\(ref (\w+)\)/.exec(lines[at] ?? '')?.[1];
      const told = decisions.find(({ evidence }) => evidence.id === ref);
      expect(told?.evidence.client.stage).toBe(stage);
    } finally {
      text = atRcpt;
    }
  });

  test('nothing was out of order', () => {
    expect(readFileSync(logFile, 'utf8')).toBe('');
    expect(postfix.log()).not.toMatch(/warning: .*milter/);
  });
});
