// What is odd about a pattern though it is a right one: it would take for ever in an engine that tracks back, or it looks like a
// domain and means something wider. Neither does harm by its speed here, since RE2 needs linear time (pattern.ts).
//
// Whether an engine may take for ever is not guessed from the look of the pattern but read off its automaton: it may if some
// text leads from a place back to the same place in two ways ((a+)+, (a|a)*, (a?b?)*), and not otherwise (([a-z]+\.)+).

import { lintPatternPlacesMax } from '../limits.ts';

/** True if trying all ways through the pattern can take exponential time; undefined if it is not understood, or too large. */
export function slowElsewhere(source: string): boolean | undefined {
  const tree = parse(source);
  if (tree === undefined) return undefined;
  const automaton: Automaton = { sets: [], edges: new Map() };
  return build(tree, automaton) === undefined ? undefined : isAmbiguous(automaton);
}

export interface DomainLike {
  readonly domain: string;
  readonly why: string;
}

/** A pattern of nothing but a domain that fits more than that domain; undefined for any other. */
export function domainLike(source: string): DomainLike | undefined {
  const [, start, body, end] = /^(\^|@|\^?\.\*|\\?\.)?((?:[a-z0-9_-]+\\?\.)+[a-z]{2,63})(\$)?$/i.exec(source) ?? [];
  if (body === undefined) return undefined;
  const domain = body.replaceAll('\\', '');
  if (/(?:^|[^\\])\./.test(body)) return { domain, why: 'the dot is any character' };
  if (end === undefined) return { domain, why: `${domain}.evil.example fits too` };
  if (start === undefined || start.endsWith('*') || start === '.') return { domain, why: `not${domain} fits too` };
  return undefined;
}

/** Characters as bits: 128 of ASCII, and one for all others. Letters stand in both cases, since patterns match in any. */
type Chars = bigint;

type Tree =
  | { readonly kind: 'chars'; readonly chars: Chars }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly of: Tree; readonly min: number; readonly max: number };

const everyChar: Chars = (1n << 129n) - 1n;
const beyondAscii: Chars = 1n << 128n;
const nothing: Tree = { kind: 'sequence', of: [] };

function bit(code: number): Chars {
  if (code > 127) return beyondAscii;
  const char = String.fromCharCode(code);
  return (1n << BigInt(char.toLowerCase().charCodeAt(0))) | (1n << BigInt(char.toUpperCase().charCodeAt(0)));
}

function span(from: number, to: number): Chars {
  let chars = to > 127 ? beyondAscii : 0n;
  for (let code = from; code <= Math.min(to, 127); code++) chars |= bit(code);
  return chars;
}

const digits = span(0x30, 0x39);
const wordChars = digits | span(0x61, 0x7a) | bit(0x5f);
const blanks = bit(0x20) | span(0x09, 0x0d);
const named: Readonly<Record<string, Chars>> = {
  d: digits,
  w: wordChars,
  s: blanks,
  D: everyChar & ~digits,
  W: everyChar & ~wordChars,
  S: everyChar & ~blanks,
  t: bit(9),
  n: bit(10),
  v: bit(11),
  f: bit(12),
  r: bit(13),
};

