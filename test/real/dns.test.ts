// Every outcome of iprev, seen through the whole path from a question on the wire to a result with its reason: with real
// servers where these can be brought to it, and with servers that break the rules where an honest one never would.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { dnsTimeoutDefaultMs } from '../../src/config.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { type Iprev, type IprevReason, type IprevResult, iprev, iprevReasons } from '../../src/core/iprev.ts';
import { breaker } from '../../src/dns/breaker.ts';
import { cached } from '../../src/dns/cache.ts';
import type { Resolver, Server } from '../../src/dns/resolver.ts';
import { stubResolver } from '../../src/dns/stub.ts';
import { gatherer } from '../../src/gather.ts';
import { type Asked, type Behaviour, openDnsServer } from '../support/dns-server.ts';
import { evidenceOf, ipOf } from '../support/evidence.ts';
import { projectFolder, temporaryFolder } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRealDns, type RealDns } from '../support/real-dns.ts';
import { askRaw, freeDnsPort } from '../support/real-dns-servers.ts';
import { dnssecPrograms } from '../support/real-dnssec.ts';

/** For those who are never answered. */
const impatienceMs = 400;

interface Path {
  readonly resolver: Resolver;
  look(ip: string): Promise<{ readonly evidence: Evidence; readonly found: Iprev }>;
  close(): void;
}

