// The evidence of the last sessions, in memory, for the page to try another policy on: as lines of JSON, which take a third of what
// the objects would, in the form of the journal's. Bounded by number and by octets, oldest first to go. Sender and recipient are kept too, since rules may ask
// them; nothing of it is written anywhere, and it is gone with the process.

import { recordedOctetsMax, recordedSessionsMax } from '../core/limits.ts';
import type { EvidenceEnd } from './wire.ts';

export interface Recorded {
  /** `line`: of core/record-line.ts. */
  add(line: string): void;
  readonly size: number;
  /** The bound for which older ones had to go. Undefined: all since the start are here. */
  readonly cut: EvidenceEnd['cut'];
  /** Those lines, oldest first, in pieces of about 64 KB. */
  pieces(): Generator<string>;
}

export interface RecordedOptions {
  readonly sessionsMax?: number;
  readonly octetsMax?: number;
}

export function recordedSessions({
  sessionsMax = recordedSessionsMax,
  octetsMax = recordedOctetsMax,
}: RecordedOptions = {}): Recorded {
  // A queue that is cut from time to time: shift() of a long array moves all of it.
  let lines: string[] = [];
  let first = 0;
  let octets = 0;
  let cut: EvidenceEnd['cut'];
  const dropOldest = (): void => {
    octets -= lines[first]?.length ?? 0;
    lines[first++] = '';
    if (first * 2 > lines.length) [lines, first] = [lines.slice(first), 0];
  };
  const beyond = (): EvidenceEnd['cut'] => {
    if (lines.length - first > sessionsMax) return 'sessions';
    return octets > octetsMax ? 'octets' : undefined;
  };
  return {
    add(line) {
      lines.push(`${line}\n`);
      octets += line.length + 1;
      for (let over = beyond(); over !== undefined; over = beyond()) {
        cut = over;
        dropOldest();
      }
    },
    get cut() {
      return cut;
    },
    get size() {
      return lines.length - first;
    },
    *pieces() {
      let piece = '';
      for (const line of lines.slice(first)) {
        piece += line;
        if (piece.length < 65_536) continue;
        yield piece;
        piece = '';
      }
      if (piece !== '') yield piece;
    },
  };
}
