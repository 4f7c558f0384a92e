// What one client may take: errors, commands, recipients, octets, places and time; and what becomes of it when something of
// ours throws or never answers. Over every bound stands one reply, and the door goes on.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { TcpEndpoint } from '../../../../src/core/endpoint.ts';
import { connectionsTurnedAwayMax, recipientsMax } from '../../../../src/core/limits.ts';
import { outcomeOf, play } from '../../../../src/demo/player.ts';
import type { Gate, Inquiry } from '../../../../src/gate.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { failNth } from '../../../support/faults.ts';
import { temporaryFolder, until } from '../../../support/processes.ts';
import {
  cleanUp,
  dial,
  goodInquiry,
  part,
  saying,
  setUp,
  setUpWith,
  type Typist,
  type,
  zone,
} from '../../../support/smtp-set.ts';

const envelope = 'EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\n';
const times = (count: number, text: string): string => text.repeat(count);
/** How often each code was said, in the order of the first of each. */
const counts = (codes: readonly string[]): string =>
  [...new Set(codes)].map((code) => `${codes.filter((other) => other === code).length}x${code}`).join(' ');

describe('errors and idle commands', () => {
  test.each([
    ['words that are no command', 'XYZZY\r\n', '1x220 20x500 1x421'],
    ['bad MAIL', 'MAIL FROM:a@b.example\r\n', '1x220 20x503 1x421'],
    ['RCPT without MAIL', 'RCPT TO:<c@test.example>\r\n', '1x220 20x503 1x421'],
    ['DATA without a recipient', 'DATA\r\n', '1x220 20x503 1x421'],
    ['NOOP', 'NOOP\r\n', '1x220 100x250 1x421'],
    ['RSET', 'RSET\r\n', '1x220 100x250 1x421'],
    ['EHLO', 'EHLO x\r\n', '1x220 100x250 1x421'],
    ['VRFY', 'VRFY c@test.example\r\n', '1x220 100x252 1x421'],
    ['empty lines', '\r\n', '1x220 20x500 1x421'],
    ['lines of LF', '\n', '1x220 20x500 1x421'],
  ])('%s, without end', async (_, line, expected) => {
    const { doors } = await setUp();
    const client = await type(doors);
    client.say(times(500, line));
    await until('it is disconnected', client.closed);
    expect(counts(client.codes())).toBe(expected);
    expect(client.heard()).toMatch(/421 4\.7\.0 mx\.test\.example too many (errors|commands without a message)\r\n$/);
    expect(outcomeOf(await play(part(doors)))).toMatch(/^250/);
  });

  test('recipients that the backend refuses', async () => {
    const { doors } = await setUp({ script: saying('RCPT', '550 5.1.1 nobody') });
    const client = await type(doors);
    client.say(`EHLO x\r\nMAIL FROM:<a@b.example>\r\n${times(50, 'RCPT TO:<c@test.example>\r\n')}`);
    await until('it is disconnected', client.closed);
    expect(counts(client.codes())).toBe('1x220 2x250 20x550 1x421');
  });

  test('bad MAIL after EHLO, each with another mistake', async () => {
    const { doors } = await setUp();
    const client = await type(doors);
    client.say(`EHLO x\r\n${times(20, 'MAIL FROM:<a@b.example> XYZZY=1\r\nMAIL FROM:<\r\n')}`);
    await until('it is disconnected', client.closed);
    expect(counts(client.codes())).toBe('1x220 1x250 10x555 10x501 1x421');
  });

  test('a message pays for the errors and commands before it', async () => {
    const { doors, sink } = await setUp();
    const client = await type(doors);
    const message = `MAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n\r\nx\r\n.\r\n`;
    client.say('EHLO x\r\n');
    for (let i = 1; i <= 3; i++) {
      client.say(times(19, 'XYZZY\r\n') + times(70, 'NOOP\r\n') + message);
      await until(`message ${i} or the end`, () => sink.messages.length === i || client.closed());
    }
    expect([sink.messages.length, client.closed()]).toEqual([3, false]);
  });

  test('a recipient is no idle command: two hundred of them and a message', async () => {
    const { doors, sink } = await setUp();
    const client = await type(doors);
    client.say(`EHLO x\r\nMAIL FROM:<a@b.example>\r\n${times(200, 'RCPT TO:<c@test.example>\r\n')}DATA\r\n`);
    await client.hear(/^354 /m);
    client.say('\r\nx\r\n.\r\n');
    await until('the message is there', () => sink.messages.length === 1);
    expect(sink.messages[0]?.rcpt).toHaveLength(200);
  });

  test('a browser is told at its first line, and what it sends is not read', async () => {
    const { doors, sink } = await setUp();
    const client = await type(doors);
    client.say(`POST / HTTP/1.1\r\nHost: x\r\n\r\n${envelope}`);
    await until('it is disconnected', client.closed);
    expect(counts(client.codes())).toBe('1x220 1x421');
    expect(sink.commands.join()).not.toContain('MAIL');
  });
});

