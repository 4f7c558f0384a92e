// The door towards the mail server behind: how that one is told who the client is, inside TLS or not, which of several servers
// is taken, LMTP, and what is written on top of the message.

import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TcpEndpoint } from '../../../../src/core/endpoint.ts';
import { type Ip, parseIp } from '../../../../src/core/ip.ts';
import { backendRestMs } from '../../../../src/core/limits.ts';
import { outcomeOf, play } from '../../../../src/demo/player.ts';
import { Backends } from '../../../../src/doors/smtp/backends.ts';
import { type BackendPlan, ClientRefused } from '../../../../src/doors/smtp/handshake.ts';
import { BackendError } from '../../../../src/doors/smtp/link.ts';
import { printLocalHeader, printProxyHeader } from '../../../../src/doors/smtp/proxy-header.ts';
import type { BackendSettings } from '../../../../src/doors/smtp/server.ts';
import type { Identity } from '../../../../src/doors/smtp/xclient.ts';
import { type Certificates, makeCertificates } from '../../../support/certificates.ts';
import type { Doors } from '../../../support/doors.ts';
import { ipOf } from '../../../support/evidence.ts';
import { failNth } from '../../../support/faults.ts';
import { freePort, temporaryFolder, until } from '../../../support/processes.ts';
import { describeWith } from '../../../support/programs.ts';
import { openSink, type Script, type Sink } from '../../../support/sink.ts';
import { acceptAll, cleanUp, dial, part, saying, setUp, type Typist, type, zone } from '../../../support/smtp-set.ts';

const message = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n';
const names = 'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT';

/** A backend that offers this beside the usual, and greets anew after XCLIENT. */
const offering =
  (...extensions: string[]): Script =>
  (verb) =>
    verb === 'EHLO'
      ? `250-sink\r\n${extensions.map((line) => `250-${line}\r\n`).join('')}250 SIZE 50000000`
      : verb === 'XCLIENT'
        ? '220 sink ESMTP'
        : 'default';

/** What the backend was told, its greeting apart, from the client's first word on. */
const told = (sink: Sink, what: RegExp): string[] => sink.commands.filter((line) => what.test(line));

const deliver = async (client: Typist, sink: Sink): Promise<void> => {
  const before = sink.messages.length;
  client.say(message);
  await until('content may come', () => client.heard().trimEnd().split('\r\n').at(-1)?.startsWith('354') === true);
  client.say('\r\nx\r\n.\r\n');
  await until('the message is there', () => sink.messages.length > before);
  await until('and answered', () => client.codes().at(-1) === '250');
};

