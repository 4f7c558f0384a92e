// Lines of a journal, judged as they come. Lines that differ in nothing that a verdict depends on are judged once
// (replay-key.ts), as far as memory allows: what came lately is kept. Where hardly any line is like another, keeping them costs
// more than it saves, so it is tried again only now and then. Pure.

import type { Ip } from '../ip.ts';
import { replayLinesKeptMax, replayTriedLines, replayUntriedLines } from '../limits.ts';
import type { Policy } from '../policy.ts';
import { readRecord } from '../record-form.ts';
import type { Backtest } from './backtest.ts';
import type { Labels } from './labels.ts';
import type { Label } from './quality.ts';
import { clockOf, type LineParts, lineParts } from './replay-key.ts';
import type { Effect } from './tally.ts';

export interface ReplayLinesParts {
  readonly replay: Pick<Backtest, 'judgeSession' | 'count'>;
  /** Those that `replay` judges by. */
  readonly policies: readonly Policy[];
  readonly labels?: Labels;
  /** Milliseconds since 1970: only sessions that began then or later, and before `until`. */
  readonly since?: number;
  readonly until?: number;
  /** Told of each session that counts. */
  readonly onSession?: (effect: Effect, at: string) => void;
}

/** What takes the lines: undefined, or a sentence that says why a line is no record. */
export function replayLines(parts: ReplayLinesParts): (line: string) => string | undefined {
  const { replay, policies, labels, onSession } = parts;
  const clock = clockOf(policies);
  const within = between(parts.since, parts.until);
  const kept = new Kept();

  const count = (effect: Effect, ref: string, at: string): void => {
    replay.count(effect, ref, at);
    onSession?.(effect, at);
  };
  return (line) => {
    const found = kept.isWorthwhile() ? lineParts(line, clock) : undefined;
    if (found !== undefined) {
      if (!within(found.at)) return undefined;
      const known = kept.get(found);
      const effect = known?.[labelOf(labels, found, known.ip)];
      if (effect !== undefined) {
        count(effect, found.ref, found.at);
        return undefined;
      }
    }
    const record = readRecord(line);
    if (typeof record === 'string') return record;
    const { id, at, client } = record.evidence;
    if (!within(at)) return undefined;
    const label = labels?.of(record.evidence);
    const effect = replay.judgeSession(record, label);
    if (found !== undefined) kept.set(found, client.ip, label, effect);
    count(effect, id, at);
    return undefined;
  };
}

function labelOf(labels: Labels | undefined, { ref, at }: LineParts, ip: Ip): Label | 'none' {
  return labels?.of({ id: ref, at, client: { ip } }) ?? 'none';
}

/** Times are compared as text: all are ISO 8601 in UTC. */
function between(since: number | undefined, until: number | undefined): (at: string) => boolean {
  if (since === undefined && until === undefined) return () => true;
  const from = since ?? Number.NEGATIVE_INFINITY;
  const to = until ?? Number.POSITIVE_INFINITY;
  return (at) => {
    const then = Date.parse(at);
    return then >= from && then < to;
  };
}

/** What the line says, by its label. */
interface Line {
  readonly ip: Ip;
  none?: Effect;
  ham?: Effect;
  spam?: Effect;
}

/** Two halves: when the younger is full it becomes the elder, whose lines go unless they came again. */
class Kept {
  #young = new Map<string, Line>();
  #old = new Map<string, Line>();
  #looked = 0;
  #found = 0;
  #idle = 0;

  isWorthwhile(): boolean {
    if (this.#idle > 0) {
      this.#idle--;
      return false;
    }
    if (++this.#looked < replayTriedLines) return true;
    if (this.#found * 8 < this.#looked) {
      this.#idle = replayUntriedLines;
      this.#young.clear();
      this.#old.clear();
    }
    this.#looked = 0;
    this.#found = 0;
    return this.#idle === 0;
  }

  get({ key }: LineParts): Line | undefined {
    const young = this.#young.get(key);
    const line = young ?? this.#old.get(key);
    if (line === undefined) return undefined;
    this.#found++;
    if (young === undefined) this.#put(key, line);
    return line;
  }

  set({ key }: LineParts, ip: Ip, label: Label | undefined, effect: Effect): void {
    const known = this.#young.get(key);
    // A copy: the key is made of pieces of the file, which it must not keep in memory.
    if (known === undefined) this.#put(` ${key}`.slice(1), { ip, [label ?? 'none']: effect });
    else known[label ?? 'none'] = effect;
  }

  #put(key: string, line: Line): void {
    if (this.#young.size >= replayLinesKeptMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, line);
  }
}
