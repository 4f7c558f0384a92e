// `iprevd backtest` on the command line: what was recorded, judged again. Exit codes beside those of cli.ts: 1 where what --fail-on
// says holds; 65 where labels are none; 66 where there is nothing to read.

import { Command, CommanderError, Option } from 'commander';
import { checkPeriod, configOption, countProblems, journalOf, moment, noInput, remarksOn } from './cli-journal.ts';
import type { PolicyCommandParts } from './cli-policy.ts';
import { showBacktest } from './commands/backtest.ts';
import { type Replayed, replayJournal, replayPostfixLog } from './commands/backtest-sources.ts';
import type { Reading, Source } from './commands/sources.ts';
import { dnsTimeoutDefaultMs } from './config.ts';
import { backtest } from './core/backtest/backtest.ts';
import { type Labels, readLabels } from './core/backtest/labels.ts';
import { holds, readThreshold } from './core/backtest/threshold.ts';
import { parseServer } from './core/endpoint.ts';
import { type Problem, quote } from './core/problem.ts';
import type { Server } from './dns/resolver.ts';
import { gatherer } from './gather.ts';
import { loadPolicy, loadText } from './load.ts';
import { openResolver } from './open-resolver.ts';
import { progressLine, type Terminal } from './terminal.ts';

const exit = { holds: 1, usage: 64, badData: 65 } as const;

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

export function backtestCommand(parts: PolicyCommandParts): Command {
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

async function run(parts: PolicyCommandParts, journals: readonly string[], options: Options): Promise<void> {
  const { terminal, orExit, leave } = parts;
  const threshold = options.failOn === undefined ? undefined : orExit(readThreshold(options.failOn), exit.usage);
  checkSources(journals, options);
  checkPeriod(options);
  const candidate = orExit(await loadPolicy(options.policy, process.cwd()));
  const current = options.against === undefined ? undefined : orExit(await loadPolicy(options.against, process.cwd()));
  const problems = countProblems(terminal);
  const labels = options.labels === undefined ? undefined : await labelsOf(options.labels, parts, problems.told);
  const replay = backtest({ candidate, ...(current === undefined ? {} : { current }) });
  const policies = current === undefined ? [candidate] : [candidate, current];
  const replayed = { replay, policies, ...(labels === undefined ? {} : { labels }) };
  const { postfixLog } = options;
  const isJournal = postfixLog === undefined;
  const source: Source = {
    paths: postfixLog ?? (journals.length > 0 ? journals : [await journalOf(options.config, parts)]),
    ...(options.since === undefined ? {} : { since: options.since }),
    ...(options.until === undefined ? {} : { until: options.until }),
    onProblem: problems.told,
    progress: progressLine(terminal, 'MB read'),
  };
  const reading = isJournal
    ? await replayJournal(source, replayed)
    : await replayLog(terminal, source, replayed, options);
  const result = replay.result(Date.now());
  const remarks = await remarksOn(reading, source, result.sessions, parts);
  if (remarks === undefined) return;
  showBacktest(terminal, result, {
    against: options.against ?? (isJournal ? 'what was decided then' : 'what Postfix did'),
    unread: problems.count(),
    isJournal,
    remarks,
    ...(isJournal ? {} : { note: dnsNote(options) }),
    json: options.json === true,
    ...(threshold === undefined ? {} : { threshold }),
  });
  if (threshold !== undefined && holds(threshold, result)) leave(exit.holds);
}

async function replayLog(
  terminal: Terminal,
  source: Source,
  replayed: Replayed,
  { resolve, server: servers }: Options,
): Promise<Reading> {
  if (!resolve) return replayPostfixLog(source, replayed);
  const resolver = await openResolver(servers === undefined ? undefined : { servers }, undefined);
  try {
    return await replayPostfixLog(source, replayed, {
      gather: gatherer(resolver, dnsTimeoutDefaultMs),
      progress: progressLine(terminal, 'addresses looked up'),
    });
  } finally {
    resolver.close();
  }
}

function dnsNote({ resolve }: Options): string {
  const remark = 'A log of Postfix does not tell the DNS of clients that it calls "unknown"';
  return resolve
    ? `${remark}: they were looked up now, and the DNS of now is not that of then`
    : `${remark}: where that matters it is not recorded (--resolve looks them up now)`;
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

async function labelsOf(
  file: string,
  { orExit }: PolicyCommandParts,
  onProblem: (problem: Problem) => void,
): Promise<Labels> {
  const labels = readLabels(orExit(await loadText(file), noInput), file, onProblem);
  const hint = 'lines such as "1ng2ewjmsa2,ham" or "192.0.2.7,spam", or the JSON of Rspamd\'s /history';
  return labels.size > 0
    ? labels
    : orExit({ ok: false, problems: [{ where: file, what: 'no labels', hint }] }, exit.badData);
}

function server(text: string): Server {
  const found = parseServer(text);
  if (found === undefined) throw new CommanderError(exit.usage, 'iprevd', `${quote(text)} is no DNS server`);
  return found;
}
