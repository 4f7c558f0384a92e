// A connection to the mail server behind (RFC 5321, client side): lines out, replies in, content with back-pressure. Whatever
// is not a proper reply in time is a BackendError: the link is then cut and good for nothing more.

import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Endpoint, printEndpoint } from '../../core/endpoint.ts';
import { backendBufferOctets, backendLineOctetsMax, backendReplyLinesMax, lingerMs } from '../../core/limits.ts';
import { type BackendReply, readReply } from './replies.ts';

/** What went wrong with the link, in a sentence for the log. The client never sees it. */
export class BackendError extends Error {}

export function openLink(endpoint: Endpoint, connectMs: number): Promise<Link> {
  const where = printEndpoint(endpoint);
  return new Promise((resolve, reject) => {
    const options = { noDelay: true, writableHighWaterMark: backendBufferOctets };
    const socket = connect({ ...place(endpoint), ...options });
    const timer = setTimeout(() => fail(`does not answer within ${connectMs} ms`), connectMs);
    const fail = (why: string) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new BackendError(`backend ${where} ${why}`));
    };
    const refused = (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ECONNREFUSED' ? 'refuses the connection' : `cannot be reached: ${error.message}`);
    socket.once('error', refused);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', refused);
      resolve(new Link(socket, where));
    });
  });
}

function place(endpoint: Endpoint): { path: string } | { host: string; port: number } {
  return endpoint.kind === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
}

/** More than any reply that readReply takes. */
const unreadOctetsMax = backendLineOctetsMax * backendReplyLinesMax;

/** Who waits for the next reply, for room to write or for the handshake. */
interface Waiting {
  readonly due: number;
  /** Whether it may go on, and goes on then. */
  readonly look: () => boolean;
  readonly fail: (error: BackendError) => void;
}

export class Link {
  #socket: Socket;
  readonly #where: string;
  #unread = '';
  /** Why the link is good for nothing more. */
  #fault: string | undefined;
  #waiting: Waiting | undefined;
  /** One for all that is waited for: when it finds that the present is due later it is set again. */
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, where: string) {
    this.#socket = socket;
    this.#where = where;
    this.#listen(socket);
  }

  get usable(): boolean {
    return this.#fault === undefined;
  }

  /** Sends a line (latin1, without line end) and waits for its reply. */
  command(line: string, timeoutMs: number): Promise<BackendReply> {
    if (this.#fault !== undefined) return Promise.reject(this.#error());
    // Octets nobody asked for would be taken for the reply to this command; before the final dot, for its 250.
    if (this.#unread !== '') return Promise.reject(this.broken('speaks out of turn'));
    this.#socket.write(`${line}\r\n`, 'latin1');
    return this.reply(timeoutMs);
  }

  reply(timeoutMs: number): Promise<BackendReply> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const { reply, rest, broken } = readReply(this.#unread);
        if (broken !== undefined) reject(this.broken(`answers nonsense: ${broken}`));
        if (reply === undefined) return broken !== undefined;
        this.#unread = rest;
        // RFC 5321 s3.8: after 421 the server closes.
        if (reply.code === 421) this.#cut('says 421');
        resolve(reply);
        return true;
      };
      this.#wait(timeoutMs, look, reject);
    });
  }

  /** Sends octets as they are. A promise while the backend takes no more, rejected if that lasts; undefined: go on. */
  write(octets: Buffer, timeoutMs: number): Promise<void> | undefined {
    const socket = this.#socket;
    if (this.#fault !== undefined) return Promise.reject(this.#error());
    if (octets.length === 0) return undefined;
    // What is written in one turn travels together: our fields with the first lines, the final dot with the last.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    if (socket.write(octets)) return undefined;
    return this.#until(timeoutMs, () => !socket.writableNeedDrain);
  }

  /** From here on everything is inside TLS. Rejects if the handshake fails; throws if there can be none. */
  secure(options: ConnectionOptions, timeoutMs: number): Promise<void> {
    // Whatever came before the handshake is not from whom we think (CVE-2011-0411 and its kin).
    if (this.#unread !== '') throw this.broken('speaks before the TLS handshake');
    const plain = this.#socket;
    plain.removeAllListeners();
    const secured = connectTls({ ...options, socket: plain });
    this.#socket = secured;
    let isReady = false;
    secured.once('secureConnect', () => {
      isReady = true;
      this.#wake();
    });
    this.#listen(secured);
    return this.#until(timeoutMs, () => isReady);
  }

  /** Says QUIT and leaves. */
  quit(): void {
    if (this.#fault !== undefined) return;
    this.#fault = 'was left by us';
    this.#wake();
    this.#socket.end('QUIT\r\n');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket.destroy(), lingerMs);
  }

  /** Cuts the link for this reason and returns the error to throw. */
  broken(why: string): BackendError {
    this.#cut(why);
    return this.#error();
  }

  #listen(socket: Socket): void {
    const closed = (): void => {
      clearTimeout(this.#timer);
      this.#cut('closed the connection');
    };
    socket.setEncoding('latin1');
    socket.on('data', (octets: string) => {
      this.#unread = this.#unread === '' ? octets : this.#unread + octets;
      if (this.#unread.length > unreadOctetsMax) this.#cut('talks without end');
      this.#wake();
    });
    socket.on('drain', () => this.#wake());
    socket.on('error', ({ message }) => this.#cut(`failed: ${message}`));
    socket.on('end', closed);
    socket.on('close', closed);
  }

  #cut(why: string): void {
    this.#fault ??= why;
    this.#socket.destroy();
    this.#wake();
  }

  #error(): BackendError {
    return new BackendError(`backend ${this.#where} ${this.#fault}`);
  }

  #until(timeoutMs: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const over = isOver();
        if (over) resolve();
        return over;
      };
      this.#wait(timeoutMs, look, reject);
    });
  }

  #wait(timeoutMs: number, look: () => boolean, fail: (error: BackendError) => void): void {
    const now = Date.now();
    this.#waiting = { due: now + timeoutMs, look, fail };
    this.#watch(now);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined; // a look that cuts the link comes here again
    if (waiting.look()) return;
    if (this.#fault === undefined) this.#waiting = waiting;
    else waiting.fail(this.#error());
  }

  #watch(now: number): void {
    const due = this.#waiting?.due;
    if (due === undefined || due >= this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    this.#timer = setTimeout(() => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      const later = Date.now();
      if (this.#waiting !== undefined && this.#waiting.due <= later) this.#cut('is silent for too long');
      else this.#watch(later);
    }, due - now);
  }
}
