// The backend's side of one client session: a connection opened when it is first needed and kept over the session's
// messages, one transaction at a time. Every method returns what the client is to be told. A link that breaks is a
// BackendError to the caller; between messages it is quietly replaced, since nothing can be lost there.

import type { Backend } from './backend.ts';
import { type PathCommand, printPathCommand, refusal } from './envelope.ts';
import { ClientRefused } from './handshake.ts';
import type { MessageFilter } from './message.ts';
import { type BackendReply, isPositive } from './replies.ts';
import type { Identity } from './xclient.ts';

/** `fresh`: not one that somebody else had before. */
export type OpenBackend = (client: Identity, fresh: boolean) => Promise<Backend>;

/** Told what the backend itself has answered to RCPT, or to the final dot. */
export type Heard = (to: 'rcpt' | 'dot', code: number) => void;

export class Relay {
  readonly #open: OpenBackend;
  readonly #heard: Heard;
  #backend: Backend | undefined;
  #knownAs: Identity | undefined;
  /** Between an accepted MAIL and the end of its message. */
  #inTransaction = false;
  #recipients = 0;
  #isAbandoned = false;
  #isClosed = false;

  constructor(open: OpenBackend, heard: Heard) {
    this.#open = open;
    this.#heard = heard;
  }

  /** `client`: as the backend is to know it, if it is told at all. */
  async mail(command: PathCommand, client: Identity): Promise<BackendReply> {
    const before = this.#backend;
    const reply = await this.#begin(command, client, false).catch((error: unknown) => {
      if (error instanceof ClientRefused) return error.reply;
      // A backend may drop an idle connection at any time; before MAIL was accepted another try costs nothing.
      const wasIdle = this.#backend !== undefined && (this.#backend === before || this.#backend.isUsed);
      if (!wasIdle) throw error;
      return this.#begin(command, client, true);
    });
    this.#inTransaction = isPositive(reply);
    this.#recipients = 0;
    return reply;
  }

  async rcpt(command: PathCommand): Promise<BackendReply> {
    const backend = this.#ready();
    // LMTP answers the dot once for each recipient (RFC 2033 s4.2), SMTP once for all: one by one nothing can be lost.
    if (backend.protocol === 'lmtp' && this.#recipients > 0) return oneByOne;
    const line = printPathCommand('RCPT', command, backend.offers);
    if (typeof line !== 'string') return line;
    const reply = await backend.command(line);
    this.#heard('rcpt', reply.code);
    if (isPositive(reply)) this.#recipients++;
    return reply;
  }

  /** 354: content may come. */
  data(): Promise<BackendReply> {
    return this.#ready().command('DATA');
  }

  /** After the 354, once. */
  deliver(filter: MessageFilter, octetsMax: number): Delivery {
    this.#inTransaction = false;
    return new Delivery(this.#ready(), filter, octetsMax, this.#heard);
  }

  /** The client gave its transaction up. */
  abandon(): void {
    this.#isAbandoned ||= this.#inTransaction;
    this.#inTransaction = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#backend?.close();
  }

  #ready(): Backend {
    if (this.#backend === undefined) throw new Error('no backend connection: MAIL comes first');
    return this.#backend;
  }

  async #begin(command: PathCommand, client: Identity, fresh: boolean): Promise<BackendReply> {
    const backend = await this.#connected(client, fresh);
    if (this.#isAbandoned) await backend.command('RSET');
    this.#isAbandoned = false;
    const line = printPathCommand('MAIL', command, backend.offers);
    return typeof line === 'string' ? backend.command(line) : line;
  }

  async #connected(client: Identity, fresh: boolean): Promise<Backend> {
    // Another HELO, or another client behind a proxy: the backend was told of the one before.
    if (this.#backend?.usable && this.#knownAs !== undefined && isSame(this.#knownAs, client)) return this.#backend;
    this.#backend?.close();
    this.#backend = undefined;
    this.#isAbandoned = false;
    const backend = await this.#open(client, fresh);
    // The client may have gone while we connected.
    if (this.#isClosed) backend.close();
    this.#knownAs = client;
    this.#backend = backend;
    return backend;
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return one.ip === other.ip && one.helo === other.helo && one.protocol === other.protocol && one.name === other.name;
}

/** One message on its way. Neither push nor giveUp throws: what goes wrong is the answer of finish. */
export class Delivery {
  readonly #backend: Backend;
  readonly #filter: MessageFilter;
  readonly #octetsMax: number;
  readonly #heard: Heard;
  #refused: BackendReply | undefined;
  #fault: { readonly error: unknown } | undefined;

  constructor(backend: Backend, filter: MessageFilter, octetsMax: number, heard: Heard) {
    this.#backend = backend;
    this.#filter = filter;
    this.#octetsMax = octetsMax;
    this.#heard = heard;
  }

  /** Canonical content; `octets`: of the message so far. A promise while no more may come; undefined: go on. */
  push(content: Buffer, octets: number): Promise<void> | undefined {
    // Heard to its end and thrown away.
    if (this.#refused !== undefined || this.#fault !== undefined) return undefined;
    if (octets <= this.#octetsMax)
      return this.#backend.content(this.#filter.push(content))?.catch((error: unknown) => this.#failed(error));
    this.giveUp(tooLarge);
    return undefined;
  }

  /** The message must not arrive: `reply` is its answer. Nothing but its beginning was sent, and never the final dot. */
  giveUp(reply: BackendReply): void {
    this.#refused ??= reply;
    this.#backend.close(); // without the final dot: the backend forgets the message
  }

  /** The final dot, and the backend's reply to it. Rejects if the backend has gone away. */
  async finish(): Promise<BackendReply> {
    if (this.#refused !== undefined) return this.#refused;
    if (this.#fault !== undefined) throw this.#fault.error;
    try {
      // Not waited for: the dot goes out in the same turn.
      this.#backend.content(this.#filter.end())?.catch(() => {});
      const reply = await this.#backend.finish();
      this.#heard('dot', reply.code);
      return reply;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    this.#fault ??= { error };
    this.#backend.close();
  }
}

const oneByOne = refusal(452, '4.5.3', 'one recipient at a time, please send this one in a message of its own');
const tooLarge = refusal(552, '5.3.4', 'the message is larger than we take');
