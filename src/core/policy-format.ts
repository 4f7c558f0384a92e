// A policy file in its one canonical form: two blanks for each level, the keys of a rule in the order of policy-words.ts, double
// quotes where quotes stand. Comments stay, and so does the order of rules and of conditions, and what the author wrote on one
// line; only what is longer than 120 columns, or braces over several lines, become a block. Done twice it changes nothing more,
// and the policy means the same; where the yaml library cannot manage that, it is a Problem. Pure.

import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { formatColumnsMax, formatRoundsMax } from './limits.ts';
import { policyWords } from './policy-words.ts';
import type { Checked } from './problem.ts';
import { readPolicy } from './schema.ts';

/** `file` is only used to say where a Problem is. A text in canonical form comes back as it is. */
export function formatPolicy(text: string, file: string): Checked<string> {
  const read = readPolicy(text, file);
  if (!read.ok) return read;
  let formatted = round(text, Number.POSITIVE_INFINITY);
  for (let rounds = 0; rounds < formatRoundsMax; rounds++) {
    const before = formatted;
    formatted = round(before, formatColumnsMax);
    if (formatted !== before) continue;
    if (meaning(formatted) !== meaning(text) || comments(formatted) !== comments(text)) break;
    return { ok: true, value: formatted };
  }
  return { ok: false, problems: [{ where: file, what: 'cannot be formatted without losing a part of it' }] };
}

/** Lines are measured as they stand in `text`, which is why it takes two rounds. */
function round(text: string, columns: number): string {
  const document = parse(text);
  visit(document, {
    Collection(_, node) {
      const [start = 0, end = 0] = node.range ?? [];
      const isWide = end - (text.lastIndexOf('\n', start) + 1) > columns;
      if (!node.flow || !(isWide || text.slice(start, end).includes('\n'))) return undefined;
      node.flow = false;
      // What stands in it may well fit on lines of its own: the next round will see.
      return isWide ? visit.SKIP : undefined;
    },
    Scalar(_, node) {
      if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') node.type = quotesFor(node);
    },
  });
  if (!hasAlias(document)) order(document.contents, '');
  return tight(document.toString({ lineWidth: 0, flowCollectionPadding: true }));
}

function parse(text: string): Document.Parsed {
  return parseDocument(text, { schema: 'core' });
}

/** Single quotes where double ones would have to escape, which no pattern is the better for. */
function quotesFor({ value }: Scalar): 'QUOTE_SINGLE' | 'QUOTE_DOUBLE' {
  return typeof value === 'string' && /["\\]/.test(value) && !/[^\x20-\x7e]/.test(value)
    ? 'QUOTE_SINGLE'
    : 'QUOTE_DOUBLE';
}

/** An alias must stand behind its anchor, so nothing is moved then. */
function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** Maps whose keys have an order. The keys of a condition are read like a sentence and stay as they are. */
const ordered: ReadonlySet<string> = new Set([
  'rules',
  'otherwise',
  'except',
  'tag',
  'defer',
  'reject',
  'names',
  'time',
  'tests',
  'client',
  'expect',
]);

/** `owner`: the key under which the node stands, see policy-words.ts. */
function order(node: unknown, owner: string): void {
  if (isSeq(node)) for (const item of node.items) order(item, owner);
  // The keys under `zone` are names, and no words of ours.
  if (!isMap(node) || owner === 'zone') return;
  if (ordered.has(owner)) sortKeys(node, Object.keys(policyWords[owner as keyof typeof policyWords]));
  for (const { key, value } of node.items) {
    const word = isScalar(key) ? String(key.value) : '';
    order(value, ['when', 'all', 'any', 'not'].includes(word) ? 'condition' : word);
  }
}

function sortKeys(map: YAMLMap, words: readonly string[]): void {
  const rank = ({ key }: YAMLMap['items'][number]) => words.indexOf(isScalar(key) ? String(key.value) : '');
  const first = map.items[0];
  map.items.sort((a, b) => rank(a) - rank(b));
  const now = map.items[0];
  if (now === first || !isNode(now?.key)) return;
  // What stands above the first key stands above the map.
  if (now.key.commentBefore != null) {
    map.commentBefore = [map.commentBefore, now.key.commentBefore].filter((text) => text != null).join('\n');
    now.key.commentBefore = null;
  }
  now.key.spaceBefore = false;
}

/** Braces with a blank inside, brackets without. */
function tight(text: string): string {
  const blanks: number[] = [];
  visit(parse(text), {
    Seq(_, { flow, items, range }) {
      if (flow && items.length > 0 && range) blanks.push(range[0] + 1, range[1] - 2);
    },
  });
  const pieces: string[] = [];
  let end = 0;
  for (const at of blanks.filter((blank) => text[blank] === ' ').sort((a, b) => a - b)) {
    pieces.push(text.slice(end, at));
    end = at + 1;
  }
  return [...pieces, text.slice(end)].join('');
}

/** What the file says, whatever order its maps have. */
function meaning(text: string): string {
  return JSON.stringify(parse(text).toJS({ maxAliasCount: 100 }), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Every comment, in whatever order. */
function comments(text: string): string {
  const tokens = [...new Lexer().lex(text)];
  return tokens
    .filter((token, i) => token.startsWith('#') && tokens[i - 1] !== scalarFollows)
    .map((token) => token.trimEnd())
    .sort()
    .join('\n');
}

/** What the lexer says before the text of a scalar, which may begin with "#" too. */
const scalarFollows = '\x1f';
