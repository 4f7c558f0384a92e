// What the milter session makes of a mail server's commands: negotiation, stages, and what is out of order.

import { describe, expect, test } from '@jest/globals';
import {
  agreed,
  authservId,
  framed,
  gateOf,
  message,
  results,
  rules,
  say,
  talkTo,
} from '../../../support/mail-server.ts';
import { sessionOfPostfix } from './packets.ts';

describe('negotiation', () => {
  const tls = '{tls_version} {verify} {cn_subject} {cert_subject}';
  const macros =
    `||||{client_ptr} {client_name} {daemon_addr} {daemon_port}||||\x01${tls}|` + `|||\x02{auth_authen} ${tls}|`;

  test.each([
    ['Postfix', say.offer(), `O|||\x06||\x011||\x03\xd0${macros}`],
    ['a version of the future', say.offer(99), `O|||\x06||\x011||\x03\xd0${macros}`],
    ['version 2', say.offer(2, 0x1f, 0x7f), 'O|||\x02|||\x11|||\x50'],
    ['version 3', say.offer(3, 0x3f, 0x1ff), 'O|||\x03|||1||\x01\xd0'],
    ['version 4', say.offer(4, 0x3f, 0x3ff), 'O|||\x04|||1||\x03\xd0'],
    ['version 5', say.offer(5, 0x3f, 0x1ff), 'O|||\x05|||1||\x01\xd0'],
    ['nothing is offered', say.offer(6, 0, 0), 'O|||\x06||||||||'],
  ])('%s', async (_, offer, answer) => {
    expect(await talkTo(gateOf().gate).talk(offer)).toEqual([answer]);
  });

  test.each([
    ['version 1', [say.offer(1)], 'version 1'],
    ['twice', [say.offer(), say.offer()], 'negotiated twice'],
    ['a client before it', [say.client('192.0.2.1')], 'connect before a negotiation'],
  ])('%s is refused', async (_, packets, what) => {
    expect((await talkTo(gateOf().gate).talk(...packets)).at(-1)).toBe(`closed: ${what}`);
  });
});

