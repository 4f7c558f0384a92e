// The SMTP door: a listener that lets clients in, by their address or by what a proxy says of it, and smtp-server with our
// sessions behind it. What the backend offers in EHLO decides what we offer, as learned when the door opens and from each
// connection since. AUTH is not offered: this is where other mail servers come in.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Endpoint } from '../../core/endpoint.ts';
import { type Ip, parseIp } from '../../core/ip.ts';
import {
  backendConnectMs,
  backendDotMs,
  backendReplyMs,
  commandMs,
  connectionsMax,
  connectionsPerAddressMax,
  connectionsPerNetworkMax,
  connectionsTurnedAwayMax,
  contentWindowMs,
  deliveryMs,
  fullSaidEveryMs,
  lingerMs,
  messageOctetsMax,
  proxyHeaderMs,
  recipientsMax,
  relayMs,
  sessionMs,
  tickMs,
  tlsHandshakeMs,
  verdictMs,
} from '../../core/limits.ts';
import type { BareNewline } from '../../core/relaying.ts';
import type { Gate } from '../../gate.ts';
import type { Door } from '../../listen.ts';
import type { Logger } from '../../log.ts';
import { type Admission, type AdmissionLimits, admission } from './admission.ts';
import { Backends } from './backends.ts';
import type { ConnectionTimes } from './connection.ts';
import type { BackendPlan, BackendTimes } from './handshake.ts';
import type { Peer } from './known-client.ts';
import { acceptProxied } from './proxied.ts';
import { Session, type SessionHost, type SessionParts } from './session.ts';
import type { Identity } from './xclient.ts';

export interface SmtpDoorParts {
  readonly gate: Gate;
  readonly log: Logger;
  /** Our name: in the greeting, towards the backend, and in Authentication-Results. */
  readonly name: string;
  readonly backend: BackendSettings;
  readonly settings?: SmtpSettings;
  readonly times?: Partial<SmtpTimes>;
}

export type BackendSettings = { readonly servers: readonly Endpoint[] } & Partial<
  Omit<BackendPlan, 'ourName' | 'times'>
>;

/** What an operator may set; absent: the default of each. */
export interface SmtpSettings {
  /** Peers that begin with a PROXY header; from anyone else it is an unknown command. */
  readonly proxy?: readonly Ip[];
  /** Peers that may say XCLIENT; for anyone else it does not exist. */
  readonly xclient?: readonly Ip[];
  readonly greetingDelayMs?: number;
  readonly bareNewline?: BareNewline;
  readonly certificate?: Certificate;
  readonly received?: boolean;
  readonly limits?: Partial<AdmissionLimits> & { readonly recipients?: number; readonly messageOctets?: number };
}

/** PEM. Without it STARTTLS is not offered. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** Clients are asked for a certificate; none is needed. */
  readonly asksClients: boolean;
}

export type SmtpTimes = BackendTimes & ConnectionTimes & { readonly tickMs: number; readonly proxyHeaderMs: number };

const defaultTimes: SmtpTimes = {
  connectMs: backendConnectMs,
  replyMs: backendReplyMs,
  dotMs: backendDotMs,
  commandMs,
  contentWindowMs,
  tlsHandshakeMs,
  verdictMs,
  relayMs,
  deliveryMs,
  sessionMs,
  tickMs,
  proxyHeaderMs,
};

export interface SmtpDoor extends Door {
  /** Handshakes from now on show this one. */
  useCertificate(certificate: Certificate): void;
}

