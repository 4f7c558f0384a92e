// `iprevd report`: a day of the journal for a mail to the postmaster, 72 columns wide, what is new first; as JSON for a program.

import { dateText, sentence } from '../core/condition-text.ts';
import { printable } from '../core/name.ts';
import { wrap } from '../core/remedy/print.ts';
import type { Refusals, ReportResult } from '../core/report.ts';
import type { Terminal } from '../terminal.ts';
import type { Remarks } from './sources.ts';

const columns = 72;
const rowsMax = 20;

export interface ReportWords {
  readonly remarks: Remarks;
  readonly json: boolean;
}

export function showReport(terminal: Terminal, result: ReportResult, { remarks, json }: ReportWords): void {
  if (json) for (const remark of remarks.empty) terminal.err(`iprevd: ${remark}\n`);
  terminal.out(json ? `${JSON.stringify(result, null, 2)}\n` : describe(result, remarks));
}

function describe(result: ReportResult, { missing, empty }: Remarks): string {
  const { since, sessions, actions } = result;
  const told = Object.entries(actions).filter(([, count]) => count > 0);
  return [
    `iprevd: ${sessions} session${sessions === 1 ? '' : 's'} since ${since.slice(0, 16).replace('T', ' ')} UTC`,
    ...[...missing, ...empty].flatMap((remark) => wrap(remark, columns)),
    ...told.map(([action, count]) => number(count, action === 'pending' ? 'left before hearing a verdict' : action)),
    ...section('Refused, and not in the days before', refusals(result.new_refusals), 'nobody'),
    ...section('Refused before as well', refusals(result.refusals)),
    ...section('Rules: decided, only watched', rules(result)),
    ...section('DNS: sessions in which nobody could tell', dns(result), 'none'),
    ...section(
      'Ends soon',
      (result.ending ?? []).map(({ what, until }) => `${dateText(Date.parse(until))}  ${shown(what)}`),
    ),
    ...section('Has ended, and does nothing any more', (result.ended ?? []).map(shown)),
    ...section('Rules that never held', (result.never_fired ?? []).map(shown)),
    '',
  ].join('\n');
}

/** Nothing at all if there are no lines and no word for that. */
function section(title: string, lines: readonly string[], empty?: string): readonly string[] {
  if (lines.length === 0 && empty === undefined) return [];
  const heading = `${title}${lines.length === 0 ? `: ${empty}` : ''}`;
  const more = lines.length - rowsMax;
  const kept = lines.slice(0, rowsMax).map((line) => `  ${line}`.slice(0, columns));
  return [
    '',
    heading,
    ...(lines.length === 0 ? [] : ['-'.repeat(title.length)]),
    ...kept,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function refusals(list: readonly Refusals[]): readonly string[] {
  return list.map(({ organisation, sessions, rules: by, refs }) =>
    number(sessions, `${organisation} by ${by.join(', ')} (ref ${printable(refs[0] ?? '')})`).trimEnd(),
  );
}

function rules({ rules: list }: ReportResult): readonly string[] {
  return list.map(
    ({ rule, decided, monitored }) => `${`${decided}`.padStart(8)} ${`${monitored}`.padStart(8)}  ${shown(rule)}`,
  );
}

function dns({ dns: { temperror, stale, extended_errors }, sessions }: ReportResult): readonly string[] {
  const share = (count: number) => `${((100 * count) / Math.max(1, sessions)).toFixed(1)} %`;
  return [
    ...Object.entries(temperror).map(([reason, count]) => number(count, `${reason}, ${share(count)}`)),
    ...(stale === 0 ? [] : [number(stale, 'judged by answers from before')]),
    ...extended_errors.map(({ error, sessions: count }) => number(count, `a name server said: ${error}`)),
  ];
}

function number(count: number, what: string): string {
  return `${`${count}`.padStart(8)}  ${what}`;
}

/** What an operator wrote, without anything that could move a cursor. */
function shown(text: string): string {
  return sentence(text).slice(1, -1);
}
