// Can this be true at all? Propositional formulas over atoms that are known to imply or to exclude one another, by search with
// unit propagation. True and false are proofs; undefined means that the search was given up, and nothing may be concluded.

import { lintLooksMax } from '../limits.ts';

export type Formula =
  | boolean
  /** An atom, by its name. */
  | string
  | { readonly all: readonly Formula[] }
  | { readonly any: readonly Formula[] }
  | { readonly not: Formula };

/** What else is true, and what is false, once the atom is true. An atom without an entry is independent of all others. */
export interface Relation {
  readonly implies: readonly string[];
  readonly impliedBy: readonly string[];
  readonly excludes: readonly string[];
}
export type Relations = ReadonlyMap<string, Relation>;

export function satisfiable(formula: Formula, relations: Relations): boolean | undefined {
  let looks = 0;

  /** What is left of a formula when so much is known. */
  const simplify = (from: Formula, known: ReadonlyMap<string, boolean>): Formula => {
    looks++;
    if (typeof from === 'boolean') return from;
    if (typeof from === 'string') return known.get(from) ?? from;
    if ('not' in from) {
      const inner = simplify(from.not, known);
      if (typeof inner === 'boolean') return !inner;
      return typeof inner === 'object' && 'not' in inner ? inner.not : { not: inner };
    }
    const isAll = 'all' in from;
    const left: Formula[] = [];
    for (const part of isAll ? from.all : from.any) {
      const rest = simplify(part, known);
      if (rest === isAll) continue;
      if (rest === !isAll) return rest;
      left.push(rest);
    }
    const [only] = left;
    if (only === undefined) return isAll;
    if (left.length === 1) return only;
    return isAll ? { all: left } : { any: left };
  };

  const search = (from: Formula, before: ReadonlyMap<string, boolean>): boolean | undefined => {
    const known = new Map(before);
    let rest = simplify(from, known);
    for (;;) {
      if (typeof rest === 'boolean') return rest;
      if (looks > lintLooksMax) return undefined;
      const units = literals(rest);
      if (units.length === 0) break;
      for (const { atom, value } of units) if (!assume(known, atom, value, relations)) return false;
      rest = simplify(rest, known);
    }
    const atom = firstAtom(rest);
    let gaveUp = false;
    for (const value of [true, false]) {
      const next = new Map(known);
      if (!assume(next, atom, value, relations)) continue;
      const found = search(rest, next);
      if (found === true) return true;
      if (found === undefined) gaveUp = true;
    }
    return gaveUp ? undefined : false;
  };

  return search(formula, new Map());
}

/** What must hold for the whole to hold, as far as it stands on the surface. */
function literals(formula: Formula): readonly { atom: string; value: boolean }[] {
  if (typeof formula === 'string') return [{ atom: formula, value: true }];
  if (typeof formula === 'boolean') return [];
  if ('not' in formula) {
    if (typeof formula.not === 'string') return [{ atom: formula.not, value: false }];
    if (typeof formula.not === 'object' && 'any' in formula.not)
      return formula.not.any.flatMap((part) => literals({ not: part }));
    return [];
  }
  return 'all' in formula ? formula.all.flatMap(literals) : [];
}

/** In a simplified formula that is not settled there is one. */
function firstAtom(formula: Formula): string {
  if (typeof formula === 'string') return formula;
  if (typeof formula === 'boolean') throw new Error('a formula without an atom');
  if ('not' in formula) return firstAtom(formula.not);
  return firstAtom(('all' in formula ? formula.all : formula.any)[0] ?? false);
}

/** Adds what follows to what is known; false if that contradicts it. */
function assume(known: Map<string, boolean>, atom: string, value: boolean, relations: Relations): boolean {
  const open: [string, boolean][] = [[atom, value]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [name, truth] = next;
    const already = known.get(name);
    if (already !== undefined) {
      if (already !== truth) return false;
      continue;
    }
    known.set(name, truth);
    const relation = relations.get(name);
    if (relation === undefined) continue;
    if (truth) {
      for (const other of relation.implies) open.push([other, true]);
      for (const other of relation.excludes) open.push([other, false]);
    } else for (const other of relation.impliedBy) open.push([other, false]);
  }
  return true;
}
