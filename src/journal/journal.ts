// Writes the journal: a line for each finished session, gathered in memory and written some times a second, so that no verdict
// waits for the disk, whatever state that is in. What finds no room is counted as lost and said in the log once in a while. A
// killed process loses less than a second.

import type { open } from 'node:fs/promises';
import {
  journalLineOctetsMax,
  journalQueueOctetsMax,
  journalRetryMs,
  journalSaidEveryMs,
  journalTidyEveryMs,
  journalWriteEveryMs,
} from '../core/limits.ts';
import type { Outcome, SessionRecord } from '../core/record.ts';
import { recordLine } from '../core/record-line.ts';
import type { Decision } from '../core/verdict.ts';
import type { Logger } from '../log.ts';
import { Pages } from './pages.ts';
import { lineFeed, SegmentFile } from './segment-file.ts';
import { type Bounds, tidy } from './tidy.ts';

export interface JournalOptions extends Bounds, Pick<SessionRecord, 'envelope' | 'outage'> {
  readonly folder: string;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** As fs.open. */
  readonly openFile?: typeof open;
}

export interface JournalStatus {
  readonly folder: string;
  /** Since the start. */
  readonly recorded: number;
  /** Since the start: there was no room for them, or a record was too long. */
  readonly dropped: number;
  /** Octets that are not written yet. */
  readonly waiting: number;
  /** Why it cannot be written at the moment. Absent: it can. */
  readonly problem?: string;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #now: () => number;
  readonly #file: SegmentFile;
  readonly #closing = new AbortController();
  readonly #tidier: NodeJS.Timeout;
  readonly #pages = new Pages();
  #recorded = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tidying: Promise<void> = Promise.resolve();
  /** Octets written since it was last tidied. */
  #grown = 0;
  /** This hour alone has all the room there is. */
  #isFull = false;
  #problem: string | undefined;
  #untidy: string | undefined;
  #said = { at: Number.NEGATIVE_INFINITY, dropped: 0 };

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#file = new SegmentFile({ ...options, now: this.#now });
    this.#tidier = setInterval(() => this.tidy(), journalTidyEveryMs).unref();
    void this.tidy();
  }

  /** Never waits and never throws but for a bug of ours. */
  record(decision: Decision, outcome?: Outcome): void {
    const line = `${recordLine(decision, this.#options, outcome)}\n`;
    const isRoom = line.length <= journalLineOctetsMax && this.#pages.octets <= journalQueueOctetsMax;
    if (!isRoom || this.#closing.signal.aborted) {
      this.#dropped++;
      this.#sayDropped();
      return;
    }
    this.#recorded++;
    this.#pages.add(line);
    if (this.#pages.hasFull && this.#problem === undefined) void this.write();
    this.#writeIn(this.#problem === undefined ? journalWriteEveryMs : journalRetryMs);
  }

  status(): JournalStatus {
    const { folder } = this.#options;
    const waiting = this.#pages.octets;
    const problem = this.#problem === undefined ? {} : { problem: this.#problem };
    return { folder, recorded: this.#recorded, dropped: this.#dropped, waiting, ...problem };
  }

  /** Removes and packs what is due; one call after the other. Its failure is said in the log. */
  tidy(): Promise<void> {
    this.#grown = 0;
    this.#tidying = this.#tidying.then(async () => {
      const { folder, octetsMax, log } = this.#options;
      let untidy: string | undefined;
      try {
        this.#isFull = (await tidy(folder, this.#options, this.#now(), this.#closing.signal)) > octetsMax;
      } catch (error) {
        untidy = (error as Error).message;
      }
      if (untidy !== undefined && untidy !== this.#untidy)
        log.warn({ folder, problem: untidy }, 'journal is not tidied');
      this.#untidy = untidy;
    });
    return this.#tidying;
  }

  /** Writes what has gathered, as far as that is possible; it does so by itself. Never rejects but for a bug of ours. */
  write(): Promise<void> {
    this.#writing ??= this.#writeOn().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** The same, and it is over. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#tidier);
    await this.#writing;
    await this.write();
    clearTimeout(this.#timer);
    await this.#file.close();
    await this.#tidying;
    if (this.#pages.octets === 0) return;
    for (let rest = this.#pages.first(); rest !== undefined; rest = this.#pages.first()) {
      this.#dropped += rest.filter((octet) => octet === lineFeed).length;
      this.#pages.done(rest.length);
    }
    this.#sayDropped();
  }

  #writeIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.write();
    }, ms).unref();
  }

  async #writeOn(): Promise<void> {
    for (let octets = this.#pages.first(); octets !== undefined; octets = this.#pages.first()) {
      const error = this.#isFull ? new Error('this hour alone has reached its "max"') : await this.#append(octets);
      this.#say(error);
      if (error === undefined) continue;
      // What comes meanwhile waits with it, as far as there is room.
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#writeIn(journalRetryMs);
      return;
    }
  }

  async #append(octets: Buffer): Promise<Error | undefined> {
    const { written, error } = await this.#file.append(octets);
    this.#pages.done(written);
    this.#grow(written);
    return error;
  }

  /** Much may come in the time between two tidyings. */
  #grow(octets: number): void {
    this.#grown += octets;
    if (this.#grown > this.#options.octetsMax / 10) void this.tidy();
  }

  #say(error: Error | undefined): void {
    const { folder, log } = this.#options;
    const problem = error?.message;
    if (problem !== undefined && problem !== this.#problem)
      log.error({ folder, problem }, 'journal cannot be written; verdicts do not depend on it');
    if (problem === undefined && this.#problem !== undefined)
      log.warn({ folder, dropped: this.#dropped }, 'journal is written again');
    this.#problem = problem;
  }

  #sayDropped(): void {
    const { folder, log } = this.#options;
    const at = this.#now();
    if (at - this.#said.at < journalSaidEveryMs) return;
    log.warn(
      { folder, dropped: this.#dropped, since: this.#dropped - this.#said.dropped },
      'sessions are not in the journal',
    );
    this.#said = { at, dropped: this.#dropped };
  }
}
