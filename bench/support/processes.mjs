// Programs that a benchmark runs and what they cost: started with their output in a file (a pipe would make this process
// read along), known ready, ended by their own handles; processor time and memory from /proc. Linux only. Throws with the
// end of the program's output when it does not come up.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const startMs = 15_000;
const stopMs = 5_000;
/** /proc counts in ticks of sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const shownOctets = 2_000;

/** The path of a program, also if it is one for administrators; undefined if it is not installed. */
export function whereIs(program) {
  return [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']
    .map((place) => join(place, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** `program` is a path. Its output goes to `log`. */
export function launch(program, args, { log, cwd, env = {} }) {
  const output = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', output, output], cwd, env: { ...process.env, ...env } });
  closeSync(output);
  const gone = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const ended = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  return {
    pid: child.pid,
    ended,
    said: () => readFileSync(log, 'utf8').slice(-shownOctets),
    async close() {
      if (ended()) return;
      child.kill('SIGTERM');
      await Promise.race([gone, sleep(stopMs, undefined, { ref: false })]);
      if (!ended()) child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Runs a program to its end; rejects, with what it said, unless that is 0. Returns its standard output. */
export async function run(program, args, { timeoutMs = 120_000 } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let out = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  const [code, signal] = await once(child, 'close');
  if (code === 0) return out;
  throw new Error(
    `${program} ${args.join(' ')} ended with ${code ?? signal}: ${`${complaints}${out}`.slice(-shownOctets)}`,
  );
}

/** Waits until somebody listens; throws when the program that should has ended, or after 15 s. */
export async function listening(name, running, place) {
  for (const deadline = performance.now() + startMs; performance.now() < deadline; await sleep(50)) {
    if (running.ended()) break;
    if (await accepts(place)) return;
  }
  throw new Error(`${name} does not listen on ${printPlace(place)}. It said:\n${running.said()}`);
}

/** "127.0.0.1:25", or the path of a UNIX socket. */
export function printPlace({ host, port, path }) {
  return path ?? `${host}:${port}`;
}

function accepts(place) {
  return new Promise((resolve) => {
    const socket = connect(place);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    // The greeting is waited for, so that no program is left with a client that it could not greet.
    socket.once('connect', () => setTimeout(() => socket.destroy(), 50));
  });
}

/** Seconds of processor time that a program and all its children have used so far, those that have ended included. */
export function cpuSeconds(pid) {
  const processes = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const stat = statOf(Number(name));
        return stat === undefined ? [] : [[Number(name), stat]];
      }),
  );
  const belongs = (one) => {
    for (let at = one; at > 0; at = processes.get(at)?.parent ?? 0) if (at === pid) return true;
    return false;
  };
  let ticks = 0;
  for (const [one, stat] of processes) if (belongs(one)) ticks += stat.ticks;
  return ticks / ticksPerSecond;
}

/** Fields as in proc(5): the parent, and utime, stime, cutime and cstime together. Undefined: it has ended. */
function statOf(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) };
}

/** In octets: what it holds now, and the most it held since the start or since forgetPeak. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { now: kilobytes('VmRSS') * 1_024, peak: kilobytes('VmHWM') * 1_024 };
}

/** proc(5), clear_refs: 5 sets the peak to what is held now. */
export function forgetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