describe('who the client is, said by XCLIENT', () => {
  const known = 'PORT=40000 DESTADDR=127.0.0.1 DESTPORT=25 PROTO=ESMTP HELO=mx.example';

  test.each([
    ['confirmed', '192.0.2.1', zone, 'mx.example'],
    ['without a PTR record', '192.0.2.9', zone, '[UNAVAILABLE]'],
    ['whose name does not exist', '192.0.2.2', zone, '[UNAVAILABLE]'],
    ['whose lookup has failed', '192.0.2.1', failNth(zone, 1), '[TEMPUNAVAIL]'],
  ])('a client %s', async (_, from, resolver, name) => {
    const { doors, sink } = await setUp({ rules: acceptAll, resolver, script: offering(`XCLIENT ${names}`) });
    expect((await play(part(doors, { from }))).dot).toMatch(/^250 /);
    // The door's own look at the backend comes first, and says nothing of anybody.
    expect(told(sink, /^(?!QUIT)/).slice(0, 6)).toEqual([
      'EHLO mx.test.example',
      'EHLO mx.test.example',
      `XCLIENT ${known} NAME=${name} ADDR=${from}`,
      'EHLO mx.example',
      'MAIL FROM:<a@b.example>',
      'RCPT TO:<c@test.example>',
    ]);
  });

  test('the opening command is a part of it: HELO is SMTP', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, script: offering(`XCLIENT ${names}`) });
    const client = await type(doors);
    client.say('HELO mx.example\r\n');
    await deliver(client, sink);
    expect(told(sink, /^XCLIENT/)).toEqual([expect.stringContaining(' PROTO=SMTP ')]);
  });

  test('no more than it takes, and in IPv6 as it wants it', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, script: offering('XCLIENT ADDR NAME') });
    expect((await play(part(doors, { from: '2001:db8::7' }))).dot).toMatch(/^250 /);
    expect(told(sink, /^XCLIENT/)).toEqual(['XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::7']);
  });

  test.each([
    ['5xx', '550 5.7.1 not from there', /^550 5\.7\.1 not from there$/],
    ['4xx without an enhanced code', '450 later', /^450 4\.0\.0 later$/],
    ['neither yes nor no', '354 what', /^451 4\.4\.1 /],
  ])("what the backend says to it is the client's answer: %s", async (_, reply, expected) => {
    const script: Script = (verb, line) => (verb === 'XCLIENT' ? reply : offering(`XCLIENT ${names}`)(verb, line));
    const { doors, sink, log } = await setUp({ rules: acceptAll, script, backend: { identify: 'xclient' } });
    expect((await play(part(doors))).mail).toMatch(expected);
    expect(told(sink, /^MAIL/)).toEqual([]);
    expect(log().includes('"msg":"session failed"')).toBe(false);
  });

  test('a backend that does not offer it, where it is wanted: 451, for we would be the client', async () => {
    const { doors, sink, log } = await setUp({ rules: acceptAll, backend: { identify: 'xclient' } });
    expect((await play(part(doors))).mail).toMatch(/^451 4\.4\.1 /);
    expect(told(sink, /^MAIL/)).toEqual([]);
    expect(log()).toContain('does not offer us XCLIENT');
  });

  test('another name in HELO is another client to the backend: a connection of its own', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, script: offering(`XCLIENT ${names}`) });
    const client = await type(doors);
    for (const helo of ['one.example', 'one.example', 'two.example']) {
      client.say(`EHLO ${helo}\r\n`);
      await deliver(client, sink);
    }
    expect(told(sink, /^XCLIENT/).map((line) => / HELO=(\S+)/.exec(line)?.[1])).toEqual(['one.example', 'two.example']);
  });

  test('so is another client behind the same proxy, whatever its name', async () => {
    const settings = { proxy: [], xclient: [parseIp('127.0.0.1') as Ip] };
    const { doors, sink } = await setUp({ rules: acceptAll, settings, script: offering(`XCLIENT ${names}`) });
    const client = dial(doors.smtp);
    await client.hear(/^220 /);
    client.say('EHLO mx.example\r\n');
    await deliver(client, sink);
    client.say('XCLIENT ADDR=192.0.2.9\r\n');
    await client.hear(/^220 .*\r\n[\s\S]*^220 /m);
    client.say('EHLO mx.example\r\n');
    await deliver(client, sink);
    expect(told(sink, /^XCLIENT/).map((line) => / ADDR=(\S+)/.exec(line)?.[1])).toEqual(['127.0.0.1', '192.0.2.9']);
  });
});

