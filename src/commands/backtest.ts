// `iprevd backtest`: what a candidate policy would have done with the sessions that were. For a person as tables, whom it would
// newly refuse first; as JSON for a program.

import type { Suggestion } from '../core/backtest/exceptions.ts';
import type { OrganisationSessions } from '../core/backtest/organisations.ts';
import type { RuleResult } from '../core/backtest/rule-tally.ts';
import type { BacktestResult } from '../core/backtest/tally.ts';
import { figure, type Threshold } from '../core/backtest/threshold.ts';
import { printable } from '../core/name.ts';
import { wrap } from '../core/remedy/print.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';
import type { Remarks } from './sources.ts';

export interface BacktestWords {
  /** What the candidate is compared with. */
  readonly against: string;
  /** Lines and files that could not be read. */
  readonly unread: number;
  /** Refs are of a journal, where lookup finds them. */
  readonly isJournal: boolean;
  readonly threshold?: Threshold;
  readonly remarks: Remarks;
  /** On what the sessions come from; absent: nothing. */
  readonly note?: string;
  readonly json: boolean;
}

/** Where everybody's terminal ends. */
const columns = 80;

/** Rows of each table; the rest is in the JSON. */
const rowsMax = 15;

export function showBacktest(terminal: Terminal, result: BacktestResult, words: BacktestWords): void {
  // A program gets the result alone on standard output.
  if (words.json) for (const remark of words.remarks.empty) terminal.err(`iprevd: ${remark}\n`);
  terminal.out(words.json ? `${JSON.stringify(result, null, 2)}\n` : describe(terminal, result, words));
}

function describe(terminal: Terminal, result: BacktestResult, words: BacktestWords): string {
  const { newly_refused_accepted, newly_refused_other, newly_accepted, suggestions } = result;
  return [
    ...organisations(
      terminal,
      'NEWLY REFUSED, though the mail server took their mail',
      newly_refused_accepted,
      newly_refused_accepted.length > 0 ? 'red' : 'green',
    ),
    ...suggested(terminal, suggestions),
    ...(newly_refused_other.length === 0
      ? []
      : organisations(
          terminal,
          'newly refused, of whose mail nobody knows, or the mail server refused it',
          newly_refused_other,
          'yellow',
        )),
    ...(newly_accepted.length === 0 ? [] : organisations(terminal, 'newly accepted', newly_accepted, 'cyan')),
    ...matrixTable(terminal, result, words.against),
    ...examplesOf(result, words.isJournal),
    ...ruleTable(terminal, result.rules, words.against),
    ...(result.never_hit.length === 0 ? [] : [`Rules that held for no session: ${result.never_hit.join(', ')}`, '']),
    ...closing(result, words),
    '',
  ].join('\n');
}

function closing(
  result: BacktestResult,
  { unread, remarks: { missing, empty }, note, threshold }: BacktestWords,
): readonly string[] {
  const { sessions, changed, not_recorded, labelled } = result;
  return [
    `${plural(sessions, 'session')}, ${changed} judged otherwise${not_recorded === 0 ? '' : `, ${not_recorded} of which it is not recorded`}`,
    ...(labelled === undefined ? [] : [`labelled: ${labelled.ham} ham, ${labelled.spam} spam`]),
    ...(unread === 0 ? [] : [`${plural(unread, 'problem')} with lines or files, which standard error names`]),
    ...missing,
    ...empty,
    ...(note === undefined ? [] : wrap(note, columns)),
    ...(threshold === undefined
      ? []
      : [
          `--fail-on ${threshold.metric} ${threshold.sign} ${threshold.number}: it is ${figure(result, threshold.metric)}`,
        ]),
  ];
}

