// policyd-weight as it comes: its DNS lists, its scores for HELO and reverse DNS, its own cache, a process for each few
// connections. Not as it comes are only where its files are and where it listens; it asks the system's resolver, which is
// our unbound: no address is in any list. Unpacked, not installed: no service starts.

import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mayUseUnpacked, unpacked, unpackPackages } from '../support/debian.mjs';
import { launch, listening, whereIs } from '../support/processes.mjs';
import { perlFolders } from './postfwd.mjs';

const program = unpacked('usr/sbin/policyd-weight');
const nobody = 65_534;

export const policydWeight = {
  missing: 'policyd-weight is not installed: --install gets it with apt-get, into a temporary folder.',
  has: () => existsSync(program) && mayUseUnpacked(),
  install: () =>
    unpackPackages([
      'policyd-weight',
      'libnet-dns-perl',
      'libnet-ip-perl',
      'libio-socket-inet6-perl',
      'libsocket6-perl',
    ]),
};

export async function startPolicydWeight({ folder, name, listen }) {
  const place = join(folder, name);
  mkdirSync(place);
  chownSync(place, nobody, nobody);
  const file = join(place, 'policyd-weight.conf');
  writeFileSync(
    file,
    `$USER = 'nobody';
$GROUP = 'nogroup';
$LOCKPATH = '${place}/run/';
$SPATH = '${place}/run/polw.sock';
$PIDFILE = '${place}/pid';
$BIND_ADDRESS = '${listen.host}';
$TCP_PORT = ${listen.port};
$syslog_socktype = 'udp';
1;
`,
  );
  const args = [...perlFolders.flatMap((path) => ['-I', path]), program, '-f', file, '-D', 'start'];
  const running = launch(whereIs('perl'), args, { log: join(folder, `${name}.log`) });
  await listening(name, running, listen);
  return { pid: running.pid, close: running.close };
}