/** Questions go the way they go in the service, see openResolver in main.ts. */
function openPath(servers: () => readonly Server[], timeoutMs = dnsTimeoutDefaultMs): Path {
  const stub = stubResolver(servers, timeoutMs);
  const resolver = cached(breaker(stub));
  const gather = gatherer(resolver, timeoutMs);
  return {
    resolver,
    look: async (ip) => {
      const evidence = { ...evidenceOf({ ip, ptr: 'nodata' }), ...(await gather(ipOf(ip))) };
      return { evidence, found: iprev(evidence) };
    },
    close: () => stub.close(),
  };
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
/** Closed when the test ends. */
function opened<T extends { close(): unknown }>(what: T): T {
  open.push(what);
  return what;
}

type Row = readonly [what: string, ip: string, result: IprevResult, reason: IprevReason];

const byUnbound: readonly Row[] = [
  ['a name that leads back', '127.0.0.2', 'pass', 'confirmed'],
  ['a name that leads back, of an address in IPv6', '::1', 'pass', 'confirmed'],
  ['the same address, written as IPv4 in IPv6', '::ffff:127.0.0.2', 'pass', 'confirmed'],
  ['the second of two names', '2001:db8::7', 'pass', 'confirmed'],
  ['a good name beside one that is no host name', '127.0.0.18', 'pass', 'confirmed'],
  ['a name with an underscore', '127.0.0.19', 'pass', 'confirmed'],
  ['a name in capitals', '127.0.0.20', 'pass', 'confirmed'],
  ['a name of 253 characters', '127.0.0.21', 'pass', 'confirmed'],
  ['a good name beside one whose server is lame', '127.0.0.25', 'pass', 'confirmed'],
  ['the tenth of twelve names', '127.0.0.27', 'pass', 'confirmed'],
  ['fifty-one names, which no packet holds', '127.0.0.31', 'pass', 'confirmed'],
  ['a name with 121 addresses, which no packet holds', '127.0.0.32', 'pass', 'confirmed'],
  ["an alias into a customer's zone, RFC 2317", '127.0.0.8', 'pass', 'confirmed'],
  ['an alias into a part of the network, RFC 2317', '127.0.0.39', 'pass', 'confirmed'],
  ['a network under another name, RFC 6672', '127.0.1.5', 'pass', 'confirmed'],
  ['eight aliases', '127.0.0.36', 'pass', 'confirmed'],
  ['zones that are signed', '127.0.0.40', 'pass', 'confirmed'],

  ["a name with somebody else's address", '127.0.0.4', 'fail', 'mismatch'],
  ["a name with somebody else's address in IPv6", '2001:db8::5', 'fail', 'mismatch'],
  ['one name gone, one elsewhere', '127.0.0.24', 'fail', 'mismatch'],
  ['IPv4, and a name with addresses in IPv6 alone', '127.0.0.22', 'fail', 'other-family'],
  ['IPv6, and a name with addresses in IPv4 alone', '2001:db8::4', 'fail', 'other-family'],
  ['a name that does not exist', '127.0.0.5', 'fail', 'stale'],
  ['a name without any address', '127.0.0.23', 'fail', 'stale'],

  ['no reverse name', '127.0.0.3', 'permerror', 'no-ptr'],
  ['no reverse name in IPv6', '2001:db8::3', 'permerror', 'no-ptr'],
  ['an alias that leads to nothing', '127.0.0.33', 'permerror', 'no-ptr'],
  ['a reverse name without PTR', '127.0.0.9', 'permerror', 'ptr-empty'],
  ['an alias to a name without PTR', '127.0.0.34', 'permerror', 'ptr-empty'],
  ['an address where a name should be', '127.0.0.12', 'permerror', 'ptr-invalid'],
  ['the root as a name', '127.0.0.13', 'permerror', 'ptr-invalid'],
  ['localhost as a name', '127.0.0.14', 'permerror', 'ptr-invalid'],
  ['a line feed in a label', '127.0.0.15', 'permerror', 'ptr-invalid'],
  ['a dot in a label', '127.0.0.16', 'permerror', 'ptr-invalid'],
  ['octets beyond ASCII in a label', '127.0.0.17', 'permerror', 'ptr-invalid'],
  ['twelve names, and all have other addresses', '127.0.0.11', 'permerror', 'too-many-names'],
  ['the eleventh of twelve names', '127.0.0.28', 'permerror', 'too-many-names'],
  ['fifty names, and all have other addresses', '127.0.0.30', 'permerror', 'too-many-names'],

  ['a reverse zone whose server is dead', '127.0.0.7', 'temperror', 'ptr-servfail'],
  ['aliases in a circle', '127.0.0.35', 'temperror', 'ptr-servfail'],
  ['nine aliases', '127.0.0.37', 'temperror', 'ptr-malformed'],
  ['a reverse zone that was changed after it was signed', '127.0.0.41', 'temperror', 'ptr-servfail'],
  ['a reverse zone with signatures of long ago', '127.0.0.42', 'temperror', 'ptr-servfail'],
  ['a reverse zone that should be signed and is not', '127.0.0.43', 'temperror', 'ptr-servfail'],
  ['a name whose server is dead', '127.0.0.10', 'temperror', 'forward-servfail'],
  ['a name elsewhere beside one whose server is lame', '127.0.0.26', 'temperror', 'forward-servfail'],
  ['twelve names, and the server of one is lame', '127.0.0.29', 'temperror', 'forward-servfail'],
  ['a name in a circle of aliases', '127.0.0.38', 'temperror', 'forward-servfail'],
  ['a name whose zone was changed after it was signed', '127.0.0.52', 'temperror', 'forward-servfail'],
];

type Somebody = 'unbound' | 'NSD' | 'a silent server' | 'nobody';

const byOthers: readonly (readonly [
  what: string,
  asked: readonly Somebody[],
  ip: string,
  result: IprevResult,
  reason: IprevReason,
])[] = [
  ['a zone that the server has', ['NSD'], '127.0.0.2', 'pass', 'confirmed'],
  ['a zone that the server does not have', ['NSD'], '198.51.100.1', 'temperror', 'ptr-refused'],
  ['a name in a zone that the server does not have', ['NSD'], '127.0.0.51', 'temperror', 'forward-refused'],
  ['silence', ['a silent server'], '127.0.0.2', 'temperror', 'ptr-timeout'],
  ['a port where nobody is', ['nobody'], '127.0.0.2', 'temperror', 'ptr-network'],
  ['nobody at the first address, a server at the second', ['nobody', 'unbound'], '127.0.0.2', 'pass', 'confirmed'],
];

const inAnOutage: readonly Row[] = [
  ['a client never seen', '127.0.0.2', 'temperror', 'ptr-outage'],
  ['a client whose PTR is still known', '127.0.0.50', 'temperror', 'forward-outage'],
];

describeWith(['nsd', 'unbound', ...dnssecPrograms], 'every outcome, seen with real servers', () => {
  const folder = temporaryFolder();
  let dns: RealDns;

  beforeAll(async () => {
    dns = await openRealDns(folder.path, { dnssec: true });
  });
  afterAll(async () => {
    await dns.close();
    folder.remove();
  });

  const somebody = async (who: Somebody): Promise<Server> => {
    if (who === 'unbound') return dns.unbound.server;
    if (who === 'NSD') return dns.nsd.server;
    if (who === 'nobody') return { ip: ipOf('127.0.0.1'), port: await freeDnsPort() };
    return opened(await openDnsServer(() => [])).server;
  };

  describe('unbound resolves from NSD', () => {
    let path: Path;
    beforeAll(() => {
      path = openPath(() => [dns.unbound.server]);
    });
    afterAll(() => path.close());

    test.each(byUnbound)('%s: %s is %s, %s', async (_, ip, result, reason) => {
      expect((await path.look(ip)).found).toMatchObject({ result, reason });
    });

    // The rows above would pass all the same if everything came in one packet.
    test.each([
      ['30.0.0.127.in-addr.arpa', 'PTR'],
      ['31.0.0.127.in-addr.arpa', 'PTR'],
      ['farm.example', 'A'],
    ] as const)('the records of %s are cut over UDP', async (name, type) => {
      expect(await askRaw(dns.unbound.server, name, type)).toMatchObject({ rcode: 0, isCut: true });
    });

    test('an answer that unbound validated is marked so in the evidence, another is not', async () => {
      const signed = await path.look('127.0.0.40');
      expect(signed.evidence.ptr).toMatchObject({ kind: 'records', ad: true });
      expect(signed.evidence.forward).toMatchObject([{ addresses: { kind: 'records', ad: true } }]);
      const plain = await path.look('127.0.0.2');
      expect(plain.evidence.ptr).not.toHaveProperty('ad');
      expect(plain.evidence.forward[0]?.addresses).not.toHaveProperty('ad');
    });

    // RFC 8914 s4: 6 DNSSEC Bogus, 7 Signature Expired, 9 DNSKEY Missing, 10 RRSIGs Missing. Asked again, unbound says 6.
    test.each([
      ['127.0.0.41', [6]],
      ['127.0.0.42', [6, 7, 9]],
      ['127.0.0.43', [6, 9, 10]],
    ])('the evidence keeps why unbound did not believe what it heard about %s: one of %j', async (ip, codes) => {
      expect(codes).toContain((await path.look(ip)).evidence.ptr.ede?.[0]?.code);
    });
  });

  describe('others are asked', () => {
    test.each(byOthers)('%s: asking %j, %s is %s, %s', async (_, asked, ip, result, reason) => {
      const servers = await Promise.all(asked.map(somebody));
      const other = opened(openPath(() => servers, reason.endsWith('-timeout') ? impatienceMs : dnsTimeoutDefaultMs));
      expect((await other.look(ip)).found).toMatchObject({ result, reason });
    });
  });

  describe('after twenty questions that nobody answered', () => {
    let inTrouble: Path;
    beforeAll(async () => {
      const nobody = await somebody('nobody');
      let servers = [dns.unbound.server];
      inTrouble = openPath(() => servers);
      // Its name has a TTL of zero, so that it must be asked about again and its PTR need not.
      expect((await inTrouble.look('127.0.0.50')).found).toMatchObject({ result: 'pass' });
      servers = [nobody];
      for (let i = 0; i < 20; i++) await inTrouble.resolver.lookup(`host.zone-${i}.example`, 'A');
    });
    afterAll(() => inTrouble.close());

    test.each(inAnOutage)('%s: %s is %s, %s', async (_, ip, result, reason) => {
      expect((await inTrouble.look(ip)).found).toMatchObject({ result, reason });
    });
  });
});

// From here on, what no honest server says: about one client, and the one name that its PTR claims.
const client = '192.0.2.7';
const somebodyElse = '192.0.2.8';

const ptr = (name: string, data = 'mx.example') => ({ name, type: 'PTR' as const, ttl: 60, data });
const a = (name: string, data: string) => ({ name, type: 'A' as const, ttl: 60, data });
/** What the rows below make truths and lies of, and what is said unless a row has something else to say. */
const claims = ({ name }: Asked): Packet => ({ answers: [ptr(name)] });
const confirms = ({ name }: Asked): Packet => ({ answers: [a(name, client)] });
const denies = ({ name }: Asked): Packet => ({ answers: [a(name, somebodyElse)] });
const honest = (asked: Asked): Packet =>
  asked.type === 'PTR' ? claims(asked) : asked.type === 'A' ? confirms(asked) : {};

/** `packet` as the response to a question, for what goes out in another form than an honest response. */
const octets = ({ id, name, type }: Asked, packet: Packet): Buffer =>
  encode({ type: 'response', id, flags: 0x0180, questions: [{ name, type: type as 'A' }], ...packet });
const cut: Packet = { flags: 0x0380 };
/** A chain of so many aliases, and what `last` says about its end. */
const aliased = (name: string, count: number, last: (end: string) => Answer): Packet => {
  const at = (i: number) => (i === 0 ? name : `alias-${i}.example`);
  const chain = Array.from({ length: count }, (_, i) => ({
    name: at(i),
    type: 'CNAME' as const,
    ttl: 60,
    data: at(i + 1),
  }));
  return { answers: [...chain, last(at(count))] };
};
const loop = ({ name }: Asked): Packet => ({
  answers: [
    { name, type: 'CNAME', ttl: 60, data: 'alias.example' },
    { name: 'alias.example', type: 'CNAME', ttl: 60, data: name },
  ],
});
/** The same name, with no letter in its case. */
const otherCase = (name: string): string =>
  name.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));

