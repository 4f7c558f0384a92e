// The SMTP door over real sockets, between a client that types what it likes and a mail server that says what it likes.
// The one promise under all of this: 250 is said only after the backend's 250.

import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { outcomeOf, play } from '../../../../src/demo/player.ts';
import { type Doors, policyOf } from '../../../support/doors.ts';
import { failNth } from '../../../support/faults.ts';
import { until } from '../../../support/processes.ts';
import { cleanUp, part, saying, setUp, type, zone } from '../../../support/smtp-set.ts';

const withException = policyOf(`
rules:
  - { id: postmaster, when: { recipient: postmaster@test.example }, accept: true }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR for {ip}" }
otherwise: accept`);

describe('in step with the backend', () => {
  test('every answer is the word of the backend', async () => {
    const { doors, sink } = await setUp({
      script: (verb) =>
        ({
          MAIL: '250 2.1.0 sender fine',
          RCPT: '251 2.1.5 will forward',
          DOT: '250-2.0.0 first\r\n250 2.0.0 as 4711',
        })[verb] ?? 'default',
    });
    const played = await play(part(doors));
    expect(played).toMatchObject({
      mail: '250 2.1.0 sender fine',
      rcpt: ['251 2.1.5 will forward'],
      dot: '250-2.0.0 first\n250 2.0.0 as 4711',
    });
    expect(sink.messages[0]).toMatchObject({ mail: 'MAIL FROM:<a@b.example>', rcpt: ['RCPT TO:<c@test.example>'] });
  });

  test.each([
    ['GREETING', '554 no service', '451 4.4.1'],
    ['GREETING', '', '451 4.4.1'],
    ['GREETING', undefined, '451 4.4.1'],
    ['GREETING', 'SSH-2.0', '451 4.4.1'],
    ['MAIL', '552 5.3.4 too big', '552 5.3.4 too big'],
    ['MAIL', '452 4.3.1 disk full', '452 4.3.1 disk full'],
    ['MAIL', '', '451 4.4.1'],
    ['MAIL', '354 what', '451 4.3.0'],
    ['RCPT', '550 5.1.1 nobody', '550 5.1.1 nobody'],
    ['RCPT', '450 4.2.0 greylisted', '450 4.2.0 greylisted'],
    ['RCPT', '', '451 4.4.1'],
    ['RCPT', undefined, '451 4.4.1'],
    ['RCPT', 'garbage', '451 4.4.1'],
    ['RCPT', '421 4.3.2 going down', '421 4.3.2 going down'],
    ['DATA', '554 5.5.1 no', '554 5.5.1 no'],
    ['DATA', '250 odd', '451 4.3.0'],
    ['DATA', '', '451 4.4.1'],
    ['DOT', '550 5.7.1 spam', '550 5.7.1 spam'],
    ['DOT', '451 4.7.1 later', '451 4.7.1 later'],
    ['DOT', '354 odd', '451 4.3.0'],
    ['DOT', '', '451 4.4.1'],
    ['DOT', undefined, '451 4.4.1'],
    ['DOT', `250-${'x'.repeat(6_000)}`, '451 4.4.1'],
    ['DOT', '550 \x1b[31m\rred\x00\xff', '550 5.0.0 \\x1b[31m\\x0dred\\x00\\xc3\\xbf'],
  ])('%s answered %j ends in %s', async (verb, reply, expected) => {
    const { doors } = await setUp({ script: saying(verb, reply) });
    expect(outcomeOf(await play(part(doors))).slice(0, expected.length)).toBe(expected);
  });

  test('a 250 before the final dot is not believed', async () => {
    const { doors } = await setUp({
      script: (verb) => (verb === 'DATA' ? '354 go on\r\n250 2.0.0 already' : 'default'),
    });
    expect((await play(part(doors))).dot).toMatch(/^451 4\.4\.1/);
  });

  test('one of three recipients is accepted, and only that one gets 250', async () => {
    const { doors, sink } = await setUp({
      script: (verb, line) => (verb === 'RCPT' && !line.includes('<b@') ? '550 5.1.1 nobody' : 'default'),
    });
    const { rcpt, dot } = await play(part(doors, { rcpt: ['a@test.example', 'b@test.example', 'd@test.example'] }));
    expect(rcpt.map((reply) => reply.slice(0, 3))).toEqual(['550', '250', '550']);
    expect(dot).toMatch(/^250/);
    expect(sink.messages[0]?.rcpt).toEqual(['RCPT TO:<b@test.example>']);
  });

  test('nobody there', async () => {
    const { doors, sink, log } = await setUp();
    await sink.close();
    const { mail } = await play(part(doors));
    expect(mail).toMatch(/^451 4\.4\.1 .* \(ref \w{11}\)$/);
    expect(log()).toMatch(/"problem":"backend 127\.0\.0\.1:\d+ refuses the connection","msg":"backend"/);
  });

  test('extensions: what the backend offers is offered, its SIZE included', async () => {
    const { doors } = await setUp();
    await play(part(doors)); // by now the door has met its backend
    const offers = (await play(part(doors))).ehlo?.split('\n').slice(1);
    expect(offers).toEqual([
      '250-PIPELINING',
      '250-8BITMIME',
      '250-SMTPUTF8',
      '250-ENHANCEDSTATUSCODES',
      '250-DSN',
      '250 SIZE 50000000',
    ]);
  });

  test('extensions: what the backend does not offer is not offered, nor taken', async () => {
    const { doors } = await setUp({ script: saying('EHLO', '250-sink\r\n250 SIZE 1000') });
    await play(part(doors)); // by now the door has met its backend
    expect((await play(part(doors))).ehlo?.split('\n').slice(1)).toEqual([
      '250-PIPELINING',
      '250-ENHANCEDSTATUSCODES',
      '250 SIZE 1000',
    ]);
    const client = await type(doors);
    client.say(
      'EHLO x\r\nMAIL FROM:<a@b.example> BODY=8BITMIME\r\nMAIL FROM:<a@b.example> SIZE=2000\r\nMAIL FROM:<a@b.example> SIZE=900\r\n',
    );
    await client.hear(/^555 5\.5\.4 [^\n]*\n552 [^\n]*\n250 2\.0\.0 ok/m);
  });

  test('a backend without EHLO is greeted with HELO', async () => {
    const { doors, sink } = await setUp({ script: saying('EHLO', '502 5.5.1 what') });
    expect(outcomeOf(await play(part(doors)))).toMatch(/^250/);
    expect(sink.commands.filter((line) => /^(EHLO|HELO)/.test(line)).slice(-2)).toEqual([
      'EHLO mx.test.example',
      'HELO mx.test.example',
    ]);
  });
});

