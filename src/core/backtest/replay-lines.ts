// Lines of a journal, judged as they come. Lines that differ in nothing that a verdict depends on are read and judged once
// (replay-key.ts, kept-lines.ts): the same result as if each were read, garbage included. Pure.

import { replayNamingsMax } from '../limits.ts';
import { forgetNamings } from '../naming.ts';
import type { Policy } from '../policy.ts';
import { type OctetLine, readRecord } from '../record-form.ts';
import type { Backtest } from './backtest.ts';
import { KeptLines } from './kept-lines.ts';
import type { Labels } from './labels.ts';
import { clockOf, momentOf, refOf } from './replay-key.ts';
import { isNamed } from './tally.ts';

export interface ReplayLinesParts {
  readonly replay: Pick<Backtest, 'judgeSession' | 'count'>;
  /** Those that `replay` judges by. */
  readonly policies: readonly Policy[];
  readonly labels?: Labels;
  /** Milliseconds since 1970: only sessions that began then or later, and before `until`. */
  readonly since?: number;
  readonly until?: number;
}

/** What takes the lines: undefined, or a sentence that says why a line is no record. */
export function replayLines(parts: ReplayLinesParts): (line: OctetLine) => string | undefined {
  const { replay, policies, labels } = parts;
  const clock = clockOf(policies);
  const within = between(parts.since, parts.until);
  const kept = new KeptLines();
  let judged = 0;
  return (line) => {
    const refEnd = kept.cut(line, clock);
    const known = refEnd === undefined ? undefined : kept.get();
    if (refEnd !== undefined && known !== undefined) {
      if (within?.(momentOf(line, refEnd)) === false) return undefined;
      const label = labels?.of({ id: refOf(line, refEnd), at: momentOf(line, refEnd), client: known });
      const effect = label === undefined ? known.none : known[label];
      if (effect !== undefined) {
        if (isNamed(effect)) replay.count(effect, refOf(line, refEnd), momentOf(line, refEnd));
        else replay.count(effect, '', '');
        return undefined;
      }
    }
    const text = line.text();
    const record = readRecord(text);
    if (typeof record === 'string') return record;
    const { id, at, client } = record.evidence;
    // What says something twice, or with blanks, is not what the journal writes, and may say what was cut out once more.
    const isKept = known === undefined && refEnd !== undefined && JSON.stringify(record) === text;
    const said = isKept ? kept.set(client.ip) : known;
    if (within?.(at) === false) return undefined;
    const label = labels?.of(record.evidence);
    const effect = replay.judgeSession(record, label);
    // Who comes again is among the kept lines, and need not be remembered by name as well.
    if (++judged % replayNamingsMax === 0) forgetNamings();
    if (said !== undefined) said[label ?? 'none'] = effect;
    replay.count(effect, id, at);
    return undefined;
  };
}

/** Undefined: whenever it was. */
function between(since: number | undefined, until: number | undefined): ((at: string) => boolean) | undefined {
  if (since === undefined && until === undefined) return undefined;
  const from = since ?? Number.NEGATIVE_INFINITY;
  const to = until ?? Number.POSITIVE_INFINITY;
  return (at) => {
    const then = Date.parse(at);
    return then >= from && then < to;
  };
}
