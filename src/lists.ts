// Lists that a policy names, one entry a line: read, checked, and watched. UTF-8, LF or CRLF, a byte order mark or none; "#" at
// the beginning of a line or after a blank opens a comment. What is wrong with a file comes as Problems, all of them up to a
// number, the rest counted; a file with one bad line is no list. A file is read in pieces and a list made in steps, so that the
// event loop turns meanwhile. A watched list is replaced by a good one only, when its file has come to rest.

import { randomInt } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type AddressList, addressFault, addressListBuilder } from './core/address-list.ts';
import { type DomainList, domainFault, domainListBuilder } from './core/domain-list.ts';
import { fileTrouble } from './core/file-trouble.ts';
import {
  listEntriesMax,
  listLineCharsMax,
  listLookEveryMs,
  listOctetsMax,
  listProblemsMax,
  listReadTries,
  listRestlessLooksMax,
} from './core/limits.ts';
import { type Checked, type Problem, quote } from './core/problem.ts';

/** Lines parsed in one turn of the event loop: a tenth of a millisecond, four if each is as bad as can be. */
const stepLines = 256;
const pieceOctets = 64 * 1024;

export interface Lists {
  readonly addresses: AddressList;
  readonly domains: DomainList;
}
export type ListKind = keyof Lists;

export interface ListOptions {
  /** How Problems name the file; its path if absent. */
  readonly shownAs?: string;
  readonly entriesMax?: number;
  readonly octetsMax?: number;
  readonly lookEveryMs?: number;
}

export interface WatchOptions<L> extends ListOptions {
  /** A new list has taken the place of the old one. */
  readonly onChange?: (list: L) => void;
  /** The file has changed, or gone, and is no list now; the old one stays. Told once for each change. */
  readonly onTrouble?: (problems: readonly Problem[]) => void;
}

export interface WatchedList<L> {
  /** The last good one. */
  list(): L;
  /** Nothing is told any more. */
  close(): void;
}

interface Builder<L> {
  add(text: string): boolean;
  finish(): Generator<undefined, L>;
}

const kinds: { readonly [K in ListKind]: { begin(): Builder<Lists[K]>; fault(text: string): Omit<Problem, 'where'> } } =
  {
    addresses: { begin: addressListBuilder, fault: addressFault },
    domains: { begin: () => domainListBuilder(randomInt(2 ** 32)), fault: domainFault },
  };

/** A file that changes meanwhile is read again. */
export async function readList<K extends ListKind>(
  path: string,
  kind: K,
  options: ListOptions = {},
): Promise<Checked<Lists[K]>> {
  const { checked } = await readFirst(path, kind, options);
  return checked;
}

/** The problems of the first reading, or a list that follows its file until it is closed. Does not keep the process alive. */
export async function watchList<K extends ListKind>(
  path: string,
  kind: K,
  options: WatchOptions<Lists[K]> = {},
): Promise<Checked<WatchedList<Lists[K]>>> {
  const { checked: first, version } = await readFirst(path, kind, options);
  if (!first.ok) return first;
  const { onChange, onTrouble, lookEveryMs = listLookEveryMs } = options;
  let list = first.value;
  let done = version;
  let seen = version;
  let restless = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout;

  const look = async (): Promise<void> => {
    const now = await versionOf(path);
    if (now === done) {
      restless = 0;
      seen = now;
      return;
    }
    const isAtRest = now === seen;
    seen = now;
    if (!isAtRest && ++restless < listRestlessLooksMax) return;
    const checked = await readOnce(path, kind, options, () => isClosed);
    if (isClosed || (await versionOf(path)) !== now) return;
    done = now;
    restless = 0;
    if (checked.ok) {
      list = checked.value;
      onChange?.(list);
    } else {
      onTrouble?.(checked.problems);
    }
  };
  const lookLater = (): void => {
    timer = setTimeout(() => look().then(() => isClosed || lookLater()), lookEveryMs).unref();
  };
  lookLater();
  return {
    ok: true,
    value: {
      list: () => list,
      close() {
        isClosed = true;
        clearTimeout(timer);
      },
    },
  };
}

