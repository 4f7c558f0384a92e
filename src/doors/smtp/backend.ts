// The mail server behind, met and ready for MAIL: greeted, inside TLS if that is wanted, and told who the client is (PROXY,
// XCLIENT, XFORWARD). What it offers decides what may be asked of it. Every failure is a BackendError, but for one: after
// XCLIENT the backend may refuse that client, and then its words are the client's answer.

import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Endpoint } from '../../core/endpoint.ts';
import { isHeloName } from '../../core/helo.ts';
import type { BackendProtocol, IdentifyWay, TlsLevel } from '../../core/relaying.ts';
import { BackendError, type Link, openLink } from './link.ts';
import { printLocalHeader, printProxyHeader } from './proxy-header.ts';
import { type BackendReply, isPositive } from './replies.ts';
import { type Identity, printXclient, printXforward } from './xclient.ts';

/** All in milliseconds. */
export interface BackendTimes {
  readonly connectMs: number;
  readonly replyMs: number;
  /** From the final dot to its reply. */
  readonly dotMs: number;
}

export interface BackendPlan {
  readonly protocol: BackendProtocol;
  readonly identify: IdentifyWay;
  readonly tls: TlsLevel;
  /** The name that its certificate must have; absent: the host as configured. */
  readonly tlsName?: string;
  /** PEM; absent: the roots that come with Node. */
  readonly tlsCa?: string;
  readonly ourName: string;
  readonly times: BackendTimes;
}

export interface Backend {
  /** EHLO keywords with their arguments: "SIZE" → "10240000". */
  readonly offers: ReadonlyMap<string, string>;
  readonly protocol: BackendProtocol;
  readonly usable: boolean;
  /** Sends one command line (latin1, without line end) and waits for its reply; before MAIL, XFORWARD if that is the way. */
  command(line: string): Promise<BackendReply>;
  /** Sends content octets as they are. A promise while no more may come, rejected if the link breaks; undefined: go on. */
  content(octets: Buffer): Promise<void> | undefined;
  /** Ends the content with the final dot and waits for the reply to it. */
  finish(): Promise<BackendReply>;
  /** Says QUIT and closes, or just closes if a message was begun: what has no final dot was never sent. */
  close(): void;
}

/** The backend will have nothing of this client: its reply to XCLIENT, or its greeting after it. */
export class ClientRefused extends Error {
  readonly reply: BackendReply;
  constructor(reply: BackendReply) {
    super(`the backend refuses the client: ${reply.code} ${reply.lines.join(' ')}`);
    this.reply = reply;
  }
}

/** `client`: absent for a look at what it offers. */
export async function openBackend(endpoint: Endpoint, plan: BackendPlan, client?: Identity): Promise<Backend> {
  try {
    return await open(endpoint, plan, client);
  } catch (error) {
    if (plan.tls !== 'may' || !(error instanceof HandshakeFailed)) throw error;
    return open(endpoint, { ...plan, tls: 'none' }, client);
  }
}

class HandshakeFailed extends BackendError {}

async function open(endpoint: Endpoint, plan: BackendPlan, client: Identity | undefined): Promise<Backend> {
  const { times } = plan;
  const link = await openLink(endpoint, times.connectMs);
  if (plan.identify === 'proxy') await link.write(proxyHeader(client), times.replyMs);
  const greeting = await link.reply(times.connectMs);
  if (greeting.code !== 220) throw link.broken(`greets with ${shown(greeting)}`);
  const name = plan.identify === 'proxy' ? nameOf(client, plan) : plan.ourName;
  let offers = await hello(link, plan, name);
  offers = (await secured(link, plan, endpoint, offers, name)) ?? offers;
  const known = client && (await identified(link, plan, client, offers));
  offers = known ?? offers;
  const xforward = known === undefined && isWay(plan, 'xforward') ? offers.get('XFORWARD') : undefined;
  const forwards = client && xforward !== undefined ? printXforward(client, words(xforward)) : [];

  let inContent = false;
  return {
    offers,
    protocol: plan.protocol,
    get usable() {
      return link.usable;
    },
    async command(line) {
      if (line.startsWith('MAIL ') && forwards.length > 0) return mailAfter(link, forwards, line, offers, times);
      const reply = await link.command(line, times.replyMs);
      if (line === 'DATA' && reply.code === 354) inContent = true;
      return reply;
    },
    content: (octets) => link.write(octets, times.replyMs),
    async finish() {
      const reply = await link.command('.', times.dotMs);
      inContent = false;
      return reply;
    },
    close() {
      if (inContent) link.broken('message given up');
      else link.quit();
    },
  };
}

