// The newest lines of a journal, the newest first, as they stand there: for who looks back from now, so far and no farther. A segment
// is read from its end; a packed one can only be read from its beginning, so what it ends with is held, as much as is wanted of it.
// In small pieces with a rest after each, since the service itself reads here. What cannot be read is a Problem, and the rest is
// used; a folder that is not there holds nothing yet. Throws only through a bug of ours.

import { isAscii } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { journalLineOctetsMax, journalReadBackOctets, journalReadRestMs } from '../core/limits.ts';
import type { Problem } from '../core/problem.ts';
import { octetsOf } from './octets.ts';
import { type Segment, segmentsIn } from './segment.ts';
import { lineFeed } from './segment-file.ts';

export interface NewestOptions {
  readonly folder: string;
  readonly linesMax: number;
  readonly octetsMax: number;
  /** Milliseconds since 1970: no segment that was over by then. Of the first, older lines come as well. Absent: however old. */
  readonly since?: number;
  readonly onProblem: (problem: Problem) => void;
  /** There are older ones, which this bound leaves out. */
  readonly onCut: (by: Cut) => void;
  /** Aborted: nothing more is wanted. */
  readonly signal?: AbortSignal;
}

export type Cut = 'lines' | 'octets';

/** Some lines at a time, the newest first, each with its line feed. */
export async function* newestLines(options: NewestOptions): AsyncGenerator<string> {
  const { folder, since = Number.NEGATIVE_INFINITY, onProblem, onCut, signal } = options;
  const room = { lines: options.linesMax, octets: options.octetsMax };
  const all = await segmentsIn(folder).catch((error: NodeJS.ErrnoException): readonly Segment[] => {
    if (error.code !== 'ENOENT') onProblem({ where: folder, what: error.message });
    return [];
  });
  const segments = all.filter(({ end }) => end > since).reverse();
  for (const [i, segment] of segments.entries()) {
    const say = (what: string): void => onProblem({ where: segment.path, what });
    const lines = new LinesFromEnd(say, i === 0);
    const reading: Reading = { room: { ...room }, say, signal, isPart: false };
    for await (const octets of fromEnd(segment, reading)) {
      if (signal?.aborted) return;
      const { text, cut } = within(lines.push(octets), room);
      if (text !== '') yield text;
      if (cut !== undefined) return onCut(cut);
      await sleep(journalReadRestMs);
    }
    // Lines without end took the room; what came first is the rest of a line.
    if (reading.isPart) return onCut('octets');
    const { text, cut } = within(lines.end(), room);
    if (text !== '') yield text;
    if (cut !== undefined) return onCut(cut);
  }
}

interface Reading {
  /** As much as is wanted of it. */
  readonly room: Room;
  readonly say: (what: string) => void;
  readonly signal: AbortSignal | undefined;
  /** Its beginning was let go. */
  isPart: boolean;
}

interface Room {
  lines: number;
  octets: number;
}

/** As many of these as there is room for, which is less then. */
function within(lines: readonly string[], room: Room): { readonly text: string; readonly cut?: Cut } {
  let many = 0;
  let cut: Cut | undefined;
  for (const { length } of lines) {
    if (room.lines === 0) cut = 'lines';
    else if (length >= room.octets) cut = 'octets';
    if (cut !== undefined) break;
    room.lines--;
    room.octets -= length + 1;
    many++;
  }
  const taken = many === lines.length ? lines : lines.slice(0, many);
  const text = many === 0 ? '' : `${taken.join('\n')}\n`;
  return cut === undefined ? { text } : { text, cut };
}

/** Pieces of a segment, the last first. One that is not there any more was too old to be kept, and is none. */
async function* fromEnd({ path, isPacked }: Segment, reading: Reading): AsyncGenerator<Buffer> {
  try {
    const file = isPacked ? undefined : await open(path).catch(unlessGone);
    if (file !== undefined) yield* piecesFromEnd(file);
    // Packed since somebody saw it there.
    else
      for (const octets of await heldOf(isPacked ? path : `${path}.gz`, reading))
        for (let end = octets.length; end > 0; end -= journalReadBackOctets)
          yield octets.subarray(Math.max(0, end - journalReadBackOctets), end);
  } catch (error) {
    reading.say(`cannot be read on: ${(error as Error).message}`);
  }
}

