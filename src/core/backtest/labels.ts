// Which sessions are ham and which are spam, by somebody else's word: a CSV of `ref,label` or `address,label`, or Rspamd's history
// as its controller hands it out (`/history`, or `rspamc -j`). A label of a ref is that session's; one of an address without a
// time is that of all its sessions; one with a time is that of the nearest session of the address within a minute.

import type { Client } from '../client.ts';
import type { Evidence } from '../evidence.ts';
import { parseIp } from '../ip.ts';
import { labelNearMs, labelsMax } from '../limits.ts';
import { type Problem, quote } from '../problem.ts';
import type { Label } from './quality.ts';

export interface Labels {
  of(session: Pick<Evidence, 'id' | 'at'> & { readonly client: Pick<Client, 'ip'> }): Label | undefined;
  readonly size: number;
}

/** `text`: the whole file. What cannot be read is a Problem with its line or row, and the rest is used. */
export function readLabels(text: string, file: string, onProblem: (problem: Problem) => void): Labels {
  const byRef = new Map<string, Label>();
  const byAddress = new Map<string, Label>();
  const timed = new Map<string, { readonly at: number; readonly label: Label }[]>();
  let size = 0;
  const add = ({ key, label, at }: Row, where: string): void => {
    if (size >= labelsMax) {
      if (size++ === labelsMax) onProblem({ where, what: `more than ${labelsMax} labels: the rest is left out` });
      return;
    }
    size++;
    const ip = parseIp(key);
    if (ip === undefined) byRef.set(key, label);
    else if (at === undefined) byAddress.set(ip, label);
    else {
      const known = timed.get(ip);
      if (known === undefined) timed.set(ip, [{ at, label }]);
      else known.push({ at, label });
    }
  };
  const rows = /^\s*[[{]/.test(text) ? historyRows(text) : csvRows(text);
  for (const { row, where } of rows) {
    const place = `${file}${where}`;
    if (typeof row === 'string') onProblem({ where: place, what: row });
    else add(row, place);
  }
  return {
    size: Math.min(size, labelsMax),
    of: ({ id, at, client: { ip } }) => byRef.get(id) ?? nearestLabel(timed.get(ip), at) ?? byAddress.get(ip),
  };
}

interface Row {
  readonly key: string;
  readonly label: Label;
  /** Milliseconds since 1970. */
  readonly at?: number;
}

interface Placed {
  /** A sentence says what is wrong with it. */
  readonly row: Row | string;
  readonly where: string;
}

function nearestLabel(
  known: readonly { readonly at: number; readonly label: Label }[] | undefined,
  at: string,
): Label | undefined {
  if (known === undefined) return undefined;
  const then = Date.parse(at);
  let best: { readonly at: number; readonly label: Label } | undefined;
  for (const one of known) if (best === undefined || Math.abs(one.at - then) < Math.abs(best.at - then)) best = one;
  return best !== undefined && Math.abs(best.at - then) <= labelNearMs ? best.label : undefined;
}

function* csvRows(text: string): Generator<Placed> {
  let line = 0;
  for (let from = 0; from < text.length; ) {
    const found = text.indexOf('\n', from);
    const end = found < 0 ? text.length : found;
    const content = text.slice(from, end).replace(/\r$/, '').trim();
    from = end + 1;
    line++;
    if (content === '' || content.startsWith('#') || (line === 1 && /^(?:ref|ip)\b/i.test(content))) continue;
    const [key = '', word = '', ...more] = content.split(/\s*,\s*/).map((cell) => cell.replace(/^"(.*)"$/, '$1'));
    const label = word.toLowerCase();
    const right = more.length === 0 && key !== '' && (label === 'ham' || label === 'spam');
    const what = `${quote(content)} is not a ref or an address, a comma, and ham or spam`;
    yield { row: right ? { key, label: label as Label } : what, where: `:${line}` };
  }
}

/** Rspamd: an array of rows, or a map that holds it as `rows`. */
function* historyRows(text: string): Generator<Placed> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    yield { row: `neither a CSV nor JSON: ${quote((error as Error).message)}`, where: '' };
    return;
  }
  const rows = Array.isArray(value) ? value : (value as { readonly rows?: unknown }).rows;
  if (!Array.isArray(rows)) {
    yield { row: 'no history of Rspamd: it has no "rows"', where: '' };
    return;
  }
  for (const [i, row] of rows.entries()) yield { row: historyRow(row), where: `: row ${i + 1}` };
}

function historyRow(value: unknown): Row | string {
  if (typeof value !== 'object' || value === null) return 'no row of a history';
  const { ip, action, score, required_score, unix_time, time } = value as Readonly<Record<string, unknown>>;
  if (typeof ip !== 'string' || parseIp(ip) === undefined) return `no address in "ip": ${quote(ip ?? '')}`;
  const seconds = typeof unix_time === 'number' ? unix_time : typeof time === 'number' ? time : undefined;
  const label = labelOfAction(action, score, required_score);
  if (label === undefined) return `neither an action nor a score that tells ham from spam: ${quote(action ?? '')}`;
  return { key: ip, label, ...(seconds === undefined ? {} : { at: seconds * 1_000 }) };
}

/** Rspamd's actions; `greylist` and `soft reject` say "not sure", so the score decides, if there is one. */
function labelOfAction(action: unknown, score: unknown, required: unknown): Label | undefined {
  if (action === 'no action') return 'ham';
  if (action === 'reject' || action === 'add header' || action === 'rewrite subject') return 'spam';
  if (typeof score !== 'number' || typeof required !== 'number') return undefined;
  return score >= required ? 'spam' : 'ham';
}
