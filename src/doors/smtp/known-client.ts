// What is known of the client behind a connection, beside what it says in SMTP: the address of its socket, or the one that a
// proxy names for it (PROXY, XCLIENT), its TLS, and whether it could wait for the greeting. A fact that nobody told is absent.

import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Client, Stage, Tls } from '../../core/client.ts';
import type { Ip } from '../../core/ip.ts';
import { certificateNamesMax } from '../../core/limits.ts';
import type { Told, XclientAttributes } from './xclient.ts';

/** Who is at the other end, as the socket or a proxy says. Undefined: it does not say. */
export interface Peer {
  readonly ip: Ip;
  readonly port: number | undefined;
  readonly serverIp: Ip | undefined;
  readonly serverPort: number | undefined;
  /** May say XCLIENT. */
  readonly isTrusted: boolean;
}

/** What the client has said so far; undefined: nothing of the kind. */
export interface Said {
  readonly helo: string | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
}

export class KnownClient {
  #peer: Peer;
  /** What XCLIENT has said so far. */
  #attributes: XclientAttributes = {};
  tls: Tls | undefined;
  /** It spoke before it was greeted. */
  isEarly = false;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  get ip(): Ip {
    return this.#peer.ip;
  }

  get isTrusted(): boolean {
    return this.#peer.isTrusted;
  }

  /** The name in HELO: what XCLIENT says of it comes before what is said now. */
  heloOf(said: string): string {
    return told(this.#attributes.helo)?.toLowerCase() ?? said;
  }

  /** Takes what XCLIENT says over. With an address in it this is another client from now on, and may not say it again. */
  adopt(said: XclientAttributes): void {
    this.#attributes = { ...this.#attributes, ...said };
    const ip = told(said.ip);
    if (ip === undefined) return;
    const { port, serverIp, serverPort } = this.#attributes;
    this.#peer = {
      ip,
      port: told(port),
      serverIp: told(serverIp) ?? this.#peer.serverIp,
      serverPort: told(serverPort) ?? this.#peer.serverPort,
      isTrusted: false,
    };
    // It was the proxy that spoke early, and that has a certificate.
    this.tls = undefined;
    this.isEarly = false;
  }

  /** Built step by step, since it is built three times for each message. */
  at(stage: Stage, { helo, sender, recipient }: Said): Client {
    const { ip, port, serverIp, serverPort } = this.#peer;
    const [name, login] = [told(this.#attributes.name), told(this.#attributes.login)];
    const client: { -readonly [Key in keyof Client]: Client[Key] } = { ip, stage, authenticated: login !== undefined };
    if (port !== undefined) client.port = port;
    if (serverIp !== undefined) client.serverIp = serverIp;
    if (serverPort !== undefined) client.serverPort = serverPort;
    if (helo !== undefined) client.helo = helo;
    if (this.isEarly) client.early = true;
    if (this.tls !== undefined) client.tls = this.tls;
    if (name !== undefined) client.hearsay = { clientName: name };
    if (sender !== undefined) client.sender = sender;
    if (recipient !== undefined) client.recipient = recipient;
    return client;
  }
}

/** Its value, if there is one. */
export function told<T>(said: Told<T> | 'temporary' | undefined): T | undefined {
  return typeof said === 'object' ? said.value : undefined;
}

/** After the handshake. */
export function tlsOf(socket: TLSSocket): Tls {
  const protocol = socket.getProtocol() ?? 'unknown';
  const shown: Partial<PeerCertificate> = socket.getPeerCertificate();
  if (shown.subject === undefined) return { protocol };
  const alternatives = (shown.subjectaltname ?? '').split(', ').filter((name) => name.startsWith('DNS:'));
  const names = new Set([...alternatives.map((name) => name.slice(4)), ...[shown.subject.CN ?? []].flat()]);
  return { protocol, certificate: { verified: socket.authorized, names: [...names].slice(0, certificateNamesMax) } };
}
