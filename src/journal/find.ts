// Finds the record of a ref. A ref begins with the second in which its session arrived, and the record was written when nothing
// more was to be seen of it: in that hour or a later one, up to the longest that a session may last. The first hours come
// first, so that nearly always one segment is read. Undefined: it is not there.

import { journalLateMs } from '../core/limits.ts';
import type { Problem } from '../core/problem.ts';
import type { SessionRecord } from '../core/record.ts';
import { readJournal } from './read.ts';
import { type Segment, segmentsIn } from './segment.ts';

const hourMs = 3_600_000;

export interface Sought {
  readonly folder: string;
  readonly ref: string;
  /** When it was made, milliseconds since 1970. */
  readonly at: number;
  readonly onProblem: (problem: Problem) => void;
}

export interface Found {
  readonly record: SessionRecord;
  /** The file in which it stands. */
  readonly path: string;
}

/** Rejects when the folder cannot be read. */
export async function findRecord({ folder, ref, at, onProblem }: Sought): Promise<Found | undefined> {
  const holding = `"id":"${ref}"`;
  for (const { path } of likeliestFirst(await segmentsIn(folder), at))
    for await (const records of readJournal({ paths: [path], holding, onProblem })) {
      const record = records.find(({ evidence }) => evidence.id === ref);
      if (record !== undefined) return { record, path };
    }
  return undefined;
}

/** Last the hour before, where the clock was set back. */
function likeliestFirst(segments: readonly Segment[], at: number): readonly Segment[] {
  const since = segments.filter(({ begin, end }) => end > at && begin <= at + journalLateMs);
  const before = segments.filter(({ end }) => end <= at && end > at - hourMs);
  return [...since, ...before];
}
