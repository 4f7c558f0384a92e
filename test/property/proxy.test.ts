// Who the client is, told by others: PROXY headers and XCLIENT lines that were cut, changed or made up. Nobody gets an address
// that was not in the octets, and what we print is read as it was meant.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Ip, isIpv4, parseIp } from '../../src/core/ip.ts';
import { claimedName, type VerifiedName } from '../../src/core/name.ts';
import { printXtext, readXtext } from '../../src/core/xtext.ts';
import { type ProxyHeader, printProxyHeader, readProxyHeader } from '../../src/doors/smtp/proxy-header.ts';
import {
  type Identity,
  isXclientProblem,
  printXclient,
  printXforward,
  readXclient,
  type XclientAttributes,
  xclientNames,
} from '../../src/doors/smtp/xclient.ts';

const check = (property: fc.IProperty<unknown>): void =>
  void fc.assert(property as never, { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? 2_000), seed: 8601 });

const ips: fc.Arbitrary<Ip> = fc
  .oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('::', '::1', '::c000:207', '::ffff:192.0.2.7', '1::', '1:0:0:2::'))
  .map((text) => parseIp(text) as Ip);
const ports = fc.nat(65_535);
const endpoints = fc.record({ ip: ips, port: ports });

/** CRC32C bit by bit, for headers that a proxy has summed up. */
function crc32c(octets: Buffer): number {
  let rest = 0xffffffff;
  for (const octet of octets) {
    rest ^= octet;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  }
  return ~rest >>> 0;
}

/** With extensions behind its addresses, the last of them a checksum. */
function summed(header: Buffer, values: readonly Uint8Array[]): Buffer {
  const extensions = values.map((value) => Buffer.concat([Buffer.from([0xea, 0, value.length]), value]));
  const whole = Buffer.concat([header, ...extensions, Buffer.from([3, 0, 4, 0, 0, 0, 0])]);
  whole.writeUInt16BE(whole.length - 16, 14);
  whole.writeUInt32BE(crc32c(whole), whole.length - 4);
  return whole;
}

const values = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 });
const summedHeaders = fc
  .tuple(endpoints, endpoints, values)
  .map(([client, server, extensions]) => summed(printProxyHeader(client, server), extensions));
const textHeaders = fc.tuple(endpoints, endpoints).map(([client, server]) => {
  const isTcp4 = isIpv4(client.ip) && isIpv4(server.ip);
  const written = (ip: Ip) => (isIpv4(ip) && !isTcp4 ? `::ffff:${ip}` : ip);
  const words = [isTcp4 ? 'TCP4' : 'TCP6', written(client.ip), written(server.ip), client.port, server.port];
  return { line: Buffer.from(`PROXY ${words.join(' ')}\r\n`), client, server };
});
const silentHeaders = fc.oneof(
  fc.stringMatching(/^[ -~]{0,80}$/).map((rest) => Buffer.from(`PROXY UNKNOWN ${rest}\r\n`)),
  fc.uint8Array({ maxLength: 60 }).map((rest) => {
    const header = Buffer.concat([printProxyHeader({ ip: '192.0.2.7' as Ip }, undefined).subarray(0, 16), rest]);
    header.writeUInt16BE(rest.length, 14);
    header[12] = 0x20;
    return header;
  }),
);
const validHeaders = fc.oneof(
  summedHeaders,
  silentHeaders,
  textHeaders.map(({ line }) => line),
);

test('a PROXY header that we print is read as it was meant', () => {
  check(
    fc.property(endpoints, fc.option(endpoints, { nil: undefined }), (client, server) => {
      const header = printProxyHeader(client, server);
      const unknown = { ip: isIpv4(client.ip) ? '0.0.0.0' : '::', port: 0 };
      expect(readProxyHeader(header)).toEqual({ octets: header.length, client, server: server ?? unknown });
    }),
  );
});

test('a line of version 1 is read as it was meant', () => {
  check(
    fc.property(textHeaders, ({ line, client, server }) =>
      expect(readProxyHeader(line)).toEqual({ octets: line.length, client, server }),
    ),
  );
});

test('a part of a PROXY header is never taken for one, and what follows one changes nothing', () => {
  check(
    fc.property(validHeaders, fc.nat(), fc.uint8Array({ maxLength: 30 }), (header, at, behind) => {
      expect(readProxyHeader(header.subarray(0, at % header.length))).toBe('more');
      const read = readProxyHeader(header);
      expect(read).toMatchObject({ octets: header.length });
      expect(readProxyHeader(Buffer.concat([header, behind]))).toEqual(read);
    }),
  );
});

/** The address stands in the octets: as a word of the line, or in four or sixteen octets behind the first sixteen. */
function isIn(octets: Buffer, { octets: length, client, server }: ProxyHeader): boolean {
  const header = octets.subarray(0, length);
  if (client === undefined) return true;
  const words = header.toString('latin1').split(' ').map(parseIp);
  const width = header[13] === 0x11 ? 4 : 16;
  const word = (which: number) => {
    const part = header.subarray(16 + which * width, 16 + (which + 1) * width);
    return parseIp(width === 4 ? part.join('.') : (part.toString('hex').match(/.{4}/g) ?? []).join(':'));
  };
  const [source, destination] = header[0] === 0x50 ? words.slice(2) : [word(0), word(1)];
  return client.ip === source && server?.ip === destination;
}

