// Recorded sessions as lines, gathered: those that differ in nothing that a verdict depends on (core/backtest/replay-key.ts) are one,
// with all its times, so that each is judged once. What is no record of a session is counted and said. Pure, never throws.

import { lineParts } from '../../core/backtest/replay-key.ts';
import type { SessionRecord } from '../../core/record.ts';
import { readRecord } from '../../core/record-form.ts';

/** Sessions alike. */
export interface Alike {
  /** The first of them. */
  session: SessionRecord;
  readonly times: { readonly ref: string; readonly at: string }[];
}

export interface Gathered {
  readonly all: readonly Alike[];
  readonly sessions: number;
  /** When the oldest came. Absent: there is none. */
  readonly since?: string;
  /** How many were recorded without the whole of sender and recipient. */
  readonly withoutEnvelope: number;
  /** Lines that are no record, in sentences. */
  readonly problems: readonly string[];
}

export interface Gathering {
  readonly sessions: number;
  add(line: string): void;
  result(): Gathered;
}

/** `clock`: see replay-key.ts. `sinceMs`, since 1970: only sessions that came then or later. */
export function gatherSessions(clock: (at: string) => string, sinceMs?: number): Gathering {
  const found = new Map<string, Alike>();
  const wrong = new Map<string, number>();
  // Times are compared as text: all are ISO 8601 in UTC.
  const from = sinceMs === undefined ? '' : new Date(sinceMs).toISOString();
  let sessions = 0;
  let withoutEnvelope = 0;
  let oldest: string | undefined;
  const count = (alike: Alike, ref: string, at: string): void => {
    // A copy: a part of a line keeps the whole line in memory.
    alike.times.push({ ref, at: ` ${at}`.slice(1) });
    sessions++;
    if (alike.session.envelope !== 'full') withoutEnvelope++;
    if (oldest === undefined || at < oldest) oldest = at;
  };
  return {
    get sessions() {
      return sessions;
    },
    add(line: string): void {
      if (line === '') return;
      const parts = lineParts(line, clock);
      if (parts !== undefined && parts.at < from) return;
      const known = parts && found.get(parts.key);
      if (parts !== undefined && known !== undefined) {
        count(known, parts.ref, parts.at);
        return;
      }
      const session = readRecord(line);
      if (typeof session === 'string') {
        wrong.set(session, (wrong.get(session) ?? 0) + 1);
        return;
      }
      const { id, at } = session.evidence;
      if (at < from) return;
      const alike = { session, times: [] };
      // What is written in another form is like itself alone.
      found.set(parts?.key ?? line, alike);
      count(alike, id, at);
    },
    result() {
      const lines = [...wrong].map(
        ([what, times]) => `${times} ${times === 1 ? 'line is' : 'lines are'} left out: ${what}`,
      );
      return {
        all: [...found.values()],
        sessions,
        ...(oldest === undefined ? {} : { since: oldest }),
        withoutEnvelope,
        problems: lines.slice(0, problemsShownMax),
      };
    },
  };
}

/** As many as anybody reads. */
const problemsShownMax = 10;
