// Postfix's policy delegation protocol (SMTPD_POLICY_README) as pure functions: octets to requests. A request is
// "name=value" lines and an empty line, LF only. Whatever breaks that, or the bound in limits.ts, is a Problem, and the
// door then closes without a reply: Postfix tries again and falls back to its own default action.

import type { Client, Stage, Tls } from '../../core/client.ts';
import { parseIp } from '../../core/ip.ts';
import { policyLayoutLinesMax, policyRequestOctetsMax } from '../../core/limits.ts';
import { type Problem, quote } from '../../core/problem.ts';
import { readXtext } from '../../core/xtext.ts';

/** The attributes that say something to us; any other is held to the same form and passed over. */
const used = [
  'request',
  'protocol_state',
  'client_address',
  'client_port',
  'client_name',
  'reverse_client_name',
  'server_address',
  'server_port',
  'helo_name',
  'sender',
  'recipient',
  'instance',
  'sasl_username',
  'encryption_protocol',
  'ccert_subject',
  'ccert_fingerprint',
] as const;
type Attribute = (typeof used)[number];

/** What a session holds on to when its request is long gone. */
const kept: ReadonlySet<Attribute> = new Set(['client_address', 'helo_name', 'instance'] as const);

/** Attribute → value as sent. '' is Postfix's own word for what is not known, and ours for what was not sent. */
export type Request = Readonly<Record<Attribute, string>>;

export interface Requests {
  readonly requests: readonly Request[];
  /** Set when the octets after the last good request can never become one. */
  readonly problem?: Problem;
}

/** Reads what one peer sends, piece by piece as it comes; after a problem it is to be asked no more. */
export function requestReader(): (octets: Buffer) => Requests {
  let rest: Buffer = Buffer.alloc(0);
  let layout: Layout = [];

  const readRequest = (octets: Buffer): Request | Problem => {
    const text = octets.toString('utf8');
    if (text.includes('\0')) return problem('a NUL octet');
    let request = readLines(text, octets, layout);
    if (request === undefined) {
      const found = layoutOf(text);
      if ('where' in found) return found;
      request = readLines(text, octets, found) as Request;
      if (found.length <= policyLayoutLinesMax) layout = found;
    }
    const type = request.request;
    if (type === 'smtpd_access_policy') return request;
    return problem(type === '' ? 'no "request" attribute' : `unknown request ${quote(type)}`);
  };

  return (octets) => {
    const buffer = rest.length === 0 ? octets : Buffer.concat([rest, octets]);
    const requests: Request[] = [];
    let start = 0;
    for (;;) {
      const end = buffer.indexOf(emptyLine, start);
      const length = (end < 0 ? buffer.length : end) - start;
      if (length > policyRequestOctetsMax)
        return { requests, problem: problem(`more than ${policyRequestOctetsMax} octets`) };
      if (end < 0) {
        rest = buffer.subarray(start);
        return { requests };
      }
      const request = readRequest(buffer.subarray(start, end));
      if ('where' in request) return { requests, problem: request };
      requests.push(request);
      start = end + emptyLine.length;
    }
  };
}

const emptyLine = Buffer.from('\n\n');

/**
 * How each line of a request begins, "name=", and what is in it. A peer sends the same attributes in the same order each time:
 * their names are read once, and then only compared.
 */
type Layout = readonly { readonly start: string; readonly attribute: Attribute | undefined }[];

const nothing = Object.fromEntries(used.map((attribute) => [attribute, ''])) as Request;

/** Undefined: it is laid out in another way. `octets`: those of `text`. */
function readLines(text: string, octets: Buffer, layout: Layout): Request | undefined {
  // A piece of a string keeps the whole of it in memory, so what is kept is read from the octets, where a character is one.
  const isAscii = text.length === octets.length && !text.includes('\ufffd');
  const request = { ...nothing } as Writable<Request>;
  let at = 0;
  for (const { start, attribute } of layout) {
    if (!text.startsWith(start, at)) return undefined;
    const from = at + start.length;
    const end = lineEnd(text, from);
    if (attribute !== undefined && end > from)
      request[attribute] =
        isAscii && kept.has(attribute) ? octets.toString('latin1', from, end) : text.slice(from, end);
    at = end + 1;
  }
  return at > text.length ? request : undefined;
}

