// Journals and logs as an operator names them, read line by line in flat memory, and what is to be said of those of which nothing
// came. What cannot be read is a Problem as it comes, and the rest is used. Nothing is thrown but for a bug of ours.

import { stat } from 'node:fs/promises';
import { fileTrouble } from '../core/file-trouble.ts';
import type { Problem } from '../core/problem.ts';
import { journalFiles, readJournalLines, type TakeLine } from '../journal/read.ts';
import { reachOf, segmentsIn } from '../journal/segment.ts';

export interface Source {
  /** Files, or folders of a journal. */
  readonly paths: readonly string[];
  /** Milliseconds since 1970: only sessions that began then or later, and before `until`. */
  readonly since?: number;
  readonly until?: number;
  readonly onProblem: (problem: Problem) => void;
  /** MB of files read, and of how many. */
  readonly progress: (done: number, of: number) => void;
}

/** What came of reading. */
export interface Reading {
  /** Lines that were of use, whenever their session began. */
  readonly lines: number;
  /** Those of the paths of which nothing could be read, and why. */
  readonly missing: readonly Problem[];
  /** How many problems with lines and files were said. */
  readonly problems: number;
}

/** What is to be said of them under a result. */
export interface Remarks {
  /** Sources that could not be read; standard error has named them already. */
  readonly missing: readonly string[];
  /** Why there is no session; [] where there are some. */
  readonly empty: readonly string[];
}

export async function readLines(source: Source, take: TakeLine): Promise<Reading> {
  const files = await journalFiles({ ...source, onProblem: () => {} });
  const all = files.reduce((sum, { octets }) => sum + octets, 0);
  const mb = (octets: number) => Math.ceil(octets / 1_000_000);
  let read = 0;
  const onProgress = (octets: number): void => {
    read += octets;
    source.progress(mb(Math.min(read, all)), mb(all));
  };
  let lines = 0;
  const counted: TakeLine = (line) => {
    const wrong = take(line);
    if (wrong === undefined) lines++;
    return wrong;
  };
  const missing: Problem[] = [];
  let problems = 0;
  const onProblem = (problem: Problem): void => {
    problems++;
    // Without a line behind it: of the file itself.
    if (source.paths.includes(problem.where)) missing.push(problem);
    source.onProblem(problem);
  };
  const { since, until, paths } = source;
  const bounds = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  for await (const _ of readJournalLines({ paths, ...bounds, onProblem, onProgress }, counted));
  if (all > 0) source.progress(mb(all), mb(all));
  return { lines, missing, problems };
}

/** A log is a file; undefined: it can be looked at. */
export async function wrongLog(path: string): Promise<Problem | undefined> {
  try {
    return (await stat(path)).isDirectory() ? { where: path, what: 'is a folder, not a log' } : undefined;
  } catch (error) {
    return { where: path, what: fileTrouble(error) };
  }
}

/** What there is instead, where all could be read and no session is of the time that was asked for: a sentence for each path. */
export async function whyNone({ paths }: Pick<Source, 'paths'>): Promise<readonly string[]> {
  return Promise.all(paths.map((path) => whatIsIn(path).catch(() => `${path} holds no session of that time`)));
}

async function whatIsIn(path: string): Promise<string> {
  const found = await stat(path);
  if (!found.isDirectory()) return `${path} ${found.size === 0 ? 'is empty' : 'holds no session of that time'}`;
  const reach = reachOf(await segmentsIn(path));
  return reach === undefined
    ? `${path} has no records: nothing has been recorded there yet`
    : `${path} holds no session of that time; it reaches ${reach}`;
}
