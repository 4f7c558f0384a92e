#!/usr/bin/env node
// The command `iprevd`: words on the command line to one of the verbs, and the verb's outcome to an exit code of
// sysexits.h. With main.ts, the only place that knows the process it runs in. Only the file of the verb that was asked for is
// loaded, since reading all of them takes longer than many a verb.

import { Command, CommanderError } from 'commander';
import { ConsoleError } from './console/client.ts';
import { type Checked, printProblem } from './core/problem.ts';
import { ListenError } from './listen.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

const exit = { ok: 0, usage: 64, unavailable: 69, bug: 70, config: 78 } as const;

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

Exit codes: 0 done, 1 policy test, diff, audit, lookup or backtest found
something, 64 wrong usage, 65 a list with mistakes, 66 nothing there to read,
69 a port or service is not available, 70 a bug of ours, 75 an audit that could
not tell, 77 no permission, or a wrong token, 78 a file with mistakes.`,
  );

const leave = (code: number): void => {
  process.exitCode = code;
};
const parts = { terminal, orExit, leave, rows: () => process.stdout.rows };

/** In the order of the help. */
const files: readonly { readonly verbs: readonly string[]; readonly commands: () => Promise<readonly Command[]> }[] = [
  { verbs: ['serve', 'demo'], commands: async () => (await import('./cli-serve.ts')).serveCommands(parts) },
  { verbs: ['check', 'audit', 'remedy'], commands: async () => (await import('./cli-check.ts')).checkCommands(parts) },
  { verbs: ['classify'], commands: async () => [(await import('./cli-classify.ts')).classifyCommand(parts)] },
  { verbs: ['lookup'], commands: async () => [(await import('./cli-lookup.ts')).lookupCommand(parts)] },
  { verbs: ['backtest'], commands: async () => [(await import('./cli-backtest.ts')).backtestCommand(parts)] },
  { verbs: ['report'], commands: async () => [(await import('./cli-report.ts')).reportCommand(parts)] },
  { verbs: ['top', 'trace'], commands: async () => (await import('./cli-live.ts')).liveCommands(parts) },
  { verbs: ['policy'], commands: async () => [(await import('./cli-policy.ts')).policyCommand(parts)] },
];

await run();

async function run(): Promise<void> {
  const [verb = ''] = process.argv.slice(2);
  const asked = files.filter(({ verbs }) => verbs.includes(verb));
  const asksVersion = verb === '-V' || verb === '--version';
  // Help and "did you mean" want to know all of them.
  for (const { commands } of asked.length > 0 || asksVersion ? asked : files)
    for (const command of await commands()) program.addCommand(command);
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
