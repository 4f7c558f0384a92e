// The octets after DATA, chunk by chunk, as one state machine: finds the final dot, CRLF.CRLF and nothing else whatever the
// cuts (RFC 5321 s4.1.1.4), and hands the content on in the one form that every mail server behind reads alike: lines end in
// CRLF, a line that begins with a dot has another before it (s4.5.2), no bare CR, bare LF or NUL. Nothing is un-stuffed and
// stuffed again: "..x" means ".x", which travels as "..x", so only a lone leading dot has to go. Octets that need no change
// are not copied, and the time is linear whatever they are. Never throws.

import type { BareNewline } from '../../core/relaying.ts';

export interface ContentScanner {
  /** Takes the next octets. Nothing may be pushed after the final dot. */
  push(chunk: Buffer): Scanned;
  /**
   * Octets of the content so far as RFC 1870 s3 counts them: without the dots of stuffing and the final one, with CRLF. What
   * is held back at the end of a chunk (a CR, a leading dot) counts when it is decided. After a fault it counts on.
   */
  readonly octets: number;
}

export interface Scanned {
  /**
   * Content for the next server, as it is to be sent, the CRLF of the last line with it; without the final dot line. Often
   * a part of the chunk itself. Empty after a fault.
   */
  readonly content: Buffer;
  /** Offset in the chunk of the first octet behind the final dot line; absent: content goes on. */
  readonly end?: number;
  /** There was a bare CR, bare LF or NUL, in this chunk or before: the message must not go on. Its end is still found. */
  readonly fault?: true;
}

const [NUL, LF, CR, SP, DOT] = [0x00, 0x0a, 0x0d, 0x20, 0x2e];
const nothing = Buffer.alloc(0);

/** Makes the state machine for one message; its first octet is the first behind the DATA line. */
export function contentScanner(bareNewline: BareNewline): ContentScanner {
  /** A CR, "." or ".CR" at the end of the last chunk: what it means is told by what follows. */
  let held: Buffer = nothing;
  let place: Place = 'line start';
  let octets = 0;
  let isFaulty = false;
  return {
    push(chunk) {
      const input = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const seen = scan(input, place, bareNewline);
      const content = seen.edited.result(seen.contentEnd);
      octets += content.length - seen.stuffing;
      place = seen.place;
      isFaulty ||= seen.isFaulty;
      const heldBefore = held.length;
      // A copy, so that a client that stalls here does not keep the whole chunk in memory.
      held = seen.end === undefined ? Buffer.from(input.subarray(seen.contentEnd)) : nothing;
      return {
        content: isFaulty ? nothing : content,
        ...(seen.end === undefined ? {} : { end: seen.end - heldBefore }),
        ...(isFaulty ? { fault: true } : {}),
      };
    },
    get octets() {
      return octets;
    },
  };
}

/**
 * Where the next octet stands. A line that begins behind a bare LF begins in what goes on, but not on the wire: its dots are
 * content, which stuffing has to keep apart from the final dot.
 */
type Place = 'line start' | 'behind bare LF' | 'in line';

interface Seen {
  readonly edited: Edit;
  /** Where the decided content of the input ends: before the final dot line or before what has to be held. */
  readonly contentEnd: number;
  readonly place: Place;
  /** How many octets of the edited content are dots of stuffing. */
  readonly stuffing: number;
  readonly isFaulty: boolean;
  /** Behind the final dot line. */
  readonly end?: number;
}

function scan(input: Buffer, from: Place, bareNewline: BareNewline): Seen {
  const edited = editOf(input);
  let place = from;
  let stuffing = 0;
  let isFaulty = false;
  const seen = (contentEnd: number, end?: number): Seen => {
    const state = { edited, contentEnd, place, stuffing, isFaulty };
    return end === undefined ? state : { ...state, end };
  };
  const bare = (at: number, count: number, instead: number) => {
    if (bareNewline === 'reject') isFaulty = true;
    else edited.replace(at, count, instead);
  };
  let i = 0;
  while (i < input.length) {
    if (place !== 'in line' && input[i] === DOT) {
      const dot = place === 'line start' ? leadingDot(input, i) : 'unstuffed';
      if (dot === 'undecided') return seen(i);
      if (dot === 'final') return seen(i, i + 3);
      if (dot === 'lone') edited.replace(i, 1);
      else stuffing++;
      if (dot === 'unstuffed') edited.replace(i, 0, DOT);
      i += dot === 'stuffed' ? 2 : 1;
    }
    place = 'in line';
    i = skipText(input, i);
    if (i === input.length) break;
    const octet = input[i];
    if (octet === CR && i + 1 === input.length) return seen(i);
    if (octet === CR && input[i + 1] === LF) {
      place = 'line start';
      i++;
    } else if (octet === LF) {
      bare(i, 0, CR);
      place = 'behind bare LF';
    } else if (octet === CR || octet === NUL) bare(i, 1, SP);
    i++;
  }
  return seen(i);
}

/** What the dot at `at` is, which begins a line on the wire (RFC 5321 s4.5.2). */
function leadingDot(input: Buffer, at: number): 'final' | 'stuffed' | 'lone' | 'undecided' {
  if (at + 1 === input.length) return 'undecided';
  if (input[at + 1] === DOT) return 'stuffed';
  if (input[at + 1] !== CR) return 'lone';
  if (at + 2 === input.length) return 'undecided';
  return input[at + 2] === LF ? 'final' : 'lone';
}

/** The next octet that may be CR, LF or NUL: all that are text are above CR. Four at a time, which is three times as fast. */
function skipText(input: Buffer, from: number): number {
  const end = input.length;
  const last = end - 3;
  let i = from;
  while (
    i < last &&
    (input[i] ?? 0) > CR &&
    (input[i + 1] ?? 0) > CR &&
    (input[i + 2] ?? 0) > CR &&
    (input[i + 3] ?? 0) > CR
  )
    i += 4;
  while (i < end && (input[i] ?? 0) > CR) i++;
  return i;
}

interface Edit {
  /** Puts this octet, or nothing, instead of the `count` octets at `at`. From the front to the back. */
  replace(at: number, count: number, instead?: number): void;
  /** The edited input up to `end`; a part of the input itself if nothing was replaced. */
  result(end: number): Buffer;
}

function editOf(input: Buffer): Edit {
  let out: Buffer | undefined;
  let length = 0;
  let from = 0;
  const copyTo = (target: Buffer, end: number) => {
    for (; from < end; from++) target[length++] = input[from] ?? 0;
  };
  return {
    replace(at, count, instead) {
      // No octet becomes more than two: "LF LF" is "CRLF CRLF" then, "LF ." is "CRLF ..".
      out ??= Buffer.allocUnsafe(2 * input.length);
      copyTo(out, at);
      if (instead !== undefined) out[length++] = instead;
      from += count;
    },
    result(end) {
      if (out === undefined) return input.subarray(0, end);
      copyTo(out, end);
      return out.subarray(0, length);
    },
  };
}