/** The syntax of RE2 as far as operators use it; undefined for the rest. */
function parse(source: string): Tree | undefined {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found === null) return undefined;
    at = pattern.lastIndex;
    return found;
  };

  /** After a backslash; undefined for what is not understood. */
  const escaped = (): Chars | undefined => {
    const hex = take(/x(?:([0-9a-f]{2})|\{([0-9a-f]{1,6})\})/iy);
    if (hex !== undefined) return bit(Number.parseInt(hex[1] ?? hex[2] ?? '', 16));
    const char = take(/./suy)?.[0] ?? '';
    if (named[char] !== undefined) return named[char];
    return /^[^a-z0-9]$/i.test(char) ? bit(char.codePointAt(0) ?? 0) : undefined;
  };

  const bracket = (): Chars | undefined => {
    const inverted = take(/\^/y) !== undefined;
    let chars = 0n;
    for (let first = true; first || take(/\]/y) === undefined; first = false) {
      if (take(/\[:/y) !== undefined) return undefined;
      const low = take(/\\/y) === undefined ? oneChar() : escaped();
      if (low === undefined) return undefined;
      if (take(/-(?!\])/y) === undefined) {
        chars |= typeof low === 'number' ? bit(low) : low;
        continue;
      }
      const high = take(/\\/y) === undefined ? oneChar() : undefined;
      if (typeof low !== 'number' || high === undefined) return undefined;
      chars |= span(low, high);
    }
    return inverted ? everyChar & ~chars : chars;
  };
  const oneChar = (): number | undefined => take(/./suy)?.[0]?.codePointAt(0);

  const atom = (): Tree | undefined => {
    if (take(/[$^]|\\[bBAz]/y) !== undefined) return nothing;
    if (take(/\(\?[a-z]+\)/y) !== undefined) return nothing;
    if (take(/\((?:\?(?:P?<\w+>|[a-z]*:))?/y) !== undefined) {
      const inner = choice();
      return inner === undefined || take(/\)/y) === undefined ? undefined : inner;
    }
    const chars =
      take(/\\/y) !== undefined
        ? escaped()
        : take(/\[/y) !== undefined
          ? bracket()
          : take(/\./y) !== undefined
            ? everyChar
            : take(/[^()|*+?]/uy)?.[0];
    if (chars === undefined) return undefined;
    return { kind: 'chars', chars: typeof chars === 'string' ? bit(chars.codePointAt(0) ?? 0) : chars };
  };

  const repeated = (): Tree | undefined => {
    let tree = atom();
    while (tree !== undefined) {
      const found = take(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y);
      if (found === undefined) break;
      const [, sign, least = '0', comma, most = ''] = found;
      const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0;
      const bounded = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most);
      tree = {
        kind: 'repeat',
        of: tree,
        min,
        max: sign === undefined ? bounded : sign === '?' ? 1 : Number.POSITIVE_INFINITY,
      };
    }
    return tree;
  };

  const sequence = (): Tree | undefined => {
    const of: Tree[] = [];
    while (at < source.length && !/[|)]/.test(source[at] ?? '')) {
      const next = repeated();
      if (next === undefined) return undefined;
      of.push(next);
    }
    return { kind: 'sequence', of };
  };

  const choice = (): Tree | undefined => {
    const of: Tree[] = [];
    do {
      const next = sequence();
      if (next === undefined) return undefined;
      of.push(next);
    } while (take(/\|/y) !== undefined);
    return { kind: 'choice', of };
  };

  const tree = choice();
  return at < source.length ? undefined : tree;
}

/** Places in the pattern that take a character, and how many ways lead from one to the next (Glushkov's construction). */
interface Automaton {
  readonly sets: Chars[];
  readonly edges: Map<string, number>;
}

interface Part {
  readonly first: ReadonlyMap<number, number>;
  readonly last: ReadonlyMap<number, number>;
  readonly canBeEmpty: boolean;
}