describe('the message', () => {
  const dialogue = async (doors: Doors, content: string | Buffer) => {
    const client = await type(doors);
    client.say('EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await client.hear(/^354 /m);
    client.say(content);
    client.say('\r\n.\r\n');
    await client.hear(/^354 [^\n]*\n\d{3} [^\n]*\n/m);
    return /^354 [^\n]*\n(\d{3} \S+)/m.exec(client.heard())?.[1];
  };

  test('10 MB of any octets arrive as they were sent, below our field', async () => {
    const { doors, sink } = await setUp();
    const lines: Buffer[] = [Buffer.from('Subject: big\r\n\r\n')];
    let seed = 7;
    for (let i = 0; i < 100_000; i++) {
      // A fixed pseudo-random sequence without NUL, CR and LF; lines may begin with dots.
      const line = Buffer.alloc(100);
      for (let k = 0; k < 100; k++) line[k] = (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16;
      lines.push(
        Buffer.from(line.map((octet) => (octet === 0 || octet === 10 || octet === 13 ? 0x2e : octet))),
        Buffer.from('\r\n'),
      );
    }
    const content = Buffer.concat(lines);
    const stuffed = Buffer.from(content.toString('latin1').replace(/^\./gm, '..'), 'latin1');
    expect(await dialogue(doors, stuffed.subarray(0, -2))).toBe('250 2.0.0');
    const field = Buffer.from('Authentication-Results: mx.test.example; iprev=pass policy.iprev=192.0.2.1\r\n');
    expect(sink.messages[0]?.wire.equals(Buffer.concat([field, stuffed]))).toBe(true);
  });

  test.each([
    ['bare LF', 'Subject: x\r\n\r\na\nb'],
    ['bare CR', 'Subject: x\r\n\r\na\rb'],
    ['NUL', 'Subject: x\r\n\r\na\0b'],
    ['a smuggled end, LF . LF', 'Subject: x\r\n\r\na\n.\nMAIL FROM:<evil@b.example>\r\n'],
    ['a smuggled end, LF . CR LF', 'Subject: x\r\n\r\na\n.\r\nMAIL FROM:<evil@b.example>\r\n'],
    ['a smuggled end, CR . CR', 'Subject: x\r\n\r\na\r.\rMAIL FROM:<evil@b.example>\r\n'],
  ])('%s: 550 5.6.11, and nothing is left behind', async (_, content) => {
    const { doors, sink } = await setUp();
    expect(await dialogue(doors, content)).toBe('550 5.6.11');
    expect(sink.messages).toHaveLength(0);
    expect(sink.commands.join('\n')).not.toContain('evil');
    await until('the link is cut', () => sink.unfinished.length === 1);
    expect(sink.unfinished[0]?.toString('latin1')).not.toMatch(/QUIT|evil/);
  });

  test('a message larger than the limit is heard to its end and refused', async () => {
    const { doors, sink } = await setUp({ script: saying('EHLO', '250-sink\r\n250 SIZE 100000') });
    await play(part(doors));
    expect(await dialogue(doors, `Subject: x\r\n\r\n${'x'.repeat(98)}\r\n`.repeat(2_000))).toBe('552 5.3.4');
    expect(sink.messages).toHaveLength(1); // that of the player
  });

  test('a backend that reads no more stops the client, and memory with it', async () => {
    const { doors, sink } = await setUp();
    const client = await type(doors);
    client.say('EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await client.hear(/^354 /m);
    sink.pause();
    const block = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(1_024));
    let flushed = 0;
    for (let i = 0; i < 64; i++) client.socket.write(block, () => (flushed += block.length));
    let before = -1;
    await until('nothing more is taken', async () => {
      const still = flushed === before;
      before = flushed;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    });
    // What the kernel's buffers hold on both links, and a little in between.
    expect(flushed).toBeLessThan(32 * block.length);
  });

  test('fields that claim to be ours are removed, tags have fields of their own', async () => {
    const { doors, sink } = await setUp();
    await play(
      part(doors, {
        from: '192.0.2.2',
        message: ['Authentication-Results: mx.test.example; iprev=pass', 'X-Iprevd-Tag: vip', 'A: 1', '', 'b'],
      }),
    );
    expect(sink.messages[0]?.wire.toString()).toBe(
      'Authentication-Results: mx.test.example; iprev=fail policy.iprev=192.0.2.2\r\nX-Iprevd-Tag: weak\r\nA: 1\r\n\r\nb\r\n',
    );
  });

  test('a client that leaves in the middle leaves no message behind', async () => {
    const { doors, sink } = await setUp();
    const client = await type(doors);
    client.say('EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await client.hear(/^354 /m);
    client.say('Subject: half\r\n\r\nthis is not all');
    await until('the backend has the beginning', () => sink.commands.includes('DATA'));
    client.socket.resetAndDestroy();
    await until('the decision is reported', () => doors.decisions.length === 1);
    await play(part(doors));
    expect(sink.messages).toHaveLength(1);
    expect(sink.messages[0]?.wire.toString()).toContain('Subject: x');
  });
});

describe('several messages in a session', () => {
  test('one backend connection carries them, and RSET reaches it', async () => {
    const { doors, sink } = await setUp();
    await play(part(doors)); // its connection is kept for the next client
    const before = sink.connections();
    const client = await type(doors);
    client.say(
      'EHLO x\r\nMAIL FROM:<one@b.example>\r\nRCPT TO:<c@test.example>\r\nRSET\r\nMAIL FROM:<two@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n',
    );
    await client.hear(/^354 /m);
    client.say('\r\ntwo\r\n.\r\nMAIL FROM:<three@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await client.hear(/^354 [\s\S]*^354 /m);
    client.say('\r\nthree\r\n.\r\nQUIT\r\n');
    await client.hear(/^221 /m);
    expect(sink.connections() - before).toBe(0);
    expect(sink.messages.slice(-2).map(({ mail, rcpt }) => [mail, rcpt.length])).toEqual([
      ['MAIL FROM:<two@b.example>', 1],
      ['MAIL FROM:<three@b.example>', 1],
    ]);
    expect(sink.commands).toContain('RSET');
  });

  test('a backend that dropped the idle connection is connected again', async () => {
    let hangUp = false;
    const { doors, sink } = await setUp({
      script: (verb) => {
        if (verb !== 'MAIL' || !hangUp) return 'default';
        hangUp = false;
        return '';
      },
    });
    const client = await type(doors);
    client.say('EHLO x\r\nMAIL FROM:<one@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await client.hear(/^354 /m);
    client.say('\r\none\r\n.\r\n');
    await client.hear(/kept/);
    hangUp = true;
    client.say('MAIL FROM:<two@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await client.hear(/^354 [\s\S]*^354 /m);
    client.say('\r\ntwo\r\n.\r\n');
    await client.hear(/kept[\s\S]*kept/);
    expect(sink.messages).toHaveLength(2);
  });
});

describe('refusals', () => {
  test('are said at RCPT, each time, with one ref; the backend is not bothered', async () => {
    const { doors, sink } = await setUp();
    await play(part(doors));
    const transactions = () => sink.commands.filter((line) => /^(MAIL|RCPT)/.test(line));
    const before = transactions();
    const { mail, rcpt } = await play(part(doors, { from: '192.0.2.9', rcpt: ['a@test.example', 'b@test.example'] }));
    expect(mail).toBe('250 2.1.0 Ok');
    expect(new Set(rcpt).size).toBe(1);
    expect(rcpt[0]).toMatch(
      /^550 5\.7\.25 no PTR for 192\.0\.2\.9 \[PTR 9\.2\.0\.192\.in-addr\.arpa: NXDOMAIN\] \(ref \w{11}\)$/,
    );
    expect(transactions()).toEqual(before);
    expect(doors.decisions.at(-1)).toMatchObject({ verdict: { action: 'reject', rule: 'no-ptr' } });
    expect(rcpt[0]).toContain(doors.decisions.at(-1)?.evidence.id);
  });

  test('an excepted recipient gets through to the backend, with the right sender', async () => {
    const { doors, sink } = await setUp({ rules: withException });
    const { rcpt, dot } = await play(
      part(doors, { from: '192.0.2.9', rcpt: ['a@test.example', 'Postmaster@test.example'] }),
    );
    expect(rcpt.map((reply) => reply.slice(0, 3))).toEqual(['550', '250']);
    expect(dot).toMatch(/^250/);
    expect(sink.messages[0]).toMatchObject({
      mail: 'MAIL FROM:<a@b.example>',
      rcpt: ['RCPT TO:<Postmaster@test.example>'],
    });
  });

  test('a client that leaves early has its decision all the same, once', async () => {
    const { doors } = await setUp({ rules: withException });
    const client = await type(doors, '192.0.2.9');
    client.say('EHLO early\r\nQUIT\r\n');
    await client.hear(/^221 /m);
    await until('the decision is reported', () => doors.decisions.length === 1);
    expect(doors.decisions[0]).toMatchObject({
      evidence: { client: { stage: 'helo', helo: 'early' } },
      verdict: { action: 'pending', rule: 'postmaster' },
    });
  });

  test('hostile bytes in HELO reach neither reply nor log', async () => {
    const { doors, log } = await setUp();
    const client = await type(doors, '192.0.2.9');
    client.say('EHLO \x80\xfe[31m\r\nMAIL FROM:<>\r\nRCPT TO:<c@test.example>\r\nQUIT\r\n');
    await client.hear(/^221 /m);
    await until('the decision is reported', () => doors.decisions.length === 1);
    expect(client.heard() + log()).toMatch(/^[\x20-\x7e\r\n]*$/);
  });
});

describe('trouble of our own', () => {
  test('a bug is one 451 and one error line with the ref; the next client is served', async () => {
    let broken = true;
    const { doors, log } = await setUp({
      resolver: {
        lookup: (name, kind) => {
          if (broken) throw new Error('a bug of ours');
          return zone.lookup(name, kind);
        },
      },
    });
    const { mail } = await play(part(doors));
    expect(mail).toMatch(/^451 4\.3\.0 internal error, try again later \(ref \w{11}\)$/);
    expect(log()).toContain('a bug of ours');
    broken = false;
    expect(outcomeOf(await play(part(doors)))).toMatch(/^250/);
  });

  test('a resolver that never answers is a timeout, not a hang', async () => {
    const { doors } = await setUp({ resolver: { lookup: () => new Promise(() => {}) } });
    await play(part(doors));
    expect(doors.decisions[0]?.findings.iprev).toEqual({ result: 'temperror', reason: 'ptr-timeout' });
  });

  test('commands that only entertain are not there', async () => {
    const { doors } = await setUp();
    const client = await type(doors);
    client.say(
      'WIZ\r\nSHELL\r\nKILL\r\nSTARTTLS\r\nAUTH PLAIN x\r\nXCLIENT ADDR=192.0.2.1\r\nPROXY TCP4 192.0.2.2 127.0.0.1 1 25\r\nQUIT\r\n',
    );
    await client.hear(/^221 /m);
    expect(client.heard().match(/^\d{3}/gm)).toEqual(['220', ...Array(7).fill('500'), '221']);
  });

  test('draining: the idle client is told 421, a message under way is finished', async () => {
    const { doors, sink } = await setUp();
    const [idle, busy] = [await type(doors), await type(doors)];
    busy.say('EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
    await busy.hear(/^354 /m);
    busy.say('Subject: x\r\n\r\nhalf');
    const closed = doors.close();
    await idle.hear(/^421 4\.3\.2 mx\.test\.example is shutting down/m);
    busy.say(' and all\r\n.\r\n');
    await busy.hear(/^250 2\.0\.0 kept/m);
    busy.say('NOOP\r\n');
    await busy.hear(/^421 /m);
    await closed;
    expect(sink.messages).toHaveLength(1);
  });
});

test('the address is looked up at accept, the name at HELO, both before MAIL', async () => {
  const resolver = failNth(zone, 0);
  const { doors } = await setUp({ resolver });
  const socket = connect(doors.smtp);
  cleanUp.push(() => void socket.destroy());
  socket.write('PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\r\n');
  await until('the address is asked', async () => resolver.asked.length === 2);
  socket.write('EHLO mx.sender.example\r\n');
  await until('the name is asked', async () => resolver.asked.length === 3);
  expect(resolver.asked).toEqual(['PTR 1.2.0.192.in-addr.arpa', 'A mx.example', 'A mx.sender.example']);
});

describe('when a refusal is told', () => {
  const noPtr = (announce: string) =>
    policyOf(`rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "no PTR for {ip}" }]
otherwise: accept
announce: ${announce}`);

  test('at connect: instead of the greeting, and the door is closed', async () => {
    const { doors, sink } = await setUp({ rules: noPtr('connect') });
    const socket = connect(doors.smtp.port, doors.smtp.host);
    cleanUp.push(() => void socket.destroy());
    let heard = '';
    socket.on('data', (octets) => (heard += octets.toString('latin1')));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('PROXY TCP4 192.0.2.9 127.0.0.1 40000 25\r\n');
    await closed;
    expect(heard).toMatch(/^550 5\.7\.25 no PTR for 192\.0\.2\.9 [^\r]*\(ref \w+\)\r\n$/);
    expect(sink.connections()).toBeLessThanOrEqual(1); // the door's own look at it when it opened
    expect(doors.decisions.map(({ evidence, verdict }) => [evidence.client.stage, verdict.action])).toEqual([
      ['connect', 'reject'],
    ]);
    expect((await play(part(doors))).dot).toMatch(/^250/);
  });

  test.each([
    ['helo', { ehlo: /^550 5\.7\.25 / }],
    ['mail', { ehlo: /^250/, mail: /^550 5\.7\.25 / }],
    ['rcpt', { ehlo: /^250/, mail: /^250/, rcpt: /^550 5\.7\.25 / }],
  ])('at %s', async (stage, expected: Record<string, RegExp>) => {
    const { doors } = await setUp({ rules: noPtr(stage) });
    const played = await play(part(doors, { from: '192.0.2.9' }));
    for (const [at, words] of Object.entries(expected)) expect(String(played[at as 'mail'])).toMatch(words);
    expect(doors.decisions).toHaveLength(1);
    expect((await play(part(doors))).dot).toMatch(/^250/);
  });

  test('postmaster is reached all the same: the backend hears of the message at that recipient', async () => {
    const { doors, sink } = await setUp({ rules: noPtr('rcpt') });
    const played = await play(part(doors, { from: '192.0.2.9', rcpt: ['c@test.example', 'postmaster@test.example'] }));
    expect(played.rcpt[0]).toMatch(/^550 5\.7\.25 /);
    expect(played.rcpt[1]).toMatch(/^250/);
    expect(played.dot).toMatch(/^250/);
    expect(sink.messages[0]).toMatchObject({
      mail: 'MAIL FROM:<a@b.example>',
      rcpt: ['RCPT TO:<postmaster@test.example>'],
    });
  });

  test('what the backend says to that MAIL is said at the recipient', async () => {
    const { doors } = await setUp({ script: saying('MAIL', '452 4.3.1 disk full'), rules: noPtr('rcpt') });
    const played = await play(part(doors, { from: '192.0.2.9', rcpt: ['postmaster@test.example'] }));
    expect(played.mail).toMatch(/^250/);
    expect(played.rcpt).toEqual(['452 4.3.1 disk full']);
  });
});

test("the policy's own header field goes on top, and one from outside is left out", async () => {
  const own = policyOf(`rules:
  - { id: note, tag: { header: X-Reverse-DNS, value: "{iprev} {name}" } }
  - { id: keep, hold: true }
otherwise: accept
allow_hold: true`);
  const { doors, sink } = await setUp({ rules: own });
  const message = ['x-reverse-dns: pass bank.example', 'Subject: x', '', 'X-Reverse-DNS: body'];
  await play(part(doors, { message }));
  expect(sink.messages[0]?.wire.toString('latin1').split('\r\n').slice(1)).toEqual([
    'X-Iprevd-Tag: hold',
    'X-Reverse-DNS: pass mx.example',
    'Subject: x',
    '',
    'X-Reverse-DNS: body',
    '',
  ]);
});
