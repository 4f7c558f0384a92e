// `iprevd backtest` and `iprevd report` on the command line: what was recorded, judged again or summed up. Exit codes beside those
// of cli.ts: of backtest, 1 where what --fail-on says holds; 66 where there is nothing to read.

import { Command, CommanderError, Option } from 'commander';
import type { PolicyCommandParts } from './cli-policy.ts';
import { showBacktest } from './commands/backtest.ts';
import { replayJournal, replayPostfixLog, type Source } from './commands/backtest-sources.ts';
import { showReport } from './commands/report.ts';
import { dnsTimeoutDefaultMs } from './config.ts';
import { type Backtest, backtest } from './core/backtest/backtest.ts';
import { type Labels, readLabels } from './core/backtest/labels.ts';
import { holds, readThreshold } from './core/backtest/threshold.ts';
import { parseServer } from './core/endpoint.ts';
import { reportBeforeMs } from './core/limits.ts';
import { parseMoment } from './core/moment.ts';
import type { Policy } from './core/policy.ts';
import { type Problem, printProblem, quote } from './core/problem.ts';
import { makeReport } from './core/report.ts';
import type { Server } from './dns/resolver.ts';
import { gatherer } from './gather.ts';
import { readJournal } from './journal/read.ts';
import { loadForJournal, loadPolicy, loadText } from './load.ts';
import { openResolver } from './open-resolver.ts';
import { progressLine, type Terminal } from './terminal.ts';

const exit = { holds: 1, usage: 64, badData: 65, noInput: 66 } as const;

interface Options {
  readonly policy: string;
  readonly against?: string;
  readonly config: string;
  readonly since?: number;
  readonly until?: number;
  readonly failOn?: string;
  readonly labels?: string;
  readonly postfixLog?: string[];
  readonly resolve?: true;
  readonly server?: Server[];
  readonly json?: true;
}

export function backtestCommands(parts: PolicyCommandParts): readonly Command[] {
  return [backtestCommand(parts), reportCommand(parts)];
}

