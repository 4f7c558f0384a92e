import { describe, expect, test } from '@jest/globals';
import {
  type BrokenProxyHeader,
  type ProxyHeader,
  printLocalHeader,
  printProxyHeader,
  readProxyHeader,
  readWrittenIp,
} from '../../../../src/doors/smtp/proxy-header.ts';
import { ipOf } from '../../../support/evidence.ts';

const shown = (read: ProxyHeader | 'more' | BrokenProxyHeader): string => {
  if (read === 'more') return 'more';
  if ('broken' in read) return read.broken;
  const { client, server } = read;
  return client === undefined ? 'silent' : `${client.ip} ${client.port} to ${server?.ip} ${server?.port}`;
};
const text = (line: string): string => shown(readProxyHeader(Buffer.from(line, 'latin1')));

describe('version 1', () => {
  // The first nine with the results of Postfix 3.12 (src/global/haproxy_srvr_test.c) and aiosmtpd (test_proxyprotocol.py).
  test.each([
    ['TCP6 fc:00:00:00:1:2:3:4 fc:00:00:00:4:3:2:1 123 321', 'fc::1:2:3:4 123 to fc::4:3:2:1 321'],
    ['TCP6 FC:00:00:00:1:2:3:4 FC:00:00:00:4:3:2:1 123 321', 'fc::1:2:3:4 123 to fc::4:3:2:1 321'],
    ['TCP6 ::ffff:1.2.3.4 ::ffff:4.3.2.1 123 321', '1.2.3.4 123 to 4.3.2.1 321'],
    ['TCP6 ::FFFF:1.2.3.4 ::FFFF:4.3.2.1 123 321', '1.2.3.4 123 to 4.3.2.1 321'],
    ['TCP4 1.2.3.4 4.3.2.1 123 321', '1.2.3.4 123 to 4.3.2.1 321'],
    ['TCP4 222.222.22.222 111.11.11.111 33504 25', '222.222.22.222 33504 to 111.11.11.111 25'],
    ['TCP4 192.168.0.1 192.168.0.11 56324 443', '192.168.0.1 56324 to 192.168.0.11 443'],
    [
      'TCP6 2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 42300 443',
      '2001:db8:: 42300 to 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 443',
    ],
    ['TCP4 255.255.255.255 255.255.255.255 65535 65535', '255.255.255.255 65535 to 255.255.255.255 65535'],
    ['TCP6 ::ffff:102:304 ::1 1 2', '1.2.3.4 1 to ::1 2'],
    ['TCP4 192.0.2.7 192.0.2.25 0 0', '192.0.2.7 0 to 192.0.2.25 0'],
    ['UNKNOWN', 'silent'],
    ['UNKNOWN ', 'silent'],
    ['UNKNOWN 192.0.2.7 192.0.2.25 4711 25', 'silent'],
    ['UNKNOWN \0\xff\r any thing', 'silent'],
  ])('%j', (words, result) => expect(text(`PROXY ${words}\r\n`)).toBe(result));

  // These too come from Postfix and haraka-net-utils (test/net_utils.js).
  test.each([
    ['TCP6 1.2.3.4 4.3.2.1 123 321', 'client that is no TCP6'],
    ['TCP6 fc:00:00:00:1:2:3:4 4.3.2.1 123 321', 'server that is no TCP6'],
    ['TCP4 ::ffff:1.2.3.4 ::ffff:4.3.2.1 123 321', 'client that is no TCP4'],
    ['TCP4 1.2.3.4 ::ffff:4.3.2.1 123 321', 'server that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 123456 321', 'client that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 123 654321', 'server that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 0123 321', 'client that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 123 0321', 'server that is no TCP4'],
    ['TCP6 fc:00:00:00:1:2:3:4 fc:00:00:00:4:3:2:1 123', 'no header of version 1'],
    ['TCP6 fc:00:00:00:1:2:3:4 fc:00:00:00:4:3:2:1', 'no header of version 1'],
    ['TCP6', 'no header of version 1'],
    ['TCP4 1.2.3.4 4.3.2.1 123', 'no header of version 1'],
    ['TCP4', 'no header of version 1'],
    ['BLAH', 'no header of version 1'],
    ['', 'no header of version 1'],
    ['TCP4 nope 127.0.0.1 42310 465', 'client that is no TCP4'],
    ['TCP4 1.2.3.4 999.999.999.999 2525 25', 'server that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 65536 25', 'client that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 -1 25', 'client that is no TCP4'],
    ['TCP4 1.2.3.4 4.3.2.1 1e3 25', 'client that is no TCP4'],
    ['TCP4 1.2.3 4.3.2.1 1 25', 'client that is no TCP4'],
    ['TCP4 0x1.2.3.4 4.3.2.1 1 25', 'client that is no TCP4'],
    ['TCP6 fe80::1%lo ::1 1 2', 'client that is no TCP6'],
    ['TCP6 1::2::3 ::1 1 2', 'client that is no TCP6'],
    ['TCP6 cafe ::1 1 2', 'client that is no TCP6'],
    ['UNKNOWNS', 'no header of version 1'],
    ['TCP4 1.2.3.4\r4.3.2.1 1 2', 'no header of version 1'],
    ['TCP4 1.2.3.4 4.3.2.1 1 2\r', 'server that is no TCP4'],
    // Postfix 3.7 takes these; section 2.1 does not, and another program may read them differently.
    ['TCP4 01.02.03.04 04.03.02.01 123 321', 'client that is no TCP4'],
    ['TCP4  1.2.3.4 4.3.2.1 123 321', 'no header of version 1'],
    ['TCP4 1.2.3.4 4.3.2.1 123 321 x', 'no header of version 1'],
    ['TCP4 1.2.3.4 4.3.2.1 123 321 ', 'no header of version 1'],
    ['tcp4 1.2.3.4 4.3.2.1 123 321', 'no header of version 1'],
    ['TCP6 64:ff9b::1.2.3.4 ::1 1 2', 'client that is no TCP6'],
    ['TCP6 ::1.2.3.4 ::1 1 2', 'client that is no TCP6'],
    ['TCP6 ::ffff:01.2.3.4 ::1 1 2', 'client that is no TCP6'],
  ])('%j is broken', (words, why) => expect(text(`PROXY ${words}\r\n`)).toContain(why));

  test('ends in CRLF and nothing else', () => {
    expect(text('PROXY TCP4 1.2.3.4 4.3.2.1 123 321\n')).toContain('bare LF');
    expect(text('PROXY UNKNOWN\nx\r\n')).toContain('bare LF');
    expect(text('PROXY TCP4 1.2.3.4 4.3.2.1 123 321\rEHLO x')).toBe('more');
  });

  test('ends within 107 octets', () => {
    const filled = (octets: number) => `PROXY UNKNOWN ${'x'.repeat(octets - 16)}\r\n`;
    expect(text(filled(107))).toBe('silent');
    expect(text(filled(107).slice(0, -1))).toBe('more');
    expect(text(filled(108))).toContain('without end');
    expect(text(filled(108).slice(0, 107))).toContain('without end');
  });

  test('says what came, safe to log', () => {
    expect(text('PROXY \x1b[2J\r\n')).toBe('the proxy sends no header of version 1: "PROXY \\x1b[2J\\x0d"');
  });
});

