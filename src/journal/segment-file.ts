// The segment that this process writes: begun in the hour of its first octets, and a new one when the hour is over, or when
// somebody has removed it. Only whole lines stay in it, also when the disk is full in the middle of one. Whatever fails is said
// in the result, and tried anew with the next call.

import { access, type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { journalTurnsMax } from '../core/limits.ts';
import { hourOf, segmentName } from './segment.ts';

/** How many octets have been written, whole lines, and why not all of them. */
export interface Written {
  readonly written: number;
  readonly error?: Error;
}

export interface SegmentFileOptions {
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** As fs.open. */
  readonly openFile?: typeof open;
}

export const lineFeed = 0x0a;

interface OpenSegment {
  readonly file: FileHandle;
  readonly hour: string;
  size: number;
  /** When it was last known to have its name. */
  seen: number;
}

export class SegmentFile {
  readonly #options: SegmentFileOptions;
  #open: OpenSegment | undefined;

  constructor(options: SegmentFileOptions) {
    this.#options = options;
  }

  /** `octets`: whole lines. Not before the last call is done. */
  async append(octets: Buffer): Promise<Written> {
    let written = 0;
    try {
      const { file } = await this.#current();
      while (written < octets.length) {
        const { bytesWritten } = await file.write(octets, written);
        if (bytesWritten === 0) throw new Error('the disk takes nothing');
        written += bytesWritten;
      }
      await this.#keep(written);
      return { written };
    } catch (error) {
      const whole = octets.subarray(0, written).lastIndexOf(lineFeed) + 1;
      await this.#keep(whole, written > whole);
      return { written: whole, error: error as Error };
    }
  }

  async close(): Promise<void> {
    const { file } = this.#open ?? {};
    this.#open = undefined;
    await file?.close().catch(() => {});
  }

  async #current(): Promise<{ readonly file: FileHandle }> {
    const hour = hourOf(this.#options.now());
    if (this.#open?.hour === hour && (await this.#isThere(this.#open))) return this.#open;
    await this.close();
    this.#open = { file: await this.#begin(hour), hour, size: 0, seen: this.#options.now() };
    return this.#open;
  }

  /** What is written to a file without a name is lost; once in a second this is looked at. */
  async #isThere(open: OpenSegment): Promise<boolean> {
    const now = this.#options.now();
    if (Math.abs(now - open.seen) < 1_000) return true;
    open.seen = now;
    return (await open.file.stat()).nlink > 0;
  }

  async #begin(hour: string): Promise<FileHandle> {
    const { folder, openFile = open } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    for (let turn = 0; turn < journalTurnsMax; turn++) {
      const path = join(folder, segmentName(hour, turn));
      if (await exists(`${path}.gz`)) continue;
      try {
        return await openFile(path, 'ax', 0o640);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    throw new Error(`${journalTurnsMax} segments of one hour`);
  }

  /** So much of what was written is whole lines. `isTorn`: there is more behind it, which must go. */
  async #keep(octets: number, isTorn = false): Promise<void> {
    if (this.#open === undefined) return;
    this.#open.size += octets;
    if (!isTorn) return;
    try {
      await this.#open.file.truncate(this.#open.size);
    } catch {
      await this.close();
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
