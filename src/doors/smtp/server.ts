// The SMTP door: smtp-server's listener with our sessions in it. What the backend offers in EHLO decides what we offer,
// as learned when the door opens and from each connection since. AUTH and STARTTLS are not offered: this is where other
// mail servers come in.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { TcpEndpoint } from '../../core/endpoint.ts';
import {
  backendConnectMs,
  backendDotMs,
  backendReplyMs,
  commandOctetsMax,
  messageOctetsMax,
  recipientsMax,
  smtpIdleMs,
} from '../../core/limits.ts';
import type { Gate } from '../../gate.ts';
import type { Door } from '../../listen.ts';
import type { Logger } from '../../log.ts';
import { type Backend, type BackendTimes, openBackend } from './backend.ts';
import { Session, type SessionParts } from './session.ts';

export interface SmtpDoorParts {
  readonly gate: Gate;
  readonly log: Logger;
  /** Our name: in the greeting, towards the backend, and in Authentication-Results. */
  readonly name: string;
  readonly backend: TcpEndpoint;
  /** Peers that begin with a PROXY v1 header; from anyone else it is an unknown command. */
  readonly proxy?: readonly string[];
  readonly times?: BackendTimes;
}

const defaultTimes: BackendTimes = { connectMs: backendConnectMs, replyMs: backendReplyMs, dotMs: backendDotMs };

export function smtpDoor({ gate, log, name, backend, proxy = [], times = defaultTimes }: SmtpDoorParts): Door {
  const connect = async (): Promise<Backend> => {
    const opened = await openBackend(backend, name, times);
    smtp.learn(opened.offers);
    return opened;
  };
  const smtp = new Front(name, proxy, { gate, log, authservId: name, openBackend: connect });
  // A broken client connection; the session has ended it and said what there is to say.
  smtp.on('error', (error) => log.debug({ err: error }, 'smtp'));
  smtp.server.once('listening', () => {
    connect().then(
      (opened) => opened.close(),
      (error: unknown) =>
        log.warn(
          { problem: error instanceof Error ? error.message : String(error) },
          'backend: clients get 451 until it answers',
        ),
    );
  });
  return { server: smtp.server, drain: (ms) => smtp.drain(ms) };
}

class Front extends SMTPServer {
  readonly #parts: SessionParts;
  readonly #sessions = new WeakMap<SMTPServerSession, Session>();

  constructor(name: string, proxy: readonly string[], parts: SessionParts) {
    super({
      name,
      heloResponse: '%s',
      logger: false, // it halves the throughput; decisions are logged by the gate
      disableReverseLookup: true, // it turns SERVFAIL and time-outs into "no name", and reads /etc/hosts
      disabledCommands: ['AUTH', 'STARTTLS', 'XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'],
      authOptional: true,
      hideSTARTTLS: true,
      hideENHANCEDSTATUSCODES: true, // it would put codes of its own before ours
      hide8BITMIME: true,
      hideSMTPUTF8: true,
      lenientAddressParsing: true, // envelope.ts checks, and addresses of the world are stranger than its rules
      size: messageOctetsMax,
      maxRecipients: recipientsMax,
      maxCommandLength: commandOctetsMax,
      socketTimeout: smtpIdleMs,
      useProxy: proxy.length > 0 ? [...proxy] : false,
    });
    this.#parts = parts;
  }

  /** The extensions that pass through us to the backend. */
  learn(offers: ReadonlyMap<string, string>): void {
    this.options.hide8BITMIME = !offers.has('8BITMIME');
    this.options.hideSMTPUTF8 = !offers.has('SMTPUTF8');
    this.options.hideDSN = !offers.has('DSN');
    // RFC 1870 s4: "SIZE 0" or no number is no limit of the backend's.
    const limit = Number(offers.get('SIZE') ?? 0);
    this.options.size = Number.isSafeInteger(limit) && limit > 0 ? Math.min(limit, messageOctetsMax) : messageOctetsMax;
  }

  async drain(ms: number): Promise<void> {
    this.options.closeTimeout = ms;
    const closed = new Promise<void>((resolve) => this.close(() => resolve()));
    // Who is in the middle of a message may finish it; the next command of anyone gets 421 from smtp-server.
    for (const session of this.connections) {
      if (!session._handlerPending && !session._dataStream) session.send(421, `4.3.2 ${session.name} is shutting down`);
    }
    await closed;
  }

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const session = new Session(this, socket, options, this.#parts);
    this.#sessions.set(session.session, session);
    this.connections.add(session);
    session.on('error', (error) => this._onError(error));
    session.init();
  }

  override onMailFrom(_address: unknown, session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    this.#sessions.get(session)?.onMailFrom(callback);
  }

  override onRcptTo(_address: unknown, session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    this.#sessions.get(session)?.onRcptTo(callback);
  }

  override onData(
    content: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null) => void,
  ): void {
    this.#sessions.get(session)?.onData(content, callback);
  }

  override onClose(session: SMTPServerSession): void {
    this.#sessions.get(session)?.ended();
  }
}
