// XCLIENT and XFORWARD: what one mail server tells another about the client it speaks for (Postfix, XCLIENT_README and
// XFORWARD_README), with values in xtext. Pure; strings are latin1, one character is one octet. Reading is
// strict and says in a sentence what is wrong; printing takes any HELO that a client may have sent. Nothing here throws.
// Who may send these commands is not decided here.

import { type Ip, isIpv4 } from '../../core/ip.ts';
import { xclientLineOctetsMax, xclientValueOctetsMax } from '../../core/limits.ts';
import { nameClass, printable, type VerifiedName } from '../../core/name.ts';
import { printXtext, readXtext } from '../../core/xtext.ts';
import { readWrittenIp, readWrittenPort } from './proxy-header.ts';

/** What the sender says of one attribute: its value, or that it does not know. If it says nothing, the attribute is absent. */
export type Told<T> = { readonly value: T } | 'unavailable';

/** Hearsay, all of it. What is absent was not mentioned, and what was known before still holds. */
export interface XclientAttributes {
  /** A host name as it was written; 'temporary' if the sender's lookup failed and may yet succeed. */
  readonly name?: Told<string> | 'temporary';
  readonly ip?: Told<Ip>;
  /** 1..65535 */
  readonly port?: Told<number>;
  readonly protocol?: 'SMTP' | 'ESMTP';
  /** Octets without control characters. */
  readonly helo?: Told<string>;
  /** The SASL login name, octets without control characters. */
  readonly login?: Told<string>;
  /** The address and port that the client connected to. */
  readonly serverIp?: Told<Ip>;
  readonly serverPort?: Told<number>;
}

/** One sentence in printable ASCII, for a 501 reply. */
export interface XclientProblem {
  readonly problem: string;
}

/** Names an XCLIENT of ours takes, in upper case, for our EHLO reply. */
export const xclientNames = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'] as const;
type XclientName = (typeof xclientNames)[number];

/**
 * `line`: the whole command, without line end. Names and the words in brackets may be in any case. An attribute given twice is
 * refused; Postfix takes the last one, but nobody writes that who knows which of them is true.
 */
export function readXclient(line: string): XclientAttributes | XclientProblem {
  const words = line
    .split(/[ \t]+/)
    .filter(Boolean)
    .slice(1);
  if (words.length === 0) return { problem: 'XCLIENT needs attribute=value' };
  const seen = new Set<XclientName>();
  let attributes: XclientAttributes = {};
  for (const word of words) {
    const [, written = '', xtext = ''] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
    if (xtext === '') return { problem: `XCLIENT needs attribute=value, not ${printable(word, 40)}` };
    const name = xclientNames.find((known) => known === written.toUpperCase());
    if (name === undefined) return { problem: `XCLIENT has no attribute ${printable(written, 40)}` };
    if (seen.has(name)) return { problem: `${name} is given twice` };
    seen.add(name);
    if (xtext.length > xclientValueOctetsMax)
      return { problem: `the value of ${name} is longer than ${xclientValueOctetsMax} octets` };
    const value = readXtext(xtext);
    if (value === undefined) return { problem: `the value of ${name} is not xtext` };
    const read = /[\0-\x1f\x7f]/.test(value) ? undefined : readAttribute[name](value);
    if (read === undefined) return { problem: `the value of ${name} is not one that it can have` };
    attributes = { ...attributes, ...read };
  }
  return attributes;
}

export function isXclientProblem(read: XclientAttributes | XclientProblem): read is XclientProblem {
  return 'problem' in read;
}

const readAttribute: Readonly<Record<XclientName, (value: string) => XclientAttributes | undefined>> = {
  NAME: (value) => (/^\[TEMPUNAVAIL\]$/i.test(value) ? { name: 'temporary' } : told('name', value, readName)),
  ADDR: (value) => told('ip', value, readAddress),
  PORT: (value) => told('port', value, readPort),
  PROTO: (value) => (/^E?SMTP$/i.test(value) ? { protocol: value.length === 5 ? 'ESMTP' : 'SMTP' } : undefined),
  HELO: (value) => told('helo', value, (helo) => helo),
  LOGIN: (value) => told('login', value, (login) => login),
  DESTADDR: (value) => told('serverIp', value, readAddress),
  DESTPORT: (value) => told('serverPort', value, readPort),
};

type ValueOf<K extends keyof XclientAttributes> = Extract<XclientAttributes[K], { readonly value: unknown }>['value'];

function told<K extends keyof XclientAttributes>(
  key: K,
  value: string,
  read: (value: string) => ValueOf<K> | undefined,
): XclientAttributes | undefined {
  // As Postfix does, after decoding: the word cannot be the name of anything.
  if (/^\[UNAVAILABLE\]$/i.test(value)) return { [key]: 'unavailable' };
  const found = read(value);
  return found === undefined ? undefined : { [key]: { value: found } };
}

