// Lines of a journal of which is kept what they say, by their keys (replay-key.ts), as far as memory allows: what came lately.
// Where hardly any line is like another, keeping them costs more than it saves, so it is tried again only now and then. A key is
// compared whole: of two that share a hash the later takes the place, and nothing is mistaken for something else. Pure.

import type { Ip } from '../ip.ts';
import { replayKeptOctetsMax, replayLinesKeptMax, replayTriedLines, replayUntriedLines } from '../limits.ts';
import type { OctetLine } from '../record-form.ts';
import { type Clock, clockOctetsMax, cut, momentOf, octetsOf, timeless } from './replay-key.ts';
import type { Effect } from './tally.ts';

/** What a line says, by its label. */
export interface KeptLine {
  readonly ip: Ip;
  none: Effect | undefined;
  ham: Effect | undefined;
  spam: Effect | undefined;
  /** Where its key stands among the words of its half. */
  readonly begin: number;
  readonly end: number;
}

interface Half {
  /** Keys, one behind the other, each filled up to whole words, and room. Words are compared four times as fast as octets. */
  words: Int32Array;
  octets: Uint8Array;
  /** In words. */
  end: number;
  readonly lines: Map<number, KeptLine>;
}

/** Two halves: when the younger is full it becomes the elder, whose lines go unless they came again. */
export class KeptLines {
  readonly #linesMax: number;
  readonly #octetsMax: number;
  #young = emptyHalf();
  #old = emptyHalf();
  /** Of the line that was cut last: its key stands behind those of the younger half. */
  #hash = 0;
  #keyEnd = 0;
  #looked = 0;
  #found = 0;
  #idle = 0;

  constructor({ linesMax = replayLinesKeptMax, octetsMax = replayKeptOctetsMax } = {}) {
    this.#linesMax = linesMax;
    this.#octetsMax = octetsMax;
  }

  /** Where the ref of the line ends. Undefined: it is not worth while, or the line is not as the journal writes it. */
  cut(line: OctetLine, clock: Clock): number | undefined {
    if (!this.#isWorthwhile()) return undefined;
    this.#makeRoom(Math.ceil((line.end - line.from + clockOctetsMax) / 4));
    const { octets: into, end } = this.#young;
    let keyEnd = 4 * end;
    const refEnd = cut(line, (first, last) => {
      into.set(line.octets.subarray(first, last), keyEnd);
      keyEnd += last - first;
    });
    if (refEnd === undefined) return undefined;
    if (clock !== timeless) {
      // Behind what stands in no line, so that no line can pretend to end in it.
      const late = octetsOf(`\n${clock(momentOf(line, refEnd))}`);
      into.set(late, keyEnd);
      keyEnd += late.length;
    }
    this.#seal(keyEnd);
    return refEnd;
  }

  /** What is kept of a line with the same key as the one that was cut last. */
  get(): KeptLine | undefined {
    const young = this.#find(this.#young);
    const known = young ?? this.#find(this.#old);
    if (known === undefined) return undefined;
    this.#found++;
    return young ?? this.#put(known.ip, known);
  }

  /** Keeps the line that was cut last. */
  set(ip: Ip): KeptLine {
    return this.#put(ip);
  }

  #isWorthwhile(): boolean {
    if (this.#idle > 0) {
      this.#idle--;
      return false;
    }
    if (++this.#looked < replayTriedLines) return true;
    if (this.#found * 8 < this.#looked) {
      this.#idle = replayUntriedLines;
      this.#young = emptyHalf();
      this.#old = emptyHalf();
    }
    this.#looked = 0;
    this.#found = 0;
    return this.#idle === 0;
  }

  #makeRoom(words: number): void {
    const { lines, end } = this.#young;
    if (lines.size >= this.#linesMax || 4 * (end + words) > this.#octetsMax) {
      const { words: room, octets } = this.#old;
      this.#old = this.#young;
      this.#young = { words: room, octets, end: 0, lines: new Map() };
    }
    const young = this.#young;
    if (young.end + words <= young.words.length) return;
    const size = Math.min(Math.max(2 * young.words.length, young.end + words), this.#octetsMax / 4);
    const more = new Int32Array(size);
    more.set(young.words.subarray(0, young.end));
    young.words = more;
    young.octets = new Uint8Array(more.buffer);
  }

  #put(ip: Ip, said?: KeptLine): KeptLine {
    const half = this.#young;
    const line = { ip, none: said?.none, ham: said?.ham, spam: said?.spam, begin: half.end, end: this.#keyEnd };
    half.lines.set(this.#hash, line);
    half.end = this.#keyEnd;
    return line;
  }

  /** Fills up the last word, with what stands in no line. */
  #seal(keyEnd: number): void {
    const { words, octets, end } = this.#young;
    this.#keyEnd = Math.ceil(keyEnd / 4);
    for (let i = keyEnd; i < 4 * this.#keyEnd; i++) octets[i] = lineFeed;
    this.#hash = hashOf(words, end, this.#keyEnd);
  }

  /** The key that is sought stands behind those of the younger half. */
  #find({ lines, words }: Half): KeptLine | undefined {
    const known = lines.get(this.#hash);
    if (known === undefined) return undefined;
    const { words: sought, end: begin } = this.#young;
    if (known.end - known.begin !== this.#keyEnd - begin) return undefined;
    for (let i = known.begin, j = begin; i < known.end; i++, j++) if (words[i] !== sought[j]) return undefined;
    return known;
  }
}

const lineFeed = 0x0a;

/** Words that differ may share it, and somebody may want them to. */
export function hashOf(words: Int32Array, begin = 0, end = words.length): number {
  let hash = 0;
  for (let i = begin; i < end; i++) {
    const mixed = Math.imul(hash ^ (words[i] as number), 0x9e3779b1);
    hash = mixed ^ (mixed >>> 15);
  }
  return hash;
}

function emptyHalf(): Half {
  const words = new Int32Array(0);
  return { words, octets: new Uint8Array(words.buffer), end: 0, lines: new Map() };
}
