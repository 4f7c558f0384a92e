// A real Postfix asks the milter door: what its clients are told, and what becomes of the header of their mail.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ourName } from '../support/doors.ts';
import {
  announcedAt,
  decisionOf,
  fieldsOf,
  forgedFields,
  letter,
  messageFile,
  milterRules,
  type OpenMilter,
  openMilter,
  ourFields,
  portOf,
  refusalsIn,
  swaks,
} from '../support/milter-set.ts';
import { projectFolder, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { openSink, type Sink } from '../support/sink.ts';

const recipe = readFileSync(join(projectFolder, 'deploy/postfix/milter.main.cf'), 'utf8');

describeWith(['postfix', 'swaks'], 'Postfix asks the milter door', () => {
  const folder = temporaryFolder();
  const logFile = join(folder.path, 'door.log');
  let policy = milterRules;
  let door: OpenMilter;
  let onSocket: OpenMilter;
  let sink: Sink;
  let postfix: RealPostfix;

  beforeAll(async () => {
    const socket = { kind: 'unix', path: join(folder.path, 'milter.sock') } as const;
    door = await openMilter({ logFile, policy: () => policy });
    onSocket = await openMilter({ logFile, at: socket });
    sink = await openSink();
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: `127.0.0.1:${sink.endpoint.port}`,
      main: `inet_protocols = all
${recipe.replaceAll('10046', String(portOf(door.at)))}`,
      recipe: `127.0.0.1:10025 inet n - n - - smtpd
[::1]:10025 inet n - n - - smtpd
  -o smtpd_milters=unix:${socket.path}
`,
    });
  });
  afterAll(async () => {
    await postfix.close();
    await door.close();
    await onSocket.close();
    await sink.close();
    folder.remove();
  });

  const asked = (from: string, ...args: string[]) => swaks(postfix.port, from, ...args);

  /** The header fields of what arrives. */
  async function delivered(from: string, ...args: string[]): Promise<string[]> {
    const before = sink.messages.length;
    expect(await asked(from, ...args)).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
    await until('it is delivered', () => sink.messages.length > before);
    return fieldsOf(sink, before);
  }

  test('accepted: the results stand on top of all that came', async () => {
    const fields = await delivered('127.0.0.2');
    expect(ourFields(fields)).toEqual([`Authentication-Results: ${ourName}; iprev=pass policy.iprev=127.0.0.2`]);
    expect(fields.indexOf(ourFields(fields)[0] ?? '')).toBeLessThan(fields.findIndex((field) => /^Date:/.test(field)));
  });

  test('tagged: results, tags and fields of the policy, in this order', async () => {
    expect(ourFields(await delivered('127.0.0.4'))).toEqual([
      `Authentication-Results: ${ourName}; iprev=fail policy.iprev=127.0.0.4`,
      'X-Iprevd-Tag: weak',
      'X-Why: not confirmed',
    ]);
  });

  test('rejected: 550 5.7.25 at RCPT, with the ref of the decision', async () => {
    const [refused = ''] = refusalsIn(await asked('127.0.0.3'));
    expect(refused).toMatch(/^<\*\* 550 5\.7\.25 127\.0\.0\.3 has no usable PTR record/);
    expect((await decisionOf(refused, door))?.evidence.client).toMatchObject({
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
    expect(refusalsIn(await asked('127.0.0.7'))[0]).toMatch(/^<\*\* 450 4\.7\.25 try again/);
  });

  test('odd octets in PTR and HELO, and "%", are one reply line', async () => {
    const refusals = refusalsIn(await asked('127.0.0.5', '--helo', 'caf\xe9%s.example'));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(/^<\*\* 550 5\.7\.25 100%, %s: .*%s\.example/);
    expect(refusals[0]).toMatch(/^[\x20-\x7e]+$/);
  });

  test('forged fields are gone, however they are spelled; those of others stay', async () => {
    const file = messageFile(folder.path, [...forgedFields, 'X-Last: x']);
    const fields = await delivered('127.0.0.2', '--data', `@${file}`);
    expect(ourFields(fields)).toEqual([
      `Authentication-Results: ${ourName}; iprev=pass policy.iprev=127.0.0.2`,
      'Authentication-Results: other.example; spf=pass',
      'Authentication-Results: last.example; spf=pass',
    ]);
    expect(fields).toContain('X-Last: x');
  });

  test('a header field of 100 KB, which Postfix cuts to 60,000 octets for its filters', async () => {
    const lines = Array.from({ length: 120 }, () => ` ${'x'.repeat(900)}`);
    const file = messageFile(folder.path, [`X-Long: x\r\n${lines.join('\r\n')}`]);
    const fields = await delivered('127.0.0.2', '--data', `@${file}`);
    expect(fields.find((field) => field.startsWith('X-Long'))?.length).toBeGreaterThan(59_000);
  });

  test('held: it stands in the hold queue', async () => {
    expect(await asked('127.0.0.2', '--from', 'held@client.example')).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
    await until('it is held', () => /milter-hold: END-OF-MESSAGE from .* from=<held@/.test(postfix.log()));
  });

  test('several messages in a connection, one given up: each has its own fields', async () => {
    const before = sink.messages.length;
    const client = await openRawSmtp(postfix.port, '127.0.0.4');
    const port = client.socket.localPort;
    expect(await sendLetter(client, letter)).toMatch(/^250 /);
    expect(await client.command('MAIL FROM:<a@client.example>')).toMatch(/^250 /);
    expect(await client.command('RSET')).toMatch(/^250 /);
    expect(await client.command('NONSENSE')).toMatch(/^50[02] /);
    expect(await sendLetter(client, letter)).toMatch(/^250 /);
    expect(await client.command('QUIT')).toMatch(/^221 /);
    await until('all are delivered', () => sink.messages.length === before + 2);
    const tags = sink.messages.slice(before).map(({ wire }) => wire.toString().match(/^X-Iprevd-Tag: /gm)?.length);
    expect(tags).toEqual([1, 1]);
    const reported = door.decisions.filter(({ evidence }) => evidence.client.port === port);
    expect(reported).toHaveLength(1);
  });

  test.each([
    ['connect', 'helo', '127.0.0.3', '550 5.7.25 127.0.0.3 has no usable PTR record'],
    ['helo', 'helo', '127.0.0.3', '550 5.7.25 127.0.0.3 has no usable PTR record'],
    ['helo', 'helo', '127.0.0.7', '450 4.7.25 try again'],
    ['mail', 'mail', '127.0.0.3', '550 5.7.25 127.0.0.3 has no usable PTR record'],
    ['mail', 'mail', '127.0.0.7', '450 4.7.25 try again'],
  ])('announced at %s: Postfix keeps the refusal for MAIL', async (announce, stage, from, words) => {
    policy = announcedAt(announce);
    try {
      const lines = (await asked(from)).split('\n');
      const at = lines.findIndex((line) => /^<\*\* /.test(line));
      expect(lines[at - 1]).toMatch(/^ -> MAIL/);
      expect(lines[at]?.slice('<** '.length, '<** '.length + words.length)).toBe(words);
      expect((await decisionOf(lines[at] ?? '', door))?.evidence.client.stage).toBe(stage);
    } finally {
      policy = milterRules;
    }
  });

  test('a client from ::1, and the door on a UNIX socket', async () => {
    const fields = await delivered('::1');
    expect(ourFields(fields)).toEqual([`Authentication-Results: ${ourName}; iprev=pass policy.iprev="::1"`]);
    expect(onSocket.decisions.at(-1)?.evidence.client).toMatchObject({ ip: '::1', serverIp: '::1' });
  });

  test('nothing was out of order', () => {
    expect(readFileSync(logFile, 'utf8')).toBe('');
    expect(postfix.log()).not.toMatch(/warning: .*milter/);
  });

  test('while iprevd is gone clients are told to try again, and then all is as before', async () => {
    const { at } = door;
    const client = await openRawSmtp(postfix.port);
    await door.close();
    expect(await sendLetter(client, letter)).toMatch(/^451 4\.7\.1 /);
    expect(await sendLetter(await openRawSmtp(postfix.port), letter)).toMatch(/^451 4\.7\.1 /);
    door = await openMilter({ logFile, at });
    expect(await sendLetter(await openRawSmtp(postfix.port), letter)).toMatch(/^250 /);
  });
});
