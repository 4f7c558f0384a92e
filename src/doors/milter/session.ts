// One connection of a mail server: what each command of the milter protocol means for the client that it tells of. No sockets
// and no clock; a verdict takes time, so that a command leads to a Step, and the next command waits for it. One client
// follows another on a connection, a client has one Inquiry, and each may send several messages. What is out of order is a
// Problem; handle() throws only through a bug of ours.

import { type Client, reached, type Stage, type Tls } from '../../core/client.ts';
import type { Ip } from '../../core/ip.ts';
import type { Problem } from '../../core/problem.ts';
import { type Decision, refuses, settled } from '../../core/verdict.ts';
import type { Gate, Inquiry } from '../../gate.ts';
import {
  actionBits,
  type Command,
  macroStages,
  type Negotiation,
  printNegotiation,
  printRefusal,
  proceed,
  protocolBits,
  readAddress,
} from './codec.ts';
import { type Message, makeMessage } from './message.ts';
import { readTls, tlsMacros } from './tls.ts';

/** The first with a negotiation; libmilter has taken none below it since 2001. */
const oldestVersion = 2;
const newestVersion = 6;

/** What the mail server does not send unless it is asked for it, and what a list that we send takes the place of. */
const wantedMacros: ReadonlyMap<number, string> = new Map([
  [macroStages.connect, '{client_ptr} {client_name} {daemon_addr} {daemon_port}'],
  [macroStages.helo, tlsMacros],
  // Again: after STARTTLS a client may leave HELO out.
  [macroStages.mail, `{auth_authen} ${tlsMacros}`],
]);

export type Step =
  /** To be written now; may be nothing. */
  | { readonly kind: 'say'; readonly frames: readonly Buffer[] }
  /** Ask, then write what `then` makes of it. */
  | {
      readonly kind: 'judge';
      readonly inquiry: Inquiry;
      readonly client: Client;
      readonly then: (decision: Decision) => readonly Buffer[];
    }
  | { readonly kind: 'close'; readonly problem?: Problem };

export interface MilterSessionParts {
  readonly gate: Gate;
  /** Our name in Authentication-Results. */
  readonly authservId: string;
  /** A client is gone; the promise is that of Inquiry.close. */
  readonly left: (reported: Promise<void>) => void;
}

/** The client of the moment. */
interface Peer {
  /** The macros that came with it. */
  readonly macros: ReadonlyMap<string, string>;
  readonly name: string;
  readonly port?: number;
  /** Absent: it has no Internet address, and nothing is judged. */
  readonly asked?: { readonly ip: Ip; readonly inquiry: Inquiry };
  helo?: string;
  sender?: string;
  authenticated: boolean;
  tls?: Tls;
}

export class MilterSession {
  readonly #parts: MilterSessionParts;
  #agreed: Negotiation | undefined;
  /** Of each command, by its letter; they come in front of it. */
  #macros = new Map<string, ReadonlyMap<string, string>>();
  #peer: Peer | undefined;
  #message: Message | undefined;
  /** The stage of the client, should it leave now. */
  #stage: Stage = 'connect';

  constructor(parts: MilterSessionParts) {
    this.#parts = parts;
  }

  /** A message has begun, and has neither ended nor been given up. */
  get isInMessage(): boolean {
    return this.#message !== undefined;
  }

  /** What a command leads to; the Step is to be carried out before the next call. */
  handle(command: Command): Step {
    switch (command.kind) {
      case 'negotiate':
        return this.#negotiate(command.offer);
      case 'macros':
        this.#macros.set(command.command, command.macros);
        return say();
      case 'quit':
        return { kind: 'close' };
      default:
        return this.#agreed === undefined ? outOfOrder(command, 'negotiation') : this.#serve(command, this.#agreed);
    }
  }

  /** The client is gone, or the mail server is. */
  leave(): void {
    const asked = this.#peer?.asked;
    if (asked !== undefined) this.#parts.left(asked.inquiry.close(this.#client(asked.ip)));
    this.#peer = this.#message = undefined;
    this.#stage = 'connect';
    this.#macros.clear();
  }