/** A host name, localhost included: our peer may be told by its own machine. */
function readName(value: string): string | undefined {
  return ['host', 'underscore', 'localhost'].includes(nameClass(value)) ? value : undefined;
}

function readAddress(value: string): Ip | undefined {
  const ipv6 = /^IPV6:(.+)$/i.exec(value)?.[1];
  return ipv6 === undefined ? readWrittenIp(value, 4) : readWrittenIp(ipv6, 6);
}

function readPort(value: string): number | undefined {
  const port = readWrittenPort(value);
  return port === 0 ? undefined : port;
}

/** What we know of the client, for the backend. */
export interface Identity {
  readonly ip: Ip;
  /** Absent or 0: not known. */
  readonly port?: number;
  /** As the client wrote it; absent if it said none. */
  readonly helo?: string;
  readonly protocol: 'SMTP' | 'ESMTP';
  /** The confirmed name, or why there is none: there is no such name, or the DNS was in trouble. */
  readonly name: VerifiedName | 'unavailable' | 'temporary';
  /** What the client connected to; absent if not known. */
  readonly serverIp?: Ip;
  readonly serverPort?: number;
}

/**
 * XCLIENT commands without line ends, mostly one, to be sent in this order, each after the 220 to the one before. `offered`:
 * the words behind XCLIENT in the backend's EHLO reply, in upper case. Without ADDR among them there is nothing to send.
 *
 * What is not known is said to be so, or the backend would go on with what it knows of us. Seen in Postfix 3.7: each XCLIENT
 * makes it forget the HELO of the one before, and after ADDR it takes no other. So lines are filled from the last, which has
 * NAME and ADDR and, where it fits, HELO.
 */
export function printXclient(identity: Identity, offered: ReadonlySet<string>): readonly string[] {
  if (!offered.has('ADDR')) return [];
  const { ip, port, helo, protocol, name, serverIp, serverPort } = identity;
  // Some server would print them into a header field as they are.
  const isFit = helo !== undefined && !/[\0-\x1f\x7f]/.test(helo);
  return printLines('XCLIENT', offered, [
    ['PORT', printPort(port)],
    ['DESTADDR', printIp(serverIp)],
    ['DESTPORT', printPort(serverPort)],
    ['PROTO', protocol],
    ['HELO', printValue(isFit ? helo : undefined)],
    ['NAME', name === 'temporary' ? '[TEMPUNAVAIL]' : printValue(name === 'unavailable' ? undefined : name)],
    ['ADDR', printIp(ip)],
  ]);
}

/**
 * XFORWARD commands for the backend's log, in the same way; they hold for one transaction. `ident` is what we call the
 * message or session, and is left out if absent. XFORWARD_README note 1: in HELO nothing may stand that means something in
 * header fields; such octets become question marks, as in Postfix.
 */
export function printXforward(identity: Identity, offered: ReadonlySet<string>, ident?: string): readonly string[] {
  const { ip, port, helo, protocol, name } = identity;
  return printLines('XFORWARD', offered, [
    ['SOURCE', 'REMOTE'],
    ...(ident === undefined ? [] : [['IDENT', printValue(ident)] as const]),
    ['PORT', printPort(port)],
    ['PROTO', protocol],
    ['HELO', printValue(helo?.replace(/[^!-~]|[<>()\\";@]/g, '?'))],
    // There is no [TEMPUNAVAIL] here.
    ['NAME', printValue(name === 'unavailable' || name === 'temporary' ? undefined : name)],
    ['ADDR', printIp(ip)],
  ]);
}

function printLines(
  verb: string,
  offered: ReadonlySet<string>,
  attributes: readonly (readonly [name: string, value: string])[],
): readonly string[] {
  const lines: string[] = [];
  for (const [name, value] of attributes.filter(([name]) => offered.has(name)).reverse()) {
    const word = ` ${name}=${value}`;
    const fuller = word + (lines[0] ?? '');
    if (`${verb}${fuller}\r\n`.length <= xclientLineOctetsMax) lines[0] = fuller;
    else lines.unshift(word);
  }
  return lines.map((words) => verb + words);
}

function printIp(ip: Ip | undefined): string {
  return printValue(ip === undefined || isIpv4(ip) ? ip : `IPV6:${ip}`);
}

function printPort(port: number | undefined): string {
  return printValue(port === undefined || port === 0 ? undefined : String(port));
}

/** xtext, or [UNAVAILABLE] for what is absent, empty or too long: a name cut short is the name of somebody else. */
function printValue(octets: string | undefined): string {
  const xtext = printXtext(octets ?? '');
  return xtext === '' || xtext.length > xclientValueOctetsMax ? '[UNAVAILABLE]' : xtext;
}