function backtestCommand(parts: PolicyCommandParts): Command {
  return new Command('backtest')
    .description('judge recorded sessions again under a candidate policy: whom would it have hit?')
    .argument('[journal...]', 'folders or files of a journal; left out: the journal of the configuration')
    .requiredOption('--policy <file>', 'the candidate: a policy file, or observe, standard, strict or demo')
    .option('--against <file>', 'compare with this policy, and not with what was decided then')
    .addOption(configOption('where the journal is, if none is named'))
    .option('--since <when>', 'only sessions from then on: 7d, 12h, 2026-11-20, 2026-11-20T08:00Z', moment(false))
    .option('--until <when>', 'only sessions until then; a day holds that day', moment(true))
    .option('--fail-on <comparison>', "exit 1 if it holds, such as 'newly_refused_accepted > 0'")
    .option('--labels <file>', "ham and spam: a CSV of ref,label or address,label, or Rspamd's history as JSON")
    .option('--postfix-log <file...>', 'logs of a Postfix (packed or not) in place of a journal')
    .option('--resolve', 'with --postfix-log: look up now what the log does not tell')
    .addOption(
      new Option('--server <addr:port>', 'with --resolve: ask this DNS server; may be given more than once').argParser(
        (text: string, before: Server[] = []) => [...before, server(text)],
      ),
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  iprevd backtest --policy strict                          what would strict have done with what was recorded?
  iprevd backtest --policy new.yaml --against my.yaml --since 7d
  iprevd backtest --policy new.yaml --fail-on 'newly_refused_accepted > 0'
  iprevd backtest --policy strict --postfix-log /var/log/mail.log /var/log/mail.log.1.gz --resolve
  iprevd lookup REF                                        one of the decisions, with its evidence

Exit codes: 0 done, 1 what --fail-on says holds, 64 wrong usage, 65 labels that are none, 66 nothing there to read, 78 a policy
with mistakes. Lines that cannot be read are said with their place, and the rest is used.`,
    )
    .action((journals: string[], options: Options) => run(parts, journals, options));
}

interface ReportOptions {
  readonly since?: number;
  readonly config: string;
  readonly policy?: string;
  readonly json?: true;
}

function reportCommand(parts: PolicyCommandParts): Command {
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

async function report(parts: PolicyCommandParts, journals: readonly string[], options: ReportOptions): Promise<void> {
  const { terminal, orExit, leave } = parts;
  const named = options.policy === undefined ? undefined : orExit(await loadPolicy(options.policy, process.cwd()));
  // With a journal on the command line the configuration is only there for its policy, and may be missing.
  const configured = await loadForJournal(options.config);
  const policy = named ?? (configured.ok ? configured.value.policy : undefined);
  const paths = journals.length > 0 ? journals : [await journalOf(options.config, parts)];
  const since = options.since ?? Date.now() - dayMs;
  const made = makeReport(since, policy);
  const problems = countProblems(terminal);
  const reading = { paths, since: since - reportBeforeMs, onProblem: problems.told };
  for await (const records of readJournal(reading)) for (const record of records) made.add(record);
  const result = made.result(Date.now());
  if (result.sessions === 0 && problems.count() > 0) leave(exit.noInput);
  showReport(terminal, result, options.json === true);
}

const dayMs = 86_400_000;

function configOption(what: string): Option {
  return new Option('-c, --config <file>', `the configuration: ${what}`)
    .env('IPREVD_CONFIG')
    .default('/etc/iprevd/iprevd.yaml');
}

async function run(parts: PolicyCommandParts, journals: readonly string[], options: Options): Promise<void> {
  const { terminal, orExit, leave } = parts;
  const threshold = options.failOn === undefined ? undefined : orExit(readThreshold(options.failOn), exit.usage);
  checkSources(journals, options);
  const candidate = orExit(await loadPolicy(options.policy, process.cwd()));
  const current = options.against === undefined ? undefined : orExit(await loadPolicy(options.against, process.cwd()));
  const problems = countProblems(terminal);
  const labels = options.labels === undefined ? undefined : await labelsOf(options.labels, parts, problems.told);
  const replay = backtest({ candidate, ...(current === undefined ? {} : { current }) });
  const policies = current === undefined ? [candidate] : [candidate, current];
  const replayed = { replay, policies, ...(labels === undefined ? {} : { labels }) };
  const source = (paths: readonly string[]): Source => ({
    paths,
    ...(options.since === undefined ? {} : { since: options.since }),
    ...(options.until === undefined ? {} : { until: options.until }),
    onProblem: problems.told,
    progress: progressLine(terminal, 'MB read'),
  });
  const notes: string[] = [];
  if (options.postfixLog === undefined) {
    const paths = journals.length > 0 ? journals : [await journalOf(options.config, parts)];
    await replayJournal(source(paths), replayed);
  } else notes.push(...(await replayLog(terminal, source(options.postfixLog), replayed, options)));
  const result = replay.result(Date.now());
  if (result.sessions === 0 && problems.count() > 0) leave(exit.noInput);
  showBacktest(terminal, result, {
    against: options.against ?? (options.postfixLog === undefined ? 'what was decided then' : 'what Postfix did'),
    unread: problems.count(),
    isJournal: options.postfixLog === undefined,
    notes,
    json: options.json === true,
    ...(threshold === undefined ? {} : { threshold }),
  });
  if (threshold !== undefined && holds(threshold, result)) leave(exit.holds);
}

async function replayLog(
  terminal: Terminal,
  source: Source,
  replayed: { readonly replay: Backtest; readonly policies: readonly Policy[]; readonly labels?: Labels },
  { resolve, server: servers }: Options,
): Promise<readonly string[]> {
  const remark = 'A log of Postfix does not tell the DNS of clients that it calls "unknown"';
  if (!resolve) {
    await replayPostfixLog(source, replayed);
    return [`${remark}: where that matters it is not recorded (--resolve looks them up now)`];
  }
  const resolver = await openResolver(servers === undefined ? undefined : { servers }, undefined);
  try {
    await replayPostfixLog(source, replayed, {
      gather: gatherer(resolver, dnsTimeoutDefaultMs),
      progress: progressLine(terminal, 'addresses looked up'),
    });
  } finally {
    resolver.close();
  }
  return [`${remark}: they were looked up now, and the DNS of now is not that of then`];
}

/** What excludes each other, said before anything is read. */
function checkSources(journals: readonly string[], { postfixLog, resolve, server: servers }: Options): void {
  const usage = (message: string): never => {
    throw new CommanderError(exit.usage, 'iprevd', message);
  };
  if (journals.length > 0 && postfixLog !== undefined) usage('a journal and --postfix-log exclude each other');
  if (resolve && postfixLog === undefined) usage('--resolve is for --postfix-log: a journal holds what the DNS said');
  if (servers !== undefined && !resolve) usage('--server is for --resolve');
}

async function journalOf(config: string, { orExit }: PolicyCommandParts): Promise<string> {
  const { journalFolder } = orExit(await loadForJournal(config));
  const hint = 'journal: { dir: /var/lib/iprevd/journal } keeps one, and --postfix-log works without';
  return journalFolder ?? orExit({ ok: false, problems: [{ where: config, what: 'no journal', hint }] });
}

async function labelsOf(
  file: string,
  { orExit }: PolicyCommandParts,
  onProblem: (problem: Problem) => void,
): Promise<Labels> {
  const labels = readLabels(orExit(await loadText(file), exit.noInput), file, onProblem);
  const hint = 'lines such as "1ng2ewjmsa2,ham" or "192.0.2.7,spam", or the JSON of Rspamd\'s /history';
  return labels.size > 0
    ? labels
    : orExit({ ok: false, problems: [{ where: file, what: 'no labels', hint }] }, exit.badData);
}

/** Each problem on standard error as it comes. */
function countProblems(terminal: Pick<Terminal, 'err'>): {
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

function moment(end: boolean): (text: string) => number {
  return (text) => {
    const at = parseMoment(text, Date.now(), end);
    if (at === undefined)
      throw new CommanderError(exit.usage, 'iprevd', `${quote(text)} is neither a time ago (7d, 12h) nor a date`);
    return at;
  };
}

function server(text: string): Server {
  const found = parseServer(text);
  if (found === undefined) throw new CommanderError(exit.usage, 'iprevd', `${quote(text)} is no DNS server`);
  return found;
}
