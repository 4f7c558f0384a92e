// MAIL and RCPT as octets (RFC 5321 s3.3, s4.1.2). smtp-server hands on addresses after decoding punycode, which can
// turn one domain into another; so the path is kept as it came and goes to the backend unchanged, or the client is
// told why not. Strings here are latin1: one character is one octet.

import { mailboxOf } from '../../core/mailbox.ts';
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

interface Known {
  /** The extension that brings the parameter. */
  readonly extension: string;
  /** What its value must look like; undefined: it takes none. */
  readonly value: RegExp | undefined;
}

const xtext = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})+$/;

/** What is not here is 555 (RFC 5321 s4.1.1.11). */
const parametersOf: Readonly<Record<'MAIL' | 'RCPT', Readonly<Record<string, Known>>>> = {
  MAIL: {
    SIZE: { extension: 'SIZE', value: /^\d{1,20}$/ }, // RFC 1870 s3
    BODY: { extension: '8BITMIME', value: /^(?:7BIT|8BITMIME)$/i }, // RFC 6152 s2
    SMTPUTF8: { extension: 'SMTPUTF8', value: undefined }, // RFC 6531 s3.4
    RET: { extension: 'DSN', value: /^(?:FULL|HDRS)$/i }, // RFC 3461 s4.3
    ENVID: { extension: 'DSN', value: xtext }, // RFC 3461 s4.4
  },
  RCPT: {
    NOTIFY: { extension: 'DSN', value: /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/i }, // RFC 3461 s4.1
    ORCPT: { extension: 'DSN', value: /^[\x21-\x3a\x3c\x3e-\x7e]+;[\x21-\x7e]+$/ }, // RFC 3461 s4.2, utf-8 of RFC 6533 s3 included
  },
};

/** The command, or the reply that refuses it. `utf8`: the transaction has SMTPUTF8 (RFC 6531), so 8-bit octets may stand. */
export function readPathCommand(verb: 'MAIL' | 'RCPT', line: string, utf8: boolean): PathCommand | BackendReply {
  const match = /^(?:MAIL FROM|RCPT TO):[ \t]*(<[^<>\0-\x1f\x7f]*>)[ \t]*((?:[ \t][\x21-\x7e]+)*)[ \t]*$/i.exec(line);
  if (match === null)
    return refusal(501, '5.5.4', `this is not ${verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO'}:<address>`);
  const [, path = '', rest = ''] = match;
  if (verb === 'RCPT' && path === '<>') return refusal(501, '5.1.3', 'a recipient is missing');
  const parameters =
    rest === ''
      ? []
      : rest
          .split(/[ \t]+/)
          .filter(Boolean)
          .map(readParameter);
  const wrong = faultOf(verb, parameters);
  if (wrong !== undefined) return wrong;
  const isUtf8 = utf8 || parameters.some(({ keyword }) => keyword === 'SMTPUTF8');
  if (/[\x80-\xff]/.test(path) && !(isUtf8 && isValidUtf8(path)))
    return refusal(553, '5.6.7', 'an address beyond ASCII needs SMTPUTF8');
  return { path, parameters };
}

function faultOf(verb: 'MAIL' | 'RCPT', parameters: readonly Parameter[]): BackendReply | undefined {
  const seen = new Set<string>();
  for (const { keyword, value } of parameters) {
    const known = parametersOf[verb][keyword];
    if (known === undefined) return refusal(555, '5.5.4', `parameter ${printable(keyword, 40)} is not known here`);
    if (seen.has(keyword)) return refusal(501, '5.5.4', `parameter ${keyword} stands twice`);
    seen.add(keyword);
    const fits = known.value === undefined ? value === undefined : value !== undefined && known.value.test(value);
    if (!fits) return refusal(501, '5.5.4', `parameter ${keyword} has no such value`);
  }
  return undefined;
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
  offers: { has(extension: string): boolean },
): string | BackendReply {
  const known = parameters.filter(({ keyword }) => offers.has(parametersOf[verb][keyword]?.extension ?? ''));
  const missing = parameters.find((parameter) => !known.includes(parameter) && parameter.keyword !== 'SIZE');
  if (missing !== undefined)
    return refusal(555, '5.5.4', `parameter ${missing.keyword} is not supported by the mail server behind`);
  const words = known.map(({ keyword, value }) => (value === undefined ? ` ${keyword}` : ` ${keyword}=${value}`));
  return `${verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO'}:${path}${words.join('')}`;
}

/** Whom it means, as text; '' for the null path. */
export function addressOf({ path }: PathCommand): string {
  return mailboxOf(/[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1').toString('utf8') : path);
}

/** The size that the client announces (RFC 1870), in octets; undefined if it does not. */
export function announcedSize({ parameters }: PathCommand): number | undefined {
  const value = parameters.find(({ keyword }) => keyword === 'SIZE')?.value;
  return value === undefined ? undefined : Number(value);
}

export function hasParameter({ parameters }: PathCommand, wanted: string): boolean {
  return parameters.some(({ keyword }) => keyword === wanted);
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
