// `--fail-on`: one figure of a replay's result, compared with a number. Nothing is evaluated; what is not of the form
// "newly_refused_accepted > 0" is a Problem that names the figures there are.

import { type Checked, nearest, quote } from '../problem.ts';
import type { OrganisationSessions } from './organisations.ts';
import type { BacktestResult } from './tally.ts';

export const metrics = [
  'newly_refused_accepted', // sessions whose mail the mail server took, and that would be refused
  'newly_refused', // all sessions that were let in and would be refused
  'newly_accepted', // sessions that were refused and would be let in
  'changed', // sessions that would be judged otherwise
  'not_recorded', // sessions of which the record does not tell
  'sessions', // all of them
  'never_hit', // rules that held for no session
] as const;
export type Metric = (typeof metrics)[number];

const signs = ['>=', '<=', '==', '!=', '>', '<'] as const;

export interface Threshold {
  readonly metric: Metric;
  readonly sign: (typeof signs)[number];
  readonly number: number;
}

export function readThreshold(text: string): Checked<Threshold> {
  const where = '--fail-on';
  const [, metric = '', sign, number] = /^\s*([a-z_]+)\s*(>=|<=|==|!=|>|<)\s*(\d{1,15})\s*$/.exec(text) ?? [];
  if (sign === undefined) {
    const hint = `such as 'newly_refused_accepted > 0'; known here: ${metrics.join(', ')}`;
    return {
      ok: false,
      problems: [{ where, what: `${quote(text)} is no comparison of a figure with a number`, hint }],
    };
  }
  if (!(metrics as readonly string[]).includes(metric))
    return { ok: false, problems: [{ where, what: `unknown figure ${quote(metric)}`, hint: hintFor(metric) }] };
  return {
    ok: true,
    value: { metric: metric as Metric, sign: sign as Threshold['sign'], number: Number(number) },
  };
}

function hintFor(metric: string): string {
  const near = nearest(metric, metrics);
  return near.startsWith('known') ? near : `${near} known here: ${metrics.join(', ')}`;
}

export function figure(result: BacktestResult, metric: Metric): number {
  const sum = (list: readonly OrganisationSessions[]) => list.reduce((n, { sessions }) => n + sessions, 0);
  switch (metric) {
    case 'newly_refused_accepted':
      return sum(result.newly_refused_accepted);
    case 'newly_accepted':
      return sum(result.newly_accepted);
    case 'never_hit':
      return result.never_hit.length;
    default:
      return result[metric];
  }
}

export function holds({ metric, sign, number }: Threshold, result: BacktestResult): boolean {
  const found = figure(result, metric);
  switch (sign) {
    case '>':
      return found > number;
    case '>=':
      return found >= number;
    case '<':
      return found < number;
    case '<=':
      return found <= number;
    case '==':
      return found === number;
    case '!=':
      return found !== number;
  }
}