describe('who the client is, said in other ways', () => {
  test.each<[BackendSettings['identify'], string[], RegExp[]]>([
    ['auto', [`XCLIENT ${names}`, `XFORWARD ${names}`], [/^XCLIENT .* ADDR=192\.0\.2\.1$/]],
    ['auto', [`XFORWARD ${names} SOURCE`], [/^XFORWARD .*NAME=mx\.example ADDR=192\.0\.2\.1$/]],
    ['auto', [], []],
    ['xforward', [`XCLIENT ${names}`, `XFORWARD ${names}`], [/^XFORWARD /]],
    ['xforward', [], []],
    ['none', [`XCLIENT ${names}`, `XFORWARD ${names}`], []],
  ])('%s, of %j', async (identify, extensions, expected) => {
    const backend = identify === undefined ? {} : { identify };
    const { doors, sink } = await setUp({ rules: acceptAll, script: offering(...extensions), backend });
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect(told(sink, /^X/)).toEqual(expected.map((line) => expect.stringMatching(line)));
  });

  test('XFORWARD comes before each message, and its answer changes nothing', async () => {
    const script: Script = (verb, line) =>
      verb === 'XFORWARD' ? '501 5.5.4 what' : offering(`XFORWARD ${names}`)(verb, line);
    const { doors, sink } = await setUp({ rules: acceptAll, script });
    const client = await type(doors);
    client.say('EHLO mx.example\r\n');
    await deliver(client, sink);
    await deliver(client, sink);
    expect(told(sink, /^(XF|MAIL)/).map((line) => line.split(' ')[0])).toEqual([
      'XFORWARD',
      'MAIL',
      'XFORWARD',
      'MAIL',
    ]);
  });

  test('PROXY version 2: the client in the first octets; our own look at the backend is LOCAL', async () => {
    const sink = await openSink();
    const { endpoint, headers } = await behindProxyHeader(sink);
    const { doors } = await setUp({ rules: acceptAll, backend: { servers: [endpoint], identify: 'proxy' } });
    cleanUp.push(() => sink.close());
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect(headers).toEqual([
      printLocalHeader(),
      printProxyHeader({ ip: ipOf('192.0.2.1'), port: 40_000 }, { ip: ipOf('127.0.0.1'), port: 25 }),
    ]);
    expect(told(sink, /^X/)).toEqual([]);
  });
});

/** A server that takes the PROXY header off and hands the rest to the sink. */
async function behindProxyHeader(sink: Sink): Promise<{ endpoint: TcpEndpoint; headers: Buffer[] }> {
  const headers: Buffer[] = [];
  const endpoint = await serve((socket) => {
    socket.once('readable', () => {
      const head: Buffer = socket.read(16);
      const addresses = head.readUInt16BE(14) === 0 ? Buffer.alloc(0) : (socket.read(head.readUInt16BE(14)) as Buffer);
      headers.push(Buffer.concat([head, addresses]));
      const behind = connect(sink.endpoint.port, '127.0.0.1');
      behind.on('error', () => {});
      behind.on('close', () => socket.destroy());
      socket.on('close', () => behind.destroy());
      socket.pipe(behind).pipe(socket);
    });
  });
  return { endpoint, headers };
}

/** Listens until the test is over. */
async function serve(accept: (socket: Socket) => void): Promise<TcpEndpoint> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

