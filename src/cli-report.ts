// `iprevd report` on the command line: a day of the journal to commands/report.ts. Exit codes beside those of cli.ts: 66 where there
// is nothing to read.

import { Command } from 'commander';
import { configOption, countProblems, journalOf, moment, remarksOn } from './cli-journal.ts';
import type { PolicyCommandParts } from './cli-policy.ts';
import { showReport } from './commands/report.ts';
import { readLines } from './commands/sources.ts';
import { reportBeforeMs } from './core/limits.ts';
import { makeReport } from './core/report.ts';
import { loadForJournal, loadPolicy } from './load.ts';
import { progressLine } from './terminal.ts';

interface ReportOptions {
  readonly since?: number;
  readonly config: string;
  readonly policy?: string;
  readonly json?: true;
}

export function reportCommand(parts: PolicyCommandParts): Command {
  return new Command('report')
    .description('a day of the journal in figures, for a mail to the postmaster: who was refused and was not before')
    .argument('[journal...]', 'folders or files of a journal; left out: the journal of the configuration')
    .option(
      '--since <when>',
      'the sessions from then on: 1d, 7d, 2026-11-20; compared with the week before',
      moment(false),
    )
    .addOption(configOption('where the journal is, if none is named, and the policy in force'))
    .option('--policy <file>', 'another policy; with a journal beside it no configuration is read')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  iprevd report | mail -s "iprevd: the last day" postmaster
  iprevd report --since 7d --json /var/lib/iprevd/journal

Exit codes: 0 done, 66 nothing there to read, 78 a policy or configuration with mistakes.`,
    )
    .action((journals: string[], options: ReportOptions) => report(parts, journals, options));
}

const dayMs = 86_400_000;

async function report(parts: PolicyCommandParts, journals: readonly string[], options: ReportOptions): Promise<void> {
  const { terminal, orExit } = parts;
  const named = options.policy === undefined ? undefined : orExit(await loadPolicy(options.policy, process.cwd()));
  // With a journal on the command line the configuration is only there for its policy, and may be missing.
  const configured = await loadForJournal(options.config);
  const policy = named ?? (configured.ok ? configured.value.policy : undefined);
  const paths = journals.length > 0 ? journals : [await journalOf(options.config, parts)];
  const since = options.since ?? Date.now() - dayMs;
  const made = makeReport(since, policy);
  const source = {
    paths,
    since: since - reportBeforeMs,
    onProblem: countProblems(terminal).told,
    progress: progressLine(terminal, 'MB read'),
  };
  const reading = await readLines(source, (line) => made.line(line.text()));
  const result = made.result(Date.now());
  const remarks = await remarksOn(reading, source, result.sessions, parts);
  if (remarks !== undefined) showReport(terminal, result, { remarks, json: options.json === true });
}
