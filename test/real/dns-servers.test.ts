// Our stub resolver and the DNS servers of the world: each has the same two networks and one domain, is asked the same few
// things, and must lead to the same results. Where one of them says something else, that stands beside it, with the reason.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dnsTimeoutDefaultMs } from '../../src/config.ts';
import { reverseName } from '../../src/core/ip.ts';
import { type IprevReason, type IprevResult, iprev } from '../../src/core/iprev.ts';
import { cached } from '../../src/dns/cache.ts';
import { type StubResolver, stubResolver } from '../../src/dns/stub.ts';
import { gatherer } from '../../src/gather.ts';
import { evidenceOf, ipOf } from '../support/evidence.ts';
import { temporaryFolder } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import {
  askRaw,
  openDnsmasq,
  openKnot,
  openNamed,
  openNamedResolver,
  openNsd,
  openUnbound,
  type RealDnsServer,
  type Resolving,
  soa,
  type Zones,
} from '../support/real-dns-servers.ts';

/** So many names do not fit in one packet. */
const crowd = Array.from({ length: 50 }, (_, i) => `name-number-${i}.of-a-very-crowded-host.example`);

const zones: Zones = {
  '2.0.192.in-addr.arpa': `${soa}
2 IN PTR mail.good.example.
4 IN PTR mail.elsewhere.example.
5 IN PTR old.gone.example.
6 IN PTR six.example.
8 IN CNAME 8.0-15.customer.example.
9 IN TXT "a name without PTR"
${crowd.map((name) => `11 IN PTR ${name}.`).join('\n')}
12 IN PTR alias.example.
`,
  '8.b.d.0.1.0.0.2.ip6.arpa': `${soa}${reverseName(ipOf('2001:db8::7'))}. IN PTR six.example.\n`,
  example: `${soa}
ns IN A 127.0.0.1
mail.good IN A 192.0.2.2
mail.elsewhere IN A 192.0.2.44
8.0-15.customer IN PTR mail.customer.example.
mail.customer IN A 192.0.2.8
*.of-a-very-crowded-host IN A 192.0.2.44
alias IN CNAME host.example.
host IN A 192.0.2.12
six IN AAAA 2001:db8::7
`,
};

/** The same for dnsmasq, which has options and no zones. */
const dnsmasqOptions = [
  // Without these it refuses what it does not know, having nobody to ask.
  ...Object.keys(zones).map((zone) => `local=/${zone}/`),
  'host-record=mail.good.example,192.0.2.2', // the PTR record too
  'host-record=six.example,2001:db8::7',
  'ptr-record=4.2.0.192.in-addr.arpa,mail.elsewhere.example',
  'address=/mail.elsewhere.example/192.0.2.44',
  'ptr-record=5.2.0.192.in-addr.arpa,old.gone.example',
  'ptr-record=6.2.0.192.in-addr.arpa,six.example',
  'cname=8.2.0.192.in-addr.arpa,8.0-15.customer.example',
  'ptr-record=8.0-15.customer.example,mail.customer.example',
  'host-record=mail.customer.example,192.0.2.8',
  'txt-record=9.2.0.192.in-addr.arpa,a name without PTR',
  ...crowd.map((name) => `ptr-record=11.2.0.192.in-addr.arpa,${name}`),
  'address=/of-a-very-crowded-host.example/192.0.2.44',
  'ptr-record=12.2.0.192.in-addr.arpa,alias.example',
  'cname=alias.example,host.example',
  'host-record=host.example,192.0.2.12',
];

type Found = readonly [result: IprevResult, reason: IprevReason];

const facts: readonly (readonly [what: string, ip: string, ...Found])[] = [
  ['a name that leads back', '192.0.2.2', 'pass', 'confirmed'],
  ['a name that leads back, in IPv6', '2001:db8::7', 'pass', 'confirmed'],
  ['a name that is an alias', '192.0.2.12', 'pass', 'confirmed'],
  ['an alias into another zone, RFC 2317', '192.0.2.8', 'pass', 'confirmed'],
  ['NXDOMAIN', '192.0.2.3', 'permerror', 'no-ptr'],
  ['NXDOMAIN in IPv6', '2001:db8::3', 'permerror', 'no-ptr'],
  ['NODATA', '192.0.2.9', 'permerror', 'ptr-empty'],
  ['fifty names, which no packet holds', '192.0.2.11', 'permerror', 'too-many-names'],
  ['NXDOMAIN of the name', '192.0.2.5', 'fail', 'stale'],
  ['NODATA of the name, and an address in IPv6', '192.0.2.6', 'fail', 'other-family'],
  ["a name with somebody else's address", '192.0.2.4', 'fail', 'mismatch'],
  ['a zone that the server does not have', '198.51.100.1', 'temperror', 'ptr-refused'],
];

