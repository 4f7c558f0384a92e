// A line of a journal without what no verdict depends on: ref, time, port and TTLs. Two lines with the same key are judged alike,
// so that a mail server that comes a thousand times is judged once. Where a policy looks at the clock, the key says how late it
// is, as far as that policy can tell. The key of a line that is no record is as useless as the line.
//
// Inside a JSON string a quote has a backslash before it, so none of the marks looked for here can stand in foreign text.

import type { Policy } from '../policy.ts';
import { asksTime, endings } from './asks.ts';

/** What is cut out of one line. */
export interface LineParts {
  readonly key: string;
  readonly ref: string;
  readonly at: string;
}

/** Undefined: it is not in the form in which the journal writes, which JSON does not forbid. */
export function lineParts(line: string, clock: (at: string) => string): LineParts | undefined {
  // The two stand at the beginning, one behind the other.
  if (!line.startsWith(refMark)) return undefined;
  const ref = refMark.length;
  const refEnd = line.indexOf('"', ref);
  if (!line.startsWith(atMark, refEnd + 1)) return undefined;
  const at = refEnd + 1 + atMark.length;
  const atEnd = line.indexOf('"', at);
  const time = line.slice(at, atEnd);
  // Both are shown to people; what has not the form goes through record-form.ts, which says so.
  const id = line.slice(ref, refEnd);
  if (!refForm.test(id) || !momentForm.test(time)) return undefined;
  let key = clock(time);
  let from = atEnd;
  for (const mark of numberMarks)
    for (let found = line.indexOf(mark, from); found >= 0; found = line.indexOf(mark, from)) {
      key += line.slice(from, found);
      from = found + mark.length;
      while (isDigit(line.charCodeAt(from))) from++;
      if (mark === portMark) break;
    }
  // A copy: a ref that is kept must not keep the piece of the file that the line is part of.
  return { key: key + line.slice(from), ref: ` ${id}`.slice(1), at: time };
}

const refForm = /^[0-9a-z]{1,40}$/;
const momentForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;
const refMark = '{"v":1,"evidence":{"v":1,"id":"';
const atMark = ',"at":"';
/** The client's port stands before the answers. */
const portMark = ',"port":';
const numberMarks = [portMark, ',"ttl":'];

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

/** How late it is, as far as these policies can tell: which rules and exceptions have ended, and the minute if they ask for it. */
export function clockOf(policies: readonly Policy[]): (at: string) => string {
  const ends = policies.flatMap(endings).sort((a, b) => a - b);
  const minutes = policies.some(asksTime);
  if (ends.length === 0 && !minutes) return () => '';
  const ended = ends.map((end) => new Date(end).toISOString());
  return (at) => `${ended.filter((end) => end <= at).length} ${minutes ? at.slice(0, 16) : ''}`;
}
