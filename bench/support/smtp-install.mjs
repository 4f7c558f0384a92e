// What the SMTP benchmarks cannot do without, and getting it when that is asked for (--install): Postfix and unbound with
// apt-get, Haraka with npm. Without Haraka they run, and say that it is missing.

import { spawnSync } from 'node:child_process';
import { hasHaraka, installHaraka } from '../peers/haraka.mjs';
import { whereIs } from './processes.mjs';

/** Debian's packages, and programs that come with them. */
const packages = { postfix: ['postfix', 'smtp-source', 'smtp-sink'], unbound: ['unbound'] };

/** Ends the program with 69 and a sentence if something is missing. Throws if it cannot be installed. */
export function provide({ install }) {
  if (install && missing().length > 0) apt(missing());
  if (install && !hasHaraka()) installHaraka();
  if (missing().length === 0) return;
  const names = missing().join(' ');
  process.stderr.write(`The SMTP benchmarks need ${names}: apt install ${names}, or --install.\n`);
  process.exit(69);
}

function missing() {
  return Object.keys(packages).filter((name) => packages[name].some((program) => whereIs(program) === undefined));
}

function apt(names) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...names]]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 300_000 });
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${stderr}`);
  }
}
