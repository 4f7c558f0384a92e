// Keeps a journal within its bounds: what is older than it shall be kept goes, then the oldest until the rest is small enough, and
// segments whose hour is over are packed. Several processes may do so in one folder at a time. Rejects with what went wrong;
// what was not done then is done the next time.

import { createReadStream } from 'node:fs';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { journalPackPauseMs, journalPackStaleMs, journalReadOctets, journalRestMs } from '../core/limits.ts';
import { everySegmentIn, type Segment } from './segment.ts';

export interface Bounds {
  readonly keepMs: number;
  readonly octetsMax: number;
}

interface Sized extends Segment {
  readonly octets: number;
  /** When it was last written to, milliseconds since 1970. */
  readonly touched: number;
}

/** `now`: milliseconds since 1970. Result: the octets of all that is left. A folder that is not there has none. */
export async function tidy(folder: string, bounds: Bounds, now: number, signal?: AbortSignal): Promise<number> {
  await removeLeftOvers(folder, now);
  const kept: Sized[] = [];
  for (const segment of await sized(folder)) {
    const isTwice = !segment.isPacked && kept.some((one) => one.isPacked && isSame(one, segment));
    if (isTwice || segment.end <= now - bounds.keepMs) await remove(segment.path);
    else kept.push(segment);
  }
  let octets = kept.reduce((sum, segment) => sum + segment.octets, 0);
  const left: Sized[] = [];
  for (const segment of kept) {
    if (octets > bounds.octetsMax && segment.end <= now) {
      await remove(segment.path);
      octets -= segment.octets;
    } else left.push(segment);
  }
  for (const { path, isPacked, end, touched } of left)
    if (!isPacked && Math.max(end, touched) + journalRestMs <= now) await pack(path, signal);
  return octets;
}

async function sized(folder: string): Promise<readonly Sized[]> {
  const segments: Sized[] = [];
  for (const segment of await everySegmentIn(folder).catch(noneIfGone)) {
    const found = await stat(segment.path).catch(ifGone);
    if (found !== undefined) segments.push({ ...segment, octets: found.size, touched: found.mtimeMs });
  }
  return segments;
}

/** Of processes that were killed while they packed. */
async function removeLeftOvers(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder).catch(noneIfGone)) {
    if (!name.endsWith(partEnding)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(ifGone);
    if (found !== undefined && found.mtimeMs + journalPackStaleMs <= now) await remove(path);
  }
}

const partEnding = '.jsonl.gz.part';

/** The packed file has its name when it is whole and on the disk; then the other goes. */
async function pack(path: string, signal: AbortSignal | undefined): Promise<void> {
  const [packed, part] = [`${path}.gz`, `${path}.gz.part`];
  const file = await open(part, 'wx', 0o640).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined; // somebody else is at it
    throw error;
  });
  if (file === undefined) return;
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: journalReadOctets }),
      unhurried,
      createGzip(),
      async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) await file.appendFile(piece);
      },
      { ...(signal === undefined ? {} : { signal }) },
    );
    await file.sync();
    await rename(part, packed);
  } catch (error) {
    await remove(part);
    if (signal?.aborted !== true) ifGone(error as NodeJS.ErrnoException);
    return;
  } finally {
    await file.close().catch(() => {});
  }
  await remove(path);
}

async function* unhurried(octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of octets) {
    yield piece;
    await wait(journalPackPauseMs);
  }
}

function isSame(one: Segment, other: Segment): boolean {
  return one.begin === other.begin && one.turn === other.turn;
}

/** Whatever is gone already need not be removed; another process tidies too. */
async function remove(path: string): Promise<void> {
  await unlink(path).catch(ifGone);
}

function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function noneIfGone(error: NodeJS.ErrnoException): [] {
  ifGone(error);
  return [];
}