describe('sizes', () => {
  test('recipients: over the configured number 452, and the others get the message', async () => {
    const { doors, sink } = await setUp({ settings: { limits: { recipients: 3 } } });
    const rcpt = [1, 2, 3, 4, 5].map((i) => `c${i}@test.example`);
    const played = await play(part(doors, { rcpt }));
    expect(played.rcpt.map((reply) => reply.slice(0, 9))).toEqual([
      ...Array(3).fill('250 2.0.0'),
      ...Array(2).fill('452 4.5.3'),
    ]);
    expect(played.dot).toMatch(/^250/);
    expect(sink.messages[0]?.rcpt).toEqual(rcpt.slice(0, 3).map((address) => `RCPT TO:<${address}>`));
  });

  test('the 1,001st recipient: 452', async () => {
    const { doors } = await setUp();
    const client = await type(doors);
    client.say(`EHLO x\r\nMAIL FROM:<a@b.example>\r\n${times(recipientsMax + 1, 'RCPT TO:<c@test.example>\r\n')}`);
    await client.hear(/^452 4\.5\.3 too many recipients\r\n$/m);
    expect(counts(client.codes())).toBe('1x220 1002x250 1x452');
  });

  test('a command line: 2,048 octets and no more, in any pieces', async () => {
    const { doors } = await setUp();
    const noop = (octets: number) => `NOOP ${'x'.repeat(octets - 5)}`;
    const client = await type(doors);
    client.say(`${noop(2_048)}\r\n`);
    await client.hear(/^250 /m);
    client.say(noop(2_000));
    client.say('x'.repeat(49));
    await until('it is disconnected', client.closed);
    expect(client.heard()).toMatch(/^220 .*\r\n250 .*\r\n421 4\.5\.2 .*too long\r\n$/);
  });

  test.each(['whole.example\r\nEHLO cut.example', 'whole.example\r\nEHLO cut.example\r'])(
    'a line cut by the end of the connection is not run (FIN in a command): EHLO %j',
    async (octets) => {
      const resolver = failNth(zone, 0);
      const { doors } = await setUp({ resolver });
      const client = await type(doors);
      client.say(`EHLO ${octets}`);
      client.socket.end();
      await until('the decision is reported', () => doors.decisions.length === 1);
      // The lookups of a name begin in the turn in which it is said.
      expect(resolver.asked).toContain('A whole.example');
      expect(resolver.asked).not.toContain('A cut.example');
      expect(doors.decisions[0]?.evidence.client.helo).toBe('whole.example');
    },
  );
});

describe('places', () => {
  const greeted = async (client: Typist): Promise<Typist> => {
    await client.hear(/^220 /);
    return client;
  };
  const refused = async (client: Typist, why: string): Promise<void> => {
    await until('it is disconnected', client.closed);
    expect(client.heard()).toBe(`421 4.7.0 mx.test.example ${why}\r\n`);
  };

  test.each([
    [
      'in all',
      { connections: 2 },
      ['127.0.0.1', '127.0.1.1'],
      '127.0.2.1',
      'too many connections, try again later',
      '127.0.2.1',
    ],
    [
      'of an address',
      { perAddress: 2 },
      ['127.0.0.2', '127.0.0.2'],
      '127.0.0.2',
      'too many connections from 127.0.0.2',
      '127.0.0.3',
    ],
    [
      'of a network',
      { perNetwork: 2 },
      ['127.0.0.2', '127.0.0.3'],
      '127.0.0.4',
      'too many connections from the network of 127.0.0.4',
      '127.0.1.4',
    ],
  ])('%s: 421, and a place that is left is free again', async (_, limits, first, next, why, other) => {
    const { doors } = await setUp({ settings: { proxy: [], limits } });
    const [leaving] = await Promise.all(first.map((from) => greeted(dial(doors.smtp, from))));
    await refused(dial(doors.smtp, next), why);
    if (other !== next) await greeted(dial(doors.smtp, other));
    leaving?.socket.resetAndDestroy();
    await until('somebody else is greeted', async () => {
      const late = dial(doors.smtp, next);
      await until('it hears something', () => late.heard() !== '');
      return late.heard().startsWith('220 ');
    });
  });

  test('the address is the one that the proxy names, and the proxy itself is not counted', async () => {
    const { doors } = await setUp({ settings: { limits: { perAddress: 1 } } });
    await type(doors, '192.0.2.1');
    await type(doors, '192.0.2.2');
    const third = dial(doors.smtp);
    third.say('PROXY TCP4 192.0.2.1 127.0.0.1 40001 25\r\n');
    await refused(third, 'too many connections from 192.0.2.1');
  });

  test('who is turned away is told so; beyond that many, nobody is heard at all', async () => {
    const { doors } = await setUp({ settings: { proxy: [], limits: { connections: 1 } } });
    await greeted(dial(doors.smtp));
    const clients = Array.from({ length: connectionsTurnedAwayMax + 20 }, () => {
      const client = dial(doors.smtp);
      client.socket.allowHalfOpen = true; // they stay as long as they can
      return client;
    });
    await until('all are told or dropped', () =>
      clients.every(({ heard, closed, socket }) => heard() !== '' || closed() || socket.readableEnded),
    );
    expect(counts(clients.map(({ codes, heard }) => (heard() === '' ? 'none' : (codes()[0] ?? ''))))).toBe(
      `${connectionsTurnedAwayMax}x421 20xnone`,
    );
  });
});

