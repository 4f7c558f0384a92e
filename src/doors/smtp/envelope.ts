// MAIL and RCPT as octets (RFC 5321 s3.3, s4.1.2). smtp-server hands on addresses after decoding punycode, which can
// turn one domain into another; so the path is kept as it came and goes to the backend unchanged, or the client is
// told why not. Strings here are latin1: one character is one octet.

import { printable } from '../../core/name.ts';
import type { BackendReply } from './replies.ts';

export interface PathCommand {
  /** With its angle brackets. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
}

export interface Parameter {
  /** Upper case. */
  readonly keyword: string;
  readonly value?: string;
}

/** Parameter → the extension that brings it. What is not here is 555 (RFC 5321 s4.1.1.11). */
const extensionOf: Readonly<Record<'MAIL' | 'RCPT', Readonly<Record<string, string>>>> = {
  MAIL: { SIZE: 'SIZE', BODY: '8BITMIME', SMTPUTF8: 'SMTPUTF8', RET: 'DSN', ENVID: 'DSN' },
  RCPT: { NOTIFY: 'DSN', ORCPT: 'DSN' },
};

/** The command, or the reply that refuses it. `utf8`: the transaction has SMTPUTF8 (RFC 6531), so 8-bit octets may stand. */
export function readPathCommand(verb: 'MAIL' | 'RCPT', line: string, utf8: boolean): PathCommand | BackendReply {
  const match = /^(?:MAIL FROM|RCPT TO):[ \t]*(<[^<>\0-\x1f\x7f]*>)[ \t]*((?:[ \t][\x21-\x7e]+)*)[ \t]*$/i.exec(line);
  if (match === null)
    return refusal(501, '5.5.4', `this is not ${verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO'}:<address>`);
  const [, path = '', rest = ''] = match;
  const parameters = rest
    .split(/[ \t]+/)
    .filter(Boolean)
    .map(readParameter);
  const unknown = parameters.find(({ keyword }) => extensionOf[verb][keyword] === undefined);
  if (unknown !== undefined)
    return refusal(555, '5.5.4', `parameter ${printable(unknown.keyword, 40)} is not known here`);
  const isUtf8 = utf8 || parameters.some(({ keyword }) => keyword === 'SMTPUTF8');
  if (/[\x80-\xff]/.test(path) && !(isUtf8 && isValidUtf8(path)))
    return refusal(553, '5.6.7', 'an address beyond ASCII needs SMTPUTF8');
  return { path, parameters };
}

export function isRefusal(command: PathCommand | BackendReply): command is BackendReply {
  return 'code' in command;
}

/**
 * The command as the backend gets it. A parameter whose extension this backend does not offer refuses the command,
 * but for SIZE, which only helps.
 */
export function printPathCommand(
  verb: 'MAIL' | 'RCPT',
  { path, parameters }: PathCommand,
  offers: ReadonlySet<string>,
): string | BackendReply {
  const known = parameters.filter(({ keyword }) => offers.has(extensionOf[verb][keyword] ?? ''));
  const missing = parameters.find((parameter) => !known.includes(parameter) && parameter.keyword !== 'SIZE');
  if (missing !== undefined)
    return refusal(555, '5.5.4', `parameter ${missing.keyword} is not supported by the mail server behind`);
  const words = known.map(({ keyword, value }) => (value === undefined ? ` ${keyword}` : ` ${keyword}=${value}`));
  return `${verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO'}:${path}${words.join('')}`;
}

/** The address between the brackets as text; '' for the null path. */
export function addressOf({ path }: PathCommand): string {
  return Buffer.from(path.slice(1, -1), 'latin1').toString('utf8');
}

export function refusal(code: number, enhanced: string, text: string): BackendReply {
  return { code, lines: [`${enhanced} ${text}`] };
}

function readParameter(word: string): Parameter {
  const equals = word.indexOf('=');
  return equals < 0
    ? { keyword: word.toUpperCase() }
    : { keyword: word.slice(0, equals).toUpperCase(), value: word.slice(equals + 1) };
}

function isValidUtf8(octets: string): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(octets, 'latin1'));
    return true;
  } catch {
    return false;
  }
}
