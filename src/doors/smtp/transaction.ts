// One mail transaction of a client (RFC 5321 s3.3), again and again: the policy's word and the backend's words joined into the
// reply to MAIL, RCPT, DATA and the final dot. The client gets 250 only after the backend's 250. Each method rejects when
// the policy or the backend fails; the session turns that into its 4xx.

import type { Client, Stage } from '../../core/client.ts';
import { messageFields, receivedField } from '../../core/header.ts';
import { type Decision, refuses, settled } from '../../core/verdict.ts';
import type { Inquiry } from '../../gate.ts';
import { refusalReply } from './answer.ts';
import { addressOf, announcedSize, type PathCommand, refusal } from './envelope.ts';
import { messageFilter } from './message.ts';
import type { Delivery, Relay } from './relay.ts';
import { type BackendReply, isPositive } from './replies.ts';
import type { Identity } from './xclient.ts';

export interface TransactionParts {
  readonly relay: Relay;
  readonly inquiry: () => Inquiry;
  /** The client as it stands at this stage, envelope included. */
  readonly client: (stage: Stage) => Client;
  /** The verdict is there; what follows is the backend's time. */
  readonly judged: () => void;
  readonly protocol: () => Identity['protocol'];
  readonly authservId: string;
  readonly received: boolean;
  /** What is offered in SIZE, in octets. */
  readonly octetsMax: () => number;
  readonly recipientsMax: number;
}

export class Transaction {
  readonly #parts: TransactionParts;
  #mail: PathCommand | undefined;
  #rcpt: PathCommand | undefined;
  #isOpen = false;
  /** MAIL was answered by us, because its recipients will be refused; the backend hears of it if one is not. */
  #isHeld = false;
  /** What was decided for the recipients that were accepted. */
  #accepted: Decision[] = [];
  /** Counts the resets: what was begun before one must not go on after it. */
  #turn = 0;
  /** The backend has been asked for a reply. */
  #isRelaying = false;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
  }

  /** MAIL was answered 250, and the message has not ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Those that were accepted. */
  get recipients(): number {
    return this.#accepted.length;
  }

  /** As last said, refused or not; '' is the null sender. */
  get sender(): string | undefined {
    return this.#mail === undefined ? undefined : addressOf(this.#mail);
  }

  get recipient(): string | undefined {
    return this.#rcpt === undefined ? undefined : addressOf(this.#rcpt);
  }

  async mail(command: PathCommand): Promise<BackendReply> {
    const { octetsMax, inquiry } = this.#parts;
    if ((announcedSize(command) ?? 0) > octetsMax())
      return refusal(552, '5.3.4', `messages of more than ${octetsMax()} octets are not taken`);
    this.#mail = command;
    this.#rcpt = undefined;
    const decision = await this.#decide('mail');
    const { verdict } = decision;
    if (refuses(verdict)) {
      inquiry().told(decision);
      return refusalReply(verdict.reply);
    }
    // Told at RCPT, so that the log has sender and recipient. Unless one of them is open to everybody the backend hears
    // nothing of it.
    this.#isHeld = verdict.action === 'pending' && verdict.refusal === true;
    const reply = this.#isHeld ? refusal(250, '2.1.0', 'Ok') : await this.#toBackend(decision);
    this.#isOpen = isPositive(reply);
    return reply;
  }

  async rcpt(command: PathCommand): Promise<BackendReply> {
    const { recipientsMax, inquiry, relay } = this.#parts;
    if (this.#accepted.length >= recipientsMax) return refusal(452, '4.5.3', 'too many recipients');
    this.#rcpt = command;
    const decision = await this.#decide('rcpt');
    if (settled(decision.verdict)) inquiry().told(decision);
    if (refuses(decision.verdict)) return refusalReply(decision.verdict.reply);
    if (this.#isHeld) {
      const reply = await this.#toBackend(decision);
      if (!isPositive(reply)) return reply;
      this.#isHeld = false;
    }
    const reply = await this.#relay(relay.rcpt(command));
    if (isPositive(reply)) this.#accepted.push(decision);
    return reply;
  }

  data(): Promise<BackendReply> {
    return this.#relay(this.#parts.relay.data());
  }

  /** After the 354. The transaction is over with it. */
  deliver(): Delivery {
    const { authservId, inquiry, relay, octetsMax } = this.#parts;
    const filter = messageFilter(fieldsOf(this.#accepted, this.#parts), authservId, inquiry().policyFields);
    this.#isOpen = false;
    this.#accepted = [];
    return relay.deliver(filter, octetsMax());
  }

  /** The client gave it up. */
  reset(): void {
    this.#turn++;
    this.#parts.relay.abandon();
    this.#isOpen = this.#isHeld = false;
    this.#accepted = [];
  }

  /** The client was answered without it: what is being judged must change nothing. False: the backend has been asked already. */
  giveUp(): boolean {
    this.#turn++;
    return !this.#isRelaying;
  }

  /** Nothing is known of a message any more: the next client stands behind this connection. */
  forget(): void {
    this.reset();
    this.#mail = this.#rcpt = undefined;
  }

  async #decide(stage: Stage): Promise<Decision> {
    const turn = this.#turn;
    const decision = await this.#parts.inquiry().decide(this.#parts.client(stage));
    if (turn !== this.#turn) throw new Error('the verdict came when nobody waited for it any more');
    this.#parts.judged();
    return decision;
  }

  async #relay(reply: Promise<BackendReply>): Promise<BackendReply> {
    this.#isRelaying = true;
    try {
      return await reply;
    } finally {
      this.#isRelaying = false;
    }
  }

  #toBackend(decision: Decision): Promise<BackendReply> {
    if (this.#mail === undefined) throw new Error('RCPT before MAIL');
    return this.#relay(this.#parts.relay.mail(this.#mail, identityOf(decision, this.#parts.protocol())));
  }
}

/** Built step by step, since it is built for each message. */
function identityOf({ evidence: { client }, findings: { iprev } }: Decision, protocol: Identity['protocol']): Identity {
  const { ip, port, helo, serverIp, serverPort } = client;
  const name = iprev.result === 'pass' ? iprev.name : iprev.result === 'temperror' ? 'temporary' : 'unavailable';
  const identity: { -readonly [Key in keyof Identity]: Identity[Key] } = { ip, protocol, name };
  if (port !== undefined) identity.port = port;
  if (helo !== undefined) identity.helo = helo;
  if (serverIp !== undefined) identity.serverIp = serverIp;
  if (serverPort !== undefined) identity.serverPort = serverPort;
  return identity;
}

/** Our header lines. Nothing can be held here: there is no queue to hold it in. */
function fieldsOf(accepted: readonly Decision[], { authservId, received, protocol }: TransactionParts): string[] {
  const [first] = accepted;
  if (first === undefined) throw new Error('a message without an accepted recipient');
  const trace = received ? [receivedField(first, authservId, protocol())] : [];
  return [...messageFields(accepted, authservId, false), ...trace];
}
