// Whatever breaks, and whenever, no client is told 250 for a message that the backend has not taken, and the backend takes no
// message that is cut. smtp-sink is the backend: it refuses, hangs up or is silent at any command, and keeps what it takes.

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backendsIdleMax } from '../../src/core/limits.ts';
import { listensOn, type Running, start, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { beginLetter, connectionsTo, type Letter, openRawSmtp, type RawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { type RealService, startRealService } from '../support/real-service.ts';
import { openRealSink, type RealSink } from '../support/real-sink.ts';

/** Each process that is killed cuts some sessions, and each of those is at a moment of its own. */
const [sessionsCut, sessionsPerKill] = [400, 2];

/** A message that tells whether it is whole. */
function letterOf(id: string, octets: number): Letter {
  const line = `${'x'.repeat(70)}\r\n`;
  const content = `Subject: ${id}\r\n\r\n${line.repeat(Math.ceil(octets / line.length))}end of ${id}\r\n`;
  return { sender: 'a@client.example', recipient: 'b@test.example', content };
}

/** Sessions of our own clients, and not of somebody who looked whether the port is open. */
const isOurClient = ({ client }: Record<string, unknown>): boolean => client === '127.0.0.2';

/** Those of the ids that were not kept; rejects if one was kept cut, or twice. */
async function missing(sink: RealSink, ids: readonly string[]): Promise<readonly string[]> {
  const kept = new Set<string>();
  for (const { sender, content } of await sink.messages()) {
    if (sender !== '<a@client.example>') continue; // not of letterOf
    const id = /^Subject: (.*)$/m.exec(content)?.[1] ?? 'none';
    if (!content.endsWith(`\nend of ${id}\n`)) throw new Error(`${id} is cut: ${JSON.stringify(content.slice(-60))}`);
    if (kept.has(id)) throw new Error(`${id} is there twice`);
    kept.add(id);
  }
  return ids.filter((id) => !kept.has(id));
}

/** Sends one message after the other until it hears anything but 250, which is the result. */
async function sendOn(client: RawSmtp, name: string, accepted: string[]): Promise<string> {
  for (let i = 0; ; i++) {
    const id = `${name}.${i}`;
    const reply = await sendLetter(client, letterOf(id, (i % 5) ** 3 * 1_000));
    if (!reply.startsWith('250 ')) return reply;
    accepted.push(id);
  }
}

/** So many clients, all greeted; what each heard last. */
async function sendersTo(port: number, name: string, count: number, accepted: string[]): Promise<Promise<string>[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => openRawSmtp(port)));
  return clients.map((client, i) => sendOn(client, `${name}.${i}`, accepted));
}