/** Sends one octet after another for as long as anybody listens. */
async function trickle(client: Typist, octet: string): Promise<void> {
  await until('it is disconnected', () => {
    if (!client.closed()) client.say(octet);
    return client.closed();
  });
}

describe('time', () => {
  const quick = { tickMs: 20 };

  test('a command is due, although octets keep coming', async () => {
    const { doors } = await setUp({ times: { ...quick, commandMs: 200 } });
    const client = await type(doors);
    await trickle(client, 'N');
    expect(client.heard()).toMatch(/^220 .*\r\n421 4\.4\.2 mx\.test\.example nothing was said for too long\r\n$/);
  });

  test('whole commands begin the time anew', async () => {
    const { doors } = await setUp({ times: { ...quick, commandMs: 1_000 } });
    const client = await type(doors);
    for (let i = 2; i <= 12; i++) {
      client.say('NOOP\r\n');
      await until('it is answered', () => client.codes().length === i);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(counts(client.codes())).toBe('1x220 11x250');
  });

  test('the time that we take is not held against the client', async () => {
    const { doors } = await setUp({
      script: saying('RCPT', undefined),
      times: { ...quick, commandMs: 500, replyMs: 900 },
    });
    const client = await type(doors);
    client.say(`${envelope}QUIT\r\n`);
    await client.hear(/^221 /m);
    expect(client.codes()).toEqual(['220', '250', '250', '451', '221']);
  });

  test('content that comes too slowly', async () => {
    const { doors, sink } = await setUp({ times: { ...quick, contentWindowMs: 200 } });
    const client = await type(doors);
    client.say(`${envelope}DATA\r\n`);
    await client.hear(/^354 /m);
    await trickle(client, 'x');
    expect(client.heard()).toMatch(/421 4\.4\.2 mx\.test\.example the message comes too slowly\r\n$/);
    await until('the backend has lost it', () => sink.unfinished.length === 1);
    expect(sink.messages).toHaveLength(0);
  });

  test('content that waits for the backend is not slow', async () => {
    const { doors, sink } = await setUp({ times: { ...quick, contentWindowMs: 400, replyMs: 900, dotMs: 500 } });
    const client = await type(doors);
    const content = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(16_384));
    client.say(`${envelope}DATA\r\n`);
    await client.hear(/^354 /m);
    sink.pause();
    client.say(content);
    client.say('.\r\n');
    await client.hear(/^354 .*\r\n451 4\.4\.1 /m);
    expect(client.closed()).toBe(false);
  });

  test('a TLS handshake that stalls, octet by octet: its place is free again', async () => {
    const folder = temporaryFolder();
    cleanUp.push(() => folder.remove());
    const { server } = await makeCertificates(folder.path);
    const certificate = {
      cert: readFileSync(server.cert, 'utf8'),
      key: readFileSync(server.key, 'utf8'),
      asksClients: false,
    };
    const settings = { certificate, proxy: [], limits: { connections: 1 } };
    const { doors } = await setUp({ settings, times: { ...quick, tlsHandshakeMs: 200 } });
    const client = dial(doors.smtp);
    client.say('EHLO x\r\nSTARTTLS\r\n');
    await client.hear(/^220 [^m]/m);
    client.say(Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00])); // the head of a record of 16 KB
    await trickle(client, '\x01');
    expect(client.codes()).toEqual(['220', '250', '220']);
    const next = dial(doors.smtp);
    await next.hear(/^220 /);
  });

  test('a proxy that does not say for whom', async () => {
    const { doors, log } = await setUp({ times: { ...quick, proxyHeaderMs: 200 } });
    const proxy = dial(doors.smtp);
    proxy.say('PROXY TCP4 192.0.2.1 ');
    await until('it is disconnected', proxy.closed);
    expect(proxy.heard()).toBe('');
    expect(log()).toContain('no PROXY header within 200 ms');
    expect(doors.decisions).toEqual([]);
  });

  test('an old session ends between two messages', async () => {
    const { doors, sink } = await setUp({ times: { ...quick, sessionMs: 1_000 } });
    const begun = Date.now();
    const client = await type(doors);
    client.say(envelope);
    await until('it is old', () => Date.now() > begun + 1_200);
    client.say('DATA\r\n');
    await client.hear(/^354 /m);
    client.say('\r\nx\r\n.\r\n');
    await until('it is disconnected', client.closed);
    expect(client.heard()).toMatch(
      /250 2\.0\.0 kept\r\n421 4\.3\.2 mx\.test\.example this session is old, connect again\r\n$/,
    );
    expect(sink.messages).toHaveLength(1);
  });
});