describeWith(['openssl'], 'TLS to the backend', () => {
  const made = temporaryFolder();
  let files: Certificates;
  beforeAll(async () => {
    files = await makeCertificates(made.path);
  });
  afterAll(() => made.remove());

  interface Line {
    readonly text: string;
    readonly inside: boolean;
  }
  interface Secured {
    readonly endpoint: TcpEndpoint;
    readonly lines: readonly Line[];
    /** What the client of the handshake asked for. */
    readonly asked: readonly unknown[];
  }
  /** A mail server with this certificate; `starttls`: its answer, with what stands behind it in the same segment. */
  async function openSecured(which: 'server' | 'selfSigned', offers = true, starttls = '220 go'): Promise<Secured> {
    const [cert, key] = [readFileSync(files[which].cert), readFileSync(files[which].key)];
    const lines: Line[] = [];
    const asked: unknown[] = [];
    const talk = (socket: Socket, inside: boolean) => {
      let unread = '';
      socket.on('error', () => {});
      const read = (octets: Buffer) => {
        unread += octets.toString('latin1');
        for (let end = unread.indexOf('\r\n'); end >= 0; end = unread.indexOf('\r\n')) {
          const text = unread.slice(0, end);
          unread = unread.slice(end + 2);
          lines.push({ text, inside });
          if (text === 'STARTTLS') {
            socket.write(`${starttls}\r\n`);
            if (!starttls.startsWith('220')) continue;
            socket.off('data', read);
            const secured = new TLSSocket(socket, { isServer: true, cert, key });
            secured.on('secure', () => asked.push((secured as TLSSocket & { servername?: string }).servername));
            talk(secured, true);
          } else if (text.startsWith('EHLO'))
            socket.write(offers && !inside ? '250-x\r\n250 STARTTLS\r\n' : '250 x\r\n');
          else if (text === 'DATA') socket.write('354 go on\r\n');
          else if (/^(MAIL|RCPT|\.$|RSET)/.test(text)) socket.write('250 2.0.0 kept\r\n');
        }
      };
      socket.on('data', read);
    };
    const endpoint = await serve((socket) => {
      socket.write('220 x ESMTP\r\n');
      talk(socket, false);
    });
    return { endpoint, lines, asked };
  }
  /** Where MAIL was said, or the client's answer if it was not. */
  async function outcome(
    server: Secured,
    backend: Partial<BackendSettings>,
  ): Promise<{ got: string; log: () => string }> {
    const { doors, log } = await setUp({ rules: acceptAll, backend: { servers: [server.endpoint], ...backend } });
    const said = outcomeOf(await play(part(doors)));
    const mail = server.lines.find(({ text }) => text.startsWith('MAIL'));
    const got = mail === undefined ? said.slice(0, 9) : `${said.slice(0, 3)} ${mail.inside ? 'inside' : 'plain'}`;
    return { got, log };
  }

  test.each([
    ['none', 'it is offered', true, '220 go', '250 plain'],
    ['may', 'it is offered', true, '220 go', '250 inside'],
    ['may', 'it is not offered', false, '220 go', '250 plain'],
    ['may', 'it is refused', true, '454 4.7.0 not now', '250 plain'],
    ['encrypt', 'it is offered', true, '220 go', '250 inside'],
    ['encrypt', 'it is not offered', false, '220 go', '451 4.4.1'],
    ['encrypt', 'it is refused', true, '454 4.7.0 not now', '451 4.4.1'],
    ['verify', 'it is not offered', false, '220 go', '451 4.4.1'],
    ['encrypt', 'a reply stands behind the 220', true, '220 go\r\n250 injected', '451 4.4.1'],
    ['may', 'a reply stands behind the 220', true, '220 go\r\n250 injected', '451 4.4.1'],
  ] as const)('%s, where %s', async (tls, _, offers, starttls, expected) => {
    const server = await openSecured('selfSigned', offers, starttls);
    expect((await outcome(server, { tls })).got).toBe(expected);
    expect(server.lines.some(({ text }) => text === 'STARTTLS')).toBe(offers && tls !== 'none');
  });

  test('after the handshake everything is asked again: what was offered outside may be the word of anybody', async () => {
    const server = await openSecured('selfSigned');
    await outcome(server, { tls: 'may' });
    const said = server.lines.map(({ text, inside }) => `${inside ? 'inside' : 'plain'} ${text.split(' ')[0]}`);
    expect(said.slice(said.indexOf('plain STARTTLS'), 3 + said.indexOf('plain STARTTLS'))).toContain('inside EHLO');
  });

  test.each([
    ['one of an authority that is named', 'server', { tlsName: 'mx.test.example' }, true, '250 inside'],
    ['signed by itself', 'selfSigned', { tlsName: 'mx.test.example' }, true, '451 4.4.1'],
    ['of another name', 'server', { tlsName: 'other.example' }, true, '451 4.4.1'],
    ['whose name is not that of the server as configured', 'server', {}, true, '451 4.4.1'],
    ['of an authority that nobody knows', 'server', { tlsName: 'mx.test.example' }, false, '451 4.4.1'],
  ] as const)('verify: a certificate %s', async (_, which, name, knowsAuthority, expected) => {
    const server = await openSecured(which);
    const tlsCa = readFileSync(files.ca, 'utf8');
    const { got, log } = await outcome(server, { tls: 'verify', ...name, ...(knowsAuthority ? { tlsCa } : {}) });
    expect(got).toBe(expected);
    if (expected.startsWith('451')) expect(log()).toMatch(/"problem":"backend 127\.0\.0\.1:\d+ failed: .*certificate/i);
    else expect(server.asked).toContain('mx.test.example');
  });

  test('may: a handshake that fails is no reason to fail', async () => {
    const endpoint = await serve((socket) => {
      socket.write('220 x ESMTP\r\n');
      socket.on('data', (octets: Buffer) => {
        const text = octets.toString('latin1');
        if (text.startsWith('EHLO')) socket.write('250-x\r\n250 STARTTLS\r\n');
        else if (text.startsWith('STARTTLS')) socket.write('220 go\r\n');
        else if (text.startsWith('MAIL')) socket.write('250 2.1.0 fine\r\n');
        else socket.write('500 what\r\n'); // in the place of a ServerHello
      });
    });
    const { doors } = await setUp({ rules: acceptAll, backend: { servers: [endpoint], tls: 'may' } });
    expect((await play(part(doors))).mail).toBe('250 2.1.0 fine');
  });
});

describe('several servers', () => {
  const dead = async (): Promise<TcpEndpoint> => ({ kind: 'tcp', host: '127.0.0.1', port: await freePort() });
  const plan: BackendPlan = {
    protocol: 'smtp',
    identify: 'auto',
    tls: 'none',
    ourName: 'mx.test.example',
    times: { connectMs: 500, replyMs: 500, dotMs: 500 },
  };
  const client = { ip: ipOf('192.0.2.1'), protocol: 'ESMTP', name: 'unavailable' } as const;
  const sinks = async (...scripts: (Script | undefined)[]): Promise<Sink[]> => {
    const opened = await Promise.all(scripts.map((script) => openSink(script)));
    cleanUp.push(...opened.map((sink) => () => sink.close()));
    return opened;
  };

  test('the first that can be reached takes the message, and the log says that it was not the first', async () => {
    const [second] = (await sinks(undefined)) as [Sink];
    const first = await dead();
    const { doors, log } = await setUp({ rules: acceptAll, backend: { servers: [first, second.endpoint] } });
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect(second.messages).toHaveLength(1);
    expect(log()).toContain(
      `backend 127.0.0.1:${first.port} refuses the connection; trying 127.0.0.1:${second.endpoint.port}`,
    );
  });

  test.each([
    ['greets with 4xx', saying('GREETING', '450 busy')],
    ['says 421 to EHLO', saying('EHLO', '421 4.3.2 going down')],
    ['hangs up', saying('EHLO', '')],
    ['is silent', saying('GREETING', undefined)],
  ])('one that %s is none', async (_, script) => {
    const [first, second] = (await sinks(script, undefined)) as [Sink, Sink];
    const { doors } = await setUp({ rules: acceptAll, backend: { servers: [first.endpoint, second.endpoint] } });
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect([first.messages.length, second.messages.length]).toEqual([0, 1]);
  });

  test('one that could not be reached rests: it is asked last, until its rest is over', async () => {
    const [second] = (await sinks(undefined)) as [Sink];
    const first = await dead();
    let now = 1_000;
    const problems: string[] = [];
    const servers = [first, second.endpoint];
    const all = new Backends({ servers, plan, onFailover: (problem) => problems.push(problem), now: () => now });
    const open = (client?: Identity) => all.open(client);
    const opens = async () => (await open(client)).close();
    await opens();
    await opens();
    now += backendRestMs - 1;
    await opens();
    expect(problems).toHaveLength(1);
    now += 1;
    await opens();
    expect(problems).toHaveLength(2);
    expect(second.connections()).toBe(4);
  });

  test('if the others are down, one that rests is asked all the same', async () => {
    const [first] = (await sinks(saying('GREETING', '421 4.3.2 not yet', 1))) as [Sink];
    const servers = [first.endpoint, await dead()];
    const all = new Backends({ servers, plan, onFailover: () => {}, now: () => 1_000 });
    const open = (client?: Identity) => all.open(client);
    await expect(open(client)).rejects.toThrow(BackendError);
    (await open(client)).close();
    expect(first.connections()).toBe(2);
  });

  test('all of them down: 451, with the last problem in the log, and 250 when one is back', async () => {
    const port = await freePort();
    const servers = [await dead(), { kind: 'tcp', host: '127.0.0.1', port } as const];
    const { doors, log } = await setUp({ rules: acceptAll, backend: { servers } });
    expect((await play(part(doors))).mail).toMatch(/^451 4\.4\.1 /);
    expect(log()).toMatch(
      new RegExp(`"problem":"backend 127\\.0\\.0\\.1:${port} refuses the connection","msg":"backend"`),
    );
    const [sink] = (await sinks(undefined)) as [Sink];
    const back = createServer((socket) => {
      const behind = connect(sink.endpoint.port, '127.0.0.1');
      socket.on('error', () => {});
      behind.on('error', () => {});
      behind.on('close', () => socket.destroy());
      socket.on('close', () => behind.destroy());
      socket.pipe(behind).pipe(socket);
    });
    await new Promise<void>((resolve) => back.listen(port, '127.0.0.1', resolve));
    cleanUp.push(() => new Promise((resolve) => void back.close(() => resolve())));
    expect((await play(part(doors))).dot).toMatch(/^250 /);
  });

  test('a client that the first refuses is refused: no other server is asked', async () => {
    const refusing: Script = (verb, line) =>
      verb === 'XCLIENT' ? '554 5.7.1 no' : offering(`XCLIENT ${names}`)(verb, line);
    const [first, second] = (await sinks(refusing, undefined)) as [Sink, Sink];
    const servers = [first.endpoint, second.endpoint];
    const all = new Backends({ servers, plan, onFailover: () => {}, now: () => 1_000 });
    const open = (client?: Identity) => all.open(client);
    await expect(open(client)).rejects.toThrow(ClientRefused);
    expect(second.connections()).toBe(0);
  });

  test('one that is reached when it is too late: the client was told 421, and the backend hears of no message', async () => {
    const [silent, slow] = (await sinks(saying('GREETING', undefined), undefined)) as [Sink, Sink];
    const times = { connectMs: 1_000, verdictMs: 400, relayMs: 400, tickMs: 20 };
    const backend = { servers: [silent.endpoint, slow.endpoint] };
    const { doors } = await setUp({ rules: acceptAll, times, backend });
    const client = await type(doors);
    client.say('EHLO mx.example\r\nMAIL FROM:<late@b.example>\r\n');
    await client.hear(/^421 4\.4\.2 /m);
    await until('the session is over', client.closed);
    await until('the other server is left again', () => slow.commands.filter((line) => line === 'QUIT').length === 2);
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect(slow.commands.join('\n')).not.toContain('late@');
  });

  test('after MAIL a transaction stays where it is', async () => {
    const [first, second] = (await sinks(saying('RCPT', ''), undefined)) as [Sink, Sink];
    const { doors } = await setUp({ rules: acceptAll, backend: { servers: [first.endpoint, second.endpoint] } });
    expect((await play(part(doors))).rcpt[0]).toMatch(/^451 4\.4\.1 /);
    expect(second.commands).toEqual([]);
  });
});

describe('LMTP', () => {
  const lmtp = { protocol: 'lmtp' } as const;

  test('LHLO, and one recipient for each message: the next one is for later', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, backend: lmtp });
    const played = await play(part(doors, { rcpt: ['a@test.example', 'b@test.example'] }));
    expect(played.rcpt.map((reply) => reply.slice(0, 9))).toEqual(['250 2.0.0', '452 4.5.3']);
    expect(played.dot).toMatch(/^250 /);
    expect(sink.messages.map(({ rcpt }) => rcpt)).toEqual([['RCPT TO:<a@test.example>']]);
    expect(told(sink, /^.?.?HLO|^HELO|^EHLO/)).toEqual(['LHLO mx.test.example', 'LHLO mx.test.example']);
  });

  test('a recipient that is refused is none', async () => {
    const script: Script = (verb, line) => (verb === 'RCPT' && line.includes('<a@') ? '550 5.1.1 nobody' : 'default');
    const { doors } = await setUp({ rules: acceptAll, backend: lmtp, script });
    const { rcpt, dot } = await play(part(doors, { rcpt: ['a@test.example', 'b@test.example'] }));
    expect([...rcpt, dot].map((reply) => reply?.slice(0, 3))).toEqual(['550', '250', '250']);
  });

  test('the next message of the session has a recipient of its own', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, backend: lmtp });
    const client = await type(doors);
    client.say('EHLO mx.example\r\n');
    await deliver(client, sink);
    await deliver(client, sink);
    expect(client.codes().filter((code) => code === '452')).toEqual([]);
  });

  test('a server that does not know LHLO is none: HELO would be another protocol', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, backend: lmtp, script: saying('LHLO', '500 what') });
    expect((await play(part(doors))).mail).toMatch(/^451 4\.4\.1 /);
    expect(told(sink, /^HELO/)).toEqual([]);
  });
});