function build(tree: Tree, automaton: Automaton): Part | undefined {
  switch (tree.kind) {
    case 'chars': {
      const place = automaton.sets.push(tree.chars) - 1;
      if (place >= lintPatternPlacesMax) return undefined;
      return { first: new Map([[place, 1]]), last: new Map([[place, 1]]), canBeEmpty: false };
    }
    case 'choice': {
      const parts = buildAll(tree.of, automaton);
      return parts?.reduce((a, b) => ({
        first: sum(a.first, b.first),
        last: sum(a.last, b.last),
        canBeEmpty: a.canBeEmpty || b.canBeEmpty,
      }));
    }
    case 'sequence':
      return buildAll(tree.of, automaton)?.reduce((a, b) => follow(a, b, automaton), empty);
    case 'repeat': {
      const { of, min, max } = tree;
      if (Math.max(min, max === Number.POSITIVE_INFINITY ? 1 : max) > lintPatternPlacesMax) return undefined;
      const forced = buildAll(Array<Tree>(min).fill(of), automaton);
      if (forced === undefined) return undefined;
      const head = forced.reduce((a, b) => follow(a, b, automaton), empty);
      if (max === Number.POSITIVE_INFINITY) {
        // X+ is one X that may come again; X{2,} ends in such a one.
        const [again] = min > 0 ? [forced.at(-1)] : [build(of, automaton)];
        if (again === undefined) return undefined;
        connect(again.last, again.first, automaton);
        return min > 0 ? head : { ...again, canBeEmpty: true };
      }
      let tail: Part = empty;
      for (let i = min; i < max; i++) {
        const one = build(of, automaton);
        if (one === undefined) return undefined;
        tail = { ...follow(one, tail, automaton), canBeEmpty: true };
      }
      return follow(head, tail, automaton);
    }
  }
}

const empty: Part = { first: new Map(), last: new Map(), canBeEmpty: true };

function buildAll(trees: readonly Tree[], automaton: Automaton): readonly Part[] | undefined {
  const parts: Part[] = [];
  for (const tree of trees) {
    const part = build(tree, automaton);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

function follow(a: Part, b: Part, automaton: Automaton): Part {
  connect(a.last, b.first, automaton);
  return {
    first: a.canBeEmpty ? sum(a.first, b.first) : a.first,
    last: b.canBeEmpty ? sum(a.last, b.last) : b.last,
    canBeEmpty: a.canBeEmpty && b.canBeEmpty,
  };
}

function sum(a: Part['first'], b: Part['first']): Part['first'] {
  const all = new Map(a);
  for (const [place, ways] of b) all.set(place, (all.get(place) ?? 0) + ways);
  return all;
}

function connect(from: Part['last'], to: Part['first'], { edges }: Automaton): void {
  for (const [a, waysOut] of from)
    for (const [b, waysIn] of to) edges.set(`${a} ${b}`, (edges.get(`${a} ${b}`) ?? 0) + waysOut * waysIn);
}

/** Whether one text leads from a place back to itself in two ways. */
function isAmbiguous({ sets, edges }: Automaton): boolean {
  const next = sets.map((): number[] => []);
  const back = sets.map((): number[] => []);
  for (const edge of edges.keys()) {
    const [a = 0, b = 0] = edge.split(' ').map(Number);
    next[a]?.push(b);
    back[b]?.push(a);
  }
  const fits = (a: number, b: number) => ((sets[a] ?? 0n) & (sets[b] ?? 0n)) !== 0n;
  /** Pairs of places that two readers of one text can stand on after they stood on `start` (or, backwards, before). */
  const reach = (start: number, steps: readonly (readonly number[])[], isBack: boolean): ReadonlySet<number> => {
    const seen = new Set<number>();
    const open: [number, number][] = [[start, start]];
    for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
      const [a, b] = pair;
      if (isBack && !fits(a, b)) continue;
      for (const c of steps[a] ?? [])
        for (const d of steps[b] ?? []) {
          const key = c * sets.length + d;
          if (seen.has(key) || !fits(c, d)) continue;
          seen.add(key);
          open.push([c, d]);
        }
    }
    return seen;
  };
  return sets.some((_, start) => {
    const after = reach(start, next, false);
    if (!after.has(start * sets.length + start)) return false;
    const before = reach(start, back, true);
    for (const key of after) {
      if (!before.has(key)) continue;
      const [a, b] = [Math.floor(key / sets.length), key % sets.length];
      if (a !== b) return true;
      // On the way round, and two ways lead on from here to one place of it.
      for (const c of next[a] ?? [])
        if ((edges.get(`${a} ${c}`) ?? 0) > 1 && before.has(c * sets.length + c) && after.has(c * sets.length + c))
          return true;
    }
    return false;
  });
}