describe('stages', () => {
  const all = [say.client('192.0.2.3'), say.helo(), say.mail(), say.rcpt()];
  const refusal = 'y550 5.7.25 100%% without PTR [PTR 3.2.0.192.in-addr.arpa: NXDOMAIN] (ref ref1)|';

  test.each([
    ['connect', 1, 'helo'],
    ['helo', 1, 'helo'],
    ['mail', 2, 'mail'],
    ['rcpt', 3, 'rcpt'],
  ])('announced at %s: before it, go on; never refused before HELO', async (announce, before, stage) => {
    const { gate, reported } = gateOf(`announce: ${announce}\n${rules}`);
    const { talk, leave } = await agreed(gate);
    expect(await talk(...all)).toEqual(['c', 'c', 'c', 'c'].fill(refusal, before));
    await leave();
    expect(reported).toHaveLength(1);
    expect(reported[0]?.evidence).toMatchObject({ door: 'milter', client: { stage } });
  });

  test('a deferral is said with its codes', async () => {
    const { talk } = await agreed(gateOf().gate);
    const heard = await talk(say.client('192.0.2.4'), say.helo(), say.mail(), say.rcpt());
    expect(heard.at(-1)).toMatch(/^y450 4\.7\.25 later .*\(ref ref1\)\|$/);
  });

  test('what is known of the client', async () => {
    const { gate, reported } = gateOf();
    const { talk } = await agreed(gate);
    await talk(
      say.macros('C', {
        '{client_ptr}': 'ptr.example',
        '{client_name}': 'name.example',
        '{daemon_addr}': '127.0.0.1',
        '{daemon_port}': '25',
      }),
      say.client('192.0.2.1'),
      say.helo(),
      say.macros('M', { '{auth_authen}': 'user' }),
      say.mail(''),
      say.rcpt(),
    );
    expect(reported[0]?.evidence.client).toEqual({
      ip: '192.0.2.1',
      port: 4_000,
      serverIp: '127.0.0.1',
      serverPort: 25,
      stage: 'rcpt',
      helo: 'client.example',
      sender: '',
      recipient: 'b@test.example',
      authenticated: true,
      hearsay: { clientName: 'name.example', reverseClientName: 'ptr.example' },
    });
  });

  test('without the macros, the name is what came with the client', async () => {
    const { gate, reported } = gateOf();
    const { talk, leave } = await agreed(gate);
    await talk(say.client('192.0.2.1', 0));
    await leave();
    expect(reported[0]?.evidence.client).toEqual({
      ip: '192.0.2.1',
      stage: 'connect',
      authenticated: false,
      hearsay: { clientName: 'host.example' },
    });
  });

  test('Sendmail writes the address where there is no confirmed name, and "IPv6:" in front of ours', async () => {
    const { gate, reported } = gateOf();
    const { talk, leave } = await agreed(gate);
    const names = { '{client_ptr}': '[192.0.2.1]', '{client_name}': '[192.0.2.1]' };
    await talk(say.macros('C', { ...names, '{daemon_addr}': 'IPv6:2001:DB8:0:0:0:0:0:1' }), say.client('192.0.2.1'));
    await leave();
    expect(reported[0]?.evidence.client).toMatchObject({
      serverIp: '2001:db8::1',
      hearsay: { clientName: 'unknown', reverseClientName: 'unknown' },
    });
  });

  describe('TLS', () => {
    const macros = { '{tls_version}': 'TLSv1.3', '{verify}': 'OK', '{cn_subject}': 'mail.example' };
    const tls = { protocol: 'TLSv1.3', certificate: { verified: true, names: ['mail.example'] } };

    test('begins with another HELO, and is there from then on', async () => {
      const { gate, reported } = gateOf();
      const { talk, leave } = await agreed(gate);
      await talk(say.client('192.0.2.1'), say.macros('H', {}), say.helo(), say.macros('H', macros), say.helo());
      await talk(say.macros('M', {}), say.mail());
      await leave();
      expect(reported[0]?.evidence.client.tls).toEqual(tls);
    });

    test('without another HELO it is told with MAIL; the next client has none', async () => {
      const { gate, reported } = gateOf();
      const { talk, leave } = await agreed(gate);
      await talk(say.client('192.0.2.1'), say.helo(), say.macros('M', macros), say.mail(), say.bare('K'));
      await talk(say.client('192.0.2.2'), say.helo(), say.mail());
      await leave();
      expect(reported.map(({ evidence }) => evidence.client.tls)).toEqual([tls, undefined]);
    });
  });

  test('the name in HELO is looked up at once', async () => {
    const { gate, greeted } = gateOf();
    const { talk } = await agreed(gate);
    await talk(say.client('192.0.2.1'), say.helo('mx.example'));
    expect(greeted).toEqual(['mx.example']);
  });

  test('an acceptance is reported with its recipient, however early it is known', async () => {
    const { gate, reported } = gateOf(`announce: helo\n${rules}`);
    const { talk } = await agreed(gate);
    await talk(say.client('192.0.2.1'), say.helo(), say.mail(), say.rcpt());
    expect(reported.map(({ evidence }) => evidence.client.recipient)).toEqual(['b@test.example']);
  });

  test('another HELO is another beginning: there is no sender yet', async () => {
    const { gate, reported } = gateOf();
    const { talk, leave } = await agreed(gate);
    await talk(say.client('192.0.2.1'), say.helo(), say.mail(), say.bare('A'), say.helo());
    await leave();
    expect(reported[0]?.evidence.client).toMatchObject({ stage: 'helo' });
    expect(reported[0]?.evidence.client).not.toHaveProperty('sender');
  });

  test('nothing that was said of one client is believed of the next', async () => {
    const { gate, reported } = gateOf();
    const { talk, leave } = await agreed(gate);
    await talk(say.macros('C', { '{client_ptr}': 'ptr.example' }), say.macros('M', { '{auth_authen}': 'user' }));
    await talk(say.client('192.0.2.1'), say.helo(), say.mail(), say.bare('K'));
    await talk(say.client('192.0.2.2'), say.mail());
    await leave();
    expect(reported.map(({ evidence: { client } }) => [client.authenticated, client.hearsay, client.helo])).toEqual([
      [true, { clientName: 'host.example', reverseClientName: 'ptr.example' }, 'client.example'],
      [false, { clientName: 'host.example' }, undefined],
    ]);
  });

  test('a client without an address goes on unjudged, and forged fields go all the same', async () => {
    const { gate, opened } = gateOf('rules: []\notherwise: reject');
    const { talk } = await agreed(gate);
    const forged = `Authentication-Results: ${authservId}; iprev=pass`;
    expect(await talk(say.unknownClient(), say.helo(), ...message(forged))).toEqual([
      ...['c', 'c', 'c', 'c'],
      'm|||\x01Authentication-Results||',
      'c',
    ]);
    expect(opened).toEqual([]);
  });

  test('the log has one line for each client, with what was told', async () => {
    const { gate, reported } = gateOf();
    const { talk, leave } = await agreed(gate);
    await talk(say.client('192.0.2.1'), say.helo(), ...message(), ...message(), say.bare('K'));
    await talk(say.client('192.0.2.3'), say.helo(), say.mail(), say.rcpt(), say.rcpt());
    await leave();
    expect(reported.map(({ evidence, verdict }) => [evidence.client.ip, verdict.action])).toEqual([
      ['192.0.2.1', 'accept'],
      ['192.0.2.3', 'reject'],
    ]);
  });
});

