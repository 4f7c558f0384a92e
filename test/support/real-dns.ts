// A real DNS on loopback: NSD has the zones, unbound resolves them, and some names lead to a server that is not there or
// that refuses. Loopback addresses are the clients, so that a real SMTP client can come from each; a few in 2001:db8::/32
// stand for what ::1 alone cannot show. With `dnssec` some zones are signed, well or badly, and unbound validates.

import { reverseName } from '../../src/core/ip.ts';
import { ipOf } from './evidence.ts';
import { freeDnsPort, openNsd, openUnbound, type RealDnsServer, soa } from './real-dns-servers.ts';
import { type SignedZone, signZone } from './real-dnssec.ts';

/** So many lines, each made of its number. */
const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
/** Names are tried in the order of the alphabet: a is the first, j the tenth. */
const letter = (i: number): string => String.fromCharCode(0x61 + i);
/** stem1 to stem2 and so on, to the last, which is no alias. */
const aliases = (stem: string, last: number): string =>
  times(last - 1, (i) => `${stem}${i + 1} IN CNAME ${stem}${i + 2}`);

/** 253 characters, as many as a name may have. */
const longestName = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(53)}.example`;

/** What each client's address says about it. */
const reverseZone = `${soa}
2 IN PTR mail.good.example.
4 IN PTR mail.elsewhere.example.
5 IN PTR old.gone.example.
6 IN PTR 127-0-0-6.dyn.isp.example.
8 IN CNAME 8.0-15.customer.example.
9 IN TXT "a name without PTR"
10 IN PTR mail.half.example.
${times(12, (i) => `11 IN PTR name-number-${i}.of-a-very-crowded-host.many.example.`)}
12 IN PTR 127.0.0.12.
13 IN PTR .
14 IN PTR localhost.
15 IN PTR line\\010break.example.
16 IN PTR one\\.label.example.
17 IN PTR caf\\195\\169.example.
18 IN PTR 127.0.0.18.
18 IN PTR mail.beside.example.
19 IN PTR mail_19.example.
20 IN PTR MAIL.Loud.EXAMPLE.
21 IN PTR ${longestName}.
22 IN PTR six.example.
23 IN PTR only-text.example.
24 IN PTR old.gone.example.
24 IN PTR mail.elsewhere.example.
25 IN PTR mail.lame.example.net.
25 IN PTR mail.whole.example.
26 IN PTR mail.elsewhere.example.
26 IN PTR mail.lame.example.net.
${times(12, (i) => `27 IN PTR n${letter(i)}.tenth.example.`)}
${times(12, (i) => `28 IN PTR n${letter(i)}.eleventh.example.`)}
29 IN PTR mail.lame.example.net.
${times(11, (i) => `29 IN PTR n${i}.many.example.`)}
${times(50, (i) => `30 IN PTR name-number-${i}.of-a-very-crowded-host.many.example.`)}
31 IN PTR mail.crowd.example.
${times(50, (i) => `31 IN PTR name-number-${i}.of-a-very-crowded-host.many.example.`)}
32 IN PTR farm.example.
33 IN CNAME nothing.customer.example.
34 IN CNAME only-text.example.
35 IN CNAME a.loop.example.
36 IN CNAME eight1.example.
37 IN CNAME nine1.example.
38 IN PTR a.loop.example.
39 IN CNAME 39.32-47
50 IN PTR brief.example.
51 IN PTR mail.elsewhere.test.
52 IN PTR mail.tampered.example.
`;

/** RFC 2317: a part of the network above that its user keeps. */
const classlessZone = `${soa}39 IN PTR mail.classless.example.\n`;

/** A whole network under another name (RFC 6672). */
const renamedZone = `${soa}@ IN DNAME network.customer.example.\n`;

const nibblesOf = (ip: string): string => `${reverseName(ipOf(ip))}.`;
const sixZone = `${soa}
${nibblesOf('2001:db8::7')} IN PTR six.example.
${nibblesOf('2001:db8::7')} IN PTR mail.six.example.
${nibblesOf('2001:db8::4')} IN PTR mail.good.example.
${nibblesOf('2001:db8::5')} IN PTR six.example.
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
mail.beside IN A 127.0.0.18
mail_19 IN A 127.0.0.19
mail.loud IN A 127.0.0.20
${longestName}. IN A 127.0.0.21
only-text IN TXT "a name without addresses"
mail.whole IN A 127.0.0.25
${times(12, (i) => `n${letter(i)}.tenth IN A ${i === 9 ? '127.0.0.27' : '192.0.2.27'}`)}
${times(12, (i) => `n${letter(i)}.eleventh IN A ${i === 10 ? '127.0.0.28' : '192.0.2.28'}`)}
mail.crowd IN A 127.0.0.31
${times(120, (i) => `farm IN A 192.0.2.${i + 1}`)}
farm IN A 127.0.0.32
a.loop IN CNAME b.loop
b.loop IN CNAME a.loop
${aliases('eight', 8)}
eight8 IN PTR mail.aliases.example.
${aliases('nine', 9)}
nine9 IN PTR mail.aliases.example.
mail.aliases IN A 127.0.0.36
mail.aliases IN A 127.0.0.37
mail.classless IN A 127.0.0.39
5.network.customer IN PTR mail.renamed.example.
mail.renamed IN A 127.0.1.5
mail.six IN AAAA 2001:db8::7
brief 0 IN A 127.0.0.50
`;

const zones = {
  '0.0.127.in-addr.arpa': reverseZone,
  '32-47.0.0.127.in-addr.arpa': classlessZone,
  '1.0.127.in-addr.arpa': renamedZone,
  [reverseName(ipOf('::1'))]: `${soa}@ IN PTR six.example.\n`,
  '8.b.d.0.1.0.0.2.ip6.arpa': sixZone,
  example: exampleZone,
};

export interface RealDns {
  /** unbound, which resolves. */
  readonly resolver: string;
  /** NSD, which only knows its zones and refuses the rest. */
  readonly authority: string;
  readonly unbound: RealDnsServer;
  readonly nsd: RealDnsServer;
  close(): Promise<void>;
}

/** `dnssec` wants the programs of real-dnssec.ts. */
export async function openRealDns(folder: string, { dnssec = false } = {}): Promise<RealDns> {
  const signed = dnssec ? await signedZones(folder) : {};
  const all = { ...zones, ...Object.fromEntries(Object.entries(signed).map(([name, { text }]) => [name, text])) };
  const nsd = await openNsd(folder, all);
  try {
    const deadPort = await freeDnsPort();
    const unbound = await openUnbound(folder, {
      stubs: [
        ...Object.keys(all).map((name): [string, number] => [name, nsd.server.port]),
        ['7.0.0.127.in-addr.arpa', deadPort],
        ['half.example', deadPort],
        ['lame.example.net', nsd.server.port], // which does not have it
      ],
      known: 'example',
      trustAnchors: Object.values(signed).map(({ trustAnchor }) => trustAnchor),
    });
    return {
      resolver: `127.0.0.1:${unbound.server.port}`,
      authority: `127.0.0.1:${nsd.server.port}`,
      unbound,
      nsd,
      close: async () => {
        await Promise.all([unbound.close(), nsd.close()]);
      },
    };
  } catch (error) {
    await nsd.close();
    throw error;
  }
}

/** Zones of their own below the others, so that a bad one takes nobody else with it. */
async function signedZones(folder: string): Promise<Readonly<Record<string, SignedZone>>> {
  const sign = (name: string, records: string, when?: 'long ago') => signZone(folder, name, `${soa}${records}\n`, when);
  const tamper = ({ text, trustAnchor }: SignedZone, from: string, to: string): SignedZone => {
    if (text.split(from).length !== 2) throw new Error(`not once in the zone: ${from}`);
    return { text: text.replace(from, to), trustAnchor };
  };
  const unsigned = `${soa}@ IN PTR mail.signed.example.\n`;
  const [well, names, changed, changedNames, old, not] = await Promise.all([
    sign('40.0.0.127.in-addr.arpa', '@ IN PTR mail.signed.example.'),
    sign('signed.example', 'mail IN A 127.0.0.40'),
    sign('41.0.0.127.in-addr.arpa', '@ IN PTR mail.honest.example.'),
    sign('tampered.example', 'mail IN A 127.0.0.53'),
    sign('42.0.0.127.in-addr.arpa', '@ IN PTR mail.signed.example.', 'long ago'),
    sign('43.0.0.127.in-addr.arpa', '@ IN PTR mail.signed.example.'),
  ]);
  return {
    '40.0.0.127.in-addr.arpa': well,
    'signed.example': names,
    '41.0.0.127.in-addr.arpa': tamper(changed, 'mail.honest.example.', 'mail.signed.example.'),
    'tampered.example': tamper(changedNames, '127.0.0.53', '127.0.0.52'),
    '42.0.0.127.in-addr.arpa': old,
    '43.0.0.127.in-addr.arpa': { ...not, text: unsigned },
  };
}
