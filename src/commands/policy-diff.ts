// `iprevd policy diff`: what changes when one policy is replaced by another, in its rules and for every client that could come.
// For a person by default, as JSON for a program.

import { differs, type KeyChange, type PolicyDiff, policyDiff, type RuleChange } from '../core/diff/policy-diff.ts';
import { type Outcome, reasonsOf, resultOf, type VerdictDiff, type VerdictLine } from '../core/diff/verdict-diff.ts';
import type { IprevReason, IprevResult } from '../core/iprev.ts';
import type { Policy } from '../core/policy.ts';
import type { Action } from '../core/verdict.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';

export interface PolicyDiffParts {
  readonly from: Policy;
  readonly to: Policy;
  /** Milliseconds since 1970: rules and exceptions may have ended. */
  readonly now: () => number;
  readonly json: boolean;
}

/** Prints what differs, and returns whether anything does. */
export function showPolicyDiff(terminal: Terminal, { from, to, now, json }: PolicyDiffParts): boolean {
  const diff = policyDiff(from, to, now());
  terminal.out(json ? `${JSON.stringify(toJson(diff), null, 2)}\n` : describe(terminal, diff));
  return differs(diff);
}

/** The verdicts of one set of reasons are read like rules: the first whose "if" is all so counts. */
function toJson({ rules, settings, verdicts }: PolicyDiff): unknown {
  return {
    rules,
    settings,
    verdicts: verdicts.blocks.flatMap(({ reasons, lines }) =>
      lines.map(({ if: conditions, change }) => ({
        findings: { iprev: resultOf(reasons), reasons, if: conditions },
        ...(change ?? { same: true }),
      })),
    ),
    considered: verdicts.considered,
    complete: verdicts.tried === 'all',
    tried: verdicts.tried,
  };
}

function describe(terminal: Terminal, diff: PolicyDiff): string {
  if (!differs(diff)) return 'The two policies say the same.\n';
  const { rules, settings, verdicts } = diff;
  const width = Math.max(0, ...[rules.removed, rules.added, rules.changed].flat().map(({ id }) => id.length));
  const marked = (sign: string, style: Style, changed: readonly RuleChange[], line: (change: KeyChange) => string) =>
    changed.flatMap(({ id, changes }) =>
      changes.map(
        (change, i) =>
          `${i === 0 ? paint(terminal, style, sign) : ' '} ${(i === 0 ? id : '').padEnd(width)}  ${line(change)}`,
      ),
    );
  const alone = (changed: readonly RuleChange[]) =>
    changed.map(({ id, changes }) => ({ id, changes: changes.filter(isWorthSaying) }));
  return [
    ...section('rules', [
      ...marked('-', 'red', alone(rules.removed), ({ key, from }) => `${key}: ${from}`),
      ...marked('+', 'green', alone(rules.added), ({ key, to }) => `${key}: ${to}`),
      ...marked('~', 'yellow', rules.changed, fromTo),
    ]),
    ...section('settings', settings.map(fromTo)),
    ...section('verdicts', verdictLines(terminal, verdicts)),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, i) => `${(i === 0 ? title : '').padEnd(10)}${line}`);
}

/** What every rule has unless it says otherwise is not. */
function isWorthSaying({ key, from, to }: KeyChange): boolean {
  const value = from ?? to;
  return !(key === 'mode' && value === 'enforce') && !(key === 'percent' && value === '100');
}

function fromTo({ key, from = 'none', to = 'none' }: KeyChange): string {
  return `${key}: ${from} → ${to}`;
}

/** What is longer has a line to itself. */
const clientWidthMax = 64;

interface Row {
  readonly client: string;
  /** Absent: the lines that follow tell. */
  readonly change?: VerdictLine['change'] | undefined;
}

