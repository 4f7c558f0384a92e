// Who stands before the door: clients that speak before they are greeted, proxies that say whom they bring (PROXY, XCLIENT), and
// strangers who say that too. What the evidence holds is what is asked about here.

import { describe, expect, test } from '@jest/globals';
import type { Client } from '../../../../src/core/client.ts';
import { type Ip, parseIp } from '../../../../src/core/ip.ts';
import { play } from '../../../../src/demo/player.ts';
import { printLocalHeader, printProxyHeader } from '../../../../src/doors/smtp/proxy-header.ts';
import { type Doors, policyOf } from '../../../support/doors.ts';
import { ipOf } from '../../../support/evidence.ts';
import { failNth } from '../../../support/faults.ts';
import { until } from '../../../support/processes.ts';
import { acceptAll, dial, part, type SetParts, setUp, type Typist, type, zone } from '../../../support/smtp-set.ts';

const proxy = parseIp('127.0.0.1') as Ip;
const message = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n';

/** Ends the session; the client as the one decision about it has it. */
async function clientOf(doors: Doors, typist: Typist): Promise<Client> {
  typist.socket.end();
  await until('the decision is reported', () => doors.decisions.length > 0);
  expect(doors.decisions).toHaveLength(1);
  return doors.decisions[0]?.evidence.client as Client;
}

describe('a greeting that waits', () => {
  const refuseEarly = policyOf(`rules: [{ id: early, when: { early_talker: true }, reject: "you spoke first" }]
otherwise: accept`);
  const patient: SetParts = { rules: refuseEarly, settings: { greetingDelayMs: 300 } };
  const header = 'PROXY TCP4 192.0.2.1 127.0.0.1 40000 25\r\n';

  test('early talker: any octet before the greeting, whatever it is', async () => {
    const cases = [
      ['192.0.2.11', 'EHLO x\r\n', ''],
      ['192.0.2.12', 'E', 'HLO x\r\n'],
      ['192.0.2.13', '\n', 'EHLO x\r\n'],
      ['192.0.2.14', '\0', '\r\nEHLO x\r\n'],
      ['192.0.2.15', '\x16\x03\x01', '\r\nEHLO x\r\n'],
      ['192.0.2.16', '', 'EHLO x\r\n'],
    ] as const;
    const resolver = failNth(zone, 0);
    const { doors } = await setUp({ rules: refuseEarly, resolver, settings: { greetingDelayMs: 1_500 } });
    const outcomes = cases.map(async ([from, before, after]) => {
      const client = dial(doors.smtp);
      client.say(`PROXY TCP4 ${from} 127.0.0.1 40000 25\r\n`);
      await until('all have come in', () => resolver.asked.length >= cases.length);
      client.say(before);
      await client.hear(/^220 /);
      client.say(`${after}MAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\n`);
      await client.hear(/^250-[\s\S]*^250 [\s\S]*^250 .*\r\n[25]50 .*\r\n$/m);
      return client.heard().trimEnd().split('\r\n').at(-1)?.slice(0, 10);
    });
    expect(await Promise.all(outcomes)).toEqual([...Array(5).fill('550 5.7.25'), '250 2.0.0 ']);
    expect(doors.decisions.filter(({ evidence }) => evidence.client.early).map(({ verdict }) => verdict.rule)).toEqual(
      Array(5).fill('early'),
    );
    expect(doors.decisions.find(({ evidence }) => evidence.client.ip === '192.0.2.16')).toMatchObject({
      verdict: { action: 'accept' },
    });
  });

  test('so is one whose first octet comes behind the PROXY header', async () => {
    const { doors } = await setUp(patient);
    const client = dial(doors.smtp);
    client.say(`${header}E`);
    await client.hear(/^220 /);
    expect(await clientOf(doors, client)).toMatchObject({ early: true });
  });

  test('at once where the policy refuses at connect', async () => {
    const rules = { ...refuseEarly, announce: 'connect' as const };
    const { doors } = await setUp({ ...patient, rules });
    const client = dial(doors.smtp);
    client.say(`${header}E`);
    await until('it is disconnected', client.closed);
    expect(client.heard()).toMatch(/^550 5\.7\.25 you spoke first [^\r]*\r\n$/);
  });

  test('who waits is served as always', async () => {
    const { doors, sink } = await setUp(patient);
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect(sink.messages).toHaveLength(1);
    expect(doors.decisions[0]?.evidence.client).not.toHaveProperty('early');
  });

  test('without a delay nobody is early', async () => {
    const { doors } = await setUp({ rules: refuseEarly });
    const client = dial(doors.smtp);
    client.say(`${header}EHLO x\r\n`);
    await client.hear(/^250 /m);
    expect(await clientOf(doors, client)).not.toHaveProperty('early');
  });

  test('the lookups run meanwhile', async () => {
    const resolver = failNth(zone, 0);
    const { doors } = await setUp({ resolver, settings: { greetingDelayMs: 2_000 } });
    const client = dial(doors.smtp);
    client.say(header);
    await until('the address is asked', () => resolver.asked.length === 2);
    expect(resolver.asked).toEqual(['PTR 1.2.0.192.in-addr.arpa', 'A mx.example']);
    expect(client.heard()).toBe('');
  });

  test('who leaves before it is reported as far as it came', async () => {
    const { doors } = await setUp({ settings: { greetingDelayMs: 2_000 } });
    const client = dial(doors.smtp);
    client.say(header);
    await until('the header is sent', () => client.socket.bytesWritten > 0);
    expect(await clientOf(doors, client)).toMatchObject({ ip: '192.0.2.1', stage: 'connect' });
    expect(client.heard()).toBe('');
  });

  test('who leaves before it takes its timer along', async () => {
    const { doors } = await setUp({ settings: { greetingDelayMs: 20_000 } });
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    for (let i = 0; i < 20; i++) {
      const client = dial(doors.smtp);
      client.say(header);
      client.socket.end();
    }
    await until('all have left', () => doors.decisions.length === 20);
    expect(timers() - before).toBeLessThan(5);
  });
});

