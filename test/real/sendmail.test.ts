// A real Sendmail asks the milter door, as deploy/sendmail has it: what its clients are told, and what becomes of the header of
// their mail. Its words around ours are those of Sendmail 8.17.1.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Tls } from '../../src/core/client.ts';
import { replyOctetsMax } from '../../src/core/limits.ts';
import { type Certificates, type KeyPairFiles, makeCertificates } from '../support/certificates.ts';
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
import { openRawSmtp, type RawSmtp, secureRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { openRealSendmail, sendmail as program, type RealSendmail } from '../support/real-sendmail.ts';
import { openSink, type Sink } from '../support/sink.ts';

const recipe = readFileSync(join(projectFolder, 'deploy/sendmail/milter.mc'), 'utf8');

describeWith([program, 'm4', 'swaks', 'openssl'], 'Sendmail asks the milter door', () => {
  const folder = temporaryFolder();
  const logFile = join(folder.path, 'door.log');
  let policy = milterRules;
  let door: OpenMilter;
  let sink: Sink;
  let files: Certificates;
  let sendmail: RealSendmail;

  beforeAll(async () => {
    door = await openMilter({ logFile, policy: () => policy });
    sink = await openSink();
    files = await makeCertificates(folder.path);
    sendmail = await openRealSendmail({
      folder: folder.path,
      deliverTo: `127.0.0.1:${sink.endpoint.port}`,
      recipe: recipe.replaceAll('10046', String(portOf(door.at))),
      tls: files,
    });
  });
  afterAll(async () => {
    await sendmail.close();
    await door.close();
    await sink.close();
    folder.remove();
  });

  const clients: RawSmtp[] = [];
  /** Its sessions are processes, and end with their clients. */
  afterEach(() => {
    for (const { socket } of clients.splice(0)) socket.destroy();
  });
  async function dial(from?: string): Promise<RawSmtp> {
    const client = await openRawSmtp(sendmail.port, from);
    clients.push(client);
    return client;
  }

  const asked = (from: string, ...args: string[]) => swaks(sendmail.port, from, ...args);

  /** The header fields of what arrives. */
  async function delivered(from: string, ...args: string[]): Promise<string[]> {
    const before = sink.messages.length;
    expect(await asked(from, ...args)).toMatch(/<- {2}250 2\.0\.0 \w+ Message accepted for delivery/);
    await until('it is delivered', () => sink.messages.length > before);
    return fieldsOf(sink, before);
  }

  test('accepted: the results stand on top, above its own Received', async () => {
    const fields = await delivered('127.0.0.2');
    expect(fields[0]).toBe(`Authentication-Results: ${ourName}; iprev=pass policy.iprev=127.0.0.2`);
    expect(fields[1]).toMatch(/^Received: from client\.example/);
    expect(ourFields(fields)).toHaveLength(1);
  });

  test('tagged: results, tags and fields of the policy, in this order', async () => {
    expect((await delivered('127.0.0.4')).slice(0, 4)).toEqual([
      `Authentication-Results: ${ourName}; iprev=fail policy.iprev=127.0.0.4`,
      'X-Iprevd-Tag: weak',
      'X-Why: not confirmed',
      expect.stringMatching(/^Received: /),
    ]);
  });

  test('rejected: 550 5.7.25 at RCPT, with the ref of the decision', async () => {
    const [refused = ''] = refusalsIn(await asked('127.0.0.3'));
    expect(refused).toMatch(/^<\*\* 550 5\.7\.25 <b@test\.example>\.\.\. 127\.0\.0\.3 has no usable PTR record/);
    expect((await decisionOf(refused, door))?.evidence.client).toMatchObject({
      ip: '127.0.0.3',
      stage: 'rcpt',
      helo: 'client.example',
      sender: 'a@client.example',
      recipient: 'b@test.example',
      serverIp: '127.0.0.1',
      serverPort: sendmail.port,
      hearsay: { clientName: 'unknown', reverseClientName: 'unknown' },
    });
  });

  test('deferred: 450 4.7.25', async () => {
    expect(refusalsIn(await asked('127.0.0.7'))[0]).toMatch(/^<\*\* 450 4\.7\.25 <b@test\.example>\.\.\. try again/);
  });

  test('odd octets in PTR, and "%", are one reply line; what is odd in HELO it refuses itself', async () => {
    const client = await dial('127.0.0.5');
    for (const name of ['caf\xe9%s.example', '"a b\x01']) // after three it lets a client wait
      expect(await client.command(`HELO ${name}`)).toMatch(/^501 /);
    const refused = await sendLetter(client, letter);
    expect(refused).toContain('100%, %s: 100%d\\x0d\\x0a250 injected.example said client.example');
    expect(refused).toMatch(/^550 5\.7\.25 [\x20-\x7e]+$/);
    expect(await client.command('QUIT')).toMatch(/^221 /);
  });

  test('the longest reply is one line', async () => {
    policy = `rules: [{ id: long, reject: "${'0123456789'.repeat(50)}" }]\notherwise: accept`;
    try {
      const refused = await sendLetter(await dial(), letter);
      expect(refused).toMatch(/^550 5\.7\.25 <b@test\.example>\.\.\. [0-9]+\.\.\. \(ref \w+\)$/);
      expect(refused).toHaveLength(replyOctetsMax + '<b@test.example>... '.length);
    } finally {
      policy = milterRules;
    }
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

  test('held: it is in quarantine, and mailq says why', async () => {
    const before = sink.messages.length;
    expect(await asked('127.0.0.2', '--from', 'held@client.example')).toContain('Message accepted for delivery');
    expect(await sendmail.quarantined()).toMatch(/<held@client\.example>\s+QUARANTINE: held \(ref \w+\)/);
    await delivered('127.0.0.2');
    expect(sink.messages.slice(before).map(({ mail }) => mail)).not.toContainEqual(expect.stringContaining('held@'));
  });

  test('several messages in a connection, one given up: each has its own fields', async () => {
    const before = sink.messages.length;
    const client = await dial('127.0.0.4');
    const port = client.socket.localPort;
    expect(await sendLetter(client, letter)).toMatch(/^250 /);
    expect(await client.command('MAIL FROM:<a@client.example>')).toMatch(/^250 /);
    expect(await client.command('RSET')).toMatch(/^250 /);
    expect(await client.command('NONSENSE')).toMatch(/^500 /);
    expect(await sendLetter(client, letter)).toMatch(/^250 /);
    expect(await client.command('QUIT')).toMatch(/^221 /);
    await until('all are delivered', () => sink.messages.length === before + 2);
    for (const index of [before, before + 1])
      expect(ourFields(fieldsOf(sink, index)).map((field) => field.split(':')[0])).toEqual([
        'Authentication-Results',
        'X-Iprevd-Tag',
        'X-Why',
      ]);
    expect(door.decisions.filter(({ evidence }) => evidence.client.port === port)).toHaveLength(1);
  });

  test.each([
    ['helo', '127.0.0.3', '550 5.7.25 127.0.0.3 has no usable PTR record', '550 5.7.25 '],
    ['helo', '127.0.0.7', '450 4.7.25 try again', '450 4.7.25 '],
    ['mail', '127.0.0.3', '550 5.7.25 <a@client.example>... 127.0.0.3 has', '503 5.0.0 Need MAIL'],
    ['mail', '127.0.0.7', '450 4.7.25 <a@client.example>... try again', '503 5.0.0 Need MAIL'],
  ])('announced at %s, %s: it keeps the refusal for MAIL', async (announce, from, atMail, atRcpt) => {
    policy = announcedAt(announce);
    try {
      const client = await dial(from);
      const refused = await client.command('MAIL FROM:<a@client.example>');
      expect(refused.slice(0, atMail.length)).toBe(atMail);
      expect((await client.command('RCPT TO:<b@test.example>')).slice(0, atRcpt.length)).toBe(atRcpt);
      expect(await client.command('QUIT')).toMatch(/^221 /);
      expect((await decisionOf(refused, door))?.evidence.client.stage).toBe(announce);
    } finally {
      policy = milterRules;
    }
  });

  test('a client from ::1', async () => {
    const [results] = await delivered('::1');
    expect(results).toBe(`Authentication-Results: ${ourName}; iprev=pass policy.iprev="::1"`);
    expect(door.decisions.at(-1)?.evidence.client).toMatchObject({ ip: '::1', serverIp: '::1' });
  });

  describe('TLS', () => {
    /** What the decision has of a client that shows this. */
    async function seen(shown: KeyPairFiles | 'none'): Promise<Tls | undefined> {
      const pair = shown === 'none' ? {} : { cert: readFileSync(shown.cert), key: readFileSync(shown.key) };
      const client = await secureRawSmtp(await dial('127.0.0.3'), pair);
      const refused = await sendLetter(client, letter);
      expect(await client.command('QUIT')).toMatch(/^221 /);
      return (await decisionOf(refused, door))?.evidence.client.tls;
    }
    test.each([
      ['no certificate', () => 'none' as const, undefined],
      ['one that it trusts', () => files.client, { verified: true, names: ['client.example'] }],
      ['a common name of odd octets', () => files.oddClient, { verified: true, names: ['odd +2Bone <example>'] }],
      ['one that signed itself', () => files.selfSigned, { verified: false, names: ['mx.test.example'] }],
    ])('%s', async (_, shown, certificate) => {
      const tls = await seen(shown());
      expect(tls?.protocol).toMatch(/^TLSv1\.[23]$/);
      expect(tls?.certificate).toEqual(certificate);
    });
  });

  test('nothing was out of order', () => {
    expect(readFileSync(logFile, 'utf8')).toBe('');
  });

  test('while iprevd is gone clients are told to try again, and then all is as before', async () => {
    const { at } = door;
    const client = await dial();
    await door.close();
    expect(await sendLetter(client, letter)).toMatch(/^451 4\.3\.2 /);
    const other = await dial();
    expect(await sendLetter(other, letter)).toMatch(/^451 4\.3\.2 /);
    door = await openMilter({ logFile, at });
    expect(await sendLetter(await dial(), letter)).toMatch(/^250 /);
  });
});
