// What the benchmarks in a namespace cannot do without, and getting it when that is asked for (--install): programs with
// apt-get, and each peer in its own way. Without a peer they run, and say that it is missing.

import { hasHaraka, installHaraka } from '../peers/haraka.mjs';
import { installPackages } from './debian.mjs';
import { whereIs } from './processes.mjs';

/** Debian's packages: programs that come with them, and what else they need. */
const packages = {
  postfix: { programs: ['postfix', 'smtp-source', 'smtp-sink'] },
  unbound: { programs: ['unbound'] },
  gcc: { programs: ['cc'], with: ['libc6-dev'] },
};

/** `needs`: packages; `peers`: each has has() and install(). */
export const smtpNeeds = { needs: ['postfix', 'unbound'], peers: [{ has: hasHaraka, install: installHaraka }] };

/** Ends the program with 69 and a sentence if something is missing. Throws if it cannot be installed. */
export function provide({ install }, { needs, peers }) {
  const missing = () =>
    needs.filter((name) => packages[name].programs.some((program) => whereIs(program) === undefined));
  if (install && missing().length > 0)
    installPackages(missing().flatMap((name) => [name, ...(packages[name].with ?? [])]));
  if (install) for (const peer of peers) if (!peer.has()) peer.install();
  if (missing().length === 0) return;
  const names = missing().join(' ');
  process.stderr.write(`This benchmark needs ${names}: apt install ${names}, or --install.\n`);
  process.exit(69);
}