describeWith(['smtp-sink'], 'a backend that does not do its part', () => {
  const folder = temporaryFolder();
  let sink: RealSink;
  let service: RealService;

  beforeAll(async () => {
    sink = await openRealSink({ folder: folder.path });
    service = await startRealService({ folder: folder.path, policy: 'standard', backend: `127.0.0.1:${sink.port}` });
  });
  afterAll(async () => {
    await service.running.stop();
    await sink.running.stop();
    folder.remove();
  });

  const restart = async (...options: string[]): Promise<void> => {
    await sink.running.stop('SIGKILL');
    sink = await openRealSink({ folder: folder.path, port: sink.port, options });
  };
  let letters = 0;
  /** What the client heard last, when the backend has kept so many of its one message. */
  const sendOne = async (kept: number): Promise<string> => {
    const before = sink.kept().length;
    const client = await openRawSmtp(service.smtpPort);
    const reply = await sendLetter(client, letterOf(`n${++letters}`, 1_000));
    client.socket.destroy();
    await until(`${kept} are kept`, () => sink.kept().length === before + kept);
    return reply;
  };

  // What each option does is in smtp-sink(1).
  test.each([
    ['-q', 'CONNECT', '451 4.4.1'],
    ['-q', 'EHLO', '451 4.4.1'],
    ['-q', 'MAIL', '451 4.4.1'],
    ['-q', 'RCPT', '451 4.4.1'],
    ['-q', 'DATA', '451 4.4.1'],
    ['-q', '.', '451 4.4.1'],
    ['-Q', 'CONNECT', '451 4.4.1'],
    ['-Q', 'EHLO', '451 4.4.1'],
    ['-Q', 'MAIL', '421 4.0.0'],
    ['-Q', 'RCPT', '421 4.0.0'],
    ['-Q', 'DATA', '421 4.0.0'],
    ['-Q', '.', '421 4.0.0'],
    ['-r', 'CONNECT', '451 4.4.1'],
    ['-r', 'EHLO', '451 4.4.1'],
    ['-r', 'MAIL', '450 4.3.0'],
    ['-r', 'RCPT', '450 4.3.0'],
    ['-r', 'DATA', '450 4.3.0'],
    ['-r', '.', '450 4.3.0'],
    ['-f', 'CONNECT', '451 4.4.1'],
    ['-f', 'EHLO,HELO', '451 4.4.1'],
    ['-f', 'MAIL', '500 5.3.0'],
    ['-f', 'RCPT', '500 5.3.0'],
    ['-f', 'DATA', '500 5.3.0'],
    ['-f', '.', '500 5.3.0'],
    ['-A', '0', '451 4.4.1'], // 550 before the final dot, which is no reply to it
  ])('%s %s: the client hears %s, not 250', async (option, command, expected) => {
    await restart(option, command);
    const reply = await sendOne(command === '.' ? 1 : 0); // smtp-sink writes its file before it refuses the final dot
    expect(reply.slice(0, expected.length)).toBe(expected);
  });

  test('one that knows no EHLO gets HELO, and the message', async () => {
    await restart('-f', 'EHLO');
    expect(await sendOne(1)).toBe('250 2.0.0 Ok');
  });

  test('while it is silent after the final dot so are we; when it dies the client hears 451', async () => {
    await restart('-W', '.:1000');
    const client = await openRawSmtp(service.smtpPort);
    let reply: string | undefined;
    const answered = sendLetter(client, letterOf('unanswered', 1_000)).then((heard) => (reply = heard));
    await until('it has read the final dot', () => sink.kept().some(({ content }) => content.includes('end of')));
    expect(reply).toBeUndefined();
    await sink.running.stop('SIGKILL');
    expect(await answered).toMatch(/^451 4\.4\.1 /);
    client.socket.destroy();
  });

  test.each(['CONNECT', 'RCPT', '.'])('escape sequences in its reply to %s are shown, not sent', async (command) => {
    await restart('-f', command, '-B', '550 5.7.1 \x1b[31mred\rand \xe9 8-bit');
    const reply = await sendOne(command === '.' ? 1 : 0);
    const shown = command === 'CONNECT' ? service.running.output().replaceAll('\\\\', '\\') : reply;
    expect(shown).toMatch(/550 5\.7\.1 \\x1b\[31mred\\x0dand (?:\\x\w\w)+ 8-bit/);
    expect(reply).toMatch(/^[\x20-\x7e]*$/);
    expect(service.running.output()).toMatch(/^[\n\x20-\x7e]*$/);
  });
});

describeWith(['smtp-sink', 'smtp-source'], 'a message is taken whole, or its client knows that it is not', () => {
  const folder = temporaryFolder();
  let sink: RealSink;
  const services: RealService[] = [];

  beforeAll(async () => {
    // Without XCLIENT and XFORWARD it does not learn whose a connection is, and we keep it for the next client.
    sink = await openRealSink({ folder: folder.path, options: ['-C', '-F'] });
  });
  afterAll(async () => {
    for (const service of services) await service.running.stop('SIGKILL');
    await sink.running.stop();
    folder.remove();
  });

  const startService = async (): Promise<RealService> => {
    const place = mkdtempSync(join(folder.path, 'service-'));
    const service = await startRealService({ folder: place, policy: 'standard', backend: `127.0.0.1:${sink.port}` });
    services.push(service);
    return service;
  };
  const drawn = (most: number, count: number) => fc.sample(fc.nat(most), { seed: 8601, numRuns: count });

  test(`kill -9 in the middle of ${sessionsCut} sessions, ${sessionsPerKill} at a time: no 250 without its message`, async () => {
    const accepted: string[] = [];
    const endings: string[] = [];
    const moments = [...drawn(60, sessionsCut / sessionsPerKill)];
    const killOneAfterAnother = async (): Promise<void> => {
      for (let moment = moments.pop(); moment !== undefined; moment = moments.pop()) {
        const name = `kill.${moments.length}`;
        const service = await startService();
        const theirs: string[] = [];
        const sending = await sendersTo(service.smtpPort, name, sessionsPerKill, theirs);
        await until('one has been accepted', () => theirs.length > 0);
        await wait(moment);
        await service.running.stop('SIGKILL');
        endings.push(...(await Promise.all(sending)));
        accepted.push(...theirs);
      }
    };
    await Promise.all([1, 2, 3].map(killOneAfterAnother));
    expect(endings).toEqual(Array(sessionsCut).fill('')); // no reply at all: each was cut
    expect(accepted.length).toBeGreaterThanOrEqual(sessionsCut / sessionsPerKill);
    expect(await missing(sink, accepted)).toEqual([]);
  }, 300_000);

  test('200 clients that reset the connection anywhere in DATA: nothing cut arrives, nothing stays open', async () => {
    const before = (await sink.messages()).length;
    const service = await startService();
    const places = drawn(1_100, 200); // in thousandths of the message, the line of the final dot among them
    for (let i = 0; i < places.length; i += 25)
      await Promise.all(
        places.slice(i, i + 25).map(async (place, k) => {
          const { content, ...letter } = letterOf(`reset.${i + k}`, 20_000 * (k % 3));
          const client = await openRawSmtp(service.smtpPort);
          await beginLetter(client, letter);
          client.send(`${content}.\r\n`.slice(0, Math.floor(((content.length + 3) * place) / 1_000)));
          await wait(place % 3);
          client.socket.resetAndDestroy();
        }),
      );
    await until('each has its decision', () => service.decisions().filter(isOurClient).length === 200);
    await until('no client is left', () => connectionsTo(service.smtpPort) === 0);
    expect(connectionsTo(sink.port)).toBeLessThanOrEqual(backendsIdleMax);
    const client = await openRawSmtp(service.smtpPort);
    expect(await sendLetter(client, letterOf('after the resets', 1_000))).toMatch(/^250 /);
    client.socket.destroy();
    expect(service.running.output()).not.toContain('"level":"error"');
    expect(await service.running.stop()).toBe(0);
    expect(await missing(sink, ['after the resets'])).toEqual([]);
    const whole = places.filter((place) => place >= 1_000).length + 1;
    expect((await sink.messages()).length - before).toBeLessThanOrEqual(whole);
  });

  test('SIGTERM under load: the message under way is finished, everybody hears 421, every 250 has its message', async () => {
    const service = await startService();
    const load: Running = start('smtp-source', [
      ...['-s', '20', '-m', '1000000', '-c', '-l', '4000', '-f', 'source@client.example', '-t', 'b@test.example'],
      `127.0.0.1:${service.smtpPort}`,
    ]);
    const accepted: string[] = [];
    const sending = await sendersTo(service.smtpPort, 'term', 5, accepted);
    const slow = await openRawSmtp(service.smtpPort);
    const { content, ...letter } = letterOf('under way', 2_000);
    expect(await beginLetter(slow, letter)).toMatch(/^354 /);
    slow.send(content.slice(0, 1_000));
    await until('it is busy', () => accepted.length > 100 && counted(load) > 100);
    service.running.child.kill('SIGTERM');

    const lastWords = await Promise.all(sending);
    await until('no new client gets in', async () => !(await listensOn(service.smtpPort)));
    slow.send(`${content.slice(1_000)}.\r\n`);
    expect(await slow.reply()).toMatch(/^250 /);
    expect(await slow.reply()).toMatch(/^421 /);
    expect(await service.running.ended).toBe(0);
    expect(lastWords.map((reply) => reply.slice(0, 4))).toEqual(lastWords.map(() => '421 '));
    await load.ended;
    const all = await sink.messages();
    const fromSource = all.filter(({ sender }) => sender === '<source@client.example>');
    expect(fromSource.length).toBeGreaterThanOrEqual(counted(load));
    expect(await missing(sink, [...accepted, 'under way'])).toEqual([]);
  });
});

/** How many of its messages smtp-source has seen accepted, by its running counter. */
function counted(source: Running): number {
  return Number(/(\d+)\r[^\r]*$/.exec(source.output())?.[1] ?? 0);
}
