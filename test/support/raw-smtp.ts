// An SMTP client that sends exactly the octets it is given, cut where a test wants, in the clear or inside TLS, and that may
// leave as rudely as it likes. A reply that does not come within 20 s is an error; a connection that ends is the reply ''. How
// many are connected to a server is read from the kernel (Linux).

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface RawSmtp {
  readonly socket: Socket;
  /** As they are, a string in latin1. One write without Nagle: octets that fit are one segment. */
  send(octets: Buffer | string): void;
  /** The next whole reply, its lines joined by "\n", or '' if the connection ended before it. */
  reply(): Promise<string>;
  /** One line, and its reply. */
  command(line: string): Promise<string>;
}

export interface Letter {
  readonly sender: string;
  readonly recipient: string;
  /** As on the wire, without the line of the final dot. */
  readonly content: string;
}

const replyMs = 20_000;

/** A client that has been greeted and has said EHLO; rejects if the server cannot be reached or ends the connection. */
export async function openRawSmtp(port: number, from = '127.0.0.2'): Promise<RawSmtp> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
  const client = clientOn(socket);
  await once(socket, 'connect');
  socket.on('error', () => {}); // a connection that ends, however it does, is ''
  const greeting = await client.reply();
  if (!greeting.startsWith('220 ')) throw new Error(`greeted with ${JSON.stringify(greeting)}`);
  await sayHello(client);
  return client;
}

/** The same client inside TLS, where it has said EHLO again; rejects if the handshake fails. */
export async function secureRawSmtp({ socket, command }: RawSmtp, options: ConnectionOptions = {}): Promise<RawSmtp> {
  const reply = await command('STARTTLS');
  if (!reply.startsWith('220 ')) throw new Error(`STARTTLS is answered ${JSON.stringify(reply)}`);
  socket.removeAllListeners('data');
  const secured = connectTls({ socket, rejectUnauthorized: false, ...options });
  const client = clientOn(secured);
  await once(secured, 'secureConnect');
  secured.on('error', () => {});
  await sayHello(client);
  return client;
}

function clientOn(socket: Socket): RawSmtp {
  const reply = repliesOf(socket);
  const send = (octets: Buffer | string): void => {
    socket.write(octets, 'latin1');
  };
  const command = (line: string): Promise<string> => {
    send(`${line}\r\n`);
    return reply();
  };
  return { socket, send, reply, command };
}

async function sayHello({ command }: RawSmtp): Promise<void> {
  const hello = await command('EHLO client.example');
  if (!hello.startsWith('250')) throw new Error(`EHLO is answered ${JSON.stringify(hello)}`);
}

/** MAIL, RCPT and DATA: the first reply that refuses one of them, or the 354. */
export async function beginLetter(client: RawSmtp, { sender, recipient }: Omit<Letter, 'content'>): Promise<string> {
  let reply = '';
  for (const line of [`MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`, 'DATA']) {
    reply = await client.command(line);
    if (!/^[23]/.test(reply)) break;
  }
  return reply;
}

/** A whole transaction: the first reply that refuses it, or the reply to the final dot. */
export async function sendLetter(client: RawSmtp, letter: Letter): Promise<string> {
  const begun = await beginLetter(client, letter);
  if (!begun.startsWith('354')) return begun;
  client.send(`${letter.content}.\r\n`);
  return client.reply();
}

/** Every reply until the server ends the connection. */
export async function allReplies({ reply }: RawSmtp): Promise<readonly string[]> {
  const replies: string[] = [];
  for (let next = await reply(); next !== ''; next = await reply()) replies.push(next);
  return replies;
}

/**
 * All clients send their first piece, then all their second, and so on: each piece is a segment of its own, and the server has
 * a moment to read it before the next of the same client. A machine that is very busy may read two of them together.
 */
export async function sendInPieces(
  parts: readonly { readonly client: RawSmtp; readonly pieces: readonly Buffer[] }[],
): Promise<void> {
  const rounds = Math.max(...parts.map(({ pieces }) => pieces.length));
  for (let i = 0; i < rounds; i++) {
    for (const { client, pieces } of parts) client.send(pieces[i] ?? '');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Connections that a server on 127.0.0.1 has, and has not closed itself. */
export function connectionsTo(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const [established, closeWait] = ['01', '08'];
  const rows = readFileSync('/proc/net/tcp', 'latin1').matchAll(/: (\w+:\w+) \w+:\w+ (\w\w) /g);
  return [...rows].filter(([, at, state]) => at === local && (state === established || state === closeWait)).length;
}

function repliesOf(socket: Socket): () => Promise<string> {
  let heard = '';
  let isOver = false;
  let wake = (): void => {};
  socket.on('data', (octets) => {
    heard += octets.toString('latin1');
    wake();
  });
  socket.on('close', () => {
    isOver = true;
    wake();
  });
  const next = (): string | undefined => {
    const whole = /^(?:\d{3}-[^\n]*\n)*\d{3}(?!-)[^\n]*\n/.exec(heard)?.[0];
    if (whole === undefined) return isOver ? '' : undefined;
    heard = heard.slice(whole.length);
    return whole.trimEnd().replaceAll('\r\n', '\n');
  };
  return () => {
    const now = next();
    if (now !== undefined) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no reply; heard ${JSON.stringify(heard)}`)), replyMs);
      wake = () => {
        const late = next();
        if (late === undefined) return;
        clearTimeout(timer);
        wake = () => {};
        resolve(late);
      };
    });
  };
}
