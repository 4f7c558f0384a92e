// smtp-server's connection with what it lacks for an open port: deadlines that octets do not extend, bounds on errors and on
// commands that lead to no message, our parser, and a way to answer that gives exactly one reply whatever happens. What is
// said to whom is session.ts's.

import type { Socket } from 'node:net';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import {
  commandOctetsMax,
  commandsWithoutMessageMax,
  contentOctetsPerSecondMin,
  errorsMax,
} from '../../core/limits.ts';
import type { BareNewline } from '../../core/relaying.ts';
import type { Logger } from '../../log.ts';
import { refusal } from './envelope.ts';
import { BackendError } from './link.ts';
import { type ContentConsumer, Parser } from './parser.ts';
import { type BackendReply, withStatus } from './replies.ts';

/** All in milliseconds; limits.ts has the reasons. */
export interface ConnectionTimes {
  readonly commandMs: number;
  readonly contentWindowMs: number;
  readonly tlsHandshakeMs: number;
  readonly verdictMs: number;
  readonly relayMs: number;
  readonly deliveryMs: number;
  readonly sessionMs: number;
}

/** Beside these nothing is a command. */
const verbs = [
  'HELO',
  'EHLO',
  'MAIL',
  'RCPT',
  'DATA',
  'RSET',
  'NOOP',
  'QUIT',
  'VRFY',
  'HELP',
  'STARTTLS',
  'XCLIENT',
] as const;
export type Verb = (typeof verbs)[number];
const isVerb = (word: string): word is Verb => (verbs as readonly string[]).includes(word);

export abstract class Connection extends SMTPConnection {
  readonly #times: ConnectionTimes;
  readonly #log: Logger;
  readonly #endsAt: number;
  #errors = 0;
  /** Since the last message. */
  #commands = 0;
  #isDraining = false;
  /** The client must have said its next command by then. */
  #due: number;
  /** We owe the client an answer: `late` gives it when nobody else has in time. */
  #work: { due: number; readonly late: () => void } | undefined;
  /** Since when so many octets of content have come; absent while it is not the client who is slow. */
  #pace: { readonly since: number; readonly octets: number } | undefined;
  /** The TLS socket while its handshake runs: it must be destroyed before the one below it. */
  #handshake: Socket | undefined;

  constructor(
    server: SMTPServer,
    socket: Socket,
    options: SMTPConnectionOptions,
    { times, log }: { readonly times: ConnectionTimes; readonly log: Logger },
  ) {
    super(server, socket, options);
    const now = Date.now();
    this.#times = times;
    this.#log = log;
    this.#due = now + times.commandMs;
    this.#endsAt = now + times.sessionMs;
  }

  /** Stands in what is said and logged about trouble. */
  protected abstract get ref(): string;
  /** MAIL was answered 250, and the message has not ended. */
  protected abstract get inTransaction(): boolean;
  /** Commands that not everybody may say; for others they do not exist. */
  protected abstract isOffered(verb: Verb): boolean;
  /** The client was told 451 because nothing had answered in time. */
  protected abstract gaveUp(): void;
  /** The socket is gone, whoever closed it. Called once. */
  protected abstract gone(): void;

  // ---- the time it takes