describe('what fails inside', () => {
  const bug = (): never => {
    throw new Error('a bug of ours');
  };

  /** A door whose gate opens the first inquiry like this, and good ones from then on. */
  const doorWith = (first: () => Inquiry) => {
    const opened = [first];
    const gate: Gate = { open: () => (opened.shift() ?? (() => goodInquiry))() };
    return setUpWith(gate, { times: { tickMs: 20, verdictMs: 300, relayMs: 300 } });
  };
  const strangers = (smtp: TcpEndpoint) => play(part({ smtp }, { proxied: false, from: '127.0.0.1' }));

  test.each<[string, Partial<Inquiry>, string]>([
    ['decide throws', { decide: bug }, '220 250 451 503 221'],
    ['decide rejects', { decide: async () => bug() }, '220 250 451 503 221'],
    ['decide never answers', { decide: () => new Promise(() => {}) }, '220 250 451 503 221'],
    ['told throws', { told: bug }, '220 250 250 451 221'],
    ['helo throws', { helo: bug }, '220 250 250 250 221'],
    ['close rejects', { close: async () => bug() }, '220 250 250 250 221'],
    [
      'decide never answers, and the greeting waits for it',
      { announce: 'connect', decide: () => new Promise(() => {}) },
      '451',
    ],
    ['decide throws at EHLO', { announce: 'helo', decide: bug }, '220 451 503 503 221'],
  ])('%s: one reply to each command, and the next client is served', async (_, broken, expected) => {
    const { smtp } = await doorWith(() => ({ ...goodInquiry, ...broken }));
    const client = dial(smtp);
    client.say(`${envelope}QUIT\r\n`);
    await until('the session is over', client.closed);
    expect(client.codes().join(' ')).toBe(expected);
    expect(outcomeOf(await strangers(smtp))).toMatch(/^250/);
  });

  test('an inquiry cannot even be opened: the client is told 4xx, and its place is free', async () => {
    const { smtp } = await doorWith(bug);
    const client = dial(smtp);
    await until('it is disconnected', client.closed);
    expect(client.heard()).toMatch(/^4/);
    expect(outcomeOf(await strangers(smtp))).toMatch(/^250/);
  });

  test('a verdict that comes after its 451 changes nothing any more', async () => {
    let judge = (): void => {};
    const late = new Promise<void>((resolve) => {
      judge = resolve;
    });
    const waits = [late];
    const { smtp, sink } = await doorWith(() => ({
      ...goodInquiry,
      decide: async (client) => {
        await waits.shift();
        return goodInquiry.decide(client);
      },
    }));
    const client = dial(smtp);
    client.say('EHLO x\r\nMAIL FROM:<late@b.example>\r\n');
    await client.hear(/^451 4\.3\.0 /m);
    judge();
    // Two whole messages of others: by then it has had all the time that it could make use of.
    for (let i = 0; i < 2; i++) await strangers(smtp);
    client.say('MAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await until('all is answered', () => client.codes().length === 6);
    expect(client.codes()).toEqual(['220', '250', '451', '250', '250', '354']);
    client.say('\r\nx\r\n.\r\n');
    await until('the message is there', () => sink.messages.length === 3);
    expect(sink.messages[2]).toMatchObject({ mail: 'MAIL FROM:<a@b.example>', rcpt: ['RCPT TO:<c@test.example>'] });
    expect(sink.commands.join('\n')).not.toContain('late@');
  });

  test('a recipient whose verdict does not come is no reason to refuse the others for good', async () => {
    let asked = 0;
    const { smtp } = await doorWith(() => ({
      ...goodInquiry,
      decide: (client) => (++asked === 2 ? new Promise(() => {}) : goodInquiry.decide(client)),
    }));
    const client = dial(smtp);
    client.say(`${envelope}RCPT TO:<d@test.example>\r\nQUIT\r\n`);
    await until('the session is over', client.closed);
    expect(client.codes().slice(0, 4)).toEqual(['220', '250', '250', '451']);
    expect(client.codes().filter((code) => code.startsWith('5'))).toEqual([]);
  });
});
