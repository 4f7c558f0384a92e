// Puts an exception that backtest/exceptions.ts proposes into the text of a policy, where it belongs, and changes no other octet: the
// comments and the layout are the operator's. Undefined where the text is laid out in a way in which it cannot be done so, or has no
// such rule; then it is for a person to paste. Pure.

import { isMap, isScalar, isSeq, type Node, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Suggestion } from './backtest/exceptions.ts';
import { otherwiseId } from './policy.ts';

export function putException(text: string, { rule, yaml }: Pick<Suggestion, 'rule' | 'yaml'>): string | undefined {
  const rules = rulesOf(text);
  // "except:" and one item below it, or one rule with a comment behind it.
  const item = yaml.trimEnd().replace(/^except:\n/, '');
  const map = item.replace(/^\s*- /, '');
  const found = rules && ruleOf(rules, rule);
  if (rules === undefined || (found === undefined && rule !== otherwiseId)) return undefined;
  const put = found === undefined ? putItem(text, rules, map) : putInto(text, found, map);
  // It may have come to stand in a comment.
  return put !== undefined && countIn(put, rule) === countIn(text, rule) + 1 ? put : undefined;
}

function rulesOf(text: string): YAMLSeq | undefined {
  const document = parseDocument(text, { schema: 'core', prettyErrors: false });
  const rules = document.get('rules', true);
  return document.errors.length === 0 && isSeq(rules) ? rules : undefined;
}

function ruleOf(rules: YAMLSeq, id: string): YAMLMap | undefined {
  return rules.items.find((one): one is YAMLMap => isMap(one) && one.get('id') === id);
}

/** The exceptions of this rule; for `otherwise`, which can have none, the rules. */
function countIn(text: string, id: string): number {
  const rules = rulesOf(text);
  if (rules === undefined) return Number.NaN;
  if (id === otherwiseId) return rules.items.length;
  const except = ruleOf(rules, id)?.get('except', true);
  return isSeq(except) ? except.items.length : Number(isMap(except));
}

function putInto(text: string, rule: YAMLMap, map: string): string | undefined {
  const known = rule.get('except', true);
  if (isSeq(known) && known.items.length > 0) return putItem(text, known, map);
  const [begin, end] = rangeOf(rule);
  if (known !== undefined) {
    // A single one, which becomes the first of a list.
    if (!isMap(known) || !known.flow) return undefined;
    const [first, last] = rangeOf(known);
    return splice(text, first, last, `[${map}, ${text.slice(first, last)}]`);
  }
  if (rule.flow) return splice(text, ...beforeBracket(text, end), `, except: [${map}] `);
  const id = rule.items.find(({ key }) => isScalar(key) && key.value === 'id')?.value as Node;
  const lineEnd = endOfLine(text, rangeOf(id)[1]);
  const indent = ' '.repeat(columnOf(text, begin));
  return splice(text, lineEnd, lineEnd, `\n${indent}except:\n${indent}  - ${map}`);
}

/** As the first: a rule that lets somebody in has to stand before the others. */
function putItem(text: string, list: YAMLSeq, map: string): string | undefined {
  const first = list.items[0] as Node | undefined;
  if (first === undefined) return undefined;
  const [begin] = rangeOf(first);
  if (list.flow) return splice(text, begin, begin, `${map.replace(/ {2}# [^"]*$/, '')}, `);
  const lineBegin = text.lastIndexOf('\n', begin - 1) + 1;
  const before = text.slice(lineBegin, begin);
  // "rules:\n- {" or "  - {": nothing but the dash stands before it.
  if (!/^ *- +$/.test(before)) return undefined;
  return splice(text, lineBegin, lineBegin, `${before}${map}\n`);
}

/** Where a flow map's last entry ends, and its bracket stands. */
function beforeBracket(text: string, end: number): readonly [number, number] {
  const bracket = end - 1;
  let at = bracket;
  while (/[\s,]/.test(text[at - 1] ?? '')) at--;
  return [at, bracket];
}

function rangeOf(node: Node): readonly [number, number] {
  const [begin = 0, end = 0] = node.range ?? [];
  return [begin, end];
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}

function splice(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}