  /** Called every second or so: ends what is overdue. */
  tick(now: number): void {
    if (this._closing || this._closed) return;
    if (this.#work !== undefined) {
      if (now > this.#work.due) this.#work.late();
    } else if (this.#handshake !== undefined) {
      if (now > this.#due) this.#handshake.destroy();
    } else if (this.parser?.inContent) this.#keepPace(now);
    else if (now > this.#due) this.leave('4.4.2', 'nothing was said for too long');
    else if (now > this.#endsAt && !this.inTransaction) this.leave('4.3.2', 'this session is old, connect again');
  }

  #keepPace(now: number): void {
    const pace = this.#pace;
    const { contentWindowMs } = this.#times;
    if (pace === undefined || now - pace.since < contentWindowMs) return;
    const octets = this.parser?.octetsIn ?? 0;
    if (octets - pace.octets < (contentOctetsPerSecondMin * contentWindowMs) / 1_000)
      this.leave('4.4.2', 'the message comes too slowly');
    else this.#pace = { since: now, octets };
  }

  /** The door is closing: now, or after the message that is under way. */
  drain(): void {
    this.#isDraining = true;
    if (this.#work === undefined && !this.inTransaction && !this.parser?.inContent) this.#leaveForShutdown();
  }

  /** Whatever is under way, the time is up. */
  end(): void {
    this.#leaveForShutdown();
    this._socket.destroy();
  }

  /** The base class's own timer begins anew with every octet, so it is not used; what it would watch is kept for tick(). */
  override _armTimeout(socket?: Socket): void {
    if (socket !== undefined) this.#handshake = socket;
  }

  override handler_STARTTLS(command: Buffer, callback: () => void): void {
    this.#due = Date.now() + this.#times.tlsHandshakeMs;
    super.handler_STARTTLS(command, callback);
  }

  protected handshakeDone(): void {
    this.#handshake = undefined;
    this.#due = Date.now() + this.#times.commandMs;
  }

  override _onClose(): void {
    const isFirst = !this._closed;
    this.parser?.abandon();
    super._onClose();
    if (isFirst) this.gone();
  }

  // ---- what comes in

  override _createParser(): Parser {
    const parser = new Parser({ maxCommandLength: commandOctetsMax });
    parser.oncommand = (line, callback) => this._onCommand(line, callback);
    parser.on('error', (error) => this.send(421, `4.5.2 ${error.message}`, false));
    return parser;
  }

  protected get parser(): Parser | undefined {
    return this._parser instanceof Parser ? this._parser : undefined;
  }

  override _onCommand(line: Buffer, callback: () => void = () => {}): void {
    if (this._upgrading || this._closing) {
      callback(); // plain text behind STARTTLS, or words behind QUIT
      return;
    }
    const done = (): void => {
      if (!this._upgrading) this.#due = Date.now() + this.#times.commandMs;
      this._whenWritable(callback);
    };
    const verb = verbOf(line);
    if (this.#isDraining && !this.inTransaction) this.#leaveForShutdown();
    else if (verb !== 'RCPT' && verb !== 'QUIT' && ++this.#commands > commandsWithoutMessageMax)
      this.leave('4.7.0', 'too many commands without a message');
    else if (isVerb(verb) && this.isOffered(verb)) this.#handle(verb, line, done);
    // A browser that was sent here: what follows its headers is the text of some page, not what its user wants.
    else if (/ HTTP\/\d/i.test(line.toString('latin1'))) this.leave('4.7.0', 'this is not a web server');
    else this.say(refusal(500, '5.5.2', 'command not recognized'), done);
  }

  #handle(verb: Verb, line: Buffer, done: () => void): void {
    try {
      this[`handler_${verb}`](line, done);
    } catch (error) {
      this.say(this.#trouble(error), done);
    }
  }

  /** To be called before the callback of DATA. `consumer.end` resolves when the reply has been said. */
  protected readContent(consumer: ContentConsumer, bareNewline: BareNewline): void {
    const begin = (): void => {
      this.#pace = { since: Date.now(), octets: this.parser?.octetsIn ?? 0 };
    };
    const paced: ContentConsumer = {
      push: (content, octets) => {
        const room = consumer.push(content, octets);
        if (room === undefined) return undefined;
        this.#pace = undefined; // now it is the backend that is slow
        return room.then(begin);
      },
      fault: () => consumer.fault(),
      cut: () => consumer.cut(),
      end: () => consumer.end(),
    };
    begin();
    this.parser?.readContent(paced, bareNewline);
  }

  /** A message was taken: whoever sends some may make mistakes too. */
  protected messageTaken(): void {
    this.#commands = this.#errors = 0;
  }

  // ---- what goes out

  /**
   * In place of the base class's own, which is slow and knows none of this: the words of the base class get the status that it
   * has for them, ours have one already (`context` false). No line may hold a control character; none does that was made for it.
   */
  override send(code: number, data: string | string[] = '', context?: string | false): void {
    const status = this._getEnhancedStatusCode(code, context);
    const prefix = status === '' ? '' : `${status} `;
    const lines = typeof data === 'string' ? [data] : data;
    const last = lines.length - 1;
    const text = lines.map((line, i) => `${code}${i < last ? '-' : ' '}${prefix}${line}`).join('\r\n');
    // Nothing may go into the raw socket below a TLS handshake.
    if (!this._upgrading && this._socket.writable)
      this._socket.write(`${text.replace(/[^\r\n -~]/g, ' ')}\r\n`, 'latin1');
    if (code === 421) this.close();
    else if (code >= 400 && ++this.#errors >= errorsMax) this.leave('4.7.0', 'too many errors');
  }

  override handler_QUIT(command: Buffer, callback: () => void): void {
    super.handler_QUIT(command, callback);
    this._socket.destroySoon(); // RFC 5321 s4.1.1.10: after 221 it is we who close
  }

  protected tell(reply: BackendReply): void {
    const lines = withStatus(reply);
    this.send(reply.code, lines.length === 1 ? lines[0] : [...lines], false);
  }

  protected say(reply: BackendReply, callback: () => void): void {
    this.tell(reply);
    callback();
  }

  /** 421 and the end; the base class destroys the socket of a client that does not go. */
  protected leave(status: string, why: string): void {
    this.send(421, `${status} ${this.name} ${why}`, false);
  }

  #leaveForShutdown(): void {
    this.leave('4.3.2', 'is shutting down');
  }

  /** What is being answered may take so long from now. */
  protected allow(ms: number): void {
    if (this.#work !== undefined) this.#work.due = Date.now() + ms;
  }

  /**
   * Runs what may fail, or may never end, and hands on its reply, or the reply to its failure: in every case exactly one, and
   * within so many milliseconds.
   */
  protected answer<T extends BackendReply | undefined>(
    work: () => Promise<T>,
    ms: number,
    reply: (reply: T | BackendReply) => void,
  ): void {
    let isAnswered = false;
    const answer = (result: T | BackendReply): void => {
      if (isAnswered) return;
      isAnswered = true;
      this.#work = undefined;
      try {
        reply(result);
        if (this.#isDraining && !this.inTransaction && !this.parser?.inContent) this.#leaveForShutdown();
      } catch (error) {
        this.#log.error({ err: error, ref: this.ref }, 'reply failed');
        this._socket.destroy();
      }
    };
    const late = (): void => {
      this.gaveUp();
      answer(this.#trouble(new Error('nothing has answered in time')));
    };
    this.#work = { due: Date.now() + ms, late };
    work().then(answer, (error: unknown) => answer(this.#trouble(error)));
  }

  #trouble(error: unknown): BackendReply {
    const { ref } = this;
    if (error instanceof BackendError) {
      // After the client has gone, the link was cut by us.
      this.#log[this._closed ? 'debug' : 'warn']({ ref, problem: error.message }, 'backend');
      return refusal(451, '4.4.1', `the mail server behind does not answer, try again later (ref ${ref})`);
    }
    this.#log.error({ err: error, ref }, 'session failed');
    return refusal(451, '4.3.0', `internal error, try again later (ref ${ref})`);
  }
}

/** The first word in upper case. */
function verbOf(line: Buffer): string {
  const text = line.toString('latin1', 0, 16);
  const space = text.search(/[ \t]/);
  if (space < 0 && line.length > 16) return '';
  return (space < 0 ? text : text.slice(0, space)).toUpperCase();
}