export function smtpDoor({ gate, log, name, backend, settings = {}, times: given = {} }: SmtpDoorParts): SmtpDoor {
  const times = { ...defaultTimes, ...given };
  const { servers, ...plan } = backend;
  const backends = new Backends({
    servers,
    plan: { protocol: 'smtp', identify: 'auto', tls: 'none', ...plan, ourName: name, times },
    onFailover: (problem) => log.warn({ problem }, 'backend'),
    now: Date.now,
  });
  const connect = async (client?: Identity, fresh?: boolean) => {
    const opened = await backends.open(client, fresh);
    front.learn(opened.offers);
    return opened;
  };
  const front = new Front(name, settings, times, {
    gate,
    log,
    authservId: name,
    openBackend: connect,
    greetingDelayMs: settings.greetingDelayMs ?? 0,
    bareNewline: settings.bareNewline ?? 'reject',
    received: settings.received ?? false,
    recipientsMax: settings.limits?.recipients ?? recipientsMax,
    offersTls: settings.certificate !== undefined,
    times,
  });
  front.server.once('listening', () => {
    connect().then(
      (opened) => opened.quit(),
      (error: unknown) =>
        log.warn(
          { problem: error instanceof Error ? error.message : String(error) },
          'backend: clients get 451 until it answers',
        ),
    );
  });
  return {
    server: front.server,
    drain: async (ms) => {
      await front.drain(ms);
      backends.close();
    },
    useCertificate: ({ key, cert }) => front.updateSecureContext({ key, cert }),
  };
}

class Front extends SMTPServer {
  readonly #parts: SessionParts;
  readonly #settings: SmtpSettings;
  readonly #times: SmtpTimes;
  readonly #admission: Admission;
  readonly #sessions = new Map<SMTPServerSession, Session>();
  /** Sessions that are over, and not reported yet. */
  readonly #leaving = new Set<Promise<void>>();
  /** Nobody is here any more. */
  #emptied = (): void => {};
  readonly #ticking: NodeJS.Timeout;
  /** Since it was last said. */
  #turnedAway = 0;
  #fullSaidAt = 0;

