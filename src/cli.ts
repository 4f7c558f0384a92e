#!/usr/bin/env node
// The command `iprevd`: words on the command line to one of the verbs, and the verb's outcome to an exit code of
// sysexits.h. With main.ts, the only place that knows the process it runs in.

import { constants } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, Option } from 'commander';
import { backtestCommand, reportCommand } from './cli-backtest.ts';
import { checkCommands } from './cli-check.ts';
import { classifyCommand } from './cli-classify.ts';
import { liveCommands } from './cli-live.ts';
import { lookupCommand } from './cli-lookup.ts';
import { policyCommand } from './cli-policy.ts';
import { ConsoleError } from './console/client.ts';
import { type Checked, printProblem } from './core/problem.ts';
import { demo, demoDoors } from './demo/demo.ts';
import { ListenError } from './listen.ts';
import { loadConfig } from './load.ts';
import { type LogLevel, logDecision, makeLog } from './log.ts';
import { startService } from './main.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

const exit = { ok: 0, usage: 64, unavailable: 69, bug: 70, config: 78 } as const;
const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

/** An operator's file is wrong, and every Problem in it has been printed. */
class Mistakes extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super();
    this.exitCode = exitCode;
  }
}

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  colour: process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
};

const packageFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const program = new Command('iprevd')
  .description('Decides, before a message is taken, whether the host that connects is who DNS says it is.')
  .version(version)
  .showHelpAfterError('(iprevd --help shows every command)')
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    `
Examples:
  iprevd demo                                    see it work, with eight clients and no mail server
  iprevd check 192.0.2.7                         how one client would be judged, and why
  iprevd serve --config /etc/iprevd/iprevd.yaml  run it
  iprevd lookup 1ng2ewjmsa2                      the decision behind the ref of a reply
  iprevd backtest --policy new.yaml              whom would a policy have hit?
  iprevd report                                  the last day in figures
  iprevd top                                     what it does, as it does it
  iprevd policy lint my.yaml                     is there something odd in a policy?
  iprevd remedy "550 5.7.25 no PTR record …"     what mends it, from the refusal that came back
  iprevd audit 192.0.2.0/28                      are the servers that you send from in order?
  iprevd classify names.tsv                      which of these reverse names are a provider's template?

Exit codes: 0 done, 1 policy test, diff, audit, lookup or backtest found something, 64 wrong usage, 65 and 66 a list of hosts or names that is wrong or not there, 69 a port or service is not available, 70 a bug of ours, 77 no permission
for a port, 78 a file with mistakes.`,
  );

program
  .command('serve')
  .description('run the service in the foreground; SIGTERM lets clients finish and ends it')
  .addOption(
    new Option('-c, --config <file>', 'the configuration').env('IPREVD_CONFIG').default('/etc/iprevd/iprevd.yaml'),
  )
  .addOption(
    new Option('--log-level <level>', 'how much to log; before what the configuration says')
      .env('IPREVD_LOG_LEVEL')
      .choices(logLevels),
  )
  .action(async ({ config, logLevel }: { config: string; logLevel?: LogLevel }) => {
    const loaded = orExit(await loadConfig(config));
    const log = makeLog(logLevel ?? loaded.config.log?.level ?? 'info');
    const service = await startService(loaded, log, logDecision(log));
    process.on('SIGHUP', () => void service.reload());
    const signal = await ended();
    log.info({ signal }, 'stopping');
    await service.stop();
    log.info('stopped');
  });

const leave = (code: number): void => {
  process.exitCode = code;
};
for (const command of checkCommands({ terminal, orExit, leave })) program.addCommand(command);
program.addCommand(classifyCommand({ terminal, leave }));
program.addCommand(lookupCommand({ terminal, orExit, leave }));
program.addCommand(backtestCommand({ terminal, orExit, leave }));
program.addCommand(reportCommand({ terminal, orExit, leave }));
for (const command of liveCommands({ terminal, rows: () => process.stdout.rows, orExit })) program.addCommand(command);
program.addCommand(policyCommand({ terminal, orExit, leave }));

const demoConfig = packageFile('deploy/demo/iprevd.yaml');
program
  .command('demo')
  .description('run a complete example on this machine and play eight clients through it; npm start does this')
  .option('-c, --config <file>', 'another configuration of the same shape', demoConfig)
  .option('--folder <path>', 'where messages and the log go', 'var')
  .action(async ({ config, folder }: { config: string; folder: string }) => {
    await mkdir(folder, { recursive: true });
    // The policy is the visitor's own from the first start on: to be edited on the page, or with an editor.
    const own = join(resolve(folder), 'policy.yaml');
    const isShipped = config === demoConfig;
    if (isShipped)
      await copyFile(packageFile('policies/demo.yaml'), own, constants.COPYFILE_EXCL).catch(ignoreExisting);
    const tokenFile = join(resolve(folder), 'console.token');
    const loaded = orExit(await loadConfig(config, { tokenFile, ...(isShipped ? { policy: own } : {}) }));
    const doors = orExit(demoDoors(loaded, config));
    const log = makeLog(loaded.config.log?.level ?? 'info', join(folder, 'iprevd.log'));
    const report = logDecision(log);
    const running = await demo(terminal, {
      loaded,
      doors,
      configFile: shown(config),
      folder,
      tokenFile,
      start: (seen) =>
        startService(loaded, log, (decision, ms) => {
          seen(decision);
          report(decision, ms);
        }),
      ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}),
    });
    await ended();
    await running.stop();
  });

await run();

async function run(): Promise<void> {
  const verbs = program.commands.flatMap((command) => [command, ...command.commands]);
  for (const command of [program, ...verbs]) command.exitOverride();
  try {
    process.exitCode = exit.ok;
    await program.parseAsync();
  } catch (error) {
    process.exitCode = codeOf(error);
  }
  // Lookups that nobody waits for any more must not keep a finished command alive.
  process.stdout.write('', () => process.exit());
}

/** Says what went wrong, if nobody has yet, and returns how to exit. */
function codeOf(error: unknown): number {
  if (error instanceof Mistakes) return error.exitCode;
  if (error instanceof CommanderError) {
    const printed = error.code.startsWith('commander.');
    if (!printed) terminal.err(`iprevd: ${error.message}\n`);
    return error.exitCode === 0 ? exit.ok : exit.usage;
  }
  if (error instanceof ListenError || error instanceof ConsoleError) {
    terminal.err(`iprevd: ${error.message}\n`);
    return error.exitCode;
  }
  terminal.err(
    `iprevd: this should not have happened, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return exit.bug;
}

/** The value, or all its problems on standard error, a line each, and the end with this code. */
function orExit<T>(checked: Checked<T>, code: number = exit.config): T {
  if (checked.ok) return checked.value;
  for (const problem of checked.problems) terminal.err(`${printProblem(problem)}\n`);
  throw new Mistakes(code);
}

/** The name of the signal that asks us to stop. */
function ended(): Promise<string> {
  return new Promise((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => done(signal));
  });
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function shown(path: string): string {
  const here = `${process.cwd()}/`;
  return resolve(path).startsWith(here) ? resolve(path).slice(here.length) : path;
}
