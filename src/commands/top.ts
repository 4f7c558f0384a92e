// `iprevd top`: what the running service does, on one screen: sessions by action, rules, clients, DNS. On a terminal it is drawn
// again every two seconds, with what has come since; elsewhere, or with --once, one snapshot is printed.

import type { ConsoleClient } from '../console/client.ts';
import type { Overview, VerdictAction } from '../console/wire.ts';
import { printable } from '../core/name.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';

export interface TopParts {
  readonly console: Pick<ConsoleClient, 'overview'>;
  readonly json: boolean;
  /** One snapshot; otherwise until the signal. */
  readonly once: boolean;
  readonly everyMs: number;
  /** Of the terminal; absent: as many as there are. */
  readonly rows?: () => number | undefined;
  readonly signal?: AbortSignal;
}

/** Rejects with a ConsoleError, also when the service ends meanwhile. */
export async function top(terminal: Terminal, { console, json, once, everyMs, rows, signal }: TopParts): Promise<void> {
  let before: Overview | undefined;
  for (;;) {
    const now = await console.overview();
    if (json) terminal.out(`${JSON.stringify(now)}\n`);
    else {
      const most = once ? undefined : rows?.();
      const lines = screen(terminal, now, before).slice(0, most === undefined ? undefined : most - 1);
      terminal.out(`${once ? '' : clear}${lines.join('\n')}\n`);
    }
    if (once || signal?.aborted) return;
    before = now;
    await pause(everyMs, signal);
    if (signal?.aborted) return;
  }
}

/** Home, and away with what stands there (ECMA-48 CUP and ED). */
const clear = '\x1b[H\x1b[J';

const styles: Readonly<Record<VerdictAction, Style>> = {
  accept: 'green',
  tag: 'cyan',
  defer: 'yellow',
  reject: 'red',
  pending: 'dim',
};

function screen(terminal: Terminal, now: Overview, before: Overview | undefined): readonly string[] {
  const seconds = before === undefined ? 0 : (Date.parse(now.at) - Date.parse(before.at)) / 1000;
  const rate = seconds > 0 ? `, ${((now.sessions - (before?.sessions ?? 0)) / seconds).toFixed(1)} a second` : '';
  const head = (text: string) => paint(terminal, 'bold', text);
  return [
    `${head(`iprevd ${now.version}`)}  ${printable(now.name)}  since ${now.startedAt.slice(0, 19).replace('T', ' ')}`,
    '',
    `${head('sessions')} ${now.sessions}${rate}   ${Object.entries(now.actions)
      .map(([action, count]) => `${paint(terminal, styles[action as VerdictAction], action)} ${count}`)
      .join('   ')}`,
    `${head('policy')}   ${now.policy.file}${now.policy.problems.length > 0 ? paint(terminal, 'red', '  has mistakes: the old one is in force') : ''}`,
    `${head('doors')}    ${now.doors.map(({ kind, listen, connections, masked }) => `${kind} ${listen} (${connections ?? '?'})${masked === undefined ? '' : paint(terminal, 'red', ' masked')}`).join('   ')}`,
    `${head('DNS')}      ${now.outage ? paint(terminal, 'red', 'outage') : 'in order'}   ${nonZero(now.lookups)}`,
    `${head('cache')}    ${now.addressesKept} addresses   ${nonZero(now.gathered)}`,
    `${head('iprev')}    ${nonZero(now.reasons)}`,
    '',
    head(row(['rule', 'mode', 'enforced', 'monitored', 'last hit'], ruleWidths)),
    ...now.rules.map(({ rule, mode = '', enforced, monitored, lastHit }) =>
      row([rule, mode, `${enforced}`, `${monitored}`, lastHit?.slice(11, 19) ?? 'never'], ruleWidths),
    ),
    '',
    head(row(['clients', 'sessions', 'accept', 'tag', 'defer', 'reject'], groupWidths)),
    ...now.groups.map(({ group, sessions, actions: { accept = 0, tag = 0, defer = 0, reject = 0 } }) =>
      row([printable(group, 38), ...[sessions, accept, tag, defer, reject].map(String)], groupWidths),
    ),
  ];
}

const ruleWidths = [24, -8, 10, 10, 10];
const groupWidths = [38, 9, 9, 9, 9, 9];

/** The first column to the left; a negative width too. */
function row(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => {
      const width = widths[i] ?? 0;
      return i === 0 || width < 0 ? cell.padEnd(Math.abs(width)) : cell.padStart(width);
    })
    .join(' ')
    .trimEnd();
}

function nonZero(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.length === 0 ? 'nothing yet' : some.map(([name, count]) => `${name} ${count}`).join('   ');
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
