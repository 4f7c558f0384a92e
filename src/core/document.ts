// YAML in, checked value or Problems out. Every complaint has its place as path:line:col and the nearest valid word, and
// all of them come at once. Only the plain core of YAML 1.2 is read: no tags, no duplicate keys, bounded size.

import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { documentOctetsMax } from './limits.ts';
import { type Checked, nearest, type Problem, quote } from './problem.ts';

type Path = readonly PropertyKey[];

/** A map with exactly these keys; anything else is a Problem that names the nearest of them. */
export function closedMap<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  // The message carries the valid words to `explain` below, which knows where each unknown key stands.
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  });
}

/**
 * A check of a map as a whole that runs even if parts of it are wrong, so that all complaints come at once. It sees those
 * parts as they were written, and is not run when a key is unknown: that key may be what it would miss.
 */
export function wholeMap(
  check: (map: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx) => void,
): z.core.$ZodCheck<object> {
  const refinement = z.superRefine<object>((map, ctx) => {
    const isMap = typeof map === 'object' && map !== null;
    const hasUnknownKey = ctx.issues.some(({ code, path = [] }) => code === 'unrecognized_keys' && path.length === 0);
    if (isMap && !hasUnknownKey) check(map as Record<string, unknown>, ctx);
  });
  refinement._zod.def.when = () => true;
  return refinement;
}

/**
 * Reads `text` by `schema`. `file` is only used to say where. `scalars: 'text'` leaves every scalar a string, for files
 * in which 1.10 and no are names.
 */
export function readDocument<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  scalars: 'typed' | 'text' = 'typed',
): Checked<T> {
  if (text.length > documentOctetsMax)
    return { ok: false, problems: [{ where: file, what: `larger than ${documentOctetsMax} octets` }] };
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: scalars === 'text' ? 'failsafe' : 'core',
    uniqueKeys: true,
    prettyErrors: false,
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    where: at(pos[0]),
    what: yamlWords(message),
  }));
  if (faults.length > 0) return { ok: false, problems: faults };

  const plain = toPlain(document);
  if (plain === undefined) return { ok: false, problems: [{ where: file, what: 'aliases that expand without end' }] };
  const result = schema.safeParse(plain.value);
  if (result.success) return { ok: true, value: result.data };
  const problems = result.error.issues.flatMap((issue) =>
    explain(issue, plain.value, [], (path, key) => at(offsetOf(document, path, key))),
  );
  return { ok: false, problems };
}

function toPlain(document: Document): { value: unknown } | undefined {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch {
    return undefined;
  }
}

function explain(
  issue: z.core.$ZodIssue,
  root: unknown,
  base: Path,
  at: (path: Path, key?: string) => string,
): readonly Problem[] {
  const path = [...base, ...issue.path];
  const value = valueAt(root, path);
  const where = at(path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const valid = issue.message.split(' ');
      return issue.keys.map((key) => ({
        where: at(path, key),
        what: `unknown key ${quote(key)}`,
        hint: nearest(key, valid),
      }));
    }
    case 'invalid_value': {
      if (value === undefined) return [{ where, what: `${keyWords(path)} is missing` }];
      // A schema may say what to write instead; the library's own sentences begin like this.
      const hint = issue.message.startsWith('Invalid')
        ? nearest(String(value), issue.values.map(String))
        : issue.message;
      return [{ where, what: `unknown word ${quote(value)}`, hint }];
    }
    case 'invalid_union': {
      if ('options' in issue && value !== undefined) {
        return [
          {
            where,
            what: `unknown word ${quote(value)}`,
            hint: nearest(String(value), (issue.options as readonly unknown[]).map(String)),
          },
        ];
      }
      if (value === undefined) return [{ where, what: `${keyWords(path)} is missing` }];
      const branch = nearestBranch(issue.errors);
      if (branch !== undefined) return branch.flatMap((inner) => explain(inner, root, path, at));
      return [{ where, what: issue.message === 'Invalid input' ? `cannot be ${quote(value)}` : issue.message }];
    }
    case 'invalid_type':
      if (value === undefined) return [{ where, what: `${keyWords(path)} is missing`, ...hintOf(issue) }];
      if (!issue.message.startsWith('Invalid input')) return [{ where, what: issue.message }];
      return [
        {
          where,
          what: `expected ${typeWord(issue.expected)}, found ${value === null ? 'nothing' : quote(value)}`,
          ...hintOf(issue),
        },
      ];
    default:
      return [{ where, what: issue.message, ...hintOf(issue) }];
  }
}

/** A refinement may say what to do: `ctx.addIssue({ code: 'custom', message, params: { hint } })`. */
function hintOf(issue: z.core.$ZodIssue): { hint?: string } {
  const hint = 'params' in issue ? (issue.params as { hint?: unknown } | undefined)?.hint : undefined;
  return typeof hint === 'string' ? { hint } : {};
}

/** Of a union's alternatives, the one that was meant: it got furthest into the value. None if all failed at once. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const depth = (issues: readonly z.core.$ZodIssue[]): number => {
    const [first] = issues;
    if (first === undefined) return -1;
    if (first.path.length > 0) return 1 + first.path.length;
    if (first.code === 'invalid_union') return Math.max(0, ...first.errors.map(depth));
    return first.code === 'invalid_type' ? 0 : 1;
  };
  const best = [...branches].sort((a, b) => depth(b) - depth(a))[0];
  return best !== undefined && depth(best) > 0 ? best : undefined;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    root,
  );
}

/** Where a value stands, or its key; if it is missing, the map that lacks it. */
function offsetOf(document: Document, path: Path, key?: string): number {
  let node: unknown = document.contents;
  for (const step of path) {
    const next: unknown =
      isNode(node) && 'get' in node
        ? (node as unknown as { get(key: unknown, keep: true): unknown }).get(step, true)
        : undefined;
    if (!isNode(next)) break;
    node = next;
  }
  if (key !== undefined && isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
    if (isNode(pair?.key)) return (pair.key as Node).range?.[0] ?? 0;
  }
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}

function keyWords(path: Path): string {
  const last = path.at(-1);
  return last === undefined ? 'the document' : typeof last === 'number' ? `item ${last + 1}` : quote(String(last));
}

function typeWord(expected: string): string {
  return (
    { object: 'a map', record: 'a map', array: 'a list', string: 'text', number: 'a number', boolean: 'true or false' }[
      expected
    ] ?? expected
  );
}

/** The library's sentences are kept, but for the one that operators meet most. */
function yamlWords(message: string): string {
  return message === 'Map keys must be unique' ? 'this key stands twice in its map' : message.replace(/\s+/g, ' ');
}