const signature = '0d0a0d0a000d0a515549540a';
const four = 'c0000207c0000219 1267 0019';
const six = '20010db8000000000000000000000007 20010db8000000000000000000000019 1267 0019';
/** A header from hexadecimal; the length is counted unless given. */
function binary(command: number, family: number, body: string, length?: number): Buffer {
  const octets = Buffer.from(body.replaceAll(' ', ''), 'hex');
  const head = Buffer.from([command, family, 0, 0]);
  head.writeUInt16BE(length ?? octets.length, 2);
  return Buffer.concat([Buffer.from(signature, 'hex'), head, octets]);
}

describe('version 2', () => {
  test.each<[string, Buffer, string]>([
    ['TCP over IPv4', binary(0x21, 0x11, four), '192.0.2.7 4711 to 192.0.2.25 25'],
    ['TCP over IPv6', binary(0x21, 0x21, six), '2001:db8::7 4711 to 2001:db8::19 25'],
    [
      'a mapped client is IPv4',
      binary(0x21, 0x21, '00000000000000000000ffffc0000207 20010db8000000000000000000000019 0000 0019'),
      '192.0.2.7 0 to 2001:db8::19 25',
    ],
    [
      'a client that is only like a mapped one is not',
      binary(0x21, 0x21, '000000000000000000000000c0000207 00000000000000000000000000000001 0001 0019'),
      '::c000:207 1 to ::1 25',
    ],
    ['LOCAL', binary(0x20, 0x00, ''), 'silent'],
    ['LOCAL with addresses, which must be discarded', binary(0x20, 0x11, four), 'silent'],
    ['LOCAL with anything', binary(0x20, 0x99, '040fff'), 'silent'],
    ['unspecified addresses', binary(0x21, 0x00, four), 'silent'],
    ['extensions', binary(0x21, 0x11, `${four} 04 0000 05 0003 aabbcc ea 0001 00`), '192.0.2.7 4711 to 192.0.2.25 25'],
    ['extensions behind IPv6', binary(0x21, 0x21, `${six} 02 0001 61`), '2001:db8::7 4711 to 2001:db8::19 25'],
    ['2,048 octets', binary(0x21, 0x11, `${four} 04 07e1 ${'00'.repeat(2_017)}`), '192.0.2.7 4711 to 192.0.2.25 25'],
  ])('%s', (_, octets, result) => {
    expect(shown(readProxyHeader(octets))).toBe(result);
    const behind = Buffer.concat([octets, Buffer.from('EHLO x\r\n')]);
    expect(readProxyHeader(behind)).toEqual(readProxyHeader(octets));
    expect(readProxyHeader(behind)).toMatchObject({ octets: octets.length });
  });

  test.each<[string, Buffer, string]>([
    ['version 1', binary(0x11, 0x11, four), 'version or command'],
    ['command 2', binary(0x22, 0x11, four), 'version or command'],
    ['UNIX', binary(0x21, 0x31, '00'.repeat(216)), 'not come over TCP'],
    ['UDP', binary(0x21, 0x12, four), 'not come over TCP'],
    ['an unknown family', binary(0x21, 0x41, six), 'not come over TCP'],
    ['an unknown transport', binary(0x21, 0x13, four), 'not come over TCP'],
    ['no family and yet a transport', binary(0x21, 0x01, four), 'not come over TCP'],
    ['IPv4 in 11 octets', binary(0x21, 0x11, four.slice(0, -2)), 'too short'],
    ['IPv6 in 35 octets', binary(0x21, 0x21, six.slice(0, -2)), 'too short'],
    ['IPv4 where IPv6 is announced', binary(0x21, 0x21, four), 'too short'],
    ['2,049 octets', binary(0x21, 0x11, four, 2_033), 'more than 2048 octets'],
    ['2,049 octets of LOCAL', binary(0x20, 0x00, '', 2_033), 'more than 2048 octets'],
    ['an extension that goes beyond', binary(0x21, 0x11, `${four} 04 0005 0000`), 'longer than its header'],
    ['an extension of one octet', binary(0x21, 0x11, `${four} 04`), 'longer than its header'],
    ['an extension of two octets', binary(0x21, 0x11, `${four} 04 00`), 'longer than its header'],
    ['a good extension and half of one', binary(0x21, 0x11, `${four} 04 0000 05 0001`), 'longer than its header'],
    ['a wrong checksum', binary(0x21, 0x11, `${four} 03 0004 00000000`), 'checksum is wrong'],
    ['a checksum of three octets', binary(0x21, 0x11, `${four} 03 0003 000000`), 'not four octets'],
    ['two checksums', binary(0x21, 0x11, `${four} 03 0004 00000000 03 0004 00000000`), 'two checksums'],
  ])('%s is broken', (_, octets, why) => expect(shown(readProxyHeader(octets))).toContain(why));

  // From a load balancer of AWS, as tests of several PROXY libraries have it (tlvparse/aws_test.go of go-proxyproto).
  const aws =
    'ac1f0771ac1f0a1fc8f20050 03 0004 e8d6892d ea 0017 01 767063652d3038643262663135666163353030316339 04 0024 ' +
    '00'.repeat(36);
  test('the checksum of a real load balancer', () => {
    expect(shown(readProxyHeader(binary(0x21, 0x11, aws)))).toBe('172.31.7.113 51442 to 172.31.10.31 80');
    expect(shown(readProxyHeader(binary(0x21, 0x11, aws.replace('0771', '0770'))))).toContain('checksum is wrong');
    expect(shown(readProxyHeader(binary(0x21, 0x11, aws.replace('7670', '7671'))))).toContain('checksum is wrong');
  });

  test('what can be told from the first 16 octets is not waited for', () => {
    for (const header of [binary(0x21, 0x31, ''), binary(0x21, 0x11, '', 11), binary(0x21, 0x11, '', 60_000)])
      expect(readProxyHeader(header)).toHaveProperty('broken');
    expect(readProxyHeader(binary(0x21, 0x11, four).subarray(0, 27))).toBe('more');
  });
});

