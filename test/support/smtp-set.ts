// The SMTP door between a client that types what it likes and a mail server that says what it likes. Whatever is opened here
// is closed after the test, the last one first.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterEach } from '@jest/globals';
import { decide } from '../../src/core/decide.ts';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';
import type { Policy } from '../../src/core/policy.ts';
import { toZone } from '../../src/core/zone.ts';
import type { Part } from '../../src/demo/player.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import {
  type BackendSettings,
  type SmtpDoor,
  type SmtpSettings,
  type SmtpTimes,
  smtpDoor,
} from '../../src/doors/smtp/server.ts';
import type { Gate, Inquiry } from '../../src/gate.ts';
import { listen } from '../../src/listen.ts';
import { makeLog } from '../../src/log.ts';
import { type Doors, openDoors, ourName, policyOf } from './doors.ts';
import { evidenceOf } from './evidence.ts';
import { until } from './processes.ts';
import { openSink, type Script, type Sink } from './sink.ts';

/** 192.0.2.1 is confirmed, the name of 192.0.2.2 is gone, 192.0.2.9 has none. */
export const zone = zoneResolver(
  toZone({ '192.0.2.1': ['mx.example'], 'mx.example': ['192.0.2.1'], '192.0.2.2': ['old.example'] }),
);

const policy = policyOf(`
rules:
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR for {ip}" }
  - { id: weak, when: { iprev: fail }, tag: weak }
otherwise: accept`);

export const acceptAll = policyOf('rules: []\notherwise: accept');

/** What has to be ended after the test. */
export const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

export interface SetParts {
  readonly script?: Script;
  readonly resolver?: Resolver;
  readonly rules?: Policy;
  readonly settings?: SmtpSettings;
  readonly times?: Partial<SmtpTimes>;
  /** How the door meets the sink; other servers may stand there in its place. */
  readonly backend?: Partial<BackendSettings>;
}

export interface SmtpSet {
  readonly doors: Doors;
  readonly sink: Sink;
  readonly log: () => string;
}

export async function setUp({ script, resolver = zone, rules = policy, ...more }: SetParts = {}): Promise<SmtpSet> {
  const { settings = {}, times = {}, backend = {} } = more;
  const folder = mkdtempSync(join(tmpdir(), 'iprevd-smtp-'));
  const sink = await openSink(script);
  const logFile = join(folder, 'log');
  const doors = await openDoors({
    resolver,
    policy: rules,
    backend: sink.endpoint,
    backends: { servers: [sink.endpoint], ...backend },
    settings,
    times: { connectMs: 500, replyMs: 500, dotMs: 500, ...times },
    logFile,
  });
  cleanUp.push(
    () => rmSync(folder, { recursive: true }),
    () => sink.close(),
    () => doors.close(),
  );
  return { doors, sink, log: () => readFileSync(logFile, 'utf8') };
}

/** An inquiry that lets everybody in and reports nothing. */
export const goodInquiry: Inquiry = {
  ref: 'testref',
  announce: 'rcpt',
  policyFields: new Set(),
  helo: () => {},
  decide: async ({ ip, ...client }) => decide(acceptAll, evidenceOf({ ip, ptr: 'nxdomain', client })),
  told: () => {},
  heard: () => {},
  close: async () => {},
};

/** The SMTP door alone, with a gate of the test's own. */
export async function setUpWith(
  gate: Gate,
  { settings = {}, times = {} }: Pick<SetParts, 'settings' | 'times'> = {},
): Promise<{ readonly smtp: TcpEndpoint; readonly sink: Sink; readonly door: SmtpDoor }> {
  const sink = await openSink();
  const backend = { servers: [sink.endpoint] };
  const door = smtpDoor({ gate, log: makeLog('silent'), name: ourName, backend, settings, times });
  const smtp = await listen(door.server, { kind: 'tcp', host: '127.0.0.1', port: 0 });
  cleanUp.push(
    () => sink.close(),
    () => door.drain(500),
  );
  if (smtp.kind !== 'tcp') throw new Error('not TCP');
  return { smtp, sink, door };
}

/** Says one thing at one verb, the first `times` times it comes. */
export const saying = (verb: string, reply: string | undefined, times = Number.POSITIVE_INFINITY): Script => {
  let left = times;
  return (at) => (at === verb && left-- > 0 ? reply : 'default');
};

export const part = (doors: Pick<Doors, 'smtp'>, more: Partial<Part> = {}): Part => ({
  ...doors.smtp,
  from: '192.0.2.1',
  proxied: true,
  helo: 'mx.example',
  mail: 'a@b.example',
  rcpt: ['c@test.example'],
  message: ['Subject: x', '', 'text'],
  ...more,
});

/** A client that sends octets as they are and keeps all it hears. */
export interface Typist {
  readonly socket: Socket;
  /** Text is latin1. */
  say(octets: string | Buffer): void;
  /** Waits until what was heard so far looks like this. */
  hear(what: RegExp): Promise<void>;
  readonly heard: () => string;
  /** The codes of the replies so far, one for each. */
  readonly codes: () => readonly string[];
  readonly closed: () => boolean;
}

/** Connects and says nothing. */
export function dial(to: TcpEndpoint, from = '127.0.0.1'): Typist {
  const { host, port } = to;
  return typist(connect({ host, port, localAddress: from, noDelay: true }));
}

/** A client behind the proxy that 127.0.0.1 is, greeted. */
export async function type(doors: Doors, from = '192.0.2.1'): Promise<Typist> {
  const client = dial(doors.smtp);
  client.say(`PROXY TCP4 ${from} 127.0.0.1 40000 25\r\n`);
  await client.hear(/^220 /);
  return client;
}

/** The same connection inside TLS; the 220 to STARTTLS has been heard. Rejects if the handshake fails. */
export async function secure({ socket }: Typist, options: ConnectionOptions = {}): Promise<Typist> {
  socket.removeAllListeners('data');
  const secured = connectTls({ socket, rejectUnauthorized: false, ...options });
  const inside = typist(secured);
  await new Promise<void>((resolve, reject) => {
    secured.once('secureConnect', resolve);
    secured.once('error', reject);
    secured.once('close', () => reject(new Error('closed in the handshake')));
  });
  return inside;
}

function typist(socket: Socket): Typist {
  let heard = '';
  let closed = false;
  socket.on('data', (octets: Buffer) => (heard += octets.toString('latin1')));
  socket.on('close', () => (closed = true));
  socket.on('error', () => {});
  cleanUp.push(() => void socket.destroy());
  return {
    socket,
    say: (octets) => void socket.write(octets, 'latin1'),
    hear: async (what) => {
      await until(`${what}`, () => what.test(heard)).catch((error) => {
        throw new Error(`${error.message}; heard ${JSON.stringify(heard)}`);
      });
    },
    heard: () => heard,
    codes: () => heard.match(/^\d{3}(?!-)/gm) ?? [],
    closed: () => closed,
  };
}
