// The DNS of the SMTP benchmarks: a real unbound on port 53 of the namespace that answers from its own data. 198.18.0.0/16
// are clients that have one PTR record and the address record that confirms it; 198.19.0.0/16 have none (NXDOMAIN).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFloorClient } from '../floors/dns-client.mjs';
import { launch, whereIs } from './processes.mjs';
import { unboundConfiguration } from './unbound.mjs';

/** Haraka wants names under a registered top-level domain; example.com is one that nobody has. */
export const clientName = (ip) => `mx-${ip.split('.').slice(2).join('-')}.example.com`;

export const dnsServer = '127.0.0.1:53';

/**
 * `clients`: IPv4 addresses of 198.18.0.0/16. `elsewhere`: "refuse" every other name, or "static", NXDOMAIN. Throws if unbound
 * does not come up.
 */
export async function startDns(folder, clients, elsewhere = 'refuse') {
  const file = join(folder, 'unbound.conf');
  const known = clients.map((ip) => ({ ip, reverse: reverse(ip), name: clientName(ip) }));
  writeFileSync(file, unboundConfiguration(folder, 53, [...zones, `"." ${elsewhere}`], known));
  const running = launch(whereIs('unbound'), ['-d', '-c', file], { log: join(folder, 'unbound.log') });
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(50)) {
    if (running.ended()) break;
    const client = makeFloorClient(53);
    const records = await Promise.race([client.ptr(reverse(clients[0])).catch(() => []), sleep(200, [])]);
    client.close();
    if (records[0] === clientName(clients[0])) return running;
  }
  throw new Error(`unbound does not answer. It said:\n${running.said()}`);
}

const zones = ['"18.198.in-addr.arpa." static', '"19.198.in-addr.arpa." static', '"example.com." static'];

function reverse(ip) {
  return `${ip.split('.').reverse().join('.')}.in-addr.arpa`;
}
