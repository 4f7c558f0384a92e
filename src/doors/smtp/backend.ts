// One SMTP connection to the mail server behind (RFC 5321, client side), a command at a time. Anything but a proper reply
// in time is a BackendError: the link is then closed and good for nothing more, and the client is told 451.

import { connect, type Socket } from 'node:net';
import { printEndpoint, type TcpEndpoint } from '../../core/endpoint.ts';
import { backendLineOctetsMax, backendReplyLinesMax } from '../../core/limits.ts';
import { type BackendReply, isPositive, readReply } from './replies.ts';

/** All in milliseconds. */
export interface BackendTimes {
  readonly connectMs: number;
  readonly replyMs: number;
  /** From the final dot to its reply. */
  readonly dotMs: number;
}

/** What went wrong with the link, in a sentence for the log. The client never sees it. */
export class BackendError extends Error {}

export interface Backend {
  /** EHLO keywords with their arguments: "SIZE" → "10240000". */
  readonly offers: ReadonlyMap<string, string>;
  readonly usable: boolean;
  /** Sends one command line (latin1, without line end) and waits for its reply. */
  command(line: string): Promise<BackendReply>;
  /** Sends content octets as they are; resolves when more may be sent. */
  content(octets: Buffer): Promise<void>;
  /** Ends the content with the final dot and waits for the reply to it. */
  finish(): Promise<BackendReply>;
  /** Says QUIT and closes, or just closes if a message was begun: what has no final dot was never sent. */
  close(): void;
}

/** Connects, reads the greeting and says EHLO (HELO if that is refused). */
export async function openBackend(endpoint: TcpEndpoint, ourName: string, times: BackendTimes): Promise<Backend> {
  const link = await openLink(endpoint, times.connectMs);
  const greeting = await link.reply(times.connectMs);
  if (greeting.code !== 220) throw link.broken(`greets with ${greeting.code} ${greeting.lines.join(' ')}`);
  let hello = await link.command(`EHLO ${ourName}`, times.replyMs);
  if (hello.code >= 500) hello = await link.command(`HELO ${ourName}`, times.replyMs);
  if (!isPositive(hello)) throw link.broken(`refuses EHLO: ${hello.code} ${hello.lines.join(' ')}`);

  let inContent = false;
  return {
    offers: new Map(
      hello.lines
        .slice(1)
        .map((line): [string, string] => [line.split(' ')[0]?.toUpperCase() ?? '', line.split(' ').slice(1).join(' ')]),
    ),
    get usable() {
      return link.usable();
    },
    async command(line) {
      const reply = await link.command(line, times.replyMs);
      if (line === 'DATA' && reply.code === 354) inContent = true;
      return reply;
    },
    content: (octets) => link.write(octets, times.replyMs),
    async finish() {
      const reply = await link.command('.', times.dotMs);
      inContent = false;
      return reply;
    },
    close() {
      if (inContent) link.broken('message given up');
      else link.quit();
    },
  };
}

interface Link {
  usable(): boolean;
  command(line: string, timeoutMs: number): Promise<BackendReply>;
  reply(timeoutMs: number): Promise<BackendReply>;
  write(octets: Buffer, timeoutMs: number): Promise<void>;
  quit(): void;
  /** Cuts the link for this reason and returns the error to throw. */
  broken(why: string): BackendError;
}

function openLink(endpoint: TcpEndpoint, connectMs: number): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
    const timer = setTimeout(() => fail(`does not answer within ${connectMs} ms`), connectMs);
    const fail = (why: string) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new BackendError(`backend ${printEndpoint(endpoint)} ${why}`));
    };
    const refused = (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ECONNREFUSED' ? 'refuses the connection' : `cannot be reached: ${error.message}`);
    socket.once('error', refused);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', refused);
      resolve(makeLink(socket, printEndpoint(endpoint)));
    });
  });
}

/** More than any reply that readReply takes. */
const unreadOctetsMax = backendLineOctetsMax * backendReplyLinesMax;

function makeLink(socket: Socket, where: string): Link {
  let unread = '';
  let fault: BackendError | undefined;
  /** Whoever waits for the next reply or for room to write; told when there is something new. */
  let wake: () => void = () => {};

  const broken = (why: string): BackendError => {
    fault ??= new BackendError(`backend ${where} ${why}`);
    socket.destroy();
    wake();
    return fault;
  };
  socket.setEncoding('latin1');
  socket.on('data', (octets: string) => {
    unread += octets;
    if (unread.length > unreadOctetsMax) broken('talks without end');
    wake();
  });
  socket.on('drain', () => wake());
  socket.on('error', (error) => broken(`failed: ${error.message}`));
  socket.on('end', () => broken('closed the connection'));
  socket.on('close', () => broken('closed the connection'));

  const wait = async (timeoutMs: number, isOver: () => boolean): Promise<void> => {
    const timer = setTimeout(() => broken(`is silent for ${timeoutMs} ms`), timeoutMs);
    try {
      while (!isOver()) {
        if (fault !== undefined) throw fault;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const reply = async (timeoutMs: number): Promise<BackendReply> => {
    let read = readReply(unread);
    await wait(timeoutMs, () => {
      read = readReply(unread);
      return read.reply !== undefined || read.broken !== undefined;
    });
    if (read.reply === undefined) throw broken(`answers nonsense: ${read.broken}`);
    unread = read.rest;
    // RFC 5321 s3.8: after 421 the server closes.
    if (read.reply.code === 421) broken('says 421');
    return read.reply;
  };
  return {
    usable: () => fault === undefined,
    broken,
    reply,
    async command(line, timeoutMs) {
      if (fault !== undefined) throw fault;
      // Octets nobody asked for would be taken for the reply to this command; before the final dot, for its 250.
      if (unread !== '') throw broken('speaks out of turn');
      socket.write(`${line}\r\n`, 'latin1');
      return reply(timeoutMs);
    },
    async write(octets, timeoutMs) {
      if (fault !== undefined) throw fault;
      if (octets.length === 0 || socket.write(octets)) return;
      await wait(timeoutMs, () => !socket.writableNeedDrain);
    },
    quit() {
      if (fault !== undefined) return;
      fault = new BackendError(`backend ${where}: closed by us`);
      wake();
      socket.end('QUIT\r\n');
      socket.setTimeout(1_000, () => socket.destroy());
    },
  };
}
