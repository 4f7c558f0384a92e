// A function of answers, gone through for every answer it might get. `run` asks about distinctions in whatever order it likes and
// comes to a result; the same answers must make it ask the same. What it comes to is told in lines that are read like rules: the
// first that fits holds, and the last one always fits. Pure.

import { diffCloseLookMax } from '../limits.ts';
import type { Distinction } from './distinction.ts';

/** The number of the option that is so. */
export type Ask = (distinction: Distinction) => number;

/** A result by its name. */
export type Run = (ask: Ask) => string;

export interface Line {
  /** Fits if all of this is so. */
  readonly when: readonly Choice[];
  readonly result: string;
}

/** One of these options is so. */
export interface Choice {
  readonly distinction: Distinction;
  readonly options: readonly number[];
}

export interface Ways {
  /** One at least. */
  readonly lines: readonly Line[];
  /** How often `run` was run. */
  readonly runs: number;
}

/** What was asked first, and what came of each answer. Equal ones are one object. */
type Tree = { readonly id: number } & (
  | { readonly result: string }
  | { readonly distinction: Distinction; readonly branches: readonly Tree[] }
);

/** Every way there is; undefined if there are more than `runsMax`. */
export function everyWay(run: Run, runsMax: number): Ways | undefined {
  const { leaf, node } = forest();
  let runs = 0;
  const grow = (answers: ReadonlyMap<Distinction, number>): Tree | undefined => {
    if (++runs > runsMax) return undefined;
    const asked: Distinction[] = [];
    const result = run((distinction) => {
      const answer = answers.get(distinction);
      if (answer === undefined && !asked.includes(distinction)) asked.push(distinction);
      return answer ?? 0;
    });
    let tree = leaf(result);
    // From the last question to the first: the other answers to it, those before it having been the first options.
    for (let i = asked.length - 1; i >= 0; i--) {
      const distinction = asked[i] as Distinction;
      const before = [...answers, ...asked.slice(0, i).map((earlier) => [earlier, 0] as const)];
      const branches = [tree];
      for (let option = 1; option < distinction.options.length; option++) {
        const branch = grow(new Map([...before, [distinction, option]]));
        if (branch === undefined) return undefined;
        branches.push(branch);
      }
      tree = node(distinction, branches);
    }
    return tree;
  };
  const tree = grow(new Map());
  return tree === undefined ? undefined : { lines: needed(linesOf(tree)), runs };
}

function forest() {
  const known = new Map<string, Tree>();
  const numbers = new Map<Distinction, number>();
  const once = (name: string, make: (id: number) => Tree): Tree => {
    const tree = known.get(name) ?? make(known.size);
    known.set(name, tree);
    return tree;
  };
  const leaf = (result: string): Tree => once(`=${result}`, (id) => ({ id, result }));
  const node = (distinction: Distinction, branches: readonly Tree[]): Tree => {
    const [first] = branches;
    if (first !== undefined && branches.every((branch) => branch === first)) return first;
    const number = numbers.get(distinction) ?? numbers.size;
    numbers.set(distinction, number);
    return once(`${number}?${branches.map(({ id }) => id).join()}`, (id) => ({ id, distinction, branches }));
  };
  return { leaf, node };
}

/** The usual option last, and without a word about it. */
function linesOf(tree: Tree): readonly Line[] {
  if ('result' in tree) return [{ when: [], result: tree.result }];
  const { distinction, branches } = tree;
  const [usual, ...others] = branches as [Tree, ...Tree[]];
  const unusual = [...new Set(others)].filter((branch) => branch !== usual);
  return [
    ...unusual.flatMap((branch) => {
      const options = branches.flatMap((other, i) => (other === branch ? [i] : []));
      return linesOf(branch).map(({ when, result }) => ({ when: [{ distinction, options }, ...when], result }));
    }),
    ...linesOf(usual),
  ];
}

/** Without the lines that say no more than those behind them, of the cases that come so far. */
function needed(lines: readonly Line[]): readonly Line[] {
  const kept: Line[] = [];
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i] as Line;
    const before = lines.length > diffCloseLookMax ? [] : lines.slice(0, i);
    const behind = kept.filter((other) => !excludes(line, other)).reverse();
    const heard = behind.slice(0, 1 + behind.findIndex((other) => covers(other, line)));
    const counts = heard.filter((other) => !before.some((earlier) => covers(earlier, both(line, other))));
    if (kept.length === 0 || counts.some(({ result }) => result !== line.result)) kept.push(line);
  }
  return kept.reverse();
}

function both(one: Line, other: Line): Line {
  const shared = one.when.map(({ distinction, options }) => {
    const choice = other.when.find((any) => any.distinction === distinction);
    return { distinction, options: choice === undefined ? options : options.filter((i) => choice.options.includes(i)) };
  });
  const more = other.when.filter((choice) => one.when.every(({ distinction }) => distinction !== choice.distinction));
  return { when: [...shared, ...more], result: '' };
}

/** No case fits both. */
function excludes(one: Line, other: Line): boolean {
  return one.when.some(({ distinction, options }) => {
    const choice = other.when.find((any) => any.distinction === distinction);
    return choice !== undefined && !choice.options.some((option) => options.includes(option));
  });
}

/** Whatever fits `narrow` fits `wide`. */
function covers(wide: Line, narrow: Line): boolean {
  return wide.when.every(({ distinction, options }) =>
    narrow.when.find((any) => any.distinction === distinction)?.options.every((option) => options.includes(option)),
  );
}

/** What is usual, each other option alone and, with `inPairs`, with one of another distinction. */
export function someWays(run: Run, distinctions: readonly Distinction[], inPairs: boolean): Ways {
  const choices = distinctions.flatMap((distinction) =>
    distinction.options.slice(1).map((_, i): Choice => ({ distinction, options: [i + 1] })),
  );
  const pairs = inPairs
    ? choices.flatMap((one, i) =>
        choices.slice(i + 1).flatMap((other) => (other.distinction === one.distinction ? [] : [[one, other]])),
      )
    : [];
  const cases = [...pairs, ...choices.map((choice) => [choice]), []];
  const lines = cases.map((when): Line => {
    const answers = new Map(when.map(({ distinction, options }) => [distinction, options[0] ?? 0]));
    return { when, result: run((distinction) => answers.get(distinction) ?? 0) };
  });
  return { lines: needed(lines), runs: lines.length };
}

/** How many runs someWays takes, at most. */
export function runsOf(distinctions: readonly Distinction[], inPairs: boolean): number {
  const choices = distinctions.reduce((sum, { options }) => sum + options.length - 1, 0);
  return 1 + choices + (inPairs ? (choices * (choices - 1)) / 2 : 0);
}