test('changed PROXY headers: no exception, and no address that is not in the octets', () => {
  const change = fc.tuple(fc.nat(200), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from(' \r\n:.0123456789f'))));
  check(
    fc.property(validHeaders, fc.array(change, { minLength: 1, maxLength: 4 }), (header, changes) => {
      const octets = Buffer.from(header);
      for (const [at, octet] of changes) octets[at % octets.length] = octet;
      const read = readProxyHeader(octets);
      if (read === 'more') return;
      if ('broken' in read) expect(read.broken).toMatch(/^the proxy [ -~]+$/);
      else expect(isIn(octets, read)).toBe(true);
    }),
  );
});

test('an address or port that was changed under a checksum is never believed', () => {
  check(
    fc.property(summedHeaders, fc.nat(), fc.integer({ min: 1, max: 255 }), (header, at, difference) => {
      const octets = Buffer.from(header);
      const place = 16 + (at % (header[13] === 0x11 ? 12 : 36));
      octets[place] = (octets[place] ?? 0) ^ difference;
      expect(readProxyHeader(octets)).toHaveProperty('broken');
    }),
  );
});

test('random octets are no PROXY header', () => {
  check(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 300 }), (octets) =>
      expect(readProxyHeader(Buffer.from(octets))).toHaveProperty('broken'),
    ),
  );
});

const octetTexts = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((octets) => Buffer.from(octets).toString('latin1'));

test('xtext carries any octets, in letters that mean nothing to anyone', () => {
  check(
    fc.property(octetTexts(100), (octets) => {
      expect(printXtext(octets)).toMatch(/^[A-Za-z0-9._:+-]*$/);
      expect(readXtext(printXtext(octets))).toBe(octets);
    }),
  );
});

const names: fc.Arbitrary<Identity['name']> = fc.oneof(
  fc.constantFrom('unavailable' as const, 'temporary' as const),
  fc
    .array(fc.stringMatching(/^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$/), { minLength: 2, maxLength: 5 })
    .map((labels) => labels.join('.'))
    .filter((name) => name.length <= 253)
    .map((name) => claimedName(name) as VerifiedName),
);
const identities: fc.Arbitrary<Identity> = fc.record(
  {
    ip: ips,
    port: fc.integer({ min: 1, max: 65_535 }),
    helo: octetTexts(300),
    protocol: fc.constantFrom('SMTP' as const, 'ESMTP' as const),
    name: names,
    serverIp: ips,
    serverPort: fc.integer({ min: 1, max: 65_535 }),
  },
  { requiredKeys: ['ip', 'protocol', 'name'] },
);
const told = <T>(value: T | undefined) => (value === undefined ? 'unavailable' : { value });

test('XCLIENT lines that we print are read as they were meant', () => {
  check(
    fc.property(identities, (identity) => {
      const lines = printXclient(identity, new Set(xclientNames));
      const reads = lines.map(readXclient);
      expect(reads.filter(isXclientProblem)).toEqual([]);
      const merged: XclientAttributes = Object.assign({}, ...reads);
      const { helo = '', name } = identity;
      const isTold = helo !== '' && !/[\0-\x1f\x7f]/.test(helo) && printXtext(helo).length <= 255;
      expect(merged).toEqual({
        ip: told(identity.ip),
        port: told(identity.port),
        helo: told(isTold ? helo : undefined),
        protocol: identity.protocol,
        name: name === 'unavailable' || name === 'temporary' ? name : { value: name },
        serverIp: told(identity.serverIp),
        serverPort: told(identity.serverPort),
      });
      // NAME and ADDR travel together, last.
      expect(reads.at(-1)).toMatchObject({ ip: told(identity.ip), name: merged.name });
    }),
  );
});

test('no HELO whatever makes a line that is too long or that has more in it than attributes', () => {
  const value = '(?:\\[(?:UNAVAILABLE|TEMPUNAVAIL)\\]|[A-Za-z0-9._:+-]+)';
  const form = new RegExp(`^X(?:CLIENT|FORWARD)(?: [A-Z]+=${value})+$`);
  const offers = fc.subarray([...xclientNames, 'SOURCE', 'IDENT', 'OTHER']).map((words) => new Set<string>(words));
  check(
    fc.property(identities, offers, octetTexts(300), (identity, offered, ident) => {
      for (const line of [...printXclient(identity, offered), ...printXforward(identity, offered, ident)]) {
        expect(line).toMatch(form);
        expect(line.length).toBeLessThanOrEqual(510);
        for (const [, name = ''] of line.matchAll(/ ([A-Z]+)=/g)) expect(offered.has(name)).toBe(true);
      }
    }),
  );
});

test('made-up XCLIENT lines: attributes, or a sentence in printable ASCII', () => {
  const words = fc.oneof(
    fc.constantFrom(
      ...xclientNames.map((name) => `${name}=`),
      ' ',
      '=',
      '+',
      '+41',
      '[UNAVAILABLE]',
      'IPV6:',
      '::',
      '.',
      '7',
    ),
    octetTexts(4),
  );
  check(
    fc.property(fc.array(words, { maxLength: 12 }), (made) => {
      const read = readXclient(`XCLIENT ${made.join('')}`);
      if (isXclientProblem(read)) expect(read.problem).toMatch(/^[ -~]{1,100}$/);
      else expect(Object.keys(read).length).toBeGreaterThan(0);
    }),
  );
});
