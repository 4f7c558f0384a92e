// The one place where a refusal becomes words on the wire. Whatever comes in, a Reply is one line of printable ASCII,
// its two codes agree, it fits both doors (limits.ts) and it ends in the ref that also stands in the log.

import { replyOctetsMax } from './limits.ts';
import { printable } from './name.ts';

export interface Reply {
  /** 400..599 */
  readonly code: number;
  /** RFC 3463; X.7.25 is "reverse DNS validation failed" (RFC 7372). */
  readonly enhanced: string;
  readonly text: string;
}

/** Throws on codes that no loader lets through: that is a bug of ours, and it must not reach a client. */
export function makeReply(code: number, enhanced: string, text: string, ref: string): Reply {
  if (!Number.isInteger(code) || code < 400 || code > 599)
    throw new RangeError(`reply code ${code} is neither 4xx nor 5xx`);
  if (!isEnhancedCode(enhanced) || enhanced[0] !== String(code)[0])
    throw new RangeError(`enhanced code ${enhanced} does not fit ${code}`);
  const end = ` (ref ${printable(ref, 40)})`;
  const room = replyOctetsMax - `${code} ${enhanced} `.length - end.length;
  return { code, enhanced, text: cut(text, room) + end };
}

/** RFC 3463 s2: class "." subject "." detail, for the two classes that refuse. */
export function isEnhancedCode(text: string): boolean {
  return /^[45]\.\d{1,3}\.\d{1,3}$/.test(text);
}

export function printReply(reply: Reply): string {
  return `${reply.code} ${reply.enhanced} ${reply.text}`;
}

/** The text is ours and may hold escapes already, so a backslash is left alone; any other odd byte is not. */
function cut(text: string, octetsMax: number): string {
  const isClean = /^[ -~]*$/.test(text);
  const clean = (isClean ? text : [...text].map((char) => (char === '\\' ? char : printable(char))).join('')).trim();
  return clean.length <= octetsMax ? clean : `${clean.slice(0, octetsMax - 3)}...`;
}
