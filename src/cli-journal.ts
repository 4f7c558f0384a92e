// What the commands that read a journal have in common on the command line: which journal, from when to when, and what is said of
// sources that cannot be read or hold nothing.

import { CommanderError, Option } from 'commander';
import type { PolicyCommandParts } from './cli-policy.ts';
import { type Reading, type Remarks, type Source, whyNone } from './commands/sources.ts';
import { parseMoment } from './core/moment.ts';
import { type Problem, printProblem, quote } from './core/problem.ts';
import { loadForJournal } from './load.ts';
import type { Terminal } from './terminal.ts';

/** Of sysexits.h: there is nothing to read. */
export const noInput = 66;

export function configOption(what: string): Option {
  return new Option('-c, --config <file>', `the configuration: ${what}`)
    .env('IPREVD_CONFIG')
    .default('/etc/iprevd/iprevd.yaml');
}

export interface Period {
  readonly since?: number;
  readonly until?: number;
}

/** Throws if no time lies between the two. */
export function checkPeriod({ since, until }: Period): void {
  if (since === undefined || until === undefined || since < until) return;
  const shown = (ms: number) => `${new Date(ms).toISOString().slice(0, 16)}Z`;
  throw new CommanderError(64, 'iprevd', `--since ${shown(since)} is not before --until ${shown(until)}`);
}

export function moment(end: boolean): (text: string) => number {
  return (text) => {
    const at = parseMoment(text, Date.now(), end);
    if (at === undefined)
      throw new CommanderError(
        64,
        'iprevd',
        `${quote(text)} is neither a time ago (30m, 12h, 7d, 2w) nor a date (2026-11-20, 2026-11-20T08:00Z)`,
      );
    return at;
  };
}

/** The folder that the configuration names, or the end of the command. */
export async function journalOf(config: string, { orExit }: PolicyCommandParts): Promise<string> {
  const { journalFolder } = orExit(await loadForJournal(config));
  const hint = 'journal: { dir: /var/lib/iprevd/journal } keeps one, and --postfix-log works without';
  return journalFolder ?? orExit({ ok: false, problems: [{ where: config, what: 'no journal', hint }] });
}

/** Each problem on standard error as it comes. */
export function countProblems(terminal: Pick<Terminal, 'err'>): {
  readonly told: (problem: Problem) => void;
  readonly count: () => number;
} {
  let count = 0;
  return {
    told(problem) {
      count++;
      terminal.err(`${printProblem(problem)}\n`);
    },
    count: () => count,
  };
}

/**
 * What is to be said under a result: the sources that could not be read, and why there is no session. Undefined: nothing could be
 * read, which is said, and how to exit; there is no result then.
 */
export async function remarksOn(
  { lines, missing, problems }: Reading,
  { paths }: Pick<Source, 'paths'>,
  sessions: number,
  { terminal, leave }: Pick<PolicyCommandParts, 'terminal' | 'leave'>,
): Promise<Remarks | undefined> {
  if (lines === 0 && problems > 0) {
    terminal.err(`iprevd: nothing could be read of ${paths.join(', ')}\n`);
    leave(noInput);
    return undefined;
  }
  const there = paths.filter((path) => missing.every(({ where }) => where !== path));
  return {
    missing: missing.map((problem) => `not read: ${printProblem(problem)}`),
    empty: sessions === 0 ? await whyNone({ paths: there }) : [],
  };
}
