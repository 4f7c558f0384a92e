// postfwd1 as Debian's package starts it, with a rule that does what the policies of iprevd are about: who has no reverse DNS
// is refused. It looks nothing up, it believes Postfix; with its request cache (the options of Debian's /etc/default) and
// without. One process, as postfwd1 comes. Unpacked, not installed: no service starts.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mayUseUnpacked, unpacked, unpackPackages } from '../support/debian.mjs';
import { listening, run, whereIs } from '../support/processes.mjs';

const program = unpacked('usr/sbin/postfwd1');
const cacheOptions = ['--cache=600', '--cache-rdomain-only', '--cache-no-size'];

export const postfwd = {
  missing: 'postfwd is not installed: --install gets it with apt-get, into a temporary folder.',
  has: () => existsSync(program) && mayUseUnpacked() && whereIs('perl') !== undefined,
  install: () => unpackPackages(['postfwd', 'libnet-server-perl', 'libio-multiplex-perl', 'libnet-dns-perl']),
};

/** Where Perl finds what was unpacked: a program under -T takes no PERL5LIB. */
export const perlFolders = ['usr/share/perl5', 'usr/lib/x86_64-linux-gnu/perl5/5.36'].map(unpacked);

export async function startPostfwd({ folder, name, listen, cached }) {
  const pidFile = join(folder, `${name}.pid`);
  const args = [
    ...['-T', ...perlFolders.flatMap((path) => ['-I', path]), program],
    ...['--daemon', `--interface=${listen.host}`, `--port=${listen.port}`, '--socktype=udp', `--pidfile=${pidFile}`],
    ...['--user=nobody', '--group=nogroup', '--summary=600', ...(cached ? cacheOptions : [])],
    '--rule=id=NOPTR; reverse_client_name==unknown; action=550 5.7.25 no reverse DNS',
  ];
  // It comes back once it has gone to the background.
  await run(whereIs('perl'), args);
  await listening(name, { ended: () => false, said: () => '' }, listen);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return { pid, close: async () => process.kill(pid) };
}