function verdictLines(terminal: Terminal, { blocks, considered, tried }: VerdictDiff): readonly string[] {
  const rows = blocks.flatMap(({ reasons, lines }): readonly Row[] =>
    lines.length === 1
      ? [{ client: findingText(reasons), change: lines[0]?.change }]
      : [
          { client: findingText(reasons) },
          ...lines.map(({ if: conditions, change }) => ({
            client: conditions.length === 0 ? '  otherwise' : `  if ${conjunction(conditions)}`,
            change,
          })),
        ],
  );
  const width = Math.max(0, ...rows.map(({ client }) => client.length).filter((length) => length <= clientWidthMax));
  const changeWidth = Math.max(0, ...rows.map((row) => ('change' in row ? changeText(row.change).length : 0)));
  const howTried = { all: '', pairs: 'alone and in pairs', single: 'one at a time' }[tried];
  return [
    ...rows.flatMap((row) => {
      const { client } = row;
      if (!('change' in row)) return [client];
      const { change } = row;
      const painted = changeText(change, (action, words) => paint(terminal, actionStyle[action], words));
      const padding = ' '.repeat(changeWidth - changeText(change).length);
      const by = change === undefined ? '' : paint(terminal, 'dim', `${padding}   ${byText(change)}`);
      const line = `   ${painted}${by}`;
      return client.length > width ? [client, ' '.repeat(width) + line] : [client.padEnd(width) + line];
    }),
    `${blocks.length === 0 ? 'every client' : 'everything else'}${tried === 'all' ? '' : ' that was tried'}: the same`,
    ...(tried === 'all'
      ? []
      : [`too many combinations: what the rules ask was varied ${howTried}, ${considered} cases in all`]),
  ];
}

function conjunction(conditions: readonly string[]): string {
  if (conditions.length === 1) return `${conditions[0]}`;
  return conditions.map((condition) => (condition.includes(' or ') ? `(${condition})` : condition)).join(' and ');
}

function changeText(change: VerdictLine['change'], painted = (_: Action, words: string) => words): string {
  if (change === undefined) return 'the same';
  const { from, to } = change;
  return `${painted(from.action, outcomeText(from))} → ${painted(to.action, outcomeText(to))}`;
}

function byText({ from, to }: NonNullable<VerdictLine['change']>): string {
  return from.rule === to.rule ? `by ${to.rule}` : `by ${from.rule} → ${to.rule}`;
}

const actionStyle = { accept: 'green', tag: 'cyan', defer: 'yellow', reject: 'red' } as const satisfies Record<
  string,
  Style
>;

function outcomeText({ action, code, enhanced, softened, tags, headers, score, hold }: Outcome): string {
  const tagged = tags.length === 0 ? [] : [`tag ${tags.join(', ')}`];
  const decided = action === 'tag' ? [] : [[action, code, enhanced].filter((word) => word !== undefined).join(' ')];
  return [
    ...decided,
    ...(softened ? ['softened'] : []),
    ...tagged,
    ...headers.map((name) => `header ${name}`),
    ...(score === 0 ? [] : [`score ${score}`]),
    ...(hold ? ['hold'] : []),
  ].join(', ');
}

/** "no PTR record (permerror: no-ptr, ptr-empty, ptr-invalid)" */
function findingText(reasons: readonly IprevReason[]): string {
  const iprev = resultOf(reasons);
  return `${reasonWords(iprev, reasons)} (${iprev}${shortReasons(iprev, reasons)})`;
}

/** ": no-ptr, ptr-empty", or nothing if these are all that there are; "ptr-*" for every failure of that lookup. */
function shortReasons(iprev: IprevResult, reasons: readonly IprevReason[]): string {
  const all = reasonsOf[iprev];
  if (reasons.length === all.length) return '';
  let words: readonly string[] = reasons;
  for (const lookup of iprev === 'temperror' ? ['ptr-', 'forward-'] : []) {
    const failures = all.filter((reason) => reason.startsWith(lookup));
    if (failures.every((reason) => words.includes(reason)))
      words = [...words.filter((word) => !word.startsWith(lookup)), `${lookup}*`];
  }
  return `: ${words.join(', ')}`;
}

/** What happened, for somebody who does not know the reasons by heart. */
function reasonWords(iprev: IprevResult, reasons: readonly IprevReason[]): string {
  const are = (...words: readonly IprevReason[]) => reasons.every((reason) => words.includes(reason));
  switch (iprev) {
    case 'pass':
      return 'a confirmed name';
    case 'fail':
      if (are('stale')) return 'a name without addresses';
      return are('mismatch') ? 'a name with other addresses' : 'a name that does not lead back';
    case 'permerror':
      if (are('too-many-names')) return 'too many names';
      if (are('ptr-invalid')) return 'no host name in the PTR record';
      return are('no-ptr', 'ptr-empty', 'ptr-invalid') ? 'no PTR record' : 'no usable PTR record';
    case 'temperror':
      if (reasons.every((reason) => reason.startsWith('ptr-'))) return 'the PTR lookup failed';
      return reasons.every((reason) => reason.startsWith('forward-')) ? "the name's lookup failed" : 'a lookup failed';
  }
}
