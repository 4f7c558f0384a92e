// The milter protocol, versions 2 to 6, as pure functions (Sendmail's libmilter/mfdef.h and Postfix's milter8.c are its only
// definition): octets to commands, answers to octets. A frame is a uint32 length, a command octet and data. Strings are
// latin1 here, one character for each octet, and end in NUL on the wire. Whatever breaks that is a Problem; never throws.

import { type Ip, parseIp } from '../../core/ip.ts';
import { milterFrameOctetsMax } from '../../core/limits.ts';
import { mailboxOf } from '../../core/mailbox.ts';
import { type Problem, quote } from '../../core/problem.ts';
import type { Reply } from '../../core/reply.ts';

/** What a filter may do to a message. */
export const actionBits = { addHeaders: 0x1, changeHeaders: 0x10, quarantine: 0x20, chooseMacros: 0x100 } as const;

/** What a filter does not want to hear of, or does not answer. */
export const protocolBits = { noBody: 0x10, noEndOfHeader: 0x40, silentHeader: 0x80, noUnknown: 0x100, noData: 0x200 };

/** Where a list of macros is sent: the stage in the list of names, as the protocol numbers them. */
export const macroStages = { connect: 0, helo: 1, mail: 2 } as const;

export interface Negotiation {
  readonly version: number;
  /** Sums of bits: what may be done, and what may be left out. */
  readonly actions: number;
  readonly protocol: number;
}

export interface Frame {
  /** One character. */
  readonly command: string;
  readonly data: Buffer;
}

export interface Frames {
  readonly frames: readonly Frame[];
  /** The beginning of a frame that is not complete yet. */
  readonly rest: Buffer;
  /** Set when the octets after the last good frame can never become one. */
  readonly problem?: Problem;
}

export type Command =
  | { readonly kind: 'negotiate'; readonly offer: Negotiation }
  /** `command`: the one that follows, and that they are about. */
  | { readonly kind: 'macros'; readonly command: string; readonly macros: ReadonlyMap<string, string> }
  /** `ip` is absent where the client has no Internet address. `port`: 1..65535. */
  | { readonly kind: 'connect'; readonly name: string; readonly ip?: Ip; readonly port?: number }
  | { readonly kind: 'helo'; readonly name: string }
  /** `address`: whom the path means, as text; '' is the null sender. `parameters`: "SIZE=100". */
  | { readonly kind: 'mail' | 'rcpt'; readonly address: string; readonly parameters: readonly string[] }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: Bare };

type Bare = 'data' | 'end-of-header' | 'body' | 'end' | 'unknown' | 'abort' | 'next' | 'quit';

/** Splits what has come so far. `buffer` is the previous rest with the new octets behind it. */
export function readFrames(buffer: Buffer): Frames {
  const frames: Frame[] = [];
  let start = 0;
  while (buffer.length - start >= 4) {
    const length = buffer.readUInt32BE(start);
    if (length === 0 || length > milterFrameOctetsMax)
      return { frames, rest: Buffer.alloc(0), problem: problem(`a frame of ${length} octets`) };
    const end = start + 4 + length;
    if (end > buffer.length) break;
    frames.push({ command: buffer.toString('latin1', start + 4, start + 5), data: buffer.subarray(start + 5, end) });
    start = end;
  }
  return { frames, rest: buffer.subarray(start) };
}

const bareCommands: Readonly<Record<string, Bare>> = {
  T: 'data',
  N: 'end-of-header',
  B: 'body',
  E: 'end',
  U: 'unknown',
  A: 'abort',
  K: 'next',
  Q: 'quit',
};

/** What a frame from the mail server says. */
export function readCommand({ command, data }: Frame): Command | Problem {
  switch (command) {
    case 'O':
      return readNegotiation(data);
    case 'D':
      return readMacros(data);
    case 'C':
      return readConnect(data);
    case 'H':
      return withStrings(data, 1, ([name = '']) => ({ kind: 'helo', name: asText(name) }));
    case 'M':
    case 'R':
      return withStrings(data, undefined, ([path = '', ...parameters]) => ({
        kind: command === 'M' ? 'mail' : 'rcpt',
        address: mailboxOf(asText(path)),
        parameters,
      }));
    case 'L':
      return withStrings(data, 2, ([name = '', value = '']) => ({ kind: 'header', name, value }));
    default: {
      const kind = Object.hasOwn(bareCommands, command) ? bareCommands[command] : undefined;
      return kind === undefined ? problem(`unknown command ${quote(command)}`) : { kind };
    }
  }
}

export function isProblem(value: Command | Problem): value is Problem {
  return 'where' in value;
}