interface Kind {
  readonly name: string;
  readonly programs: readonly string[];
  readonly open: (folder: string) => Promise<RealDnsServer>;
  /** What it finds instead, by address. */
  readonly instead?: Readonly<Record<string, Found>>;
}

/** A resolver, with NSD behind it. */
const beforeNsd =
  (openResolver: (folder: string, resolving: Resolving) => Promise<RealDnsServer>) =>
  async (folder: string): Promise<RealDnsServer> => {
    const nsd = await openNsd(folder, zones);
    try {
      const stubs = Object.keys(zones).map((zone) => [zone, nsd.server.port] as const);
      const resolver = await openResolver(folder, { stubs, known: 'example' });
      return { ...resolver, close: () => resolver.close().then(() => nsd.close()) };
    } catch (error) {
      await nsd.close();
      throw error;
    }
  };

/** It answers from one zone only, and the rest is for a resolver to ask: the alias comes alone. */
const oneZoneOnly: Kind['instead'] = { '192.0.2.8': ['temperror', 'ptr-servfail'] };
/** It would ask the world, and cannot. */
const nobodyToAsk: Kind['instead'] = { '198.51.100.1': ['temperror', 'ptr-servfail'] };

const kinds: readonly Kind[] = [
  { name: 'NSD', programs: ['nsd'], open: (folder) => openNsd(folder, zones) },
  { name: 'Knot', programs: ['knotd'], open: (folder) => openKnot(folder, zones), instead: oneZoneOnly },
  { name: 'BIND', programs: ['named'], open: (folder) => openNamed(folder, zones), instead: oneZoneOnly },
  {
    name: 'dnsmasq',
    programs: ['dnsmasq'],
    open: (folder) => openDnsmasq(folder, dnsmasqOptions, 'mail.good.example'),
  },
  { name: 'unbound, a resolver,', programs: ['unbound', 'nsd'], open: beforeNsd(openUnbound), instead: nobodyToAsk },
  { name: 'BIND, a resolver,', programs: ['named', 'nsd'], open: beforeNsd(openNamedResolver), instead: nobodyToAsk },
];

for (const { name, programs, open, instead = {} } of kinds) {
  describeWith(programs, `${name} is asked`, () => {
    const folder = temporaryFolder();
    let server: RealDnsServer;
    let stub: StubResolver;

    beforeAll(async () => {
      server = await open(folder.path);
      stub = stubResolver(() => [server.server], dnsTimeoutDefaultMs);
    });
    afterAll(async () => {
      stub.close();
      await server.close();
      folder.remove();
    });

    const rows = facts.map(([what, ip, ...found]) => [what, ip, ...(instead[ip] ?? found)] as const);
    test.each(rows)('%s: %s is %s, %s', async (_, ip, result, reason) => {
      const answers = await gatherer(cached(stub), dnsTimeoutDefaultMs)(ipOf(ip));
      expect(iprev({ ...evidenceOf({ ip, ptr: 'nodata' }), ...answers })).toMatchObject({ result, reason });
    });

    test('what no packet holds is cut over UDP and whole over TCP', async () => {
      const many = '11.2.0.192.in-addr.arpa';
      expect(await askRaw(server.server, many, 'PTR')).toMatchObject({ rcode: 0, isCut: true });
      const answer = await stub.lookup(many, 'PTR');
      expect(answer.kind === 'records' ? [...answer.records].sort() : answer).toEqual([...crowd].sort());
    });

    test('the letter case of a question comes back as it was, so that UDP will do', async () => {
      for (const asked of ['MaIl.gOOd.eXAMPLe', 'nO.SUCh.nAMe.EXampLE']) {
        expect(await askRaw(server.server, asked, 'A')).toMatchObject({ name: asked });
      }
    });
  });
}