async function* piecesFromEnd(file: FileHandle): AsyncGenerator<Buffer> {
  try {
    for (let end = (await file.stat()).size; end > 0; ) {
      const begin = Math.max(0, end - journalReadBackOctets);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(end - begin), 0, end - begin, begin);
      if (bytesRead < end - begin) throw new Error('it has become shorter meanwhile');
      yield buffer;
      end = begin;
    }
  } finally {
    await file.close();
  }
}

/** What a packed segment ends with, as much as there is room for and a piece more. */
async function heldOf(path: string, reading: Reading): Promise<readonly Buffer[]> {
  const { room, say, signal } = reading;
  const held: { readonly octets: Buffer; readonly lines: number }[] = [];
  const sum = { lines: 0, octets: 0 };
  const count = ({ octets, lines }: (typeof held)[number], sign: 1 | -1): void => {
    sum.lines += sign * lines;
    sum.octets += sign * octets.length;
  };
  try {
    for await (const octets of octetsOf(path)) {
      if (signal?.aborted) return [];
      const piece = { octets, lines: lineFeedsIn(octets) };
      held.push(piece);
      count(piece, 1);
      for (let [first] = held; first !== undefined && held.length > 1; [first] = held) {
        const isEnough = sum.lines - first.lines > room.lines || sum.octets - first.octets.length > room.octets;
        if (!isEnough) break;
        count(first, -1);
        held.shift();
        reading.isPart = true;
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') say(`cannot be read on: ${(error as Error).message}`);
  }
  return held.reverse().map(({ octets }) => octets);
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function lineFeedsIn(octets: Buffer): number {
  let found = 0;
  for (let at = octets.indexOf(lineFeed); at >= 0; at = octets.indexOf(lineFeed, at + 1)) found++;
  return found;
}

/** The lines of one file whose pieces come from its end. */
class LinesFromEnd {
  readonly #say: (what: string) => void;
  /** The end of a line whose beginning has not come. */
  #rest: Buffer = Buffer.alloc(0);
  /** That line is none: the file ends in it, or it is too long. */
  #isNone = true;
  /** The file is, perhaps, being written. */
  readonly #isNewest: boolean;
  #torn = false;

  constructor(say: (what: string) => void, isNewest: boolean) {
    this.#say = say;
    this.#isNewest = isNewest;
  }

  /** The last first. */
  push(octets: Buffer): readonly string[] {
    const whole = Buffer.concat([octets, this.#rest]);
    const first = whole.indexOf(lineFeed);
    if (first < 0) {
      this.#keep(whole);
      return [];
    }
    const octetsOfLines = whole.subarray(first + 1);
    // Nearly all of it is ASCII, which is read in a third of the time.
    const lines = octetsOfLines
      .toString(isAscii(octetsOfLines) ? 'latin1' : 'utf8')
      .split('\n')
      .reverse();
    if (this.#isNone) this.#dropLast(lines.shift() ?? '');
    this.#isNone = false;
    this.#keep(whole.subarray(0, first));
    return lines;
  }

  end(): readonly string[] {
    const line = this.#rest.toString('utf8');
    if (!this.#isNone) return [line];
    this.#dropLast(line);
    return [];
  }

  #keep(rest: Buffer): void {
    if (rest.length > journalLineOctetsMax) this.#isNone = true;
    // A copy: a few octets must not keep the whole piece.
    this.#rest = rest.length > journalLineOctetsMax ? Buffer.alloc(0) : Buffer.from(rest);
  }

  /** Of a file that is being written the last line may not be whole; in another a killed process has left it. */
  #dropLast(line: string): void {
    const isEnd = !this.#torn;
    this.#torn = true;
    if (!isEnd) this.#say(`a line of more than ${journalLineOctetsMax} octets is left out`);
    else if (line !== '' && !this.#isNewest) this.#say('ends in the middle of a line, which is left out');
  }
}
