// Which CPU the benchmark and the server that it asks run on. Left to itself the scheduler has them now on one CPU and now
// on two, and with one question at a time that alone makes a factor of six: waking the other CPU costs more than all the
// work. "apart" is one CPU each, "together" one for both, "none" leaves it to the scheduler; so does every system that has
// no taskset or too few CPUs, and `place` says so then.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export const places = ['apart', 'together', 'none'];

/** Pins this process, its main thread only; `serverCpu` is where to start the server, undefined for anywhere. */
export function pin(wanted) {
  const none = { place: 'none', serverCpu: undefined };
  if (wanted === 'none' || process.platform !== 'linux') return none;
  const [own, other] = allowedCpus();
  const serverCpu = wanted === 'together' ? own : other;
  if (own === undefined || serverCpu === undefined) return none;
  const { status } = spawnSync('taskset', ['-pc', `${own}`, `${process.pid}`], { stdio: 'ignore' });
  return status === 0 ? { place: wanted, serverCpu } : none;
}

function allowedCpus() {
  const [, list = ''] = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
