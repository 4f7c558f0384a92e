// A message on its way to the backend, chunk by chunk and never held whole: our fields go on top, header fields that
// claim to be ours are left out (RFC 8601 s5), lines that begin with a dot get another (RFC 5321 s4.5.2), and every other
// octet passes as it came. A bare CR, bare LF or NUL is a fault: some mail server behind would read it as the end of the
// message and what follows as commands, so such a message is not passed on.

import { claimsToBeOurs } from '../../core/header.ts';
import { fieldOctetsMax } from '../../core/limits.ts';

const [NUL, HT, LF, CR, SP, DOT, COLON] = [0x00, 0x09, 0x0a, 0x0d, 0x20, 0x2e, 0x3a];
const nothing = Buffer.alloc(0);

export interface MessageFilter {
  /** What goes to the backend for this chunk of un-stuffed content; undefined once the content is at fault. */
  push(chunk: Buffer): Buffer | undefined;
  /** What was still held back; undefined if the content is at fault. The final "." line is the caller's. */
  end(): Buffer | undefined;
}

/** `fields`: our header lines without line ends, first on top. */
export function messageFilter(
  fields: readonly string[],
  authservId: string,
  policyFields: ReadonlySet<string> = new Set(),
): MessageFilter {
  const lineEnds = lineEndCheck();
  const header = headerFilter(authservId, policyFields);
  const stuff = dotStuffer();
  let top: Buffer | undefined = Buffer.from(fields.map((field) => `${field}\r\n`).join(''), 'latin1');
  const pass = (content: Buffer) => {
    const out = top === undefined ? stuff(content) : Buffer.concat([top, stuff(content)]);
    top = undefined;
    return out;
  };
  return {
    push: (chunk) => (lineEnds.push(chunk) ? pass(header.push(chunk)) : undefined),
    end: () => (lineEnds.end() ? pass(header.end()) : undefined),
  };
}

/** Both answer false once a CR stands without LF, an LF without CR, or a NUL anywhere. */
export function lineEndCheck(): { push(chunk: Buffer): boolean; end(): boolean } {
  let good = true;
  let endsInCr = false;
  return {
    push(chunk) {
      if (!good || chunk.length === 0) return good;
      if (chunk.includes(NUL) || (endsInCr && chunk[0] !== LF)) return (good = false);
      for (let i = chunk.indexOf(LF); i >= 0; i = chunk.indexOf(LF, i + 1)) {
        if (i === 0 ? !endsInCr : chunk[i - 1] !== CR) return (good = false);
      }
      const last = chunk.length - 1;
      for (let i = chunk.indexOf(CR); i >= 0 && i < last; i = chunk.indexOf(CR, i + 1)) {
        if (chunk[i + 1] !== LF) return (good = false);
      }
      endsInCr = chunk[last] === CR;
      return true;
    },
    end: () => good && !endsInCr,
  };
}

/** Doubles a dot at the beginning of a line. Linear, whatever the content. */
export function dotStuffer(): (chunk: Buffer) => Buffer {
  let atLineStart = true;
  const dot = Buffer.from('.');
  return (chunk) => {
    if (chunk.length === 0) return chunk;
    const pieces: Buffer[] = [];
    let from = 0;
    if (atLineStart && chunk[0] === DOT) pieces.push(dot);
    for (let i = chunk.indexOf('\n.'); i >= 0; i = chunk.indexOf('\n.', i + 1)) {
      pieces.push(chunk.subarray(from, i + 1), dot);
      from = i + 1;
    }
    atLineStart = chunk[chunk.length - 1] === LF;
    if (pieces.length === 0) return chunk;
    pieces.push(chunk.subarray(from));
    return Buffer.concat(pieces);
  };
}

/** Longer than any field name with the white space that may follow it in a line of 998 octets (RFC 5322 s2.1.1). */
const undecidedOctetsMax = 1_000;

/**
 * Leaves out the header fields that claim to be ours. A field is held only while it may be one of them; everything else,
 * and everything after the empty line, passes at once.
 */
export function headerFilter(
  authservId: string,
  policyFields: ReadonlySet<string> = new Set(),
): { push(chunk: Buffer): Buffer; end(): Buffer } {
  let inBody = false;
  /** The beginning of a line, while it is not known what it belongs to; empty in the middle of a line that is. */
  let undecided: Buffer = nothing;
  let atLineStart = true;
  /** What happens to the field that the current line belongs to; `kept` is that field while it is held. */
  let fate: 'pass' | 'hold' | 'drop' = 'pass';
  let kept: Buffer = nothing;

  const dispose = (piece: Buffer): Buffer => {
    if (fate === 'pass') return piece;
    if (fate === 'hold') kept = Buffer.concat([kept, piece]);
    // Too long to be read: RFC 8601 s5 has us remove what we cannot parse.
    if (kept.length > fieldOctetsMax) {
      kept = nothing;
      fate = 'drop';
    }
    return nothing;
  };
  const endField = (): Buffer => {
    const field = kept;
    kept = nothing;
    return claimsToBeOurs(field.toString('latin1'), authservId, policyFields) ? nothing : field;
  };
  /** Decides what the line in `undecided` belongs to, if its beginning tells, and returns what may pass of it. */
  const decide = (isWhole: boolean): Buffer => {
    const line = undecided;
    const first = line[0];
    const continues = first === SP || first === HT;
    const isEmpty = isWhole && (first === CR || first === LF);
    if (!continues && !isWhole && !line.includes(COLON) && line.length <= undecidedOctetsMax) return nothing;
    undecided = nothing;
    atLineStart = false;
    if (continues) return dispose(line);
    const before = endField();
    inBody = isEmpty;
    fate = mayBeOurs(line, policyFields) ? 'hold' : 'pass';
    return Buffer.concat([before, dispose(line)]);
  };

  return {
    push(chunk) {
      const out: Buffer[] = [];
      let at = 0;
      while (at < chunk.length && !inBody) {
        const lf = chunk.indexOf(LF, at);
        const piece = chunk.subarray(at, lf < 0 ? chunk.length : lf + 1);
        at += piece.length;
        if (atLineStart) {
          undecided = undecided.length === 0 ? piece : Buffer.concat([undecided, piece]);
          out.push(decide(lf >= 0));
        } else {
          out.push(dispose(piece));
        }
        if (lf >= 0) atLineStart = true;
      }
      if (at < chunk.length) out.push(chunk.subarray(at));
      return out.length === 1 ? (out[0] ?? nothing) : Buffer.concat(out);
    },
    end: () => Buffer.concat([undecided.length > 0 ? decide(true) : nothing, endField()]),
  };
}

/** By name alone: is it worth holding this field until it ends? Decided by the same test, on a field without value. */
function mayBeOurs(line: Buffer, policyFields: ReadonlySet<string>): boolean {
  const colon = line.indexOf(COLON);
  return colon > 0 && claimsToBeOurs(`${line.toString('latin1', 0, colon)}:(`, '', policyFields);
}