function layoutOf(text: string): Layout | Problem {
  const lines: Layout[number][] = [];
  const names = new Set<string>();
  for (let at = 0; at <= text.length; ) {
    const end = lineEnd(text, at);
    const equals = text.indexOf('=', at);
    if (equals <= at || equals >= end) return problem(`${quote(text.slice(at, end))} is no name=value`);
    const name = text.slice(at, equals);
    if (names.has(name)) return problem(`${quote(name)} stands twice`);
    names.add(name);
    lines.push({ start: `${name}=`, attribute: used.find((attribute) => attribute === name) });
    at = end + 1;
  }
  return lines;
}

function lineEnd(text: string, at: number): number {
  const lineFeed = text.indexOf('\n', at);
  return lineFeed < 0 ? text.length : lineFeed;
}

/** The stage that a protocol_state means to a policy; states that are missing here are answered DUNNO. */
const stageOfState: ReadonlyMap<string, Stage> = new Map(
  Object.entries({
    CONNECT: 'connect',
    EHLO: 'helo',
    HELO: 'helo',
    MAIL: 'mail',
    RCPT: 'rcpt',
    DATA: 'rcpt',
    'END-OF-MESSAGE': 'rcpt',
    VRFY: 'helo',
    ETRN: 'helo',
  } as const),
);

/**
 * Who the request is about. Undefined where there is nothing to judge: a state that we do not know, or a client without
 * an address ("unknown", as after XCLIENT ADDR=[UNAVAILABLE]).
 */
export function clientOf(request: Request): Client | undefined | Problem {
  const stage = stageOfState.get(request.protocol_state);
  const address = request.client_address;
  if (stage === undefined || address === '' || address === 'unknown') return undefined;
  const ip = parseIp(address);
  if (ip === undefined) return problem(`client_address ${quote(address)} is not an IP address`);
  const serverIp = parseIp(request.server_address);
  const [port, serverPort] = [portOf(request.client_port), portOf(request.server_port)];
  const tls = tlsOf(request);
  // Step by step: each question of a mail server comes through here.
  const hearsay: Writable<NonNullable<Client['hearsay']>> = {};
  if (request.client_name !== '') hearsay.clientName = request.client_name;
  if (request.reverse_client_name !== '') hearsay.reverseClientName = request.reverse_client_name;
  const client: Writable<Client> = { ip, stage, authenticated: request.sasl_username !== '', hearsay };
  if (port !== undefined) client.port = port;
  if (serverIp !== undefined) client.serverIp = serverIp;
  if (serverPort !== undefined) client.serverPort = serverPort;
  if (request.helo_name !== '') client.helo = request.helo_name;
  if (stage === 'mail' || stage === 'rcpt') client.sender = request.sender;
  if (stage === 'rcpt' && request.recipient !== '') client.recipient = request.recipient;
  if (tls !== undefined) client.tls = tls;
  return client;
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Postfix gives the names of subject and issuer in xtext, and only of a certificate that it trusts; of any other just the
 * fingerprints (seen with 3.7.11). The subject is its common name.
 */
function tlsOf(request: Request): Tls | undefined {
  const { encryption_protocol: protocol, ccert_fingerprint: fingerprint } = request;
  if (protocol === '') return undefined;
  const subject = readXtext(request.ccert_subject) || undefined;
  if (subject === undefined && fingerprint === '') return { protocol };
  return { protocol, certificate: { verified: subject !== undefined, names: subject === undefined ? [] : [subject] } };
}

export function isProblem(value: Client | Problem): value is Problem {
  return 'where' in value;
}

function problem(what: string): Problem {
  return { where: 'policy request', what };
}