const byScript: readonly (readonly [
  what: string,
  says: { readonly PTR?: Behaviour; readonly A?: Behaviour },
  result: IprevResult,
  reason: IprevReason,
])[] = [
  ['nothing but the truth', {}, 'pass', 'confirmed'],
  [
    'a denial with another id, then the truth',
    { A: (asked) => [octets({ ...asked, id: asked.id ^ 1 }, denies(asked)), confirms(asked)] },
    'pass',
    'confirmed',
  ],
  [
    'a confirmation with another id, then the truth',
    { A: (asked) => [octets({ ...asked, id: asked.id ^ 1 }, confirms(asked)), denies(asked)] },
    'fail',
    'mismatch',
  ],
  [
    'a confirmation of another name, then the truth',
    { A: (asked) => [octets({ ...asked, name: `x${asked.name.slice(1)}` }, confirms(asked)), denies(asked)] },
    'fail',
    'mismatch',
  ],
  [
    'a confirmation in another letter case, and the truth over TCP',
    {
      A: (asked) =>
        asked.via === 'udp' ? [octets({ ...asked, name: otherCase(asked.name) }, confirms(asked))] : [denies(asked)],
    },
    'fail',
    'mismatch',
  ],
  [
    'a confirmation beside the PTR record that nobody asked for',
    {
      PTR: ({ name }) => [{ answers: [ptr(name), a('mx.example', client)], additionals: [a('mx.example', client)] }],
      A: (asked) => [denies(asked)],
    },
    'fail',
    'mismatch',
  ],
  [
    'the address of another name beside the own one',
    { A: ({ name }) => [{ answers: [a('other.example', client), a(name, somebodyElse)] }] },
    'fail',
    'mismatch',
  ],
  ['the address of another name alone', { A: () => [{ answers: [a('other.example', client)] }] }, 'fail', 'stale'],
  [
    'the PTR record of another address',
    { PTR: () => [{ answers: [ptr('8.2.0.192.in-addr.arpa')] }] },
    'permerror',
    'ptr-empty',
  ],
  [
    'a PTR record of another class',
    { PTR: ({ name }) => [{ answers: [{ ...ptr(name), class: 'CH' }] }] },
    'permerror',
    'ptr-empty',
  ],
  ['eight aliases', { PTR: ({ name }) => [aliased(name, 8, (end) => ptr(end))] }, 'pass', 'confirmed'],
  ['nine aliases', { PTR: ({ name }) => [aliased(name, 9, (end) => ptr(end))] }, 'temperror', 'ptr-malformed'],
  [
    'nine aliases of the name',
    { A: ({ name }) => [aliased(name, 9, (end) => a(end, client))] },
    'temperror',
    'forward-malformed',
  ],
  ['aliases in a circle', { PTR: (asked) => [loop(asked)] }, 'temperror', 'ptr-malformed'],
  ['aliases of the name in a circle', { A: (asked) => [loop(asked)] }, 'temperror', 'forward-malformed'],
  [
    'a PTR record that is cut in its middle',
    { PTR: (asked) => [octets(asked, claims(asked)).subarray(0, -3)] },
    'temperror',
    'ptr-malformed',
  ],
  [
    'an address that is cut in its middle',
    { A: (asked) => [octets(asked, confirms(asked)).subarray(0, -3)] },
    'temperror',
    'forward-malformed',
  ],
  [
    'NXDOMAIN, and a PTR record',
    { PTR: (asked) => [{ flags: 0x0183, ...claims(asked) }] },
    'temperror',
    'ptr-malformed',
  ],
  [
    'REFUSED, and an address that confirms',
    { A: (asked) => [{ flags: 0x0185, ...confirms(asked) }] },
    'temperror',
    'forward-refused',
  ],
  [
    'SERVFAIL, and an address that confirms',
    { A: (asked) => [{ flags: 0x0182, ...confirms(asked) }] },
    'temperror',
    'forward-servfail',
  ],
  [
    'the question itself, sent back',
    { PTR: (asked) => [octets(asked, { type: 'query', flags: 0x0100 })] },
    'temperror',
    'ptr-timeout',
  ],
  [
    'a question that holds the answer',
    { A: (asked) => [octets(asked, { ...confirms(asked), type: 'query', flags: 0x0100 })] },
    'temperror',
    'forward-timeout',
  ],
  [
    'a cut answer, and silence over TCP',
    { PTR: ({ via }) => (via === 'udp' ? [cut] : []) },
    'temperror',
    'ptr-timeout',
  ],
  [
    'a cut answer about the name, and silence over TCP',
    { A: ({ via }) => (via === 'udp' ? [cut] : []) },
    'temperror',
    'forward-timeout',
  ],
  ['a cut answer, cut again over TCP', { PTR: () => [cut] }, 'temperror', 'ptr-malformed'],
  [
    'a cut answer that confirms already',
    { A: (asked) => (asked.via === 'udp' ? [{ ...confirms(asked), ...cut }] : [denies(asked)]) },
    'fail',
    'mismatch',
  ],
];

