// The milter door over real sockets: order, cut and broken octets, faults of ours, and its end.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TcpEndpoint } from '../../../../src/core/endpoint.ts';
import { milterFrameOctetsMax } from '../../../../src/core/limits.ts';
import type { Resolver } from '../../../../src/dns/resolver.ts';
import { milterDoor } from '../../../../src/doors/milter/server.ts';
import { type Door, listen } from '../../../../src/listen.ts';
import { makeLog } from '../../../../src/log.ts';
import { gateOf, message, rules, say, shown, zone } from '../../../support/mail-server.ts';
import { until } from '../../../support/processes.ts';

let folder: string;
let door: Door;
let at: TcpEndpoint;
let reported: ReturnType<typeof gateOf>['reported'];
const sockets: Socket[] = [];
/** While set, questions to the DNS wait for it. */
let answered: Promise<void> | undefined;
let broken = false;

/** Questions wait from here on, until the result is called. */
function hold(): () => void {
  let release = (): void => {};
  answered = new Promise((resolve) => (release = resolve));
  return () => release();
}

const resolver: Resolver = {
  async lookup(name, type) {
    if (broken) throw new Error('a bug of ours');
    await answered;
    return zone.lookup(name, type);
  },
};

async function open(policy: string): Promise<void> {
  const gate = gateOf(policy, resolver);
  reported = gate.reported;
  door = milterDoor({ gate: gate.gate, log: makeLog('info', join(folder, 'log')), authservId: 'mx.test.example' });
  at = (await listen(door.server, { kind: 'tcp', host: '127.0.0.1', port: 0 })) as TcpEndpoint;
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-milter-'));
  await open(rules);
});
afterEach(async () => {
  broken = false;
  answered = undefined;
  for (const socket of sockets.splice(0)) socket.destroy();
  await door.drain(0);
  rmSync(folder, { recursive: true });
});

const logged = (): string => readFileSync(join(folder, 'log'), 'utf8');

/** A mail server; `heard` grows, `isClosed` tells that the door has ended it. */
function dial() {
  const socket = connect(at.port, at.host);
  sockets.push(socket);
  let octets: Buffer = Buffer.alloc(0);
  let isClosed = false;
  socket.on('data', (chunk: Buffer) => (octets = Buffer.concat([octets, chunk])));
  socket.on('error', () => {});
  socket.on('close', () => (isClosed = true));
  return {
    socket,
    heard: () => shown(octets).map((answer) => answer[0]),
    isClosed: () => isClosed,
    write: (...packets: readonly Buffer[]) => socket.write(Buffer.concat(packets)),
  };
}

test('glued commands are answered in order, and Q closes', async () => {
  const server = dial();
  server.write(say.offer(), say.client('192.0.2.2'), say.helo(), ...message('X-Iprevd-Tag: x'), say.bare('Q'));
  await until('it is closed', server.isClosed);
  expect(server.heard()).toEqual(['O', 'c', 'c', 'c', 'c', 'm', 'i', 'i', 'c']);
  await until('it is reported', () => reported.length === 1);
  expect(logged()).toBe('');
});

test('an octet at a time', async () => {
  const server = dial();
  server.socket.setNoDelay(true);
  const octets = Buffer.concat([say.offer(), say.client('192.0.2.3'), say.helo(), say.mail(), say.rcpt()]);
  for (const octet of octets) server.socket.write(Buffer.from([octet]));
  await until('it is refused', () => server.heard().includes('y'));
  expect(server.heard()).toEqual(['O', 'c', 'c', 'c', 'y']);
});

test('a second connection is another mail server', async () => {
  const [one, two] = [dial(), dial()];
  one.write(say.offer(), say.client('192.0.2.3'));
  two.write(say.offer(), say.client('192.0.2.1'), say.helo(), ...message());
  await until('both are answered', () => one.heard().length === 2 && two.heard().length === 7);
  one.write(say.helo(), say.mail(), say.rcpt());
  await until('it is refused', () => one.heard().includes('y'));
});

test('what comes while a verdict is under way waits for it', async () => {
  const release = hold();
  const [server, other] = [dial(), dial()];
  server.write(say.offer(), say.client('192.0.2.3'), say.helo(), say.mail(), say.rcpt());
  await until('all but one are answered', () => server.heard().length === 4);
  server.write(say.bare('T'));
  other.write(say.offer());
  await until('the door has looked round', () => other.heard().length === 1);
  release();
  await until('all are answered', () => server.heard().length === 6);
  expect(server.heard()).toEqual(['O', 'c', 'c', 'c', 'y', 'c']);
});

