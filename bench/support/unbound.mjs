// A real unbound on a free port of 127.0.0.1 that answers from its own data: so many clients in 10.1.0.0/16, each with one
// PTR record and the address record that confirms it. Nothing is resolved further, so what is measured is the way there
// and back. Undefined if unbound is not installed. Throws, with what unbound said, if it does not come up. The child and its
// folder go with close(), or with this process if it ends first.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFloorClient } from '../floors/dns-client.mjs';
import { whereIs } from './processes.mjs';

const startMs = 10_000;
const stopMs = 5_000;

/** `clientCount` is 1 to 65536. */
export async function startUnbound(clientCount = 5_000) {
  const program = whereIs('unbound');
  if (program === undefined) return undefined;
  const clients = Array.from({ length: clientCount }, (_, i) => ({
    ip: `10.1.${i >> 8}.${i & 255}`,
    reverse: `${i & 255}.${i >> 8}.1.10.in-addr.arpa`,
    name: `host-${i}.mail.example`,
  }));
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bench-unbound-'));
  const file = join(folder, 'unbound.conf');
  writeFileSync(file, unboundConfiguration(folder, port, zones, clients));

  const child = spawn(program, ['-d', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said = (said + text).slice(-2_000);
  });
  const end = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

  if (!(await answers(child, port, clients[0]))) {
    end();
    throw new Error(`unbound does not answer on 127.0.0.1:${port}. It said:\n${said}`);
  }
  return {
    port,
    pid: child.pid,
    clients,
    async close() {
      child.kill('SIGTERM');
      await Promise.race([exited, sleep(stopMs, undefined, { ref: false })]);
      end();
      process.off('exit', end);
    },
  };
}

/**
 * unbound.conf for 127.0.0.1: `zones` are lines for its local-zone, `clients` have a reverse name and a name. It knows these and
 * asks nobody.
 */
export function unboundConfiguration(folder, port, zones, clients) {
  const data = clients.flatMap(({ ip, reverse, name }) => [
    `  local-data: "${reverse}. 3600 IN PTR ${name}."`,
    `  local-data: "${name}. 3600 IN A ${ip}"`,
  ]);
  // so-rcvbuf: 500 questions at once are more than the usual buffer of 208 KB holds; the kernel would drop some, whoever asks.
  return `server:
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "${folder}"
  pidfile: ""
  interface: 127.0.0.1@${port}
  num-threads: 1
  so-rcvbuf: 4m
  module-config: "iterator"
  do-not-query-localhost: no
  unblock-lan-zones: yes
  insecure-lan-zones: yes
${zones.map((zone) => `  local-zone: ${zone}`).join('\n')}
${data.join('\n')}
remote-control:
  control-enable: no
`;
}

const zones = ['"1.10.in-addr.arpa." static', '"mail.example." static'];

/** Whether the child answers for this client before the time is up. */
async function answers(child, port, { reverse, name }) {
  for (const deadline = performance.now() + startMs; performance.now() < deadline; await sleep(100)) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    // A new socket each time: what was sent before unbound listened is lost.
    const floor = makeFloorClient(port);
    const records = await Promise.race([floor.ptr(reverse).catch(() => []), sleep(200, [])]);
    floor.close();
    if (records[0] === name) return true;
  }
  return false;
}

/** Free for TCP a moment ago; unbound takes the same number for both. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
