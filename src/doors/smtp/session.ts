// One client of the SMTP door: its lookups begin at accept and when HELO comes, the greeting may wait and whoever speaks
// before it is noted, and each answer to MAIL, RCPT, DATA and the final dot is the policy's refusal or else the backend's own
// words (transaction.ts). A proxy that is trusted may put another client in its place (XCLIENT).

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import { type Client, type Stage, stages } from '../../core/client.ts';
import type { Ip } from '../../core/ip.ts';
import { recipientsMax } from '../../core/limits.ts';
import type { BareNewline } from '../../core/relaying.ts';
import { refuses } from '../../core/verdict.ts';
import type { Gate, Inquiry } from '../../gate.ts';
import type { Logger } from '../../log.ts';
import { refusalReply } from './answer.ts';
import { Connection, type ConnectionTimes, type Verb } from './connection.ts';
import { hasParameter, isRefusal, readPathCommand, refusal } from './envelope.ts';
import { KnownClient, type Peer, tlsOf, told } from './known-client.ts';
import { type Delivery, type OpenBackend, Relay } from './relay.ts';
import { type BackendReply, isPositive } from './replies.ts';
import { Transaction } from './transaction.ts';
import { isXclientProblem, readXclient, type XclientAttributes } from './xclient.ts';

export interface SessionParts {
  readonly gate: Gate;
  readonly log: Logger;
  readonly authservId: string;
  readonly openBackend: OpenBackend;
  readonly greetingDelayMs: number;
  readonly bareNewline: BareNewline;
  readonly received: boolean;
  readonly recipientsMax: number;
  readonly offersTls: boolean;
  readonly times: ConnectionTimes;
  readonly host: SessionHost;
}

/** The door, as a session sees it. */
export interface SessionHost {
  /** XCLIENT has put another client behind the connection: why it may not come in, if it may not. */
  exchange(session: Session, ip: Ip): string | undefined;
  /** It is over, and its socket closed. `reported`: what became of it; never rejects. */
  left(session: Session, reported: Promise<void>): void;
}

export class Session extends Connection {
  readonly #parts: SessionParts;
  readonly #relay: Relay;
  readonly #transaction: Transaction;
  readonly #known: KnownClient;
  #inquiry: Inquiry;
  /** The transaction has SMTPUTF8 (RFC 6531). */
  #isUtf8 = false;
  #greeting: NodeJS.Timeout | undefined;