/** XFORWARD is for the backend's log alone, and forgotten after each transaction: whatever it answers changes nothing. */
async function mailAfter(
  link: Link,
  forwards: readonly string[],
  mail: string,
  offers: ReadonlyMap<string, string>,
  { replyMs }: BackendTimes,
): Promise<BackendReply> {
  if (!offers.has('PIPELINING')) {
    for (const line of forwards) await link.command(line, replyMs);
    return link.command(mail, replyMs);
  }
  let reply = await link.command([...forwards, mail].join('\r\n'), replyMs);
  for (const _ of forwards) reply = await link.reply(replyMs);
  return reply;
}

async function hello(link: Link, { protocol, times }: BackendPlan, name: string): Promise<ReadonlyMap<string, string>> {
  const verb = protocol === 'lmtp' ? 'LHLO' : 'EHLO';
  let reply = await link.command(`${verb} ${name}`, times.replyMs);
  if (reply.code >= 500 && protocol === 'smtp') reply = await link.command(`HELO ${name}`, times.replyMs);
  if (!isPositive(reply)) throw link.broken(`refuses ${verb}: ${shown(reply)}`);
  return new Map(
    reply.lines.slice(1).map((line): [string, string] => {
      const [keyword = '', ...rest] = line.split(' ');
      return [keyword.toUpperCase(), rest.join(' ')];
    }),
  );
}

/** What is offered inside TLS; undefined if it stays outside. */
async function secured(
  link: Link,
  plan: BackendPlan,
  endpoint: Endpoint,
  offers: ReadonlyMap<string, string>,
  name: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const { tls, times } = plan;
  const isWanted = tls === 'encrypt' || tls === 'verify';
  if (tls === 'none' || (tls === 'may' && !offers.has('STARTTLS'))) return undefined;
  if (!offers.has('STARTTLS')) throw link.broken('does not offer STARTTLS');
  const reply = await link.command('STARTTLS', times.replyMs);
  if (reply.code !== 220) {
    if (isWanted) throw link.broken(`refuses STARTTLS: ${shown(reply)}`);
    return undefined;
  }
  await link.secure(tlsOptions(plan, endpoint), times.connectMs).catch(({ message }: Error) => {
    throw new HandshakeFailed(message);
  });
  return hello(link, plan, name);
}

function tlsOptions({ tls, tlsName, tlsCa }: BackendPlan, endpoint: Endpoint): ConnectionOptions {
  const name = tlsName ?? (endpoint.kind === 'tcp' ? endpoint.host : 'localhost');
  return {
    rejectUnauthorized: tls === 'verify',
    ...(isIP(name) === 0 ? { servername: name } : { host: name }),
    ...(tlsCa === undefined ? {} : { ca: tlsCa }),
  };
}

/** XCLIENT, if that is the way; then what is offered to that client. */
async function identified(
  link: Link,
  plan: BackendPlan,
  client: Identity,
  offers: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string> | undefined> {
  const offered = offers.get('XCLIENT');
  if (!isWay(plan, 'xclient')) return undefined;
  if (offered === undefined) {
    // Without it every client would have our own address there, and whatever rights come with that.
    if (plan.identify === 'xclient') throw link.broken('does not offer us XCLIENT (smtpd_authorized_xclient_hosts)');
    return undefined;
  }
  const lines = printXclient(client, words(offered));
  if (lines.length === 0) {
    if (plan.identify === 'xclient') throw link.broken('offers XCLIENT without ADDR');
    return undefined;
  }
  for (const line of lines) {
    const reply = await link.command(line, plan.times.replyMs);
    if (reply.code === 220) continue;
    link.quit();
    if (reply.code >= 400) throw new ClientRefused(reply);
    throw new BackendError(`backend answers XCLIENT with ${shown(reply)}`);
  }
  return hello(link, plan, nameOf(client, plan));
}

/** Where the client itself is taken to speak, its HELO, if another server would have taken that from it. */
function nameOf(client: Identity | undefined, { ourName }: BackendPlan): string {
  const helo = client?.helo ?? '';
  return isHeloName(helo) ? helo : ourName;
}

function proxyHeader(client: Identity | undefined): Buffer {
  if (client === undefined) return printLocalHeader();
  const { serverIp: ip, serverPort: port } = client;
  const server = ip === undefined || port === undefined ? undefined : { ip, port };
  return printProxyHeader(client, server);
}

function isWay({ identify }: BackendPlan, way: IdentifyWay): boolean {
  return identify === way || identify === 'auto';
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.toUpperCase().split(/\s+/));
}

function shown({ code, lines }: BackendReply): string {
  return `${code} ${lines.join(' ')}`;
}