/** A server on UDP alone, whose TCP port is closed, and to which it is shown who asks. */
async function openUdpServer(
  behave: (asked: Asked, from: RemoteInfo, socket: Socket) => void,
  port = 0,
): Promise<OpenServer> {
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const { id = 0, questions = [] } = decode(query);
    behave({ via: 'udp', id, name: questions[0]?.name ?? '', type: String(questions[0]?.type) }, from, socket);
  });
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  return {
    server: { ip: ipOf('127.0.0.1'), port: socket.address().port },
    close: () => new Promise<void>((resolve) => socket.close(resolve)),
  };
}

interface OpenServer {
  readonly server: Server;
  close(): Promise<void>;
}

/** A server that says the truth, and somebody at another port who lies to whoever asks, and is always first. */
async function openBesideForger(): Promise<OpenServer> {
  const forger = createSocket('udp4');
  await new Promise<void>((resolve) => forger.bind(0, '127.0.0.1', resolve));
  const server = await openUdpServer((asked, from, socket) => {
    const truth = asked.type === 'A' ? denies(asked) : honest(asked);
    forger.send(octets(asked, honest(asked)), from.port, from.address, () =>
      socket.send(octets(asked, truth), from.port, from.address),
    );
  });
  return {
    server: server.server,
    close: async () => {
      await server.close();
      await new Promise<void>((resolve) => forger.close(resolve));
    },
  };
}

