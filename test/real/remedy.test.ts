// Remedies followed with real programs: the lines of a zone file are loaded by NSD and checked by BIND's named-checkzone, the
// commands are sent by nsupdate to a real BIND, and the client that asks unbound afterwards is confirmed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { dnsTimeoutDefaultMs } from '../../src/config.ts';
import { assess } from '../../src/core/findings.ts';
import { type Ip, isIpv4 } from '../../src/core/ip.ts';
import { iprev } from '../../src/core/iprev.ts';
import type { HostName } from '../../src/core/name.ts';
import { exampleOf, remedyReasons } from '../../src/core/remedy/example.ts';
import { reverseZone } from '../../src/core/remedy/record.ts';
import { type RemedyReason, remedies } from '../../src/core/remedy/remedy.ts';
import { stubResolver } from '../../src/dns/stub.ts';
import { gatherer } from '../../src/gather.ts';
import { evidenceOf, ipOf } from '../support/evidence.ts';
import { temporaryFolder } from '../support/processes.ts';
import { describeWith, whereIs } from '../support/programs.ts';
import { openNsd, openUnbound, openUpdatable, soa, type Zones } from '../support/real-dns-servers.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
function opened<T extends { close(): unknown }>(what: T): T {
  open.push(what);
  return what;
}
let count = 0;
const ownFolder = (): string => {
  const path = join(folder.path, String(count++));
  mkdirSync(path);
  return path;
};

const clients = [ipOf('192.0.2.7'), ipOf('2001:db8::7')];
const name = 'mail.sender.example' as HostName;
/** What stands in the DNS before, as the examples have it: reverse zone, and the zones of both names. */
const before = (ip: Ip): Zones => ({
  [reverseZone(ip)]: soa,
  'sender.example': `${soa}${name}. IN ${isIpv4(ip) ? 'A 192.0.2.44' : 'AAAA 2001:db8::44'}\n`,
  'example.org': soa,
  ...(isIpv4(ip) ? { '0-7.2.0.192.in-addr.arpa': soa } : {}),
});

/** Every way of every remedy that has records and is about the reverse DNS. */
const ways = clients.flatMap((ip) =>
  remedyReasons
    .filter((reason) => !reason.startsWith('helo-'))
    .flatMap((reason) =>
      waysOf(reason, ip).map((way, i) => ({ title: `${reason}, way ${i + 1}, ${ip}`, ip, reason, way })),
    ),
);

function waysOf(reason: RemedyReason, ip: Ip) {
  const evidence = exampleOf(reason, { ip, name });
  return remedies(evidence, assess(evidence)).find((remedy) => remedy.reason === reason)?.ways ?? [];
}

/** The PTR record that the example of this reason has; a zone file has the new one in its place. */
function claimOf(reason: RemedyReason, ip: Ip): readonly string[] {
  const { ptr } = exampleOf(reason, { ip, name });
  return ptr.kind === 'records' ? ptr.records : [];
}

async function resultBehind(ip: Ip, port: number, zones: Zones): Promise<string> {
  const stubs = Object.keys(zones).map((zone): [string, number] => [zone, port]);
  const unbound = opened(await openUnbound(ownFolder(), { stubs, known: 'example.org' }));
  const resolver = opened(stubResolver(() => [unbound.server], dnsTimeoutDefaultMs));
  const answers = await gatherer(resolver, dnsTimeoutDefaultMs)(ip);
  return iprev({ ...evidenceOf({ ip, ptr: 'nodata' }), ...answers }).result;
}

describeWith(['nsd', 'unbound', 'named-checkzone'], 'the lines of a zone file', () => {
  test.each(ways)('$title', async ({ ip, reason, way }) => {
    const zones: Record<string, string> = { ...before(ip) };
    const changesPtr = way.records.some(({ line }) => / PTR | CNAME /.test(line));
    const reverse = reverseZone(ip);
    if (!changesPtr)
      zones[reverse] += claimOf(reason, ip)
        .map((claim) => `${ptrOwner(ip)} IN PTR ${claim}.\n`)
        .join('');
    for (const { zone, line } of way.records) zones[zone] = `${zones[zone] ?? soa}${line}\n`;
    const own = ownFolder();
    for (const [zone, text] of Object.entries(zones)) {
      const file = join(own, 'checked');
      writeFileSync(file, `$TTL 300\n${text}`);
      const { status, stdout } = spawnSync(whereIs('named-checkzone') ?? '', ['-i', 'none', zone, file], {
        encoding: 'utf8',
      });
      expect([zone, stdout, status]).toEqual([zone, expect.stringContaining('OK'), 0]);
    }
    const nsd = opened(await openNsd(own, zones));
    expect(await resultBehind(ip, nsd.server.port, zones)).toBe('pass');
  });
});

describeWith(['named', 'nsupdate', 'unbound'], 'the commands for nsupdate', () => {
  test.each(ways)('$title', async ({ ip, reason, way }) => {
    const zones: Record<string, string> = { ...before(ip) };
    zones[reverseZone(ip)] += claimOf(reason, ip)
      .filter((claim) => /^[a-z0-9.-]+$/.test(claim))
      .map((claim) => `${ptrOwner(ip)} IN PTR ${claim}.\n`)
      .join('');
    const named = opened(await openUpdatable(ownFolder(), zones));
    const { port } = named.server;
    // The server is named because no delegation leads to it here; everything else is as it is printed.
    const input = [`server 127.0.0.1 ${port}`, ...way.nsupdate, ''].join('\n');
    const sent = spawnSync(whereIs('nsupdate') ?? '', ['-t', '10'], { input, encoding: 'utf8' });
    expect([sent.status, sent.stderr]).toEqual([0, '']);
    expect(await resultBehind(ip, port, zones)).toBe('pass');
  });
});

function ptrOwner(ip: Ip): string {
  return `${waysOf('ptr-invalid', ip)[0]?.records[0]?.line.split(' ')[0]}`;
}
