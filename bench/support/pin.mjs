// Which CPU the benchmark and the server that it asks run on. Left to itself the scheduler has them now on one CPU and now
// on two, and with one question at a time that alone makes a factor of four: waking the other CPU costs more than all the
// work. "apart" is one CPU each, "together" one for both, "none" leaves it to the scheduler; so does every system that has
// no taskset or too few CPUs.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export const places = ['apart', 'together', 'none'];

/** Moves this process (its main thread) and the server; returns the place that it came to. "none" undoes what was done. */
export function pin(place, serverPid) {
  if (process.platform !== 'linux') return 'none';
  cpus ??= allowedCpus();
  if (place === 'none') {
    for (const pid of [process.pid, serverPid]) moved(pid, cpus.join());
    return 'none';
  }
  const [own, other] = cpus;
  const server = place === 'together' ? own : other;
  if (own === undefined || server === undefined) return 'none';
  return moved(process.pid, own) && moved(serverPid, server) ? place : 'none';
}

/** As they were before anything was moved. */
let cpus;

function moved(pid, cpu) {
  return spawnSync('taskset', ['-pc', `${cpu}`, `${pid}`], { stdio: 'ignore' }).status === 0;
}

function allowedCpus() {
  const [, list = ''] = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
