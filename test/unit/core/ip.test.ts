import { describe, expect, test } from '@jest/globals';
import { inCidr, networkOf, parseCidr, parseIp, printCidr, reverseName } from '../../../src/core/ip.ts';
import { ipOf } from '../../support/evidence.ts';

describe('parseIp', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
  ])('%s is %s', (text, canonical) => expect(parseIp(text)).toBe(canonical));

  test.each([
    '',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '192.0.2.256',
    '192.0.2.7.',
    '192.0.02.7',
    ' 192.0.2.7',
    '1::2::3',
    'mx.example',
    '[::1]',
  ])('%j is no address', (text) => expect(parseIp(text)).toBeUndefined());
});

describe('reverseName', () => {
  test('IPv4: RFC 1035 s3.5', () => expect(reverseName(ipOf('192.0.2.7'))).toBe('7.2.0.192.in-addr.arpa'));
  test('IPv6: RFC 3596 s2.5', () =>
    expect(reverseName(ipOf('2001:db8::567:89ab'))).toBe(
      'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    ));
});

describe('CIDR ranges', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
  ])('%s and %s: %s', (range, ip, expected) => {
    const cidr = parseCidr(range);
    expect(cidr && inCidr(ipOf(ip), cidr)).toBe(expected);
  });

  test.each(['192.0.2.7/24', '192.0.2.0/33', '192.0.2.0/', '192.0.2/24', '2001:db8::1/32', 'x/8', '192.0.2.0/-1'])(
    '%s is refused',
    (text) => expect(parseCidr(text)).toBeUndefined(),
  );

  test('networkOf clears host bits of any length', () => {
    expect(printCidr(networkOf({ base: ipOf('192.0.2.201'), bits: 26 }))).toBe('192.0.2.192/26');
    expect(printCidr(networkOf({ base: ipOf('2001:db8:abcd::1'), bits: 36 }))).toBe('2001:db8:a000::/36');
  });
});
