// Meeting the mail server behind, up to the point where MAIL may come: greeted, inside TLS if that is wanted, and told who the
// client is where it can be told once for all (PROXY, XCLIENT). Every failure is a BackendError, but for one: after XCLIENT
// the backend may refuse that client, and then its words are the client's answer.

import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Endpoint } from '../../core/endpoint.ts';
import { isHeloName } from '../../core/helo.ts';
import type { BackendProtocol, IdentifyWay, TlsLevel } from '../../core/relaying.ts';
import { BackendError, type Link, openLink } from './link.ts';
import { printLocalHeader, printProxyHeader } from './proxy-header.ts';
import { type BackendReply, isPositive } from './replies.ts';
import { type Identity, printXclient } from './xclient.ts';

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

/** EHLO keywords with their arguments: "SIZE" → "10240000". */
export type Offers = ReadonlyMap<string, string>;

export interface Met {
  readonly link: Link;
  /** As last said: inside TLS, and to this client. */
  readonly offers: Offers;
  /** The connection is this client's and nobody else's: the backend was told so. */
  readonly isClients: boolean;
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
export async function meet(endpoint: Endpoint, plan: BackendPlan, client?: Identity): Promise<Met> {
  try {
    return await tryToMeet(endpoint, plan, client);
  } catch (error) {
    if (plan.tls !== 'may' || !(error instanceof HandshakeFailed)) throw error;
    return tryToMeet(endpoint, { ...plan, tls: 'none' }, client);
  }
}

class HandshakeFailed extends BackendError {}

async function tryToMeet(endpoint: Endpoint, plan: BackendPlan, client: Identity | undefined): Promise<Met> {
  const { times } = plan;
  const isProxied = plan.identify === 'proxy';
  const link = await openLink(endpoint, times.connectMs);
  if (isProxied) await link.write(proxyHeader(client), times.replyMs);
  const greeting = await link.reply(times.connectMs);
  if (greeting.code !== 220) throw link.broken(`greets with ${shown(greeting)}`);
  const name = isProxied ? nameOf(client, plan) : plan.ourName;
  const plain = await hello(link, plan, name);
  const offers = (await secured(link, plan, endpoint, plain, name)) ?? plain;
  const afterwards = client && (await identified(link, plan, client, offers));
  return { link, offers: afterwards ?? offers, isClients: isProxied || afterwards !== undefined };
}

async function hello(link: Link, { protocol, times }: BackendPlan, name: string): Promise<Offers> {
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
  offers: Offers,
  name: string,
): Promise<Offers | undefined> {
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
  offers: Offers,
): Promise<Offers | undefined> {
  const offered = offers.get('XCLIENT');
  if (plan.identify !== 'xclient' && plan.identify !== 'auto') return undefined;
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

/** The arguments of a keyword. */
export function words(text: string): ReadonlySet<string> {
  return new Set(text.toUpperCase().split(/\s+/));
}

function shown({ code, lines }: BackendReply): string {
  return `${code} ${lines.join(' ')}`;
}
