// Reads a journal: folders of segments, or single files, packed or not, whatever their size, in little memory. What cannot be read is
// a Problem with file and line, and the rest is used: garbage, a record of a newer version, a line that a killed process left
// half written, a packed file that ends early. Throws only through a bug of ours.

import { isAscii } from 'node:buffer';
import { stat } from 'node:fs/promises';
import { fileTrouble } from '../core/file-trouble.ts';
import { journalLateMs, journalLineOctetsMax, journalProblemsMax } from '../core/limits.ts';
import type { Problem } from '../core/problem.ts';
import type { SessionRecord } from '../core/record.ts';
import { type OctetLine, readRecord } from '../core/record-form.ts';
import { octetsOf } from './octets.ts';
import { type Segment, segmentsIn } from './segment.ts';

export interface ReadJournalOptions {
  /** Folders and files, read in this order; the segments of a folder from the oldest. */
  readonly paths: readonly string[];
  /** Milliseconds since 1970: only sessions that began then or later, and before `until`. Absent: no matter when. */
  readonly since?: number;
  readonly until?: number;
  /** Only lines that hold this text are looked at, and only they can be problems. */
  readonly holding?: string;
  readonly onProblem: (problem: Problem) => void;
  /** So many more octets of the files, as they lie on the disk, have been read. */
  readonly onProgress?: (octets: number) => void;
}

/** Some records at a time, in the order in which they stand: to wait for each would cost as much as to read it. */
export async function* readJournal(options: ReadJournalOptions): AsyncGenerator<readonly SessionRecord[]> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = options;
  const isBounded = since !== Number.NEGATIVE_INFINITY || until !== Number.POSITIVE_INFINITY;
  const records: SessionRecord[] = [];
  const take: TakeLine = (line) => {
    const record = readRecord(line.text());
    if (typeof record === 'string') return record;
    const at = isBounded ? Date.parse(record.evidence.at) : since;
    if (at >= since && at < until) records.push(record);
    return undefined;
  };
  for await (const _ of readJournalLines(options, take)) if (records.length > 0) yield records.splice(0);
}

/** Looks at one line, and says what is wrong with it; undefined: nothing. */
export type TakeLine = (line: OctetLine) => string | undefined;

/**
 * The same for who reads the lines in a way of its own: `take` gets each, whenever its session began. Comes back after every
 * piece of a file.
 */
export async function* readJournalLines(options: ReadJournalOptions, take: TakeLine): AsyncGenerator<void> {
  for (const { path } of await journalFiles(options)) yield* readFile(path, options, take);
}

/** What readJournal reads, in order, and how large it is. A path that is not there is a problem. */
export async function journalFiles({
  paths,
  since = Number.NEGATIVE_INFINITY,
  until = Number.POSITIVE_INFINITY,
  onProblem,
}: Pick<ReadJournalOptions, 'paths' | 'since' | 'until' | 'onProblem'>): Promise<
  readonly { readonly path: string; readonly octets: number }[]
> {
  // A record is written at the end of its session: in the hour in which that began, or in a later one.
  const mayHold = ({ begin, end }: Segment): boolean => end > since && begin - journalLateMs < until;
  const files: { path: string; octets: number }[] = [];
  for (const path of paths) {
    try {
      const { size, isDirectory } = await sizeOf(path);
      if (!isDirectory) files.push({ path, octets: size });
      else
        for (const segment of (await segmentsIn(path)).filter(mayHold))
          files.push({ path: segment.path, octets: (await sizeOf(segment.path).catch(() => undefined))?.size ?? 0 });
    } catch (error) {
      onProblem({ where: path, what: fileTrouble(error, 'file or folder') });
    }
  }
  return files;
}

async function sizeOf(path: string): Promise<{ readonly size: number; readonly isDirectory: boolean }> {
  const found = await stat(path);
  return { size: found.size, isDirectory: found.isDirectory() };
}

async function* readFile(path: string, options: ReadJournalOptions, take: TakeLine): AsyncGenerator<void> {
  const lines = new Lines(path, options, take);
  try {
    for await (const octets of octetsOf(path, options.onProgress)) yield lines.push(octets);
  } catch (error) {
    lines.broken(error);
  }
  yield lines.end();
}

const lineFeed = 0x0a;
const nothing = Buffer.alloc(0);

/** The lines of one file. */
class Lines {
  readonly #path: string;
  readonly #options: ReadJournalOptions;
  /** The beginning of a line whose end has not come; empty also where that line is too long, and thrown away as it comes. */
  #rest: Buffer = nothing;
  #isTooLong = false;
  #line = 0;
  #problems = 0;
  readonly #take: TakeLine;

  constructor(path: string, options: ReadJournalOptions, take: TakeLine) {
    this.#path = path;
    this.#options = options;
    this.#take = take;
  }

  push(octets: Buffer): void {
    let from = 0;
    for (let end = octets.indexOf(lineFeed); end >= 0; end = octets.indexOf(lineFeed, from)) {
      if (this.#rest.length === 0) this.#read(octets, from, end);
      else this.#readAll(Buffer.concat([this.#rest, octets.subarray(from, end)]));
      from = end + 1;
    }
    this.#keep(Buffer.concat([this.#rest, octets.subarray(from)]));
  }

  /** What stands behind the last line feed: a whole record, or what a process had written of it when it was killed. */
  end(): void {
    if (this.#rest.length > 0 || this.#isTooLong) this.#readAll(this.#rest, ', and the file ends in it');
    const more = this.#problems - journalProblemsMax;
    if (more > 0) this.#options.onProblem({ where: this.#path, what: `${more} more lines that cannot be read` });
  }

  /** Nothing more will come, for this reason. */
  broken(error: unknown): void {
    const why = fileTrouble(error);
    const isOpen = (error as NodeJS.ErrnoException).syscall !== 'open';
    this.#options.onProblem(
      isOpen
        ? { where: `${this.#path}:${this.#line + 1}`, what: `cannot be read on: ${why}` }
        : { where: this.#path, what: why },
    );
  }

  #problem(what: string): void {
    if (++this.#problems > journalProblemsMax) return;
    this.#options.onProblem({ where: `${this.#path}:${this.#line}`, what });
  }

  #keep(rest: Buffer): void {
    this.#isTooLong ||= rest.length > journalLineOctetsMax;
    this.#rest = this.#isTooLong ? nothing : rest;
  }

  #readAll(line: Buffer, where = ''): void {
    this.#rest = nothing;
    this.#read(line, 0, line.length, where);
  }

  /** `where`: what is to be said of the place beside its number. */
  #read(octets: Buffer, from: number, end: number, where = ''): void {
    this.#line++;
    const isTooLong = this.#isTooLong || end - from > journalLineOctetsMax;
    this.#isTooLong = false;
    if (isTooLong) this.#problem(`a line of more than ${journalLineOctetsMax} octets${where}`);
    if (isTooLong || from === end) return;
    const { holding } = this.#options;
    const text: OctetLine['text'] = (first = from, last = end) => textOf(octets.subarray(first, last));
    const line = { octets, from, end, text };
    if (holding !== undefined && !text().includes(holding)) return;
    const wrong = this.#take(line);
    if (wrong !== undefined) this.#problem(`${wrong}${where}`);
  }
}

/** Nearly all of it is ASCII, which is read in a third of the time. */
function textOf(octets: Buffer): string {
  return octets.toString(isAscii(octets) ? 'latin1' : 'utf8');
}
