import { describe, expect, test } from '@jest/globals';
import { claimedName, type VerifiedName } from '../../../../src/core/name.ts';
import { printXtext } from '../../../../src/core/xtext.ts';
import {
  type Identity,
  isXclientProblem,
  printXclient,
  printXforward,
  readXclient,
  xclientNames,
} from '../../../../src/doors/smtp/xclient.ts';
import { ipOf } from '../../../support/evidence.ts';

describe('reading', () => {
  test.each([
    ['XCLIENT NAME=mx.example', { name: { value: 'mx.example' } }],
    ['xclient name=A_b.Example', { name: { value: 'A_b.Example' } }],
    ['XCLIENT NAME=localhost', { name: { value: 'localhost' } }],
    ['XCLIENT NAME=[UNAVAILABLE]', { name: 'unavailable' }],
    ['XCLIENT NAME=[TempUnavail]', { name: 'temporary' }],
    ['XCLIENT ADDR=192.0.2.7', { ip: { value: '192.0.2.7' } }],
    ['XCLIENT ADDR=IPV6:2001:DB8::7', { ip: { value: '2001:db8::7' } }],
    ['XCLIENT ADDR=ipv6:::1', { ip: { value: '::1' } }],
    ['XCLIENT ADDR=IPv6:::ffff:192.0.2.7', { ip: { value: '192.0.2.7' } }],
    ['XCLIENT ADDR=[unavailable]', { ip: 'unavailable' }],
    ['XCLIENT PORT=1', { port: { value: 1 } }],
    ['XCLIENT PORT=65535', { port: { value: 65_535 } }],
    ['XCLIENT PORT=[UNAVAILABLE]', { port: 'unavailable' }],
    ['XCLIENT PROTO=SMTP', { protocol: 'SMTP' }],
    ['XCLIENT PROTO=esmtp', { protocol: 'ESMTP' }],
    ['XCLIENT HELO=[192.0.2.7]', { helo: { value: '[192.0.2.7]' } }],
    ['XCLIENT HELO=a+20+2B+3D+C3+BC', { helo: { value: 'a +=\xc3\xbc' } }],
    ['XCLIENT HELO="a', { helo: { value: '"a' } }],
    [`XCLIENT HELO=${'x'.repeat(255)}`, { helo: { value: 'x'.repeat(255) } }],
    ['XCLIENT HELO=+5BUNAVAILABLE+5D', { helo: 'unavailable' }],
    ['XCLIENT HELO=[TEMPUNAVAIL]', { helo: { value: '[TEMPUNAVAIL]' } }],
    ['XCLIENT LOGIN=joe@b.example', { login: { value: 'joe@b.example' } }],
    ['XCLIENT LOGIN=[UNAVAILABLE]', { login: 'unavailable' }],
    [
      'XCLIENT DESTADDR=IPV6:2001:db8::25 DESTPORT=25',
      { serverIp: { value: '2001:db8::25' }, serverPort: { value: 25 } },
    ],
    ['XCLIENT DESTADDR=[UNAVAILABLE] DESTPORT=[UNAVAILABLE]', { serverIp: 'unavailable', serverPort: 'unavailable' }],
    // The example of XFORWARD_README ends in a blank.
    ['XCLIENT  NAME=mx.example\tADDR=192.0.2.7 ', { name: { value: 'mx.example' }, ip: { value: '192.0.2.7' } }],
  ])('%j', (line, attributes) => expect(readXclient(line)).toEqual(attributes));

  test.each([
    ['XCLIENT', 'XCLIENT needs attribute=value'],
    ['XCLIENT  ', 'XCLIENT needs attribute=value'],
    ['XCLIENT NAME', 'XCLIENT needs attribute=value, not NAME'],
    ['XCLIENT NAME=', 'XCLIENT needs attribute=value, not NAME='],
    ['XCLIENT =x', 'XCLIENT needs attribute=value, not =x'],
    ['XCLIENT FOO=1', 'XCLIENT has no attribute FOO'],
    ['XCLIENT \x1b\xff=1', 'XCLIENT has no attribute \\x1b\\xc3\\xbf'],
    ['XCLIENT REVERSE_NAME=mx.example', 'XCLIENT has no attribute REVERSE_NAME'],
    ['XCLIENT ADDR=192.0.2.7 ADDR=192.0.2.8', 'ADDR is given twice'],
    ['XCLIENT HELO=x helo=x', 'HELO is given twice'],
    [`XCLIENT HELO=${'x'.repeat(256)}`, 'the value of HELO is longer than 255 octets'],
    [`XCLIENT HELO=${'+61'.repeat(86)}`, 'the value of HELO is longer than 255 octets'],
    ['XCLIENT HELO=a=b', 'the value of HELO is not xtext'],
    ['XCLIENT HELO=a+', 'the value of HELO is not xtext'],
    ['XCLIENT HELO=+2', 'the value of HELO is not xtext'],
    ['XCLIENT HELO=+2b', 'the value of HELO is not xtext'],
    ['XCLIENT HELO=\xfc', 'the value of HELO is not xtext'],
    ['XCLIENT HELO=a\0', 'the value of HELO is not xtext'],
  ])('%j: %s', (line, problem) => expect(readXclient(line)).toEqual({ problem }));

  test.each([
    ...['192.0.2.7', 'a..b', '-a.example', 'a b', '[192.0.2.7]', `${'a'.repeat(64)}.example`].map((name) => [
      'NAME',
      name,
    ]),
    ...['2001:db8::7', 'IPV6:192.0.2.7', 'IPV6:', 'IPV6:fe80::1%lo', '192.0.2', '192.0.2.07', '[192.0.2.7]'].map(
      (ip) => ['ADDR', ip],
    ),
    ...['mx.example', '[TEMPUNAVAIL]', 'IPV6:::1.2.3.4'].map((ip) => ['DESTADDR', ip]),
    ...['0', '65536', '025', '-1', 'smtp', '[TEMPUNAVAIL]'].flatMap((port) => [
      ['PORT', port],
      ['DESTPORT', port],
    ]),
    ...['LMTP', 'ESMTPS', 'LSMTP', '[UNAVAILABLE]'].map((protocol) => ['PROTO', protocol]),
    ...['a\0', '\r\nMAIL', '\x7f'].flatMap((octets) => [
      ['HELO', octets],
      ['LOGIN', octets],
    ]),
  ] as [string, string][])('%s cannot be %j', (name, value) =>
    expect(readXclient(`XCLIENT ${name}=${printXtext(value)}`)).toEqual({
      problem: `the value of ${name} is not one that it can have`,
    }),
  );

  test('a problem can be told from attributes', () => {
    expect(isXclientProblem(readXclient('XCLIENT'))).toBe(true);
    expect(isXclientProblem(readXclient('XCLIENT HELO=x'))).toBe(false);
  });
});