  constructor(server: SMTPServer, socket: Socket, peer: Peer, parts: SessionParts) {
    const inquiry = parts.gate.open('smtp', peer.ip, peer.isTrusted);
    super(server, socket, { id: inquiry.ref, remoteAddress: peer.ip, remotePort: peer.port ?? 0 }, parts);
    this.#parts = parts;
    this.#known = new KnownClient(peer);
    this.#inquiry = inquiry;
    this.#relay = new Relay(parts.openBackend, (to, code) => this.#inquiry.heard(to, code));
    this.#transaction = new Transaction({
      relay: this.#relay,
      inquiry: () => this.#inquiry,
      client: (stage) => this.#client(stage),
      judged: () => this.allow(parts.times.relayMs),
      protocol: () => (this.openingCommand === 'HELO' ? 'SMTP' : 'ESMTP'),
      authservId: parts.authservId,
      received: parts.received,
      octetsMax: () => Number(server.options.size),
      recipientsMax: Math.min(recipientsMax, parts.recipientsMax),
    });
  }

  get ip(): Ip {
    return this.#known.ip;
  }

  get isTrusted(): boolean {
    return this.#known.isTrusted;
  }

  protected override get ref(): string {
    return this.#inquiry.ref;
  }

  protected override get inTransaction(): boolean {
    return this.#transaction.isOpen;
  }

  /** Whatever comes of it now comes too late, and what the backend makes of it nobody knows: then it is the end. */
  protected override gaveUp(): void {
    if (!this.#transaction.giveUp()) this.leave('4.4.2', 'the mail server behind has not answered in time');
  }

  protected override isOffered(verb: Verb): boolean {
    if (verb === 'STARTTLS') return this.#parts.offersTls;
    return verb !== 'XCLIENT' || this.#known.isTrusted;
  }

  // ---- life

  override init(): void {
    this._setListeners(() => this.#welcome());
  }

  /** Greets, after the delay; the lookups run meanwhile. Who speaks before is noted, and read all the same. */
  #welcome(): void {
    const { parser } = this;
    let isTime = false;
    if (parser)
      parser.onearly = () => {
        // Not while we make up our mind: what was judged must not turn out otherwise later.
        if (!isTime) this.#known.isEarly = true;
      };
    const greet = (): void => {
      if (!this._closing && !this._closed) this.connectionReady(() => parser?.release());
    };
    const judge = (): void => {
      isTime = true;
      this.#unlessRefused(this.#client('connect'), greet, (reply) => this.#turnAway(reply));
    };
    if (this.#parts.greetingDelayMs > 0) this.#greeting = setTimeout(judge, this.#parts.greetingDelayMs);
    else judge();
  }

  #turnAway(reply: BackendReply): void {
    this.tell(reply);
    this.close();
  }

  protected override gone(): void {
    clearTimeout(this.#greeting);
    this.#relay.close();
    const { sender, recipient } = this.#transaction;
    const said = this.#helo === undefined ? 'connect' : 'helo';
    const stage = recipient !== undefined ? 'rcpt' : sender !== undefined ? 'mail' : said;
    const reported = this.#inquiry
      .close(this.#client(stage))
      .catch((error: unknown) => this.#parts.log.error({ err: error, ref: this.ref }, 'session end failed'));
    this.#parts.host.left(this, reported);
  }

  /** The TLS handshake is done. What was said before it is forgotten (RFC 3207 s4.2), as the base class sees to. */
  secured(socket: TLSSocket): void {
    this.handshakeDone();
    this.#transaction.forget();
    this.#known.tls = tlsOf(socket);
  }

  // ---- who it is

  override handler_EHLO(command: Buffer, callback: () => void): void {
    this.openingCommand = 'EHLO';
    this.#greeted(command, () => super.handler_EHLO(command, callback), callback);
  }

  override handler_HELO(command: Buffer, callback: () => void): void {
    this.openingCommand = 'HELO';
    this.#greeted(command, () => super.handler_HELO(command, callback), callback);
  }

  /** The lookups of its name run while the client makes up its MAIL. */
  #greeted(command: Buffer, greet: () => void, callback: () => void): void {
    const said = command.toString('utf8').trim().split(/\s+/)[1] ?? '';
    this.#transaction.reset();
    this.#unlessRefused(
      { ...this.#client('helo'), helo: this.#known.heloOf(said) },
      () => {
        greet();
        this.#lookUpHelo();
      },
      (reply) => this.say(reply, callback),
    );
  }

  /** Its failure is nobody's answer: whoever needs the name asks again. */
  #lookUpHelo(): void {
    try {
      if (this.#helo !== undefined) this.#inquiry.helo(this.#helo);
    } catch (error) {
      this.#parts.log.error({ err: error, ref: this.ref }, 'lookup of HELO failed');
    }
  }

  /** What EHLO offers. */
  override _proxyCommandAllowed(command: string): boolean {
    return command === 'XCLIENT' && this.#known.isTrusted;
  }

  /** Another client stands behind this connection: it is looked up, and greeted, as if it had connected itself. */
  override handler_XCLIENT(command: Buffer, callback: () => void): void {
    const said = readXclient(command.toString('latin1'));
    if (this.inTransaction) this.say(refusal(503, '5.5.1', 'not within a message'), callback);
    else if (isXclientProblem(said)) this.say(refusal(501, '5.5.4', said.problem), callback);
    else this.#adopt(said, callback);
  }

  #adopt(said: XclientAttributes, callback: () => void): void {
    const ip = told(said.ip);
    const full = ip === undefined ? undefined : this.#parts.host.exchange(this, ip);
    if (full !== undefined) {
      this.leave('4.7.0', full);
      return;
    }
    this.#known.adopt(said);
    if (ip !== undefined) this.#inquiry = this.#parts.gate.open('smtp', ip);
    this.hostNameAppearsAs = false;
    this.#transaction.forget();
    const greet = (): void => {
      this._sendGreeting();
      callback();
    };
    this.#unlessRefused(this.#client('connect'), greet, (reply) => this.#turnAway(reply));
  }

  get #helo(): string | undefined {
    return this.hostNameAppearsAs ? this.#known.heloOf(this.hostNameAppearsAs) : undefined;
  }

  #client(stage: Stage): Client {
    const { sender, recipient } = this.#transaction;
    return this.#known.at(stage, { helo: this.#helo, sender, recipient });
  }

  // ---- what it sends

  override handler_MAIL(command: Buffer, callback: () => void): void {
    const mail = readPathCommand('MAIL', command.toString('latin1'), false);
    if (this.#helo === undefined) this.say(refusal(503, '5.5.1', 'say HELO or EHLO first'), callback);
    else if (this.inTransaction) this.say(refusal(503, '5.5.1', 'a message has begun already'), callback);
    else if (isRefusal(mail)) this.say(mail, callback);
    else {
      this.#isUtf8 = hasParameter(mail, 'SMTPUTF8');
      this.#pass(() => this.#transaction.mail(mail), this.#parts.times.verdictMs, callback);
    }
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    const rcpt = readPathCommand('RCPT', command.toString('latin1'), this.#isUtf8);
    if (!this.inTransaction) this.say(refusal(503, '5.5.1', 'say MAIL first'), callback);
    else if (isRefusal(rcpt)) this.say(rcpt, callback);
    else this.#pass(() => this.#transaction.rcpt(rcpt), this.#parts.times.verdictMs, callback);
  }

  /** The backend says 354 first, and may say no instead. */
  override handler_DATA(_command: Buffer, callback: () => void): void {
    if (this.#transaction.recipients === 0) {
      this.say(refusal(503, '5.5.1', 'say RCPT first'), callback);
      return;
    }
    this.answer(
      () => this.#transaction.data(),
      this.#parts.times.relayMs,
      (reply) => {
        if (reply.code !== 354) {
          this.say(asFailure(reply), callback);
          return;
        }
        this.#take(this.#transaction.deliver());
        this.send(354, 'End data with <CR><LF>.<CR><LF>', false);
        callback();
      },
    );
  }

  #take(delivery: Delivery): void {
    this.readContent(
      {
        push: (content, octets) => delivery.push(content, octets),
        fault: () => delivery.giveUp(bareLineEnd),
        cut: () => {
          const problem = 'the client left before the end of its message';
          this.#parts.log.info({ ref: this.ref, problem }, 'client gone');
          delivery.giveUp(refusal(451, '4.4.2', 'connection lost'));
        },
        end: () =>
          new Promise<void>((resolve) =>
            this.#pass(() => this.#finish(delivery), this.#parts.times.deliveryMs, resolve),
          ),
      },
      this.#parts.bareNewline,
    );
  }

  async #finish(delivery: Delivery): Promise<BackendReply> {
    const reply = await delivery.finish();
    if (isPositive(reply)) this.messageTaken();
    return reply;
  }

  /** EHLO, RSET and TLS all come through here. */
  override _resetSession(): void {
    this.#transaction.reset();
    super._resetSession();
  }

  // ---- answers

  #pass(work: () => Promise<BackendReply>, ms: number, callback: () => void): void {
    this.answer(work, ms, (reply) => this.say(isPositive(reply) ? reply : asFailure(reply), callback));
  }

  /** Only a policy that tells its refusals this early makes a client wait here. */
  #unlessRefused(client: Client, go: () => void, refused: (reply: BackendReply) => void): void {
    if (stages.indexOf(client.stage) < stages.indexOf(this.#inquiry.announce)) {
      go();
      return;
    }
    this.answer(
      async () => {
        const decision = await this.#inquiry.decide(client);
        if (!refuses(decision.verdict)) return undefined;
        this.#inquiry.told(decision);
        return refusalReply(decision.verdict.reply);
      },
      this.#parts.times.verdictMs,
      (reply) => (reply === undefined ? go() : refused(reply)),
    );
  }
}

const bareLineEnd = refusal(550, '5.6.11', 'bare CR, bare LF or NUL in the message');

/** A code that says neither yes nor no where one of them is due is the backend's fault, not the client's. */
function asFailure(reply: BackendReply): BackendReply {
  return reply.code >= 400
    ? reply
    : refusal(451, '4.3.0', 'unexpected answer from the mail server behind, try again later');
}