/** What changes when the file does; the error's code if it cannot be looked at. */
async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size } = await stat(path);
    return `${mtimeMs} ${size}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

async function readFirst<K extends ListKind>(
  path: string,
  kind: K,
  options: ListOptions,
): Promise<{ readonly checked: Checked<Lists[K]>; readonly version: string }> {
  for (let left = listReadTries; ; left--) {
    const version = await versionOf(path);
    const checked = await readOnce(path, kind, options);
    if ((await versionOf(path)) === version) return { checked, version };
    if (left === 1) return { checked: refused(options.shownAs ?? path, 'changes while it is being read'), version };
    await sleep(Math.min(options.lookEveryMs ?? listLookEveryMs, 500));
  }
}

/** As the file is now. `isUnwanted` says that nobody waits for it any more. */
async function readOnce<K extends ListKind>(
  path: string,
  kind: K,
  { shownAs = path, entriesMax = listEntriesMax, octetsMax = listOctetsMax }: ListOptions,
  isUnwanted = () => false,
): Promise<Checked<Lists[K]>> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return refused(shownAs, 'is a folder, not a file');
    if (!found.isFile()) return refused(shownAs, 'is not a regular file');
    if (found.size > octetsMax) return refused(shownAs, `has ${found.size} octets; ${octetsMax} are the most`);
    const builder = kinds[kind].begin();
    const lines = lineReader(builder, kinds[kind].fault, shownAs, entriesMax);
    for await (const piece of piecesOf(path)) {
      lines.push(piece);
      while (lines.readSome() && !isUnwanted()) await nextTurn();
      if (lines.isOver() || isUnwanted()) break;
    }
    const problems = lines.end();
    if (problems.length > 0) return { ok: false, problems };
    const value = await finished(builder, isUnwanted);
    return value === undefined ? refused(shownAs, 'not read to its end') : { ok: true, value };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return refused(shownAs, fileTrouble(error));
  }
}

function refused(where: string, what: string): Checked<never> {
  return { ok: false, problems: [{ where, what }] };
}

/** The text of a file. */
async function* piecesOf(path: string): AsyncGenerator<string> {
  const file = await open(path);
  try {
    const octets = new Uint8Array(pieceOctets);
    const decoder = new TextDecoder();
    for (;;) {
      const { bytesRead } = await file.read(octets, 0, octets.length, null);
      if (bytesRead === 0) break;
      yield decoder.decode(octets.subarray(0, bytesRead), { stream: true });
    }
    yield decoder.decode();
  } finally {
    await file.close();
  }
}

/** Drives the steps to the end, a turn of the event loop between any two; undefined if nobody waits any more. */
async function finished<L>(builder: Builder<L>, isUnwanted: () => boolean): Promise<L | undefined> {
  const steps = builder.finish();
  while (!isUnwanted()) {
    const step = steps.next();
    if (step.done) return step.value;
    await nextTurn();
  }
  return undefined;
}

/** Takes text in any pieces; puts entries into the builder and what is wrong with the others aside. */
function lineReader(
  builder: Builder<unknown>,
  fault: (text: string) => Omit<Problem, 'where'>,
  file: string,
  entriesMax: number,
) {
  const problems: Problem[] = [];
  let bad = 0;
  let entries = 0;
  let line = 0;
  let text = '';
  let next = 0;
  let isOver = false;
  const complain = (column: number, what: string, hint?: string): void => {
    // Why it was not read to its end is always shown.
    if (++bad > listProblemsMax && !isOver) return;
    problems.push({ where: `${file}:${line}:${column}`, what, ...(hint === undefined ? {} : { hint }) });
  };
  const stop = (column: number, what: string, hint?: string): void => {
    isOver = true;
    complain(column, what, hint);
  };
  const readEntry = (entry: string, column: number): void => {
    if (++entries > entriesMax) stop(column, `more than ${entriesMax} entries`);
    else if (!builder.add(entry)) {
      // What is only counted need not be explained.
      const { what, hint } = bad < listProblemsMax ? fault(entry) : { what: '' };
      complain(column, what, hint);
    }
  };
  /** From `next` on. */
  const readLine = (to: number): void => {
    const from = next;
    next = to + 1;
    line++;
    if (to - from > listLineCharsMax) {
      stop(1, `a line of more than ${listLineCharsMax} characters`, 'is this a text file?');
      return;
    }
    const begin = skip(text, from, to, true);
    if (begin === to || text.charCodeAt(begin) === 0x23) return;
    const end = skip(text, begin, to, false);
    const more = skip(text, end, to, true);
    if (more === to || text.charCodeAt(more) === 0x23) readEntry(text.slice(begin, end), begin - from + 1);
    else {
      const what = `${quote(text.slice(more, to).trimEnd())} behind the entry`;
      complain(more - from + 1, what, 'one entry a line; "#" opens a comment');
    }
  };
  return {
    push(piece: string): void {
      text = text.slice(next) + piece;
      next = 0;
    },
    /** Whether there may be more whole lines in what was pushed. */
    readSome(): boolean {
      for (let left = stepLines; left > 0 && !isOver; left--) {
        const to = text.indexOf('\n', next);
        if (to >= 0) readLine(to);
        else if (text.length - next > listLineCharsMax) readLine(text.length);
        else return false;
      }
      return !isOver;
    },
    /** There is no sense in reading on. */
    isOver: () => isOver,
    /** The last line needs no end. */
    end(): readonly Problem[] {
      if (!isOver && next < text.length) readLine(text.length);
      const more = bad - problems.length;
      return more > 0 ? [...problems, { where: file, what: `and ${more} more` }] : problems;
    },
  };
}

/** The place behind all blanks from `from` on, or behind all that are none. Blanks are space, tab, and the CR of CRLF. */
function skip(text: string, from: number, to: number, blanks: boolean): number {
  let at = from;
  for (; at < to; at++) {
    const char = text.charCodeAt(at);
    if ((char === 0x20 || char === 0x09 || char === 0x0d) !== blanks) break;
  }
  return at;
}
