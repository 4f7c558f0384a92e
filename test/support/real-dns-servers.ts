// Real DNS servers on loopback, each with a configuration of its own in a temporary folder: NSD, Knot and BIND answer from
// their zones, dnsmasq from its options, unbound and BIND resolve from whoever has the zones. A server is known to be ready
// when it answers a question; one that never does throws with what it printed. None of them ever asks a server of the world.

import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { decode, encode, type RecordType } from 'dns-packet';
import { reverseName } from '../../src/core/ip.ts';
import { ednsOctets } from '../../src/core/limits.ts';
import type { Server } from '../../src/dns/resolver.ts';
import { ipOf } from './evidence.ts';
import { type Running, start, until } from './processes.ts';

/** Name of a zone, without final dot → its records as a master file has them (RFC 1035 s5), with its SOA. */
export type Zones = Readonly<Record<string, string>>;

export interface RealDnsServer {
  readonly server: Server;
  readonly running: Running;
  close(): Promise<void>;
}

/** The head of a zone: everything below it has names relative to the zone, and a TTL of five minutes. */
export const soa = '@ 3600 IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ IN NS ns.example.\n';

export async function openNsd(folder: string, zones: Zones): Promise<RealDnsServer> {
  const port = await freeDnsPort();
  writeZones(folder, zones);
  const zoneLines = Object.keys(zones).map((name) => `zone:\n  name: "${name}"\n  zonefile: "${name}.zone"\n`);
  writeFileSync(
    join(folder, 'nsd.conf'),
    `server:
  ip-address: 127.0.0.1@${port}
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
  return ready(start('nsd', ['-d', '-c', join(folder, 'nsd.conf')]), port, zones);
}

export async function openKnot(folder: string, zones: Zones): Promise<RealDnsServer> {
  const port = await freeDnsPort();
  writeZones(folder, zones);
  // A run directory per server; 108 octets is all that the path of its control socket may have.
  mkdirSync(join(folder, 'knot'), { recursive: true });
  const zoneLines = Object.keys(zones).map((name) => `  - domain: "${name}."\n    file: "${name}.zone"\n`);
  writeFileSync(
    join(folder, 'knot.conf'),
    `server:
  listen: 127.0.0.1@${port}
  rundir: "${folder}/knot"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${folder}/knot"
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: "${folder}"
    zonefile-sync: -1
    journal-content: none
zone:
${zoneLines.join('')}`,
  );
  return ready(start('knotd', ['-c', join(folder, 'knot.conf')]), port, zones);
}

/** BIND, which has the zones, and resolves nothing else. */
export async function openNamed(folder: string, zones: Zones): Promise<RealDnsServer> {
  writeZones(folder, zones);
  const zoneLines = Object.keys(zones).map((name) => `zone "${name}" { type primary; file "${name}.zone"; };`);
  return openBind(folder, ['recursion no;'], zoneLines, Object.keys(zones));
}

/** BIND whose zones this machine may change (RFC 2136). */
export async function openUpdatable(folder: string, zones: Zones): Promise<RealDnsServer> {
  writeZones(folder, zones);
  const zoneLines = Object.keys(zones).map(
    (name) => `zone "${name}" { type primary; file "${name}.zone"; allow-update { 127.0.0.1; }; };`,
  );
  return openBind(folder, ['recursion no;'], zoneLines, Object.keys(zones));
}

/** BIND as a resolver that asks others. */
export async function openNamedResolver(folder: string, { stubs, known }: Resolving): Promise<RealDnsServer> {
  const options = [
    'recursion yes;',
    // It has zones of its own for loopback and the networks of examples.
    'empty-zones-enable no;',
    // What is in no zone below goes to nobody.
    'forward only;',
    `forwarders { 127.0.0.1 port ${await freeDnsPort()}; };`,
    'query-source address 127.0.0.1;',
  ];
  const zoneLines = stubs.map(
    ([zone, port]) => `zone "${zone}" { type forward; forward only; forwarders { 127.0.0.1 port ${port}; }; };`,
  );
  return openBind(folder, options, zoneLines, [known]);
}

async function openBind(
  folder: string,
  options: readonly string[],
  zoneLines: readonly string[],
  known: readonly string[],
): Promise<RealDnsServer> {
  const port = await freeDnsPort();
  writeFileSync(
    join(folder, 'named.conf'),
    `options {
  directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  managed-keys-directory "${folder}";
  notify no;
  dnssec-validation no;
${options.map((line) => `  ${line}\n`).join('')}};
controls { };
${zoneLines.join('\n')}
`,
  );
  const questions = known.map((name): [string, RecordType] => [name, 'SOA']);
  return readyWith(start('named', ['-g', '-n', '1', '-c', join(folder, 'named.conf')]), port, questions);
}

/** `options` as its configuration file has them. It answers from these and from nothing else; `known` is a name it has. */
export async function openDnsmasq(folder: string, options: readonly string[], known: string): Promise<RealDnsServer> {
  const port = await freeDnsPort();
  const lines = [
    `port=${port}`,
    'listen-address=127.0.0.1',
    'bind-interfaces',
    'no-resolv',
    'no-hosts',
    'log-facility=-',
    'pid-file=',
    // It would give up root for a user that a machine need not have.
    ...(process.getuid?.() === 0 ? ['user=root'] : []),
    ...options,
  ];
  const file = join(folder, 'dnsmasq.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return readyWith(start('dnsmasq', ['--keep-in-foreground', `--conf-file=${file}`]), port, [[known, 'A']]);
}

/** Zones that unbound answers itself unless told otherwise: loopback and the networks of examples, as it spells them. */
const ownZones = ['127.in-addr.arpa', '2.0.192.in-addr.arpa', reverseName(ipOf('::1')), '8.b.d.0.1.0.0.2.ip6.arpa'];

/** What a resolver resolves from. */
export interface Resolving {
  /** Who is asked about which zone, by port on 127.0.0.1; everything else is SERVFAIL. */
  readonly stubs: readonly (readonly [zone: string, port: number])[];
  /** A zone that can be resolved, to know when it is ready. */
  readonly known: string;
}

export interface UnboundParts extends Resolving {
  /** Files with the DS records of zones that must be signed; absent: nothing is validated. */
  readonly trustAnchors?: readonly string[];
}

export async function openUnbound(
  folder: string,
  { stubs, known, trustAnchors = [] }: UnboundParts,
): Promise<RealDnsServer> {
  const port = await freeDnsPort();
  const validating = trustAnchors.length > 0;
  const lines = [
    ...(validating ? ['module-config: "validator iterator"', 'ede: yes'] : ['module-config: "iterator"']),
    ...trustAnchors.map((file) => `trust-anchor-file: "${file}"`),
    ...ownZones.map((zone) => `local-zone: "${zone}." nodefault`),
  ];
  writeFileSync(
    join(folder, 'unbound.conf'),
    `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "${folder}"
  pidfile: ""
  do-not-query-localhost: no
  do-ip6: no
  # From there no packet gets anywhere but to this machine.
  outgoing-interface: 127.0.0.1
  outbound-msg-retry: 2
  unblock-lan-zones: yes
  insecure-lan-zones: yes
  rrset-roundrobin: no
${lines.map((line) => `  ${line}\n`).join('')}remote-control:
  control-enable: no
${stubs.map(([zone, at]) => `stub-zone:\n  name: "${zone}."\n  stub-addr: 127.0.0.1@${at}\n`).join('')}`,
  );
  return readyWith(start('unbound', ['-d', '-c', join(folder, 'unbound.conf')]), port, [[known, 'SOA']]);
}

/** What the head of a reply says. */
export interface RawReply {
  /** 0 is NOERROR. */
  readonly rcode: number;
  /** TC: there is more than fits. */
  readonly isCut: boolean;
  /** The question as it came back. */
  readonly name: string | undefined;
}

/**
 * What a server says to one question over UDP, read by somebody else's codec; undefined if it says nothing. The question
 * goes out as it is, letter case and all, and leaves as much room for the answer as ours do.
 */
export function askRaw({ ip, port }: Server, name: string, type: RecordType): Promise<RawReply | undefined> {
  const query = encode({
    type: 'query',
    id: 1 + Math.floor(Math.random() * 65_535),
    flags: 0x0100,
    questions: [{ name, type }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: ednsOctets,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (reply: RawReply | undefined) => {
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const timer = setTimeout(() => finish(undefined), 2_000);
    socket.once('error', () => finish(undefined));
    socket.once('message', (octets) => {
      const { flags = 0, flag_tc: isCut, questions = [] } = decode(octets);
      finish({ rcode: flags & 15, isCut, name: questions[0]?.name });
    });
    socket.connect(port, ip, () => socket.send(query));
  });
}

/** A port of 127.0.0.1 that nobody has at the moment, neither for UDP nor for TCP. */
export async function freeDnsPort(): Promise<number> {
  for (;;) {
    const tcp = createServer();
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4');
    const isFree = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise<void>((resolve) => udp.close(resolve));
    await new Promise((resolve) => tcp.close(resolve));
    if (isFree) return port;
  }
}

function writeZones(folder: string, zones: Zones): void {
  for (const [name, text] of Object.entries(zones)) {
    writeFileSync(join(folder, `${name}.zone`), `$ORIGIN ${name}.\n$TTL 300\n${text}`);
  }
}

function ready(running: Running, port: number, zones: Zones): Promise<RealDnsServer> {
  return readyWith(
    running,
    port,
    Object.keys(zones).map((name): [string, RecordType] => [name, 'SOA']),
  );
}

async function readyWith(
  running: Running,
  port: number,
  questions: readonly (readonly [string, RecordType])[],
): Promise<RealDnsServer> {
  const server: Server = { ip: ipOf('127.0.0.1'), port };
  let hasEnded = false;
  void running.ended.finally(() => {
    hasEnded = true;
  });
  try {
    for (const [name, type] of questions) {
      await until(`${running.child.spawnfile} answers about ${name}`, async () => {
        if (hasEnded) throw new Error(`${running.child.spawnfile} has ended`);
        return (await askRaw(server, name, type))?.rcode === 0;
      });
    }
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  return {
    server,
    running,
    close: async () => {
      await running.stop();
    },
  };
}
