// Programs that a test runs: started in the foreground, known ready, and ended with the test, each by its own handle.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whereIs } from './programs.ts';

export const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** The streams, each alone. */
  readonly out: () => string;
  readonly err: () => string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Where the test is root's: as a user who may read nothing of its own. What has mode 0 is out of reach then in any case. */
  readonly asNobody?: true;
}

const nobody = 65_534;

/** `program`: a name to look up, or "node". Output of both streams is kept. */
export function start(program: string, args: readonly string[], options: StartOptions = {}): Running {
  const path = program === 'node' ? process.execPath : whereIs(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  const user = options.asNobody && process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd ?? projectFolder, ...user });
  let [output, out, err] = ['', '', ''];
  child.stdout.on('data', (chunk) => {
    output += chunk;
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
    err += chunk;
  });
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return {
    child,
    output: () => output,
    out: () => out,
    err: () => err,
    ended,
    stop: (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

/** Runs to the end. */
export async function run(
  program: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<{ code: number | string; output: string }> {
  const running = start(program, args, options);
  const code = await running.ended;
  return { code, output: running.output() };
}

/** The same, with the two streams kept apart. */
export async function runApart(
  program: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<{ code: number | string; out: string; err: string }> {
  const running = start(program, args, options);
  const code = await running.ended;
  return { code, out: running.out(), err: running.err() };
}

/** Polls for at most 10 s; throws with what it was waiting for. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`still waiting after 10 s: ${what}`);
}

export function listensOn(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true));
    socket.on('connect', () => socket.destroy());
    socket.on('error', () => resolve(false));
  });
}

/**
 * A TCP port that nobody has at the moment, and that no client will be given before it is listened on: those come from 32768 on
 * (Linux), and under load one of them is soon the port that was free a second ago.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < 100; i++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port among a hundred');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A folder that any user of the machine may enter, since some programs give up root. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'iprevd-test-'));
  chmodSync(path, 0o777);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