  constructor(name: string, settings: SmtpSettings, times: SmtpTimes, parts: Omit<SessionParts, 'host'>) {
    const { certificate, limits = {} } = settings;
    const connections = limits.connections ?? connectionsMax;
    super({
      name,
      heloResponse: '%s',
      logger: false, // it halves the throughput; decisions are logged by the gate
      disableReverseLookup: true, // it turns SERVFAIL and time-outs into "no name", and reads /etc/hosts
      disabledCommands: ['AUTH', ...(certificate === undefined ? ['STARTTLS'] : [])],
      authOptional: true,
      hideSTARTTLS: certificate === undefined,
      hideENHANCEDSTATUSCODES: false,
      hide8BITMIME: true,
      hideSMTPUTF8: true,
      size: limits.messageOctets ?? messageOctetsMax,
      ...(certificate === undefined
        ? {}
        : {
            key: certificate.key,
            cert: certificate.cert,
            requestCert: certificate.asksClients,
            rejectUnauthorized: false, // whether it is worth anything is evidence, not a reason to hang up
          }),
    });
    this.#settings = settings;
    this.#times = times;
    this.#admission = admission({
      connections,
      perAddress: limits.perAddress ?? connectionsPerAddressMax,
      perNetwork: limits.perNetwork ?? connectionsPerNetworkMax,
    });
    const host: SessionHost = {
      exchange: (session, ip) => this.#exchange(session, ip),
      left: (session, reported) => this.#left(session, reported),
    };
    this.#parts = { ...parts, host };
    this.server.removeAllListeners('connection');
    this.server.on('connection', (socket) => this.#accept(socket));
    this.server.maxConnections = connections + connectionsTurnedAwayMax;
    // A broken client connection; the session has ended it and said what there is to say.
    this.on('error', (error) => parts.log.debug({ err: error }, 'smtp'));
    this.#ticking = setInterval(() => this.#tick(), times.tickMs).unref();
  }

  /** The extensions that pass through us to the backend. */
  learn(offers: ReadonlyMap<string, string>): void {
    this.options.hide8BITMIME = !offers.has('8BITMIME');
    this.options.hideSMTPUTF8 = !offers.has('SMTPUTF8');
    this.options.hideDSN = !offers.has('DSN');
    const ours = this.#settings.limits?.messageOctets ?? messageOctetsMax;
    // RFC 1870 s4: "SIZE 0" or no number is no limit of the backend's.
    const limit = Number(offers.get('SIZE') ?? 0);
    this.options.size = Number.isSafeInteger(limit) && limit > 0 ? Math.min(limit, ours) : ours;
  }

  /** Takes nobody more; who is in the middle of a message may end it, for `ms` at most. */
  async drain(ms: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const session of this.#sessions.values()) session.drain();
    const timer = setTimeout(() => {
      for (const session of this.#sessions.values()) session.end();
    }, ms);
    await closed;
    // A session hears of the end of its socket a moment later than the server does, and is reported then, or once it was judged.
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
      if (this.#sessions.size === 0) resolve();
    });
    await Promise.all(this.#leaving);
    clearTimeout(timer);
    clearInterval(this.#ticking);
  }

  #tick(): void {
    const now = Date.now();
    for (const session of this.#sessions.values()) session.tick(now);
  }

  #accept(socket: Socket): void {
    const ip = parseIp(socket.remoteAddress ?? '');
    if (ip === undefined) {
      // Gone before it was accepted: there is no address to look up, and nobody to tell of an error.
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const { proxy = [], xclient = [] } = this.#settings;
    const peer: Peer = {
      ip,
      port: socket.remotePort,
      serverIp: parseIp(socket.localAddress ?? ''),
      serverPort: socket.localPort,
      isTrusted: xclient.includes(ip),
    };
    if (!proxy.includes(ip)) this.#enter(socket, peer);
    else
      acceptProxied(socket, peer, this.#times.proxyHeaderMs, {
        accepted: (behind) => this.#enter(socket, behind),
        refused: (problem) => this.#parts.log.warn({ proxy: ip, problem }, 'PROXY header'),
      });
  }

  #enter(socket: Socket, peer: Peer): void {
    const full = this.#admission.enter(peer.ip, peer.isTrusted);
    if (full !== undefined) {
      this.#turnedAway++;
      this.#turnAway(socket, `4.7.0 ${this.options.name} ${full}`);
      this.#sayFull(full);
      return;
    }
    const session = this.#begin(socket, peer);
    if (session === undefined) return;
    this.#sessions.set(session.session, session);
    session.on('error', (error) => this._onError(error));
    session.init();
  }

  #begin(socket: Socket, peer: Peer): Session | undefined {
    try {
      return new Session(this, socket, peer, this.#parts);
    } catch (error) {
      this.#admission.leave(peer.ip, peer.isTrusted);
      this.#parts.log.error({ err: error, client: peer.ip }, 'session failed to begin');
      this.#turnAway(socket, `4.3.0 ${this.options.name} internal error, try again later`);
      return undefined;
    }
  }

  /** At once when it begins, and then how many there were: a flood must not fill the log. */
  #sayFull(why: string): void {
    const now = Date.now();
    if (now - this.#fullSaidAt < fullSaidEveryMs) return;
    this.#parts.log.warn({ turnedAway: this.#turnedAway, last: why }, 'clients are turned away with 421');
    this.#turnedAway = 0;
    this.#fullSaidAt = now;
  }

  #turnAway(socket: Socket, why: string): void {
    socket.on('error', () => {});
    socket.resume();
    socket.end(`421 ${why}\r\n`);
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }

  /** The place of a proxy becomes that of its client; if that may not come in, it keeps its own until it has gone. */
  #exchange(session: Session, ip: Ip): string | undefined {
    this.#admission.leave(session.ip, session.isTrusted);
    const full = this.#admission.enter(ip, false);
    if (full !== undefined) this.#admission.enter(session.ip, session.isTrusted);
    return full;
  }

  override onConnect(_session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    callback();
  }

  override onSecure(socket: TLSSocket, session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    this.#sessions.get(session)?.secured(socket);
    callback();
  }

  #left(session: Session, reported: Promise<void>): void {
    this.#leaving.add(reported);
    void reported.then(() => this.#leaving.delete(reported));
    this.#sessions.delete(session.session);
    if (this.#sessions.size === 0) this.#emptied();
    this.#admission.leave(session.ip, session.isTrusted);
  }
}
