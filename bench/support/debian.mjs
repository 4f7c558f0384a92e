// Debian's packages for benchmarks: installed where they are harmless, or only unpacked into a folder of ours, so that none of
// their services starts and nothing on the machine is replaced. Throws, with what apt-get said, if it cannot be done.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isOurs, makeOurs, ownFolder } from './own-folder.mjs';

const folder = ownFolder('iprevd-bench-debian');

/** Where a file of an unpacked package is ("usr/sbin/postfwd1"), whether it is there or not. */
export function unpacked(path) {
  return join(folder, path);
}

export function mayUseUnpacked() {
  return isOurs(folder);
}

export function installPackages(names) {
  run('apt-get', ['update']);
  run('apt-get', ['install', '--yes', '--no-install-recommends', ...names]);
}

export function unpackPackages(names) {
  makeOurs(folder);
  run('apt-get', ['update']);
  run('apt-get', ['download', ...names], folder);
  const got = names.map((name) => readdirSync(folder).find((file) => file.startsWith(`${name}_`)));
  for (const file of got) run('dpkg', ['-x', join(folder, file), folder]);
}

function run(program, args, cwd) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stderr } = spawnSync(program, args, { env, cwd, encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${stderr}`);
}