/** Cuts its answers to questions of this type. */
const openCutter = (type: 'PTR' | 'A') => () =>
  openUdpServer((asked, from, socket) =>
    socket.send(octets(asked, asked.type === type ? cut : honest(asked)), from.port, from.address),
  );

/** Cuts every answer, and sends it over TCP one octet after the other. */
async function openDripper(): Promise<OpenServer> {
  const tcp = createServer({ noDelay: true }, (stream) => {
    stream.on('error', () => {});
    stream.once('data', async (query) => {
      const { id = 0, questions = [] } = decode(query.subarray(2));
      const asked: Asked = { via: 'tcp', id, name: questions[0]?.name ?? '', type: String(questions[0]?.type) };
      const answer = octets(asked, honest(asked));
      for (const octet of [answer.length >> 8, answer.length & 255, ...answer]) {
        stream.write(Buffer.from([octet]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const udp = await openUdpServer(
    (asked, from, socket) => socket.send(octets(asked, cut), from.port, from.address),
    (tcp.address() as AddressInfo).port,
  );
  return {
    server: udp.server,
    close: async () => {
      await udp.close();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}

const byPorts: readonly (readonly [
  what: string,
  openServer: () => Promise<OpenServer>,
  result: IprevResult,
  reason: IprevReason,
])[] = [
  ['a confirmation from another port, then the truth', openBesideForger, 'fail', 'mismatch'],
  ['a cut answer, and all of it over TCP, octet by octet', openDripper, 'pass', 'confirmed'],
  ['a cut answer, and nobody at the TCP port', openCutter('PTR'), 'temperror', 'ptr-network'],
  ['a cut answer about the name, and nobody at the TCP port', openCutter('A'), 'temperror', 'forward-network'],
];

describe('every outcome, seen with servers that break the rules', () => {
  const lookAsking = async ({ server }: OpenServer, reason: IprevReason): Promise<Iprev> => {
    const path = opened(openPath(() => [server], reason.endsWith('-timeout') ? impatienceMs : dnsTimeoutDefaultMs));
    return (await path.look(client)).found;
  };

  test.each(byScript.map(([what, says, ...expected]) => [what, ...expected, says] as const))(
    '%s: %s, %s',
    async (_, result, reason, says) => {
      const server = opened(
        await openDnsServer((asked) => {
          const said = asked.type === 'PTR' || asked.type === 'A' ? says[asked.type] : undefined;
          return said?.(asked) ?? [honest(asked)];
        }),
      );
      expect(await lookAsking(server, reason)).toMatchObject({ result, reason });
    },
  );

  test.each(byPorts.map(([what, openServer, ...expected]) => [what, ...expected, openServer] as const))(
    '%s: %s, %s',
    async (_, result, reason, openServer) => {
      expect(await lookAsking(opened(await openServer()), reason)).toMatchObject({ result, reason });
    },
  );
});

test('the tables above walk every line of the table in ARCHITECTURE.md, and that has every reason', () => {
  const tables: readonly (readonly (readonly unknown[])[])[] = [byUnbound, byOthers, inAnOutage, byScript, byPorts];
  const walked = new Set(tables.flatMap((rows) => rows.map((row) => row.slice(-2).join(' '))));
  const document = readFileSync(join(projectFolder, 'ARCHITECTURE.md'), 'utf8');
  const lines = [...document.matchAll(/^\| [^|]+ \| (pass|fail|permerror|temperror) \| ([a-z-]+) \|$/gm)];
  expect(lines.map(([, , reason]) => reason)).toEqual([...iprevReasons]);
  expect(lines.map(([, result, reason]) => `${result} ${reason}`).filter((line) => !walked.has(line))).toEqual([]);
});
