// A real Exim of our own, in a root folder of its own since Debian does not install it beside Postfix: it listens as a
// recipe of deploy/ says, relays for loopback as Debian's Exim does, and delivers to a mail server of the test. Needs
// root.

import { chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listensOn, start, until } from './processes.ts';
import { makeRoot } from './programs.ts';
import type { RealMailServer, RealMailServerParts } from './real-postfix.ts';

export async function openRealExim({ folder, deliverTo, recipe }: RealMailServerParts): Promise<RealMailServer> {
  const port = await freePort();
  const root = join(folder, 'exim');
  const { path, userIds } = makeRoot({
    folder: root,
    program: 'exim4',
    users: ['Debian-exim'],
    files: { 'etc/exim4/exim4.conf': configuration(recipe.replaceAll('10025', String(port)), deliverTo) },
  });
  for (const name of ['var/log/exim4', 'var/spool/exim4', 'var/spool/exim4/input']) {
    mkdirSync(join(root, name), { recursive: true });
    chownSync(join(root, name), userIds[0] ?? 0, -1);
  }
  const log = (): string => readFileSync(join(root, 'var/log/exim4/mainlog'), 'utf8');
  const running = start('chroot', [root, path, '-bdf']);
  try {
    await until('Exim listens', () => listensOn(port));
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  const close = async (): Promise<void> => {
    await running.stop();
    // Deliveries are processes of their own, and go on.
    await until('the queue is empty', () => readdirSync(join(root, 'var/spool/exim4/input')).length === 0);
  };
  return { port, log, close };
}

function configuration(recipe: string, deliverTo: string): string {
  return `${recipe}
primary_hostname = exim.test.example
hostlist relay_from_hosts = 127.0.0.1 : ::1
domainlist relay_to_domains = test.example
keep_environment =
tls_advertise_hosts =
message_size_limit = 10M
acl_smtp_rcpt = recipient

begin acl
recipient:
  accept hosts = +relay_from_hosts
  accept domains = +relay_to_domains
  deny message = relay not permitted

begin routers
onward:
  driver = manualroute
  route_list = * ${deliverTo.replace(':', '::')} byname
  self = send
  transport = onward

begin transports
onward:
  driver = smtp
`;
}
