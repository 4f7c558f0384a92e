// Reads a journal: folders of segments, or single files, packed or not, whatever their size, in little memory. What cannot be read is
// a Problem with file and line, and the rest is used: garbage, a record of a newer version, a line that a killed process left
// half written, a packed file that ends early. Throws only through a bug of ours.

import { stat } from 'node:fs/promises';
import { journalLateMs, journalLineOctetsMax, journalProblemsMax } from '../core/limits.ts';
import type { Problem } from '../core/problem.ts';
import type { SessionRecord } from '../core/record.ts';
import { readRecord } from '../core/record-form.ts';
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
  for (const { path } of await journalFiles(options)) yield* readFile(path, options);
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
      onProblem({ where: path, what: (error as Error).message });
    }
  }
  return files;
}

async function sizeOf(path: string): Promise<{ readonly size: number; readonly isDirectory: boolean }> {
  const found = await stat(path);
  return { size: found.size, isDirectory: found.isDirectory() };
}

async function* readFile(path: string, options: ReadJournalOptions): AsyncGenerator<readonly SessionRecord[]> {
  const lines = new Lines(path, options);
  try {
    for await (const octets of octetsOf(path, options.onProgress)) {
      const records = lines.push(octets);
      if (records.length > 0) yield records;
    }
  } catch (error) {
    lines.broken((error as Error).message);
  }
  const records = lines.end();
  if (records.length > 0) yield records;
}

const lineFeed = 0x0a;

/** The lines of one file as records. */
class Lines {
  readonly #path: string;
  readonly #options: ReadJournalOptions;
  /** The beginning of a line whose end has not come; empty also where that line is too long, and thrown away as it comes. */
  #rest: Buffer = Buffer.alloc(0);
  #isTooLong = false;
  #line = 0;
  #problems = 0;

  constructor(path: string, options: ReadJournalOptions) {
    this.#path = path;
    this.#options = options;
  }

  push(octets: Buffer): readonly SessionRecord[] {
    const end = octets.lastIndexOf(lineFeed);
    const whole = Buffer.concat([this.#rest, octets.subarray(0, Math.max(0, end))]);
    if (end < 0) this.#keep(Buffer.concat([whole, octets]));
    const records =
      end < 0
        ? []
        : whole
            .toString('utf8')
            .split('\n')
            .flatMap((line) => this.#read(line) ?? []);
    if (end >= 0) this.#keep(octets.subarray(end + 1));
    return records;
  }

  /** What stands behind the last line feed: a whole record, or what a process had written of it when it was killed. */
  end(): readonly SessionRecord[] {
    const rest = this.#rest.toString('utf8');
    const record = rest === '' && !this.#isTooLong ? undefined : this.#read(rest, ', and the file ends in it');
    const more = this.#problems - journalProblemsMax;
    if (more > 0) this.#options.onProblem({ where: this.#path, what: `${more} more lines that cannot be read` });
    return record === undefined ? [] : [record];
  }

  /** Nothing more will come, for this reason. */
  broken(why: string): void {
    this.#options.onProblem({ where: `${this.#path}:${this.#line + 1}`, what: `cannot be read on: ${why}` });
  }

  #problem(what: string): void {
    if (++this.#problems > journalProblemsMax) return;
    this.#options.onProblem({ where: `${this.#path}:${this.#line}`, what });
  }

  #keep(rest: Buffer): void {
    this.#isTooLong ||= rest.length > journalLineOctetsMax;
    // A copy: a few octets must not keep the whole chunk.
    this.#rest = this.#isTooLong ? Buffer.alloc(0) : Buffer.from(rest);
  }

  /** `where`: what is to be said of the place beside its number. */
  #read(line: string, where = ''): SessionRecord | undefined {
    this.#line++;
    const { holding, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = this.#options;
    const isTooLong = this.#isTooLong || line.length > journalLineOctetsMax;
    this.#isTooLong = false;
    if (isTooLong) this.#problem(`a line of more than ${journalLineOctetsMax} octets${where}`);
    if (isTooLong || line === '' || (holding !== undefined && !line.includes(holding))) return undefined;
    const record = readRecord(line);
    if (typeof record === 'string') {
      this.#problem(`${record}${where}`);
      return undefined;
    }
    if (since === Number.NEGATIVE_INFINITY && until === Number.POSITIVE_INFINITY) return record;
    const at = Date.parse(record.evidence.at);
    return at >= since && at < until ? record : undefined;
  }
}
