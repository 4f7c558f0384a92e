// The files of a journal: one for each hour (UTC) in which a process wrote, "2026-11-26T04.jsonl", and "2026-11-26T04-1.jsonl" for
// the next process of that hour, since nobody writes into what another has begun. ".gz" behind it once it is packed. Names sort
// by hour. What has no such name is none of ours, and left alone.

import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const hourMs = 3_600_000;

export interface Segment {
  /** With its folder. */
  readonly path: string;
  /** Milliseconds since 1970 at which its hour begins and ends. */
  readonly begin: number;
  readonly end: number;
  /** The how manieth of its hour, from 0. */
  readonly turn: number;
  readonly isPacked: boolean;
}

/** The hour of this moment (milliseconds since 1970), as names begin: "2026-11-26T04". */
export function hourOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}

export function segmentName(hour: string, turn: number): string {
  return `${hour}${turn === 0 ? '' : `-${turn}`}.jsonl`;
}

/** Undefined: the name is not that of a segment. */
export function segmentOf(folder: string, name: string): Segment | undefined {
  const [, hour, turn = '0', packed] = /^(\d{4}-\d\d-\d\dT\d\d)(?:-(\d{1,6}))?\.jsonl(\.gz)?$/.exec(name) ?? [];
  const begin = Date.parse(`${hour}:00:00Z`);
  if (hour === undefined || Number.isNaN(begin)) return undefined;
  const path = join(folder, name);
  return { path, begin, end: begin + hourMs, turn: Number(turn), isPacked: packed !== undefined };
}

/** What segments, oldest first, reach over: "from 2026-11-21 06:00 to 2026-11-26 07:00 UTC"; undefined: there are none. */
export function reachOf(segments: readonly Segment[]): string | undefined {
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const hour = (ms: number): string => `${hourOf(ms).replace('T', ' ')}:00`;
  return `from ${hour(first.begin)} to ${hour(last.end)} UTC`;
}

/** The segments of a folder, oldest first; rejects as readdir does. */
export async function everySegmentIn(folder: string): Promise<Segment[]> {
  const entries: readonly Dirent[] = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .flatMap(({ name }) => segmentOf(folder, name) ?? [])
    .sort((a, b) => a.begin - b.begin || a.turn - b.turn || Number(b.isPacked) - Number(a.isPacked));
}

/** The same, each once: who packed one may have been killed before it could remove the other, or be about to. */
export async function segmentsIn(folder: string): Promise<readonly Segment[]> {
  const every = await everySegmentIn(folder);
  return every.filter((one, i) => every[i - 1]?.begin !== one.begin || every[i - 1]?.turn !== one.turn);
}
