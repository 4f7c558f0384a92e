// A real Postfix of our own: its configuration, queue and log in the test's folder, one smtpd on loopback, everything
// that it takes delivered to a mail server of the test. Needs root, as Postfix itself does.

import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listensOn, run, until } from './processes.ts';

export interface RealMailServer {
  readonly port: number;
  /** Its log so far. */
  log(): string;
  close(): Promise<void>;
}

export interface RealMailServerParts {
  readonly folder: string;
  /** "127.0.0.1:2525": where mail for test.example goes. */
  readonly deliverTo: string;
  /** The text of a file of deploy/, whose server listens on 127.0.0.1, port 10025; a free port takes the place of that. */
  readonly recipe: string;
}

export interface RealPostfix extends RealMailServer {
  /** What "postfix check" finds wrong; '' for nothing. */
  check(): Promise<string>;
}

export interface RealPostfixParts extends Omit<RealMailServerParts, 'recipe'> {
  /** Lines of main.cf on top of the usual. */
  readonly main?: string;
  /** "  -o name=value" lines for its smtpd. */
  readonly smtpd?: string;
  /** In place of its smtpd and the lines for it. A smtpd in a chroot finds all it needs in the queue as it is. */
  readonly recipe?: string;
}

/** Debian's user and group for Postfix's daemons. */
async function idOf(user: string): Promise<number> {
  return Number((await run('id', ['-u', user])).output.trim());
}

export async function openRealPostfix({
  folder,
  deliverTo,
  main = '',
  smtpd = '',
  recipe = `127.0.0.1:10025 inet n - n - - smtpd\n${smtpd}`,
}: RealPostfixParts): Promise<RealPostfix> {
  const port = await freePort();
  const [host, deliverPort] = deliverTo.split(':');
  const place = (name: string): string => join(folder, 'postfix', name);
  for (const name of ['conf', 'queue', 'data']) mkdirSync(place(name), { recursive: true, mode: 0o755 });
  chownSync(place('data'), await idOf('postfix'), -1);
  writeFileSync(
    place('conf/main.cf'),
    `compatibility_level = 3.6
queue_directory = ${place('queue')}
data_directory = ${place('data')}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${place('mail.log')}
maillog_file_prefixes = ${folder}
myhostname = postfix.test.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
relay_domains = test.example
transport_maps = inline:{{test.example = smtp:[${host}]:${deliverPort}}}
smtp_host_lookup = native
smtpd_relay_restrictions = reject_unauth_destination
${main}
`,
  );
  const services = [
    'cleanup unix n - n - 0 cleanup',
    'rewrite unix - - n - - trivial-rewrite',
    'anvil unix - - n - 1 anvil',
  ];
  const bounces = ['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`);
  writeFileSync(
    place('conf/master.cf'),
    `${recipe.replaceAll('10025', String(port))}
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
${[...services, ...bounces].join('\n')}
`,
  );
  const postfix = (verb: string) => run('postfix', ['-c', place('conf'), verb]);
  const log = (): string => readFileSync(place('mail.log'), 'utf8');
  const started = await postfix('start');
  if (started.code !== 0) throw new Error(`postfix start: ${started.output}`);
  const close = async (): Promise<void> => {
    await postfix('stop');
  };
  try {
    await until('smtpd listens', () => listensOn(port));
  } catch (error) {
    await close();
    throw new Error(`${error}\n${log()}`);
  }
  return { port, log, close, check: async () => (await postfix('check')).output };
}