  #negotiate({ version, actions, protocol }: Negotiation): Step {
    if (this.#agreed !== undefined) return broken('negotiated twice');
    if (version < oldestVersion) return broken(`version ${version}`);
    const wanted = sum(actionBits);
    this.#agreed = {
      version: Math.min(version, newestVersion),
      actions: actions & wanted,
      protocol: protocol & sum(protocolBits),
    };
    const mayChoose = (this.#agreed.actions & actionBits.chooseMacros) !== 0;
    return say(printNegotiation(this.#agreed, mayChoose ? wantedMacros : undefined));
  }

  #serve(command: Command, { actions, protocol }: Negotiation): Step {
    switch (command.kind) {
      case 'connect':
        return this.#peer === undefined ? this.#connect(command) : broken('a second client at once');
      case 'next':
        this.leave();
        return say();
      case 'abort':
        this.#message = undefined;
        return say();
      case 'unknown':
        return say(proceed);
      case 'helo':
        return this.#peer === undefined ? outOfOrder(command, 'client') : this.#helo(this.#peer, command.name);
      case 'mail':
        return this.#peer === undefined ? outOfOrder(command, 'client') : this.#mail(this.#peer, command.address);
    }
    if (this.#message === undefined || this.#peer === undefined) return outOfOrder(command, 'message');
    switch (command.kind) {
      case 'rcpt':
        return this.#rcpt(this.#message, command.address);
      case 'header':
        this.#message.header(command.name, command.value);
        return protocol & protocolBits.silentHeader ? say() : say(proceed);
      case 'end': {
        const frames = this.#message.end(actions);
        this.#message = undefined;
        return { kind: 'say', frames };
      }
      default:
        return say(proceed);
    }
  }

  /**
   * No verdict yet: refused here, clients would get a 554 of the mail server's own, without our text and ref (seen with Postfix
   * 3.7.11 and Sendmail 8.17.1).
   */
  #connect({ name, ip, port }: Extract<Command, { kind: 'connect' }>): Step {
    this.#peer = {
      name,
      macros: this.#macros.get('C') ?? new Map(),
      authenticated: false,
      ...(port === undefined ? {} : { port }),
      ...(ip === undefined ? {} : { asked: { ip, inquiry: this.#parts.gate.open('milter', ip) } }),
    };
    return say(proceed);
  }

  #helo(peer: Peer, name: string): Step {
    this.#secured(peer, 'H');
    if (name !== '') {
      peer.helo = name;
      peer.asked?.inquiry.helo(name);
    }
    return this.#judge('helo');
  }

  #mail(peer: Peer, sender: string): Step {
    peer.sender = sender;
    peer.authenticated = (this.#macros.get('M')?.get('auth_authen') ?? '') !== '';
    this.#secured(peer, 'M');
    this.#message = makeMessage(this.#parts.authservId, peer.asked?.inquiry.policyFields ?? new Set());
    return this.#judge('mail');
  }

  /** TLS never ends before its connection does. */
  #secured(peer: Peer, command: string): void {
    const tls = readTls(this.#macros.get(command) ?? new Map());
    if (tls !== undefined) peer.tls = tls;
  }

  #rcpt(message: Message, recipient: string): Step {
    return this.#judge('rcpt', recipient, message);
  }

  #judge(stage: 'helo' | 'mail' | 'rcpt', recipient?: string, message?: Message): Step {
    this.#stage = stage;
    const asked = this.#peer?.asked;
    if (asked === undefined) return say(proceed);
    const { ip, inquiry } = asked;
    const client = this.#client(ip, recipient);
    if (!reached(client, inquiry.announce)) return say(proceed);
    const then = (decision: Decision): readonly Buffer[] => {
      const { verdict } = decision;
      // Before RCPT only a refusal is told, so that the log has sender and recipient of the others.
      if (refuses(verdict) || (stage === 'rcpt' && settled(verdict))) inquiry.told(decision);
      if (refuses(verdict)) return [printRefusal(verdict.reply)];
      message?.accepted(decision);
      return [proceed];
    };
    return { kind: 'judge', inquiry, client, then };
  }

  /** The client as it stands at this stage. */
  #client(ip: Ip, recipient?: string): Client {
    const peer = this.#peer;
    const { port, helo, sender, tls } = peer ?? {};
    const said = (name: string): string | undefined => peer?.macros.get(name) || undefined;
    const serverIp = readAddress(said('daemon_addr') ?? '');
    const serverPort = Number(said('daemon_port') ?? 0);
    const clientName = nameOf(said('client_name') ?? peer?.name);
    const reverseClientName = nameOf(said('client_ptr'));
    const client: { -readonly [Key in keyof Client]: Client[Key] } = {
      ip,
      stage: this.#stage,
      authenticated: peer?.authenticated ?? false,
      hearsay: {
        ...(clientName === undefined ? {} : { clientName }),
        ...(reverseClientName === undefined ? {} : { reverseClientName }),
      },
    };
    if (port !== undefined) client.port = port;
    if (serverIp !== undefined) client.serverIp = serverIp;
    if (Number.isInteger(serverPort) && serverPort > 0 && serverPort < 65_536) client.serverPort = serverPort;
    if (helo !== undefined) client.helo = helo;
    if (sender !== undefined && reached(client, 'mail')) client.sender = sender;
    if (recipient !== undefined) client.recipient = recipient;
    if (tls !== undefined) client.tls = tls;
    return client;
  }
}

/** As Postfix has it: "unknown", where Sendmail says "[192.0.2.1]". */
function nameOf(said: string | undefined): string | undefined {
  return said?.startsWith('[') ? 'unknown' : said;
}

function sum(bits: Readonly<Record<string, number>>): number {
  return Object.values(bits).reduce((all, bit) => all | bit, 0);
}

function say(...frames: readonly Buffer[]): Step {
  return { kind: 'say', frames };
}

function outOfOrder({ kind }: Command, missing: string): Step {
  return broken(`${kind} before a ${missing}`);
}

function broken(what: string): Step {
  return { kind: 'close', problem: { where: 'milter session', what } };
}
