// One client of the SMTP door. smtp-server speaks the protocol; this subclass of its exported connection class adds what
// it cannot do: the lookups begin when the socket is accepted and when HELO comes, envelope octets are kept as they came, and each answer to
// MAIL, RCPT, DATA and the final dot is the policy's refusal or else the backend's own words. Whatever fails inside is
// one 4xx to the client and one line in the log.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { type Client, type Stage, stages } from '../../core/client.ts';
import { authResults, tagField } from '../../core/header.ts';
import { type Ip, parseIp } from '../../core/ip.ts';
import type { Reply } from '../../core/reply.ts';
import { type Decision, refuses, settled } from '../../core/verdict.ts';
import type { Gate, Inquiry } from '../../gate.ts';
import type { Logger } from '../../log.ts';
import { refusalReply } from './answer.ts';
import { type Backend, BackendError } from './backend.ts';
import { addressOf, isRefusal, type PathCommand, readPathCommand, refusal } from './envelope.ts';
import { type Content, makeRelay, type Relay } from './relay.ts';
import { type BackendReply, isPositive } from './replies.ts';

export interface SessionParts {
  readonly gate: Gate;
  readonly log: Logger;
  readonly authservId: string;
  readonly openBackend: () => Promise<Backend>;
}

export class Session extends SMTPConnection {
  readonly #parts: SessionParts;
  readonly #relay: Relay;
  readonly #ip: Ip | undefined;
  #inquiry: Inquiry | undefined;
  #mail: PathCommand | undefined;
  #rcpt: PathCommand | undefined;
  /** MAIL was answered by us, because its recipients will be refused; the backend hears of it if one is not. */
  #mailHeld = false;
  /** What was decided for the recipients of this message that were accepted. */
  #accepted: Decision[] = [];
  /** What the next reply to the client says instead of smtp-server's own words. */
  #words: BackendReply | undefined;

  constructor(
    server: SMTPServer,
    socket: Socket | TLSSocket,
    options: SMTPConnectionOptions | null | undefined,
    parts: SessionParts,
  ) {
    super(server, socket, options);
    this.#parts = parts;
    this.#relay = makeRelay(parts.openBackend, parts.authservId);
    this.#ip = parseIp(this.remoteAddress);
  }

  /** Greets at once: the library's own init() waits 100 ms. */
  override init(): void {
    if (this.#ip === undefined) {
      // Gone before it was accepted: there is no address to look up, and nobody to tell of an error.
      this._socket.on('error', () => {});
      this._socket.destroy();
      this._server.connections.delete(this);
      return;
    }
    this.#inquiry = this.#parts.gate.open('smtp', this.#ip);
    this._setListeners(() => {
      const refused = (reply: BackendReply) => {
        this.#words = reply;
        this.send(reply.code);
        this.close();
      };
      this.#unlessRefused(this.#client('connect'), () => this.connectionReady(), refused);
    });
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const words = this.#words;
    // Only an answer of the same kind: a 421 that smtp-server decides on meanwhile stays its own.
    if (words !== undefined && Math.floor(code / 100) === Math.floor(words.code / 100)) {
      this.#words = undefined;
      const [only, ...more] = words.lines;
      super.send(words.code, more.length === 0 ? (only ?? '') : [...words.lines], false);
      return;
    }
    super.send(code, data, context);
  }

  override handler_EHLO(command: Buffer, callback: () => void): void {
    this.#greet(command, () => super.handler_EHLO(command, callback), callback);
  }

  override handler_HELO(command: Buffer, callback: () => void): void {
    this.#greet(command, () => super.handler_HELO(command, callback), callback);
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    const mail = readPathCommand('MAIL', command.toString('latin1'), false);
    if (isRefusal(mail)) {
      this.#say(mail, callback);
      return;
    }
    // A nested MAIL is refused by smtp-server and must not touch the transaction that is open.
    if (!this.session.envelope.mailFrom) {
      this.#mail = mail;
      this.#rcpt = undefined;
      this.#accepted = [];
    }
    super.handler_MAIL(command, callback);
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    const utf8 = this.#mail?.parameters.some(({ keyword }) => keyword === 'SMTPUTF8') === true;
    const rcpt = readPathCommand('RCPT', command.toString('latin1'), utf8);
    if (isRefusal(rcpt)) {
      this.#say(rcpt, callback);
      return;
    }
    this.#rcpt = rcpt;
    super.handler_RCPT(command, callback);
  }

