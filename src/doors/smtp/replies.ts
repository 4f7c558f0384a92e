// Replies of the backend (RFC 5321 s4.2) as pure functions: octets to replies. What is no reply, or is longer than the
// bounds in limits.ts, is undefined behaviour of the backend and reported as such; its text is cleaned before anyone
// sees it, while its codes are kept.

import { backendLineOctetsMax, backendReplyLinesMax, replyOctetsMax } from '../../core/limits.ts';
import { printable } from '../../core/name.ts';

export interface BackendReply {
  /** 200..599 */
  readonly code: number;
  /** The text of each line, printable ASCII; at least one line, which may be ''. */
  readonly lines: readonly string[];
}

/** `reply` is absent until the last line has come; `broken` says why there will never be one. */
export interface ReadReply {
  readonly reply?: BackendReply;
  readonly rest: string;
  readonly broken?: string;
}

/** `octets` (latin1) is the previous rest with the new octets behind it. */
export function readReply(octets: string): ReadReply {
  const lines: string[] = [];
  let code: string | undefined;
  let start = 0;
  for (;;) {
    const end = octets.indexOf('\n', start);
    if ((end < 0 ? octets.length : end) - start > backendLineOctetsMax) return broken('a reply line without end');
    if (end < 0) return { rest: octets };
    const line = octets.slice(start, end).replace(/\r$/, '');
    const match = /^([2-5]\d\d)(?:([ -])(.*))?$/s.exec(line);
    if (match === null) return broken(`"${printable(line, 60)}" is no SMTP reply`);
    if (code !== undefined && match[1] !== code) return broken('a reply with two codes');
    code = match[1];
    lines.push(printable(match[3] ?? '', replyOctetsMax));
    start = end + 1;
    if (match[2] !== '-') return { reply: { code: Number(code), lines }, rest: octets.slice(start) };
    if (lines.length === backendReplyLinesMax) return broken('a reply of too many lines');
  }
}

export function isPositive({ code }: BackendReply): boolean {
  return code >= 200 && code < 300;
}

/**
 * The lines, each with an enhanced code of the reply's own class (RFC 2034 s4: whoever offers ENHANCEDSTATUSCODES says one in
 * each). A backend that has none, or one of another class, gets "x.0.0".
 */
export function withStatus({ code, lines }: BackendReply): readonly string[] {
  const digit = Math.floor(code / 100);
  if (digit === 3) return lines;
  return lines.map((line) => {
    const status = /^([245])\.\d{1,3}\.\d{1,3}(?= |$)/.exec(line);
    if (status?.[1] === String(digit)) return line;
    return `${digit}.0.0 ${status === null ? line : line.slice(status[0].length + 1)}`.trimEnd();
  });
}

function broken(why: string): ReadReply {
  return { rest: '', broken: why };
}
