// Postfix's policy delegation protocol (SMTPD_POLICY_README) as pure functions: octets to requests. A request is
// "name=value" lines and an empty line, LF only. Whatever breaks that, or the bound in limits.ts, is a Problem, and the
// door then closes without a reply: Postfix tries again and falls back to its own default action.

import type { Client, Stage, Tls } from '../../core/client.ts';
import { parseIp } from '../../core/ip.ts';
import { policyRequestOctetsMax } from '../../core/limits.ts';
import { type Problem, quote } from '../../core/problem.ts';
import { readXtext } from '../../core/xtext.ts';

/** Attribute → value as sent; unknown attributes are kept and ignored. */
export type Request = ReadonlyMap<string, string>;

export interface Requests {
  readonly requests: readonly Request[];
  /** The beginning of a request that is not complete yet. */
  readonly rest: Buffer;
  /** Set when the octets after the last good request can never become one. */
  readonly problem?: Problem;
}

const emptyLine = Buffer.from('\n\n');

/** Splits what has come so far. `buffer` is the previous rest with the new octets behind it. */
export function readRequests(buffer: Buffer): Requests {
  const requests: Request[] = [];
  let start = 0;
  for (;;) {
    const end = buffer.indexOf(emptyLine, start);
    const length = (end < 0 ? buffer.length : end) - start;
    if (length > policyRequestOctetsMax)
      return { requests, rest: Buffer.alloc(0), problem: problem(`more than ${policyRequestOctetsMax} octets`) };
    if (end < 0) return { requests, rest: buffer.subarray(start) };
    const request = readRequest(buffer.toString('utf8', start, end));
    if (!(request instanceof Map)) return { requests, rest: Buffer.alloc(0), problem: request as Problem };
    requests.push(request);
    start = end + emptyLine.length;
  }
}

function readRequest(text: string): Request | Problem {
  if (text.includes('\0')) return problem('a NUL octet');
  const request = new Map<string, string>();
  let count = 0;
  // Line by line where it stands: an array of lines would be thrown away at once.
  for (let at = 0; at <= text.length; ) {
    const lineFeed = text.indexOf('\n', at);
    const end = lineFeed < 0 ? text.length : lineFeed;
    const equals = text.indexOf('=', at);
    if (equals <= at || equals >= end) return problem(`${quote(text.slice(at, end))} is no name=value`);
    const name = text.slice(at, equals);
    if (request.set(name, text.slice(equals + 1, end)).size !== ++count) return problem(`${quote(name)} stands twice`);
    at = end + 1;
  }
  const type = request.get('request');
  return type === 'smtpd_access_policy'
    ? request
    : problem(type === undefined ? 'no "request" attribute' : `unknown request ${quote(type)}`);
}

/** The stage that a protocol_state means to a policy; states that are missing here are answered DUNNO. */
const stageOfState: Readonly<Record<string, Stage>> = {
  CONNECT: 'connect',
  EHLO: 'helo',
  HELO: 'helo',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'rcpt',
  'END-OF-MESSAGE': 'rcpt',
  VRFY: 'helo',
  ETRN: 'helo',
};

/**
 * Who the request is about. Undefined where there is nothing to judge: a state that we do not know, or a client without
 * an address ("unknown", as after XCLIENT ADDR=[UNAVAILABLE]).
 */
export function clientOf(request: Request): Client | undefined | Problem {
  const said = (name: string): string | undefined => request.get(name) || undefined; // SMTPD_POLICY_README: what is not known is empty
  const stage = stageOfState[said('protocol_state') ?? ''];
  const address = said('client_address');
  if (stage === undefined || address === undefined || address === 'unknown') return undefined;
  const ip = parseIp(address);
  if (ip === undefined) return problem(`client_address ${quote(address)} is not an IP address`);
  const serverIp = parseIp(said('server_address') ?? '');
  const tls = tlsOf(request);
  const port = Number(said('client_port') ?? 0);
  const serverPort = Number(said('server_port') ?? 0);
  const [helo, recipient] = [said('helo_name'), said('recipient')];
  const [clientName, reverseClientName] = [said('client_name'), said('reverse_client_name')];
  // Step by step: each question of a mail server comes through here.
  const hearsay: Writable<NonNullable<Client['hearsay']>> = {};
  if (clientName !== undefined) hearsay.clientName = clientName;
  if (reverseClientName !== undefined) hearsay.reverseClientName = reverseClientName;
  const client: Writable<Client> = { ip, stage, authenticated: said('sasl_username') !== undefined, hearsay };
  if (Number.isInteger(port) && port > 0 && port < 65_536) client.port = port;
  if (serverIp !== undefined) client.serverIp = serverIp;
  if (Number.isInteger(serverPort) && serverPort > 0 && serverPort < 65_536) client.serverPort = serverPort;
  if (helo !== undefined) client.helo = helo;
  if (stage === 'mail' || stage === 'rcpt') client.sender = request.get('sender') ?? '';
  if (stage === 'rcpt' && recipient !== undefined) client.recipient = recipient;
  if (tls !== undefined) client.tls = tls;
  return client;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Postfix gives the names of subject and issuer in xtext, and only of a certificate that it trusts; of any other just the
 * fingerprints (seen with 3.7.11). The subject is its common name.
 */
function tlsOf(request: Request): Tls | undefined {
  const protocol = request.get('encryption_protocol') || undefined;
  if (protocol === undefined) return undefined;
  const subject = readXtext(request.get('ccert_subject') ?? '') || undefined;
  const isShown = subject !== undefined || (request.get('ccert_fingerprint') ?? '') !== '';
  if (!isShown) return { protocol };
  return { protocol, certificate: { verified: subject !== undefined, names: subject === undefined ? [] : [subject] } };
}

export function isProblem(value: Client | Problem): value is Problem {
  return 'where' in value;
}

function problem(what: string): Problem {
  return { where: 'policy request', what };
}