function readNegotiation(data: Buffer): Command | Problem {
  if (data.length < 12) return problem(`a negotiation of ${data.length} octets`);
  const [version, actions, protocol] = [data.readUInt32BE(0), data.readUInt32BE(4), data.readUInt32BE(8)];
  return { kind: 'negotiate', offer: { version, actions, protocol } };
}

/** A command octet, then names and values in turn. */
function readMacros(data: Buffer): Command | Problem {
  if (data.length === 0) return problem('macros of no command');
  const strings = readStrings(data.subarray(1));
  if (strings === undefined || strings.length % 2 !== 0) return problem('macros are not pairs of strings');
  const macros = new Map<string, string>();
  // "{j}" and "j" are one macro.
  for (let i = 0; i < strings.length; i += 2)
    macros.set((strings[i] ?? '').replace(/^\{(.*)\}$/s, '$1'), strings[i + 1] ?? '');
  return { kind: 'macros', command: data.toString('latin1', 0, 1), macros };
}

/** A name, a family, and for all families but U a port and an address. */
function readConnect(data: Buffer): Command | Problem {
  const end = data.indexOf(0);
  const family = end < 0 ? '' : data.toString('latin1', end + 1, end + 2);
  const name = data.toString('latin1', 0, Math.max(end, 0));
  if (family === 'U') return { kind: 'connect', name };
  if (!['4', '6', 'L'].includes(family)) return problem(`a client of family ${quote(family)}`);
  const address = data.length < end + 4 ? undefined : readStrings(data.subarray(end + 4));
  if (address?.length !== 1) return problem('a client without an address');
  if (family === 'L') return { kind: 'connect', name };
  const [text = ''] = address;
  const ip = readAddress(text);
  if (ip === undefined) return problem(`client address ${quote(text)} is not an IP address`);
  const port = data.readUInt16BE(end + 2);
  return { kind: 'connect', name, ip, ...(port === 0 ? {} : { port }) };
}

/** "192.0.2.1", "2001:db8::1", or as Sendmail writes it "IPv6:2001:db8::1"; undefined if it is none. */
export function readAddress(text: string): Ip | undefined {
  return parseIp(text.replace(/^IPv6:/i, ''));
}

/** `count`: how many there have to be; undefined: at least one. */
function withStrings(
  data: Buffer,
  count: number | undefined,
  make: (strings: readonly string[]) => Command,
): Command | Problem {
  const strings = readStrings(data);
  if (strings === undefined) return problem('a string does not end in NUL');
  if (count === undefined ? strings.length === 0 : strings.length !== count)
    return problem(`${strings.length} strings where ${count ?? 'at least 1'} had to be`);
  return make(strings);
}

/** UTF-8 (RFC 6531), as the other doors read it; what is none becomes U+FFFD. */
function asText(octets: string): string {
  return /[\x80-\xff]/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}

function readStrings(data: Buffer): readonly string[] | undefined {
  if (data.length === 0) return [];
  if (data[data.length - 1] !== 0) return undefined;
  return data.toString('latin1', 0, data.length - 1).split('\0');
}

/** Go on. */
export const proceed = frame('c');
/** The mail server's own 4xx. */
export const tryLater = frame('t');

/** `macros`: stage of macroStages → the names that are wanted there, in braces; only where chooseMacros is agreed on. */
export function printNegotiation(
  { version, actions, protocol }: Negotiation,
  macros: ReadonlyMap<number, string> = new Map(),
): Buffer {
  const lists = [...macros].flatMap(([stage, names]) => [uint32(stage), string(names)]);
  return frame('O', uint32(version), uint32(actions), uint32(protocol), ...lists);
}

/**
 * The mail server reads the text as a format, so "%" is written twice: Postfix 3.7.11 leaves a single one out, Sendmail 8.17.1
 * says "Command rejected" instead of the whole. Odd octets would be lines of their own.
 */
export function printRefusal({ code, enhanced, text }: Reply): Buffer {
  const clean = text.replace(/[^\x20-\x7e]/g, '?').replaceAll('%', '%%');
  return frame('y', string(`${code} ${enhanced} ${clean}`));
}

/** `index` counts all fields of the message; 0 is above all of them. */
export function insertField(index: number, name: string, value: string): Buffer {
  return frame('i', uint32(index), string(name), string(value));
}

/** `index` counts the fields of this name from 1. */
export function deleteField(index: number, name: string): Buffer {
  return frame('m', uint32(index), string(name), string(''));
}

export function printQuarantine(reason: string): Buffer {
  return frame('q', string(reason));
}

function frame(command: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(command, 'latin1'), ...parts]);
  return Buffer.concat([uint32(body.length), body]);
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

/** A NUL would end it early, and a line end would begin a header field. */
function string(text: string): Buffer {
  return Buffer.from(`${text.replace(/[\0\r\n]/g, ' ')}\0`, 'latin1');
}

function problem(what: string): Problem {
  return { where: 'milter frame', what };
}