describe('PROXY', () => {
  const client = { ip: ipOf('192.0.2.1'), port: 40_000 };
  const server = { ip: ipOf('198.51.100.25'), port: 25 };
  const six = { ip: ipOf('2001:db8::7'), port: 40_000 };
  const named = { ip: client.ip, port: 40_000, serverIp: server.ip, serverPort: 25 };

  test.each<[string, string | Buffer, Partial<Client>]>([
    ['version 1', 'PROXY TCP4 192.0.2.1 198.51.100.25 40000 25\r\n', named],
    [
      'version 1, IPv6',
      'PROXY TCP6 2001:db8::7 2001:DB8::25 40000 25\r\n',
      { ip: ipOf('2001:db8::7'), serverIp: ipOf('2001:db8::25') },
    ],
    ['version 1, mapped', 'PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.25 40000 25\r\n', { ip: client.ip }],
    ['version 2', printProxyHeader(client, server), named],
    ['version 2, IPv6', printProxyHeader(six, { ip: ipOf('2001:db8::25'), port: 25 }), { ip: six.ip }],
    ['version 2, LOCAL', printLocalHeader(), { ip: proxy }],
    ['version 1, UNKNOWN', 'PROXY UNKNOWN\r\n', { ip: proxy }],
  ])('%s, whole, octet by octet, and with the first command behind it', async (_, header, expected) => {
    const octets = Buffer.from(header as string, 'latin1');
    for (const way of ['whole', 'octets', 'together']) {
      const { doors } = await setUp({ rules: acceptAll });
      const typist = dial(doors.smtp);
      if (way === 'octets')
        for (const octet of octets) {
          typist.say(Buffer.from([octet]));
          await new Promise((resolve) => setImmediate(resolve));
        }
      else typist.say(way === 'whole' ? octets : Buffer.concat([octets, Buffer.from('EHLO x\r\n')]));
      await typist.hear(way === 'together' ? /^220 [\s\S]*^250 /m : /^220 .*\r\n$/);
      expect(await clientOf(doors, typist)).toMatchObject(expected);
    }
  });

  test.each<[string, string | Buffer, RegExp]>([
    ['a client that speaks for itself', 'EHLO x\r\n', /the proxy begins with \\"EHLO x/],
    [
      'an address that is none',
      'PROXY TCP4 192.0.2.256 127.0.0.1 1 25\r\n',
      /a client that is no TCP4 address and port/,
    ],
    ['the other family', 'PROXY TCP4 2001:db8::7 127.0.0.1 1 25\r\n', /a client that is no TCP4 address and port/],
    ['a bare LF', 'PROXY TCP4 192.0.2.1 127.0.0.1 1 25\n', /a header that ends in a bare LF/],
    ['no end', `PROXY TCP4 ${'1'.repeat(200)}`, /a header without end/],
    ['version 3', Buffer.from('0d0a0d0a000d0a515549540a311100000c', 'hex'), /a version or command that is not known/],
    [
      'too short for its addresses',
      Buffer.from('0d0a0d0a000d0a515549540a21110004c0000201', 'hex'),
      /too short for its addresses/,
    ],
    ['64 KB of it', Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex'), /a header of more than 2048 octets/],
  ])('broken by %s: closed without a word, told in the log', async (_, header, problem) => {
    const { doors, log } = await setUp({ rules: acceptAll });
    const typist = dial(doors.smtp);
    typist.say(header);
    await until('it is disconnected', typist.closed);
    expect(typist.heard()).toBe('');
    expect(log()).toMatch(problem);
    expect(log()).toContain('"proxy":"127.0.0.1"');
    expect(doors.decisions).toEqual([]);
    expect((await play(part(doors))).dot).toMatch(/^250 /);
  });

  test.each<[string, string | Buffer, string]>([
    ['version 1', 'PROXY TCP4 192.0.2.1 127.0.0.1 40000 25\r\nQUIT\r\n', '220 500 221'],
    // Its signature is lines too, and one of them says QUIT.
    ['version 2', printProxyHeader(client, server), '220 500 500 500 221'],
  ])('from a stranger %s is no command, and no word of it is believed', async (_, header, codes) => {
    const { doors } = await setUp({ rules: acceptAll });
    const typist = dial(doors.smtp, '127.0.0.2');
    typist.say(header);
    await until('the session is over', typist.closed);
    expect(typist.codes().join(' ')).toBe(codes);
    expect((await clientOf(doors, typist)).ip).toBe('127.0.0.2');
  });

  test('only one header: a second one is no command', async () => {
    const { doors } = await setUp({ rules: acceptAll });
    const typist = await type(doors, '192.0.2.1');
    typist.say('PROXY TCP4 192.0.2.2 127.0.0.1 40000 25\r\n');
    await typist.hear(/^500 /m);
    expect((await clientOf(doors, typist)).ip).toBe('192.0.2.1');
  });
});

describe('XCLIENT', () => {
  const trusting: SetParts = { rules: acceptAll, settings: { proxy: [], xclient: [proxy] } };
  const greeted = async (doors: Doors, from?: string): Promise<Typist> => {
    const typist = dial(doors.smtp, from);
    await typist.hear(/^220 /);
    return typist;
  };
  /** The lines of the last reply. */
  const answer = async (typist: Typist, line: string): Promise<string> => {
    const before = typist.codes().length;
    const from = typist.heard().length;
    typist.say(`${line}\r\n`);
    await until(`an answer to ${line}`, () => typist.codes().length > before);
    return typist.heard().slice(from);
  };

  test('offered to who is listed, and no more once the client is named', async () => {
    const { doors } = await setUp(trusting);
    const typist = await greeted(doors);
    expect(await answer(typist, 'EHLO proxy.example')).toMatch(/^250[ -]XCLIENT NAME ADDR PORT PROTO HELO LOGIN/m);
    expect(await answer(typist, 'XCLIENT ADDR=192.0.2.1')).toBe('220 mx.test.example ESMTP\r\n');
    expect(await answer(typist, 'EHLO mx.example')).not.toContain('XCLIENT');
    expect(await answer(typist, 'XCLIENT ADDR=192.0.2.2')).toMatch(/^500 /);
    expect((await clientOf(doors, typist)).ip).toBe('192.0.2.1');
  });

  test('a stranger does not see it, and it is no command', async () => {
    const { doors } = await setUp(trusting);
    const typist = await greeted(doors, '127.0.0.2');
    expect(await answer(typist, 'EHLO x')).not.toContain('XCLIENT');
    expect(await answer(typist, 'XCLIENT ADDR=192.0.2.1')).toMatch(/^500 /);
    expect((await clientOf(doors, typist)).ip).toBe('127.0.0.2');
  });

  test('an address that a proxy names may not say it, though that address is listed', async () => {
    const { doors } = await setUp({ rules: acceptAll, settings: { xclient: [ipOf('192.0.2.1')] } });
    const typist = await type(doors, '192.0.2.1');
    expect(await answer(typist, 'XCLIENT ADDR=192.0.2.2')).toMatch(/^500 /);
  });

  test('the new client is looked up and judged in the place of the proxy, and is the one that is reported', async () => {
    const resolver = failNth(zone, 0);
    const { doors, sink } = await setUp({ ...trusting, resolver });
    const typist = await greeted(doors);
    await answer(typist, 'EHLO proxy.example');
    await answer(typist, 'XCLIENT NAME=other.example ADDR=192.0.2.1 PORT=40001 DESTADDR=198.51.100.25 DESTPORT=2525');
    typist.say(`EHLO mx.example\r\n${message}`);
    await typist.hear(/^354 /m);
    typist.say('\r\nx\r\n.\r\n');
    await until('the message is there', () => sink.messages.length === 1);
    expect(await clientOf(doors, typist)).toMatchObject({
      ip: '192.0.2.1',
      port: 40_001,
      serverIp: '198.51.100.25',
      serverPort: 2_525,
      helo: 'mx.example',
      authenticated: false,
      hearsay: { clientName: 'other.example' },
    });
    expect(doors.decisions[0]?.findings.iprev).toMatchObject({ result: 'pass', name: 'mx.example' });
    expect(resolver.asked.slice(0, 2)).toEqual(['PTR 1.0.0.127.in-addr.arpa', 'A proxy.example']);
    expect(resolver.asked).toContain('PTR 1.2.0.192.in-addr.arpa');
    expect(sink.messages[0]?.wire.toString()).toMatch(/policy\.iprev=192\.0\.2\.1\r\n/);
  });

  test('a refusal at connect is said to the new client', async () => {
    const rules = policyOf(`rules: [{ id: no-ptr, when: { client_ip: 192.0.2.9 }, reject: "no" }]
otherwise: accept
announce: connect`);
    const { doors } = await setUp({ ...trusting, rules });
    const typist = await greeted(doors);
    typist.say('XCLIENT ADDR=192.0.2.9\r\nEHLO x\r\n');
    await until('it is disconnected', typist.closed);
    expect(typist.heard()).toMatch(/^220 .*\r\n550 5\.7\.25 no .*\r\n$/);
    expect(doors.decisions.map(({ evidence, verdict }) => [evidence.client.ip, verdict.action])).toEqual([
      ['192.0.2.9', 'reject'],
    ]);
  });

  test('HELO in it stands for the name in EHLO; LOGIN is a user', async () => {
    const { doors } = await setUp(trusting);
    const typist = await greeted(doors);
    await answer(typist, 'XCLIENT ADDR=192.0.2.1 HELO=MX.example LOGIN=jo+40b.example');
    await answer(typist, 'EHLO proxy.example');
    expect(await clientOf(doors, typist)).toMatchObject({ helo: 'mx.example', authenticated: true });
  });

  test('what it says over two commands holds together', async () => {
    const { doors } = await setUp(trusting);
    const typist = await greeted(doors);
    expect(await answer(typist, 'XCLIENT PORT=40001 HELO=mx.example')).toMatch(/^220 /);
    expect(await answer(typist, 'XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::7')).toMatch(/^220 /);
    await answer(typist, 'EHLO proxy.example');
    expect(await clientOf(doors, typist)).toMatchObject({ ip: '2001:db8::7', port: 40_001, helo: 'mx.example' });
  });

  test.each([
    'XCLIENT',
    'XCLIENT ADDR',
    'XCLIENT ADDR=192.0.2.300',
    'XCLIENT ADDR=192.0.2.1 X=y',
    'XCLIENT HELO=a+0D+0Ab',
  ])('%s: 501, and nothing of it is taken', async (line) => {
    const { doors } = await setUp(trusting);
    const typist = await greeted(doors);
    expect(await answer(typist, line)).toMatch(/^501 5\.5\.4 /);
    expect((await clientOf(doors, typist)).ip).toBe('127.0.0.1');
  });

  test('not within a message', async () => {
    const { doors, sink } = await setUp(trusting);
    const typist = await greeted(doors);
    await answer(typist, 'EHLO mx.example');
    await answer(typist, 'MAIL FROM:<a@b.example>');
    expect(await answer(typist, 'XCLIENT ADDR=192.0.2.1')).toMatch(/^503 /);
    await answer(typist, 'RCPT TO:<c@test.example>');
    expect(sink.commands).toContain('RCPT TO:<c@test.example>');
    expect((await clientOf(doors, typist)).ip).toBe('127.0.0.1');
  });

  test('the limit of an address is that of the new client; the proxy has none', async () => {
    const { doors } = await setUp({
      ...trusting,
      settings: { proxy: [], xclient: [proxy], limits: { perAddress: 1 } },
    });
    const [first, second, third] = [await greeted(doors), await greeted(doors), await greeted(doors)];
    expect(await answer(first, 'XCLIENT ADDR=192.0.2.1')).toMatch(/^220 /);
    expect(await answer(second, 'XCLIENT ADDR=192.0.2.1')).toMatch(
      /^421 4\.7\.0 .* too many connections from 192\.0\.2\.1/,
    );
    expect(await answer(third, 'XCLIENT ADDR=192.0.2.2')).toMatch(/^220 /);
    first.socket.end();
    await until('its place is free', async () => {
      const next = await greeted(doors);
      return (await answer(next, 'XCLIENT ADDR=192.0.2.1')).startsWith('220');
    });
  });

  test('where the door is full, the place of the proxy becomes that of its client', async () => {
    const settings = { proxy: [], xclient: [proxy], limits: { connections: 1 } };
    const { doors } = await setUp({ ...trusting, settings });
    expect(await answer(await greeted(doors), 'XCLIENT ADDR=192.0.2.1')).toMatch(/^220 /);
  });

  test('a message that the proxy has sent as itself is not a part of what is known of the client', async () => {
    const { doors, sink } = await setUp(trusting);
    const typist = await greeted(doors);
    typist.say(`EHLO mx.example\r\n${message}`);
    await typist.hear(/^354 /m);
    typist.say('\r\nx\r\n.\r\n');
    await until('the message is there', () => sink.messages.length === 1);
    expect(await answer(typist, 'XCLIENT ADDR=192.0.2.1')).toMatch(/^220 /);
    typist.socket.end();
    await until('both are reported', () => doors.decisions.length === 2);
    expect(doors.decisions.map(({ evidence }) => evidence.client.ip)).toEqual(['127.0.0.1', '192.0.2.1']);
    expect(doors.decisions[1]?.evidence.client).toMatchObject({ stage: 'connect' });
    expect(doors.decisions[1]?.evidence.client).not.toHaveProperty('sender');
  });
});
