// A milter in C that does nothing (libmilter.c), against Debian's libmilter: the floor of bench/milter.mjs. The library is
// unpacked, not installed; where libmilter-dev is installed anyway, that one is taken.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mayUseUnpacked, unpacked, unpackPackages } from '../support/debian.mjs';
import { launch, listening, run, whereIs } from '../support/processes.mjs';

const source = fileURLToPath(new URL('libmilter.c', import.meta.url));
const header = 'usr/include/libmilter/mfapi.h';
const hasUnpacked = () => existsSync(unpacked(header)) && mayUseUnpacked();

export const libmilter = {
  missing: 'libmilter is not installed: --install gets it with apt-get, into a temporary folder.',
  has: () => existsSync(`/${header}`) || hasUnpacked(),
  install: () => unpackPackages(['libmilter-dev']),
};

export async function startFilter({ folder, name, listen }) {
  const program = join(folder, 'libmilter');
  const include = hasUnpacked() ? ['-I', unpacked('usr/include')] : [];
  const library = hasUnpacked() ? ['-L', unpacked('usr/lib/x86_64-linux-gnu')] : [];
  await run(whereIs('cc'), ['-O2', '-o', program, ...include, source, ...library, '-l:libmilter.a', '-pthread']);
  const running = launch(program, [listen.path], { log: join(folder, `${name}.log`) });
  await listening(name, running, listen);
  return { pid: running.pid, close: running.close };
}