describe('older mail servers', () => {
  // What each version began to send, and expects an answer to: 3 unknown commands, 4 DATA, 6 the next client on a connection.
  test.each([
    [2, 0x1f, 0x7f, []],
    [3, 0x3f, 0x1ff, [say.bare('U')]],
    [4, 0x3f, 0x3ff, [say.bare('U'), say.bare('T')]],
    [5, 0x3f, 0x3ff, [say.bare('U'), say.bare('T')]],
  ] as const)('version %i: each command has its answer', async (version, actions, protocol, more) => {
    const { talk } = await agreed(gateOf().gate, say.offer(version, actions, protocol));
    const before = [say.client('192.0.2.2'), say.helo(), say.mail(), say.rcpt(), ...more];
    const header = [say.header('Subject', 'x'), say.bare('N'), say.bare('B')];
    const heard = await talk(...before, ...header, say.bare('E'), say.bare('A'), say.bare('Q'));
    const answered = (protocol & 0x80) === 0 ? header.length : header.length - 1;
    expect(heard).toEqual([
      ...Array.from({ length: before.length + answered }, () => 'c'),
      'i||||X-Iprevd-Tag|weak|',
      results('192.0.2.2', 'fail'),
      'c',
      'closed: quit',
    ]);
  });
});

describe('out of order', () => {
  test.each([
    ['HELO without a client', [say.helo()], 'helo before a client'],
    ['MAIL without a client', [say.mail()], 'mail before a client'],
    ['RCPT without a message', [say.client('192.0.2.1'), say.rcpt()], 'rcpt before a message'],
    ['a field without a message', [say.client('192.0.2.1'), say.header('a', 'b')], 'header before a message'],
    ['an end without a message', [say.client('192.0.2.1'), say.bare('E')], 'end before a message'],
    ['an end after the end', [say.client('192.0.2.1'), ...message(), say.bare('E')], 'end before a message'],
    ['two clients', [say.client('192.0.2.1'), say.client('192.0.2.1')], 'a second client at once'],
  ])('%s', async (_, packets, what) => {
    const { talk } = await agreed(gateOf().gate);
    expect((await talk(...packets)).at(-1)).toBe(`closed: ${what}`);
  });
});

test('the session of a real Postfix', async () => {
  const { talk } = talkTo(gateOf('rules: []\notherwise: accept').gate);
  const heard = await talk(...sessionOfPostfix.map(([hex]) => framed(Buffer.from(hex, 'hex'))));
  // Macros, fields and aborts have no answer.
  expect(heard.slice(1)).toEqual([
    ...['c', 'c', 'c', 'c', 'c', 'c', 'c'],
    results('127.0.0.1', 'permerror'),
    ...['c', 'c', 'c'],
    'closed: quit',
  ]);
});
