// `iprevd top` and `iprevd trace`: the verbs that ask the running service, through its console. Exit codes beside those of cli.ts:
// 69 no service answers, or it ends meanwhile; 77 its socket or token is out of reach, or the token is another.

import { Command, Option } from 'commander';
import { argument } from './cli-check.ts';
import { top } from './commands/top.ts';
import { trace } from './commands/trace.ts';
import { consoleClient } from './console/client.ts';
import { type Cidr, type Ip, isIpv4, parseCidr, parseIp } from './core/ip.ts';
import type { Checked } from './core/problem.ts';
import { loadConsole } from './load.ts';
import type { Terminal } from './terminal.ts';

export interface LiveCommandParts {
  readonly terminal: Terminal;
  /** Lines of the terminal; undefined where there is none. */
  readonly rows: () => number | undefined;
  /** The value, or its problems on standard error and the end of the command. */
  readonly orExit: <T>(checked: Checked<T>) => T;
}

const refreshMs = 2_000;

const exitCodes = `
Exit codes: 0 done, or Ctrl-C, 69 nobody listens, the service has ended, or
there is no token file yet, 77 socket or token may not be used, or the token is
another, 78 a configuration or token file with mistakes.`;

export function liveCommands(parts: LiveCommandParts): readonly Command[] {
  return [topCommand(parts), traceCommand(parts)];
}

function topCommand({ terminal, rows, orExit }: LiveCommandParts): Command {
  return new Command('top')
    .description('what the running service does: actions, rules, clients, DNS; wants "console" in the configuration')
    .addOption(configOption())
    .option('--once', 'print it once')
    .option('--json', 'print JSON, a line each time')
    .addHelpText('after', exitCodes)
    .action(async ({ config, once, json }: { config: string; once?: true; json?: true }) => {
      await top(terminal, {
        console: await consoleClient(orExit(await loadConsole(config))),
        json: json === true,
        once: once === true || (terminal.outIsTerminal !== true && json !== true),
        everyMs: refreshMs,
        rows,
        signal: interrupted(),
      });
    });
}

function traceCommand({ terminal, orExit }: LiveCommandParts): Command {
  return new Command('trace')
    .description('each decision about a client as it comes, explained like check; wants "console" in the configuration')
    .addOption(configOption())
    .option('--client <address|range>', 'only these clients', argument(rangeOf, 'an address or a range'))
    .option('--json', 'print JSON, a line for each')
    .addHelpText(
      'after',
      `
Examples:
  iprevd trace --client 192.0.2.7
  iprevd trace --client 2001:db8::/32 --json | jq .verdict.rule
${exitCodes}`,
    )
    .action(async ({ config, client, json }: { config: string; client?: Cidr; json?: true }) => {
      const console = await consoleClient(orExit(await loadConsole(config)));
      await trace(terminal, { console, client, json: json === true, signal: interrupted() });
    });
}

function configOption(): Option {
  return new Option('-c, --config <file>', 'the configuration of the service')
    .env('IPREVD_CONFIG')
    .default('/etc/iprevd/iprevd.yaml');
}

function rangeOf(text: string): Cidr | undefined {
  const ip: Ip | undefined = parseIp(text);
  return ip === undefined ? parseCidr(text) : { base: ip, bits: isIpv4(ip) ? 32 : 128 };
}

/** Ctrl-C is how these end, and no failure. */
function interrupted(): AbortSignal {
  const over = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort());
  return over.signal;
}