  /** smtp-server says 354 at once; here the backend says it first, and may say no instead. */
  override handler_DATA(command: Buffer, callback: () => void): void {
    if (this.session.envelope.rcptTo.length === 0) {
      super.handler_DATA(command, callback);
      return;
    }
    this.#answer(
      () => this.#relay.data(),
      (reply) => (reply.code === 354 ? super.handler_DATA(command, callback) : this.#say(asFailure(reply), callback)),
    );
  }

  /** EHLO, RSET and the end of a message all come through here. */
  override _resetSession(): void {
    this.#relay.abandon();
    super._resetSession();
  }

  onMailFrom(callback: (error?: Error) => void): void {
    this.#answer(
      async () => {
        const decision = await this.#decide('mail');
        const { verdict } = decision;
        if (refuses(verdict)) return this.#tell(decision, verdict.reply);
        // Told at RCPT, so that the log has sender and recipient. Unless one of them is open to everybody the backend hears
        // nothing of it.
        this.#mailHeld = verdict.action === 'pending' && verdict.refusal === true;
        return this.#mailHeld ? refusal(250, '2.1.0', 'Ok') : this.#relay.mail(this.#known(this.#mail));
      },
      (reply) => this.#pass(reply, callback),
    );
  }

  onRcptTo(callback: (error?: Error) => void): void {
    this.#answer(
      async () => {
        const decision = await this.#decide('rcpt');
        if (settled(decision.verdict)) this.#inquiry?.told(decision);
        if (refuses(decision.verdict)) return refusalReply(decision.verdict.reply);
        if (this.#mailHeld) {
          const mail = await this.#relay.mail(this.#known(this.#mail));
          if (!isPositive(mail)) return mail;
          this.#mailHeld = false;
        }
        const reply = await this.#relay.rcpt(this.#known(this.#rcpt));
        if (isPositive(reply)) this.#accepted.push(decision);
        return reply;
      },
      (reply) => this.#pass(reply, callback),
    );
  }

  onData(content: Content, callback: (error?: Error) => void): void {
    const fields = this.#fields();
    this.#answer(
      () => this.#relay.message(content, fields, this.#known(this.#inquiry).policyFields),
      (reply) => {
        content.resume(); // after a fault the rest is read and thrown away, so that the reply can go out
        this.#pass(reply, callback);
      },
    );
  }

  /** The socket is gone, whoever closed it. */
  ended(): void {
    this.#relay.close();
    const stage: Stage = this.#rcpt ? 'rcpt' : this.#mail ? 'mail' : this.hostNameAppearsAs ? 'helo' : 'connect';
    this.#inquiry
      ?.close(this.#client(stage))
      .catch((error: unknown) => this.#parts.log.error({ err: error, ref: this.#inquiry?.ref }, 'session end failed'));
  }

  /** Our header lines for the message whose content comes now: results first, then one line for each tag. */
  #fields(): readonly string[] {
    const first = this.#accepted[0];
    if (first === undefined) return [];
    const tags = new Set(this.#accepted.flatMap(({ verdict }) => verdict.tags));
    const hold = this.#accepted.some(({ verdict }) => verdict.hold);
    if (hold) tags.add('hold'); // there is no queue here to hold it in
    const own = new Set(this.#accepted.flatMap(({ verdict }) => verdict.headers ?? []));
    return [
      authResults(this.#parts.authservId, first.findings, first.evidence.client.ip),
      ...[...tags].map(tagField),
      ...own,
    ];
  }

  #client(stage: Stage): Client {
    const helo = this.hostNameAppearsAs;
    return {
      ip: this.#known(this.#ip),
      port: this.remotePort,
      ...(this._socket.localPort === undefined ? {} : { serverPort: this._socket.localPort }),
      stage,
      authenticated: false,
      ...(helo ? { helo } : {}),
      ...(this.#mail ? { sender: addressOf(this.#mail) } : {}),
      ...(this.#rcpt ? { recipient: addressOf(this.#rcpt) } : {}),
    };
  }

  /** The lookups of its name run while the client makes up its MAIL. */
  #greet(command: Buffer, greet: () => void, callback: () => void): void {
    const helo = command.toString('latin1').trim().split(/\s+/)[1] ?? '';
    this.#unlessRefused(
      { ...this.#client('helo'), helo },
      () => {
        greet();
        if (this.hostNameAppearsAs) this.#inquiry?.helo(this.hostNameAppearsAs);
      },
      (reply) => this.#say(reply, callback),
    );
  }

  /** Only a policy that tells its refusals this early makes a client wait here. */
  #unlessRefused(client: Client, go: () => void, refused: (reply: BackendReply) => void): void {
    const inquiry = this.#known(this.#inquiry);
    if (stages.indexOf(client.stage) < stages.indexOf(inquiry.announce)) {
      go();
      return;
    }
    this.#answer(
      async () => {
        const decision = await inquiry.decide(client);
        return refuses(decision.verdict) ? this.#tell(decision, decision.verdict.reply) : undefined;
      },
      (reply) => (reply === undefined ? go() : refused(reply)),
    );
  }

  #tell(decision: Decision, reply: Reply): BackendReply {
    this.#inquiry?.told(decision);
    return refusalReply(reply);
  }

  #decide(stage: Stage): Promise<Decision> {
    return this.#known(this.#inquiry).decide(this.#client(stage));
  }

  /** Runs what may fail and hands its reply on, or the reply to its failure: in every case exactly one. */
  #answer<T extends BackendReply | undefined>(work: () => Promise<T>, reply: (reply: T | BackendReply) => void): void {
    work()
      .catch((error: unknown): T | BackendReply => this.#trouble(error))
      .then(reply)
      .catch((error: unknown) => {
        this.#parts.log.error({ err: error, ref: this.#inquiry?.ref }, 'reply failed');
        this._socket.destroy();
      });
  }

  #trouble(error: unknown): BackendReply {
    const ref = this.#inquiry?.ref;
    if (error instanceof BackendError) {
      // After the client has gone, the link was cut by us.
      this.#parts.log[this._closed ? 'debug' : 'warn']({ ref, problem: error.message }, 'backend');
      return refusal(451, '4.4.1', `the mail server behind does not answer, try again later (ref ${ref})`);
    }
    if (isClientGone(error)) {
      this.#parts.log.info({ ref, problem: 'the client left before the end of its message' }, 'client gone');
      return refusal(451, '4.4.2', 'connection lost');
    }
    this.#parts.log.error({ err: error, ref }, 'session failed');
    return refusal(451, '4.3.0', `internal error, try again later (ref ${ref})`);
  }

  /** Through smtp-server's callback, so that its own state follows. */
  #pass(reply: BackendReply, callback: (error?: Error) => void): void {
    const answer = isPositive(reply) ? reply : asFailure(reply);
    this.#words = answer;
    if (isPositive(answer)) callback();
    else callback(Object.assign(new Error(answer.lines.join(' ')), { responseCode: answer.code }));
  }

  /** Past smtp-server, for commands that it never gets to see. */
  #say(reply: BackendReply, callback: () => void): void {
    this.#words = reply;
    this.send(reply.code);
    callback();
  }

  #known<T>(value: T | undefined): T {
    if (value === undefined) throw new Error('a command came out of order');
    return value;
  }
}

/** A code that says neither yes nor no where one of them is due is the backend's fault, not the client's. */
function asFailure(reply: BackendReply): BackendReply {
  return reply.code >= 400
    ? reply
    : refusal(451, '4.3.0', 'unexpected answer from the mail server behind, try again later');
}

/** smtp-server destroys the content stream with ECONNECTION; Node's own word for a stream cut short is the other. */
function isClientGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ECONNECTION' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}