test('of a MAIL that was refused nothing is left in the next one', async () => {
  const { doors, sink } = await setUp({ rules: acceptAll, script: saying('MAIL', '452 4.3.1 disk full', 1) });
  await play(part(doors, { mail: 'other@b.example' })); // by now the door has met its backend
  const client = await type(doors);
  client.say(
    [
      'EHLO mx.example',
      'MAIL FROM:<one@b.example> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=one SMTPUTF8 XYZZY=1',
      'MAIL FROM:<two@b.example> SIZE=99999999 BODY=8BITMIME RET=HDRS',
      'MAIL FROM:<three@b.example>',
      'RCPT TO:<\xc3\xbc@test.example>',
      'RCPT TO:<c@test.example>',
      'DATA',
      '',
    ].join('\r\n'),
  );
  await client.hear(/^354 /m);
  expect(client.codes()).toEqual(['220', '250', '555', '552', '250', '553', '250', '354']);
  expect(told(sink, /^(MAIL|RCPT)/)).toEqual([
    'MAIL FROM:<other@b.example>',
    'MAIL FROM:<three@b.example>',
    'RCPT TO:<c@test.example>',
  ]);
  client.say('\r\nx\r\n.\r\n');
  await until('the message is there', () => sink.messages.length === 1);
  await until('it is answered', () => client.codes().length === 9);
  expect(doors.decisions.at(-1)?.evidence.client).toMatchObject({ sender: 'three@b.example' });
});

describe('Received', () => {
  const top = async (doors: Doors, sink: Sink, from: string): Promise<string[]> => {
    await play(part(doors, { from }));
    return sink.messages.at(-1)?.wire.toString('latin1').split('\r\n').slice(0, 3) ?? [];
  };

  test('on top of the message, if it is wanted', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, settings: { received: true } });
    const lines = await top(doors, sink, '192.0.2.1');
    expect(lines[0]).toBe('Authentication-Results: mx.test.example; iprev=pass policy.iprev=192.0.2.1');
    expect(lines[1]).toMatch(
      /^Received: from mx\.example \(mx\.example \[192\.0\.2\.1\]\) by mx\.test\.example \(iprevd\) with ESMTP id \w+; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/,
    );
    expect(lines[1]).toContain(` id ${doors.decisions[0]?.evidence.id};`);
    expect(lines[2]).toBe('Subject: x');
  });

  test('not unless it is', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll });
    expect((await top(doors, sink, '192.0.2.1'))[1]).toBe('Subject: x');
  });
});