const verified = (name: string): VerifiedName => claimedName(name) as VerifiedName;
const full: Identity = {
  ip: ipOf('192.0.2.7'),
  port: 4711,
  helo: 'helo.example',
  protocol: 'ESMTP',
  name: verified('mx.example'),
  serverIp: ipOf('192.0.2.25'),
  serverPort: 25,
};
const least: Identity = { ip: ipOf('2001:db8::7'), protocol: 'SMTP', name: 'unavailable' };
const everything = new Set<string>(xclientNames);
/** NAME and DESTADDR as long as they get: HELO does not always fit beside. */
const longest: Identity = {
  ...full,
  ip: ipOf('2001:db8:1111:2222:3333:4444:5555:6666'),
  serverIp: ipOf('2001:db8:1111:2222:3333:4444:5555:7777'),
  name: verified(Array(4).fill('n'.repeat(63)).join('.').slice(0, 253)),
};

// Each of these lines was sent to Postfix 3.7.11, which answered 220 and logged this client.
describe('XCLIENT', () => {
  test.each<[string, Identity, string]>([
    [
      'all that is known',
      full,
      'PORT=4711 DESTADDR=192.0.2.25 DESTPORT=25 PROTO=ESMTP HELO=helo.example NAME=mx.example ADDR=192.0.2.7',
    ],
    [
      'nothing but the address',
      least,
      'PORT=[UNAVAILABLE] DESTADDR=[UNAVAILABLE] DESTPORT=[UNAVAILABLE] PROTO=SMTP HELO=[UNAVAILABLE] ' +
        'NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::7',
    ],
    [
      'the DNS in trouble, ports of which nothing is known',
      { ...full, name: 'temporary', port: 0, serverPort: 0, serverIp: ipOf('::1') },
      'PORT=[UNAVAILABLE] DESTADDR=IPV6:::1 DESTPORT=[UNAVAILABLE] PROTO=ESMTP HELO=helo.example NAME=[TEMPUNAVAIL] ' +
        'ADDR=192.0.2.7',
    ],
  ])('%s', (_, identity, words) => expect(printXclient(identity, everything)).toEqual([`XCLIENT ${words}`]));

  test.each([
    ['[IPv6:2001:db8::7]', '+5BIPv6:2001:db8::7+5D'],
    ['a b+c=d', 'a+20b+2Bc+3Dd'],
    ['\xc3\xbc.example', '+C3+BC.example'],
    // Postfix would read a quote, a bracket and a backslash as the beginning of something longer.
    ['"<\\(', '+22+3C+5C+28'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [' '.repeat(85), '+20'.repeat(85)],
    ['', '[UNAVAILABLE]'],
    ['x'.repeat(256), '[UNAVAILABLE]'],
    [' '.repeat(86), '[UNAVAILABLE]'],
    ['a\r\nMAIL FROM:<>', '[UNAVAILABLE]'],
    ['a\0', '[UNAVAILABLE]'],
  ])('HELO %j', (helo, value) => {
    const [line] = printXclient({ ...full, helo }, everything);
    expect(line).toContain(` HELO=${value} NAME=mx.example ADDR=192.0.2.7`);
  });

  test('only what the backend offers, and nothing without ADDR', () => {
    expect(printXclient(full, new Set(['ADDR', 'HELO', 'TIMEOUT']))).toEqual([
      'XCLIENT HELO=helo.example ADDR=192.0.2.7',
    ]);
    expect(printXclient(full, new Set(['NAME', 'HELO']))).toEqual([]);
    expect(printXclient(full, new Set())).toEqual([]);
  });

  test('a line has 512 octets at most; the last is filled first', () => {
    const lines = (octets: number) => printXclient({ ...longest, helo: 'h'.repeat(octets) }, everything);
    const tail = ` NAME=${longest.name} ADDR=IPV6:${longest.ip}`;
    const room = 510 - `XCLIENT HELO=${tail}`.length;
    expect(lines(room)[1]).toBe(`XCLIENT HELO=${'h'.repeat(room)}${tail}`);
    expect(lines(room)[1]).toHaveLength(510);
    expect(lines(room + 1)[1]).toBe(`XCLIENT${tail}`);
    expect(lines(room + 1)).toHaveLength(2);
    expect(lines(room + 1)[0]).toBe(
      `XCLIENT PORT=4711 DESTADDR=IPV6:${longest.serverIp} DESTPORT=25 PROTO=ESMTP HELO=${'h'.repeat(room + 1)}`,
    );
  });
});

describe('XFORWARD', () => {
  const offered = new Set(['NAME', 'ADDR', 'PROTO', 'HELO', 'SOURCE', 'PORT', 'IDENT']);
  test.each<[string, Identity, string | undefined, string]>([
    [
      'all that is known',
      full,
      'k3x9',
      'SOURCE=REMOTE IDENT=k3x9 PORT=4711 PROTO=ESMTP HELO=helo.example NAME=mx.example ADDR=192.0.2.7',
    ],
    [
      'nothing but the address',
      least,
      undefined,
      'SOURCE=REMOTE PORT=[UNAVAILABLE] PROTO=SMTP HELO=[UNAVAILABLE] NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::7',
    ],
    [
      'no word for a DNS in trouble, no octet that means something in a header field',
      { ...full, name: 'temporary', helo: 'a b\0"(\xfc' },
      undefined,
      'SOURCE=REMOTE PORT=4711 PROTO=ESMTP HELO=a+3Fb+3F+3F+3F+3F NAME=[UNAVAILABLE] ADDR=192.0.2.7',
    ],
  ])('%s', (_, identity, ident, words) =>
    expect(printXforward(identity, offered, ident)).toEqual([`XFORWARD ${words}`]),
  );

  test('only what the backend offers, in lines of 512 octets', () => {
    expect(printXforward(full, new Set(['NAME', 'ADDR']), 'k3x9')).toEqual(['XFORWARD NAME=mx.example ADDR=192.0.2.7']);
    expect(printXforward(full, new Set())).toEqual([]);
    const lines = printXforward({ ...longest, helo: 'h'.repeat(255) }, offered);
    expect(lines).toHaveLength(2);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(510);
  });
});
