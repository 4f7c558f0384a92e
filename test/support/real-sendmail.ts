// A real Sendmail of our own, in a root folder of its own since Debian does not install it beside Postfix: its configuration
// is made from a recipe of deploy/ by Sendmail's own m4 files. It takes mail for test.example on loopback, delivers it to a
// mail server of the test, and asks no DNS. Needs root.

import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { freePort, listensOn, run, start, until } from './processes.ts';
import { makeRoot, whereIs } from './programs.ts';
import type { RealMailServer, RealMailServerParts } from './real-postfix.ts';

/** "sendmail" alone would be Postfix's. */
export const sendmail = 'libexec/sendmail/sendmail';

export interface RealSendmail extends RealMailServer {
  /** What mailq says of messages in quarantine. */
  quarantined(): Promise<string>;
}

export interface RealSendmailParts extends Omit<RealMailServerParts, 'recipe'> {
  /** Lines of sendmail.mc. */
  readonly recipe: string;
  /** Present: it offers STARTTLS, and asks clients for a certificate. */
  readonly tls?: Certificates;
}

export async function openRealSendmail({ folder, deliverTo, recipe, tls }: RealSendmailParts): Promise<RealSendmail> {
  const port = await freePort();
  const root = join(folder, 'sendmail');
  mkdirSync(root);
  const mc = join(folder, 'sendmail.mc');
  writeFileSync(mc, configuration(tls === undefined ? recipe : `${tlsOptions}${recipe}`, port, deliverTo));
  const made = await run('m4', [join(dirname(whereIs(sendmail) ?? ''), '../../share/sendmail/cf/m4/cf.m4'), mc]);
  if (made.code !== 0) throw new Error(`m4: ${made.output}`);
  const { path } = makeRoot({
    folder: root,
    program: sendmail,
    users: [],
    files: {
      'etc/mail/sendmail.cf': made.output,
      'etc/mail/service.switch': 'hosts files\n',
      'etc/mail/local-host-names': '',
      'etc/mail/aliases': '',
      'dev/null': '', // without it nothing is delivered
    },
  });
  if (tls !== undefined)
    for (const [name, file] of Object.entries({ ca: tls.ca, cert: tls.server.cert, key: tls.server.key })) {
      copyFileSync(file, join(root, 'etc/mail', name));
      chmodSync(join(root, 'etc/mail', name), 0o600);
    }
  const queue = join(root, 'var/spool/mqueue');
  for (const name of ['var/spool/mqueue', 'var/log', 'var/run', 'tmp'])
    mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
  const log = (): string => readFileSync(join(root, 'var/log/traffic'), 'latin1');
  const running = start('chroot', [root, path, '-bD', '-X', '/var/log/traffic']);
  try {
    await until('Sendmail listens', () => listensOn(port));
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  const close = async (): Promise<void> => {
    await running.stop();
    // Deliveries are processes of their own, and go on. What is in quarantine ("hf") stays.
    await until('the queue is empty', () => readdirSync(queue).every((file) => !file.startsWith('qf')));
  };
  const quarantined = async (): Promise<string> => (await run('chroot', [root, path, '-bp', '-qQ'])).output;
  return { port, log, close, quarantined };
}

const tlsOptions = `define(\`confCACERT_PATH', \`/etc/mail')dnl
define(\`confCACERT', \`/etc/mail/ca')dnl
define(\`confSERVER_CERT', \`/etc/mail/cert')dnl
define(\`confSERVER_KEY', \`/etc/mail/key')dnl
`;

function configuration(recipe: string, port: number, deliverTo: string): string {
  const [host, deliverPort] = deliverTo.split(':');
  return `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`sendmail.test.example')dnl
define(\`confSERVICE_SWITCH_FILE', \`/etc/mail/service.switch')dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl
define(\`confPID_FILE', \`/var/run/sendmail.pid')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`SMART_HOST', \`relay:[${host}]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${deliverPort}')dnl
RELAY_DOMAIN(\`test.example')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
DAEMON_OPTIONS(\`Family=inet6, Name=MTA6, Addr=::1, Port=${port}')dnl
${recipe}
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`;
}
