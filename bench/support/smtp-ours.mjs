// iprevd as it is run: the command, a configuration, policy "standard" (no PTR record is refused at RCPT), its log in a file.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, listening, printPlace } from './processes.mjs';
import { dnsServer } from './smtp-dns.mjs';

/**
 * `cli`: the built program; `kind`: that of its door, `backend` for one that is "smtp". `node`: options for Node itself. `more`: lines of
 * its configuration. Its log is in the folder, under its name. Throws if it does not come up.
 */
export async function startOurs({ folder, listen, kind = 'smtp', backend, name, cli, node = [], more = '' }) {
  const place = join(folder, name);
  mkdirSync(place);
  const file = join(place, 'iprevd.yaml');
  writeFileSync(
    file,
    `name: iprevd.example.org
doors:
  - kind: ${kind}
    listen: ${listen.path === undefined ? printPlace(listen) : `unix:${listen.path}`}
${kind === 'smtp' ? smtpSettings(backend) : ''}dns: { servers: [${dnsServer}] }
policy: standard
${more}`,
  );
  const running = launch(process.execPath, [...node, cli, 'serve', '--config', file], {
    log: join(folder, `${name}.log`),
    cwd: place,
  });
  await listening(name, running, listen);
  return { pid: running.pid, close: running.close };
}

/**
 * Its bounds for each client are raised, since a few addresses stand for many. All sessions come from them, which looks like a
 * NAT in front; expect_private_clients says it is none.
 */
function smtpSettings({ host, port }) {
  return `    backend: ${host}:${port}
    expect_private_clients: true
    limits: { connections: 12000, per_address: 12000, per_network: 12000 }
`;
}
