// `iprevd serve` and `iprevd demo`: the verbs that run until they are told to end. Whatever keeps them from starting is a Problem or a
// ListenError, which cli.ts prints.

import { constants } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { Checked } from './core/problem.ts';
import { demo, demoDoors } from './demo/demo.ts';
import { loadConfig } from './load.ts';
import { type LogLevel, logDecision, makeLog } from './log.ts';
import { startService } from './main.ts';
import type { Terminal } from './terminal.ts';

export interface ServeCommandParts {
  readonly terminal: Terminal;
  /** The value, or its problems on standard error and the end of the command. */
  readonly orExit: <T>(checked: Checked<T>) => T;
}

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];
const packageFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export function serveCommands(parts: ServeCommandParts): readonly Command[] {
  return [serveCommand(parts), demoCommand(parts)];
}

function serveCommand({ orExit }: ServeCommandParts): Command {
  return new Command('serve')
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
      const starting = startService(loaded, log, logDecision(log));
      // Heard from the first moment on: a signal that comes while the doors open waits for them, and does not end the process.
      process.on('SIGHUP', () => void starting.then((service) => service.reload()).catch(() => {}));
      const asked = ended();
      const service = await starting;
      const signal = await asked;
      log.info({ signal }, 'stopping');
      await service.stop();
      log.info('stopped');
    });
}

const demoConfig = packageFile('deploy/demo/iprevd.yaml');

function demoCommand({ terminal, orExit }: ServeCommandParts): Command {
  return new Command('demo')
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