test.each([
  ['EHLO mx.example\r\n', 'the proxy begins with "EHLO mx.example\\x0d\\x0a"'],
  ['proxy TCP4 1.2.3.4 4.3.2.1 1 2\r\n', 'the proxy begins with "proxy TCP4 1.2.3.4 4"'],
  ['PROXY\r\n', 'the proxy begins with "PROXY\\x0d\\x0a"'],
  ['\r\n\r\n\r\n', 'the proxy begins with "\\x0d\\x0a\\x0d\\x0a\\x0d\\x0a"'],
  ['\x16\x03\x01', 'the proxy begins with "\\x16\\x03\\x01"'],
  ['', 'more'],
  ['P', 'more'],
  ['\r', 'more'],
])('neither version: %j', (octets, result) => expect(text(octets)).toBe(result));

describe('printing', () => {
  const [client4, client6] = [ipOf('192.0.2.7'), ipOf('2001:db8::7')];
  const [server4, server6] = [
    { ip: ipOf('192.0.2.25'), port: 25 },
    { ip: ipOf('2001:db8::19'), port: 25 },
  ];
  test.each([
    ['IPv4', { ip: client4, port: 4711 }, server4, binary(0x21, 0x11, four)],
    ['IPv6', { ip: client6, port: 4711 }, server6, binary(0x21, 0x21, six)],
    [
      'IPv4 to IPv6',
      { ip: client4, port: 4711 },
      server6,
      binary(0x21, 0x21, '00000000000000000000ffffc0000207 20010db8000000000000000000000019 1267 0019'),
    ],
    [
      'IPv6 to IPv4',
      { ip: client6, port: 4711 },
      server4,
      binary(0x21, 0x21, '20010db8000000000000000000000007 00000000000000000000ffffc0000219 1267 0019'),
    ],
    ['no port', { ip: client4 }, server4, binary(0x21, 0x11, 'c0000207c0000219 0000 0019')],
    ['no server', { ip: client4, port: 4711 }, undefined, binary(0x21, 0x11, 'c000020700000000 1267 0000')],
    [
      'no server of IPv6',
      { ip: client6, port: 4711 },
      undefined,
      binary(0x21, 0x21, `20010db8000000000000000000000007 ${'00'.repeat(16)} 1267 0000`),
    ],
  ])('%s', (_, client, server, octets) =>
    expect(printProxyHeader(client, server).toString('hex')).toBe(octets.toString('hex')),
  );

  test('LOCAL, for a connection of our own', () => expect(printLocalHeader()).toEqual(binary(0x20, 0x00, '')));
});

test.each([
  ['::', '::'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['::ffff:1.2.3', undefined],
  ['::ffff:1.2.3.4:5', undefined],
  ['', undefined],
])('an IPv6 address as written: %j', (written, ip) => expect(readWrittenIp(written, 6)).toBe(ip));
