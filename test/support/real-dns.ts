// A real DNS on loopback: NSD has the zones, unbound resolves them, and one part of the reverse tree leads to a server
// that is not there. Loopback addresses are the clients, so that a real SMTP client can come from each.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listensOn, type Running, start, until } from './processes.ts';

const soa = '@ 3600 IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ IN NS ns.example.\n';

/** What each client's address says about it. */
export const reverseZone = `${soa}
2 IN PTR mail.good.example.
4 IN PTR mail.elsewhere.example.
5 IN PTR old.gone.example.
6 IN PTR 127-0-0-6.dyn.isp.example.
8 IN CNAME 8.0-15.customer.example.
9 IN TXT "a name without PTR"
10 IN PTR mail.half.example.
${Array.from({ length: 12 }, (_, i) => `11 IN PTR name-number-${i}.of-a-very-crowded-host.many.example.`).join('\n')}
`;

const exampleZone = `${soa}
ns IN A 127.0.0.1
mail.good IN A 127.0.0.2
mail.elsewhere IN A 192.0.2.44
127-0-0-6.dyn.isp IN A 127.0.0.6
8.0-15.customer IN PTR other.customer.example.
8.0-15.customer IN PTR mail.customer.example.
other.customer IN A 192.0.2.8
mail.customer IN CNAME host.customer.example.
host.customer IN A 127.0.0.8
six IN AAAA ::1
*.many IN A 192.0.2.11
`;

export interface RealDns {
  /** unbound, which resolves. */
  readonly resolver: string;
  /** NSD, which only knows its zones and refuses the rest. */
  readonly authority: string;
  close(): Promise<void>;
}

export async function openRealDns(folder: string): Promise<RealDns> {
  const [nsdPort, unboundPort, deadPort] = [await freePort(), await freePort(), await freePort()];
  const six = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa';
  const zones = { '0.0.127.in-addr.arpa': reverseZone, example: exampleZone, [six]: `${soa}@ IN PTR six.example.\n` };
  const zoneLines = Object.entries(zones).map(([name, text]) => {
    writeFileSync(join(folder, `${name}.zone`), `$ORIGIN ${name}.\n$TTL 300\n${text}`);
    return `zone:\n  name: "${name}"\n  zonefile: "${name}.zone"\n`;
  });
  writeFileSync(
    join(folder, 'nsd.conf'),
    `server:
  ip-address: 127.0.0.1@${nsdPort}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  server-count: 1
  minimal-responses: yes
remote-control:
  control-enable: no
${zoneLines.join('')}`,
  );
  const stubs: [string, number][] = [
    ...Object.keys(zones).map((name): [string, number] => [name, nsdPort]),
    ['7.0.0.127.in-addr.arpa', deadPort],
    ['half.example', deadPort],
  ];
  writeFileSync(
    join(folder, 'unbound.conf'),
    `server:
  interface: 127.0.0.1@${unboundPort}
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "${folder}"
  pidfile: ""
  do-not-query-localhost: no
  module-config: "iterator"
  outbound-msg-retry: 2
  unblock-lan-zones: yes
  insecure-lan-zones: yes
  local-zone: "127.in-addr.arpa." nodefault
  local-zone: "${six}." nodefault
remote-control:
  control-enable: no
${stubs.map(([name, port]) => `stub-zone:\n  name: "${name}."\n  stub-addr: 127.0.0.1@${port}\n`).join('')}`,
  );
  const programs: Running[] = [
    start('nsd', ['-d', '-c', join(folder, 'nsd.conf')]),
    start('unbound', ['-d', '-c', join(folder, 'unbound.conf')]),
  ];
  const close = async (): Promise<void> => {
    for (const program of programs) await program.stop();
  };
  try {
    await until('nsd and unbound listen', async () => (await listensOn(nsdPort)) && (await listensOn(unboundPort)));
  } catch (error) {
    await close();
    throw new Error(`${error}\n${programs.map((program) => program.output()).join('\n')}`);
  }
  return { resolver: `127.0.0.1:${unboundPort}`, authority: `127.0.0.1:${nsdPort}`, close };
}