function organisations(
  terminal: Terminal,
  title: string,
  list: readonly OrganisationSessions[],
  style: Style,
): readonly string[] {
  const all = list.reduce((sum, { sessions }) => sum + sessions, 0);
  const heading = paint(terminal, style, `${title}: ${all}`);
  if (list.length === 0) return [heading, ''];
  const rows = list.slice(0, rowsMax).map(({ organisation, sessions, refs }) => [
    organisation,
    `${sessions}`,
    refs
      .slice(0, 3)
      .map((ref) => printable(ref))
      .join(' '),
  ]);
  const more = list.length - rows.length;
  return [
    heading,
    ...table([['organisation', 'sessions', 'refs'], ...rows], [1]),
    ...(more > 0 ? [`  and ${more} more`] : []),
    '',
  ];
}

function suggested(terminal: Terminal, suggestions: readonly Suggestion[]): readonly string[] {
  if (suggestions.length === 0) return [];
  const shown = suggestions.slice(0, rowsMax);
  const more = suggestions.length - shown.length;
  return [
    paint(terminal, 'bold', 'Exceptions that would spare them'),
    ...shown.flatMap(({ rule, sessions, others, yaml }) => [
      paint(
        terminal,
        'dim',
        `  # ${rule === 'otherwise' ? 'before the other rules' : `rule ${rule}`}: ${plural(sessions, 'session')}${others === 0 ? '' : `, and ${others} of which nobody knows`}`,
      ),
      ...yaml
        .trimEnd()
        .split('\n')
        .map((line) => `  ${line}`),
    ]),
    ...(more > 0 ? [`  and ${more} more`] : []),
    '',
  ];
}

const words: Readonly<Record<string, string>> = { not_recorded: 'not recorded' };

function matrixTable(terminal: Terminal, { matrix }: BacktestResult, against: string): readonly string[] {
  const rows = Object.entries(matrix);
  const columns = [...new Set(rows.flatMap(([, row]) => Object.keys(row)))];
  const cells = rows.map(([from, row]) => [words[from] ?? from, ...columns.map((to) => `${row[to] ?? 0}`)]);
  return [
    `${paint(terminal, 'bold', 'from')} (${against}) ${paint(terminal, 'bold', '→ to')} (the candidate)`,
    ...table(
      [['', ...columns.map((to) => words[to] ?? to)], ...cells],
      columns.map((_, i) => i + 1),
    ),
    '',
  ];
}

function examplesOf({ examples }: BacktestResult, isJournal: boolean): readonly string[] {
  if (examples.length === 0) return [];
  const rows = examples.map(({ from, to, refs }) => [`${from} → ${to}`, refs.map((ref) => printable(ref)).join(' ')]);
  return [`examples${isJournal ? ' (iprevd lookup REF says more)' : ''}`, ...table(rows, []), ''];
}

function ruleTable(terminal: Terminal, rules: readonly RuleResult[], against: string): readonly string[] {
  const labelled = rules.some((rule) => rule.labelled !== undefined);
  const open = rules.some(({ not_recorded }) => not_recorded > 0);
  const told = rules.filter(
    (rule) => rule.hits_before + rule.hits_after + rule.monitored_before + rule.monitored_after + rule.held > 0,
  );
  if (told.length === 0) return [];
  const percent = (part: number | null | undefined) =>
    part === null || part === undefined ? '-' : `${(100 * part).toFixed(1)} %`;
  const heading = [
    'rule',
    'decided before',
    'now',
    'watched before',
    'now',
    'held',
    ...(open ? ['not recorded'] : []),
    ...(labelled ? ['precision', 'recall'] : []),
  ];
  const rows = told.map((rule) => [
    rule.rule,
    `${rule.hits_before}`,
    `${rule.hits_after}`,
    `${rule.monitored_before}`,
    `${rule.monitored_after}`,
    `${rule.held}`,
    ...(open ? [`${rule.not_recorded}`] : []),
    ...(labelled ? [percent(rule.labelled?.precision), percent(rule.labelled?.recall)] : []),
  ]);
  return [
    `${paint(terminal, 'bold', 'rules')} (before: ${against})`,
    ...table([heading, ...rows], heading.map((_, i) => i).slice(1)),
    '',
  ];
}

/** `right`: the columns that hold numbers. */
function table(rows: readonly (readonly string[])[], right: readonly number[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')}`.trimEnd(),
  );
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
