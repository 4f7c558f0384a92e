// A message on its way to the backend, chunk by chunk and never held whole: our fields go on top, header fields that
// claim to be ours are left out (RFC 8601 s5), and every other octet passes as it came. Content comes and leaves in the form
// that content.ts describes: lines end in CRLF, leading dots are stuffed. So a field cannot hide behind a dot: the name of
// "..X:" begins with one. Never throws.

import { authResultsName, claimsToBeOurs, tagFieldName } from '../../core/header.ts';
import { fieldOctetsMax } from '../../core/limits.ts';

const [HT, LF, CR, SP, COLON, DEL] = [0x09, 0x0a, 0x0d, 0x20, 0x3a, 0x7f];
const nothing = Buffer.alloc(0);

export interface MessageFilter {
  /** What goes to the backend for this chunk. */
  push(chunk: Buffer): Buffer;
  /** What was still held back. The final "." line is the caller's. */
  end(): Buffer;
}

/** `fields`: our header lines without line ends, first on top; they stand above an empty message too. */
export function messageFilter(
  fields: readonly string[],
  authservId: string,
  policyFields: ReadonlySet<string> = new Set(),
): MessageFilter {
  const top = fields.map((field) => `${field}\r\n`).join('');
  const header = headerFilter(authservId, policyFields);
  let hasBegun = false;
  let isBody = false;
  /** What stands before the content, if it begins with this octet. */
  const begin = (first: number | undefined): Buffer => {
    hasBegun = true;
    // White space would go on the last of our fields, and add to what it says (RFC 5322 s2.2.3). Nothing was there to go on:
    // this message has no header, so an empty line makes all of it the body.
    isBody = top !== '' && (first === SP || first === HT);
    return Buffer.from(isBody ? `${top}\r\n` : top, 'latin1');
  };
  return {
    push(chunk) {
      if (hasBegun || chunk.length === 0) return isBody ? chunk : header.push(chunk);
      const before = begin(chunk[0]);
      return Buffer.concat([before, isBody ? chunk : header.push(chunk)]);
    },
    end: () => (hasBegun ? header.end() : Buffer.concat([begin(undefined), header.end()])),
  };
}

type Fate = 'pass' | 'hold' | 'drop';

/**
 * Leaves out the header fields that claim to be ours. A field is held only while it may be one of them; everything else,
 * and everything after the empty line, passes at once. Linear: what goes the same way is moved in one piece, however many
 * lines it has.
 */
export function headerFilter(authservId: string, policyFields: ReadonlySet<string> = new Set()): MessageFilter {
  const names = claimedNames(policyFields);
  let inBody = false;
  let atLineStart = true;
  /** The beginning of a line that may become one of our names. */
  let undecided: Buffer = nothing;
  /** What happens to the field that the current line belongs to; `kept` is that field in latin1 while it is held. */
  let fate: Fate = 'pass';
  let kept = '';

  const dispose = (run: Buffer): Buffer => {
    if (fate === 'pass') return run;
    if (fate === 'hold') kept += run.toString('latin1');
    // Too long to be read: RFC 8601 s5 has us remove what we cannot parse.
    if (kept.length > fieldOctetsMax) {
      kept = '';
      fate = 'drop';
    }
    return nothing;
  };
  const endField = (): Buffer => {
    const field = kept;
    kept = '';
    const isOurs = field.includes(':') && claimsToBeOurs(field, authservId, policyFields);
    return isOurs ? nothing : Buffer.from(field, 'latin1');
  };

  return {
    push(chunk) {
      if (inBody) return chunk;
      const input = undecided.length === 0 ? chunk : Buffer.concat([undecided, chunk]);
      const out: Buffer[] = [];
      let from = 0;
      let at = 0;
      while (at < input.length && !inBody) {
        const line = atLineStart ? kindOfLine(input, at, names) : 'continuation';
        if (line === 'undecided') break;
        if (line !== 'continuation' && (line !== fate || line === 'hold')) {
          out.push(dispose(input.subarray(from, at)), endField());
          from = at;
          inBody = line === 'body';
          fate = line === 'body' ? 'pass' : line;
        }
        at = inBody ? input.length : endOfLine(input, at);
        atLineStart = input[at - 1] === LF;
      }
      out.push(dispose(input.subarray(from, at)));
      undecided = Buffer.from(input.subarray(at));
      return Buffer.concat(out);
    },
    end: () => Buffer.concat([endField(), undecided]),
  };
}

interface ClaimedName {
  /** In lower case. */
  readonly name: Buffer;
  /** Whatever the value says; Authentication-Results has to be read. */
  readonly isOursByName: boolean;
}

function claimedNames(policyFields: ReadonlySet<string>): readonly ClaimedName[] {
  return [authResultsName, tagFieldName, ...policyFields].map((name) => ({
    name: Buffer.from(name.toLowerCase(), 'latin1'),
    isOursByName: name !== authResultsName,
  }));
}

/** What the line that begins at `at` is, or what happens to the field that begins there. A line that is no field passes. */
function kindOfLine(
  input: Buffer,
  at: number,
  names: readonly ClaimedName[],
): Fate | 'continuation' | 'body' | 'undecided' {
  const first = input[at];
  if (first === SP || first === HT) return 'continuation';
  if (first === CR) return 'body';
  let kind: 'pass' | 'undecided' = 'pass';
  for (const { name, isOursByName } of names) {
    let i = 0;
    while (i < name.length && lowerCase(input[at + i] ?? 0) === name[i]) i++;
    const next = input[at + i];
    if (next === undefined) kind = 'undecided';
    else if (i === name.length && next === COLON) return isOursByName ? 'drop' : 'hold';
    // White space may stand before the colon; whatever else is no part of a name is left to claimsToBeOurs.
    else if (i === name.length && (next <= SP || next >= DEL)) return 'hold';
  }
  return kind;
}

function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}

/** Behind the next LF, or the end of the input. */
function endOfLine(input: Buffer, from: number): number {
  let at = from;
  while (at < input.length && input[at] !== LF) at++;
  return Math.min(at + 1, input.length);
}
