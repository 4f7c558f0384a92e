// A real OpenSMTPD of our own, in a root folder of its own since Debian does not install it beside Postfix: it listens
// as a recipe of deploy/ says, relays for local clients as the configuration that comes with it does, and delivers to a
// mail server of the test. Needs root.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listensOn, start, until } from './processes.ts';
import { makeRoot } from './programs.ts';
import type { RealMailServer, RealMailServerParts } from './real-postfix.ts';

export async function openRealOpensmtpd({ folder, deliverTo, recipe }: RealMailServerParts): Promise<RealMailServer> {
  const port = await freePort();
  const root = join(folder, 'opensmtpd');
  const { path } = makeRoot({
    folder: root,
    program: 'smtpd',
    users: ['opensmtpd', 'opensmtpq'],
    files: {
      'etc/mailname': 'opensmtpd.test.example\n',
      'etc/smtpd.conf': `${recipe.replaceAll('10025', String(port))}
action "onward" relay host "smtp://${deliverTo}"
match from any for domain "test.example" action "onward"
match from local for any action "onward"
`,
    },
  });
  for (const name of ['var/lib/opensmtpd/empty', 'var/run', 'var/spool'])
    mkdirSync(join(root, name), { recursive: true });
  const running = start('chroot', [root, path, '-d', '-v']);
  try {
    await until('OpenSMTPD listens', () => listensOn(port));
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  const close = async (): Promise<void> => {
    await running.stop();
  };
  return { port, log: running.output, close };
}
