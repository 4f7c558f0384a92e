// iprevd as it is run: the command, a configuration, policy "standard" (no PTR record is refused at RCPT), its log in a file.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, listening } from './processes.mjs';
import { dnsServer } from './smtp-dns.mjs';

/**
 * `cli`: the built program; its bounds for each client are raised, since a few addresses stand for many. `node`: options for
 * Node itself. Throws if it does not come up.
 */
export async function startOurs({ folder, listen, backend, name, cli, node = [] }) {
  const place = join(folder, name);
  mkdirSync(place);
  const file = join(place, 'iprevd.yaml');
  // All sessions come from few addresses, which looks like a NAT in front; expect_private_clients says it is none.
  writeFileSync(
    file,
    `name: iprevd.example.org
doors:
  - kind: smtp
    listen: ${listen.host}:${listen.port}
    backend: ${backend.host}:${backend.port}
    expect_private_clients: true
    limits: { connections: 12000, per_address: 12000, per_network: 12000 }
dns: { servers: [${dnsServer}] }
policy: standard
`,
  );
  const running = launch(process.execPath, [...node, cli, 'serve', '--config', file], {
    log: join(folder, `${name}.log`),
    cwd: place,
  });
  await listening(name, running, listen);
  return { pid: running.pid, close: running.close };
}