describe('broken octets close the connection and are logged', () => {
  test.each([
    ['length 0', Buffer.alloc(4), 'a frame of 0 octets'],
    ['4 GB', Buffer.alloc(4, 0xff), 'a frame of 4294967295 octets'],
    ['HTTP', Buffer.from('GET / HTTP/1.0\r\n\r\n'), 'a frame of 1195725856 octets'],
    ['an unknown command', Buffer.from('\0\0\0\x01!'), 'unknown command'],
    ['wrong order', say.helo(), 'helo before a negotiation'],
    ['version 1', say.offer(1), 'version 1'],
  ])('%s', async (_, octets, what) => {
    const server = dial();
    server.write(octets);
    await until('it is closed', server.isClosed);
    expect(server.heard()).toEqual([]);
    expect(logged()).toContain(what);
  });

  test('what was good before is answered', async () => {
    const server = dial();
    server.write(say.offer(), Buffer.alloc(4));
    await until('it is closed', server.isClosed);
    expect(server.heard()).toEqual(['O']);
  });
});

test('half a frame, and the mail server is gone: nothing is left, the client is reported', async () => {
  const server = dial();
  server.write(say.offer(), say.client('192.0.2.1'), say.helo().subarray(0, 7));
  await until('it is answered', () => server.heard().length === 2);
  server.socket.end();
  await until('it is closed', server.isClosed);
  await until('it is reported', () => reported.length === 1);
  expect(reported[0]?.evidence.client.stage).toBe('connect');
});

test('a field as long as a frame may be', async () => {
  const server = dial();
  server.write(
    say.offer(),
    say.client('192.0.2.1'),
    say.helo(),
    ...message(`X: ${'x'.repeat(milterFrameOctetsMax - 4)}`),
  );
  await until('it is answered', () => server.heard().length === 7);
});

test('a bug of ours is a temporary failure, said in the log', async () => {
  broken = true;
  const server = dial();
  server.write(say.offer(), say.client('192.0.2.1'), say.helo(), say.mail(), say.rcpt());
  await until('it is answered', () => server.heard().length === 5);
  expect(server.heard()).toEqual(['O', 'c', 'c', 'c', 't']);
  server.socket.end();
  await until('it is said', () => logged().includes('milter client not reported'));
  expect(logged()).toContain('a bug of ours');
});

describe('drain', () => {
  test('an idle mail server is let go, a message comes to its end', async () => {
    const [idle, busy] = [dial(), dial()];
    idle.write(say.offer(), say.client('192.0.2.1'));
    busy.write(say.offer(), say.client('192.0.2.1'), say.helo(), say.mail(), say.rcpt());
    await until('both are answered', () => idle.heard().length === 2 && busy.heard().length === 5);
    const drained = door.drain(20_000);
    await until('the idle one is closed', idle.isClosed);
    expect(busy.isClosed()).toBe(false);
    busy.write(say.bare('T'));
    await until('it is answered', () => busy.heard().length === 6);
    busy.write(say.bare('E'));
    await drained;
    await until('it is closed', busy.isClosed);
    expect(busy.heard().slice(6)).toEqual(['i', 'c']);
    expect(reported).toHaveLength(2);
  });

  test('a verdict under way is said first', async () => {
    await door.drain(0);
    await open(`announce: helo\n${rules}`);
    const release = hold();
    const server = dial();
    server.write(say.offer(), say.client('192.0.2.3'), say.helo());
    await until('all but one are answered', () => server.heard().length === 2);
    const drained = door.drain(20_000);
    release();
    await drained;
    await until('it is closed', server.isClosed);
    expect(server.heard()).toEqual(['O', 'c', 'y']);
  });

  test('it waits for what is still to be reported', async () => {
    const release = hold();
    const server = dial();
    server.write(say.offer(), say.client('192.0.2.1'));
    await until('it is answered', () => server.heard().length === 2);
    const drained = door.drain(20_000);
    await until('it is closed', server.isClosed);
    release();
    await drained;
    expect(reported).toHaveLength(1);
  });

  test('what takes too long is ended', async () => {
    const server = dial();
    server.write(say.offer(), say.client('192.0.2.1'), say.helo(), say.mail());
    await until('it is answered', () => server.heard().length === 4);
    await door.drain(10);
    await until('it is closed', server.isClosed);
  });

  test('a verdict that comes too late changes nothing', async () => {
    const release = hold();
    const server = dial();
    server.write(say.offer(), say.client('192.0.2.3'), say.helo(), ...message());
    await until('all but one are answered', () => server.heard().length === 4);
    const drained = door.drain(10);
    await until('it is closed', server.isClosed);
    release();
    await drained;
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged()).toBe('');
  });
});
