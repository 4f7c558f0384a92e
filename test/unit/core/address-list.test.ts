import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AddressList, addressFault, addressListBuilder } from '../../../src/core/address-list.ts';
import { inCidr, networkOf, parseCidr, parseIp, printCidr } from '../../../src/core/ip.ts';
import { ipOf } from '../../support/evidence.ts';

const check = (property: fc.IProperty<unknown>): void =>
  void fc.assert(property as never, { numRuns: 2_000, seed: 8601 });

function listOf(texts: readonly string[]): AddressList {
  const builder = addressListBuilder();
  for (const text of texts) if (!builder.add(text)) throw new Error(`not added: ${text}`);
  const steps = builder.finish();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

describe('which addresses a list has', () => {
  test.each<[string, string[], number, string[], string[]]>([
    ['nothing', [], 0, [], ['0.0.0.0', '::', '192.0.2.7']],
    ['one address', ['192.0.2.7'], 1, ['192.0.2.7'], ['192.0.2.6', '192.0.2.8', '::c000:207']],
    ['its /32', ['192.0.2.7/32'], 1, ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
    ['one of IPv6', ['2001:db8::7'], 1, ['2001:db8::7'], ['2001:db8::6', '2001:db8::8', '::7']],
    ['its /128', ['2001:db8::7/128'], 1, ['2001:db8::7'], ['2001:db8::6', '2001:db8::8']],
    ['all of IPv4', ['0.0.0.0/0'], 1, ['0.0.0.0', '127.255.255.255', '128.0.0.0', '255.255.255.255'], ['::', '::1']],
    ['all of IPv6', ['::/0'], 1, ['::', '8000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'], ['0.0.0.0', '192.0.2.7']],
    ['the first address', ['0.0.0.0', '::'], 2, ['0.0.0.0', '::'], ['0.0.0.1', '::1']],
    [
      'the last address',
      ['255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
      2,
      ['255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
      ['255.255.255.254', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe'],
    ],
    ['the ends of a network', ['192.0.2.64/26'], 1, ['192.0.2.64', '192.0.2.127'], ['192.0.2.63', '192.0.2.128']],
    [
      'the ends of a network of IPv6 that ends inside a word',
      ['2001:db8:8000::/33'],
      1,
      ['2001:db8:8000::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
      ['2001:db8:7fff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
    ],
    ['adjacent networks', ['192.0.2.128/25', '192.0.2.0/25'], 2, ['192.0.2.127', '192.0.2.128'], ['192.0.3.0']],
    [
      'networks inside another, before and behind it',
      ['192.0.2.7', '192.0.0.0/16', '192.0.255.255', '192.0.2.0/24', '192.1.0.0'],
      2,
      ['192.0.0.0', '192.0.2.7', '192.0.3.1', '192.0.255.255', '192.1.0.0'],
      ['191.255.255.255', '192.1.0.1'],
    ],
    ['networks that begin alike', ['10.0.0.0/24', '10.0.0.0/8', '10.0.0.0'], 1, ['10.255.0.1'], ['11.0.0.0']],
    ['the same twice', ['192.0.2.7', '192.0.2.7/32', '::ffff:192.0.2.7'], 1, ['192.0.2.7'], ['192.0.2.8']],
    ['other spellings', ['2001:DB8:0:0::7', 'fe80::1%eth0', '::192.0.2.7'], 3, ['2001:db8::7', 'fe80::1'], ['fe80::2']],
  ])('%s', (_, texts, size, inside, outside) => {
    const list = listOf(texts);
    expect(list.size).toBe(size);
    for (const ip of inside) expect([ip, list.has(ipOf(ip))]).toEqual([ip, true]);
    for (const ip of outside) expect([ip, list.has(ipOf(ip))]).toEqual([ip, false]);
  });
});

describe('what is no network', () => {
  test.each<[string, string]>([
    ['192.0.2.7/24', 'did you mean 192.0.2.0/24?'],
    ['2001:db8::7/32', 'did you mean 2001:db8::/32?'],
    ['0.0.0.1/0', 'did you mean 0.0.0.0/0?'],
    ['192.0.2.0/33', 'the prefix is too long'],
    ['2001:db8::/129', 'the prefix is too long'],
    ['::ffff:192.0.2.0/120', 'the prefix is too long'],
    ['192.0.2.0/', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.2.0/-1', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.2.0/0024', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.2', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.2.7.', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.2.256', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.02.7', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['192.0.2.1-192.0.2.9', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['1::2::3', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['2001:db8:::7', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['1:2:3:4:5:6:7', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['1:2:3:4:5:6:7:8:9', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    [':', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['2001:db8:', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['12345::', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
    ['mx.example', 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32'],
  ])('%s', (text, hint) => {
    expect(addressListBuilder().add(text)).toBe(false);
    expect(addressFault(text)).toEqual({ what: `"${text}" is not an address or a CIDR range`, hint });
  });
});

/** Few different bits, so that networks meet; all lengths. */
const ipv4 = fc
  .tuple(fc.constantFrom(0, 10, 192, 255), fc.nat(3), fc.nat(1), fc.nat(255))
  .map((parts) => ipOf(parts.join('.')));
const ipv6 = fc
  .array(fc.constantFrom(0, 0, 0, 1, 0x7fff, 0x8000, 0xffff), { minLength: 8, maxLength: 8 })
  .map((groups) => ipOf(groups.map((group) => group.toString(16)).join(':')));
const ip = fc.oneof(ipv4, ipv6);
const network = fc
  .tuple(ip, fc.nat(128))
  .map(([base, bits]) => networkOf({ base, bits: base.includes(':') ? bits : bits % 33 }));

test('a list has what one of its networks has', () => {
  check(
    fc.property(fc.array(network, { maxLength: 20 }), fc.array(ip, { maxLength: 10 }), (networks, asked) => {
      const list = listOf(networks.map(printCidr));
      const all = [...asked, ...networks.map(({ base }) => base)];
      expect(all.filter((one) => list.has(one))).toEqual(
        all.filter((one) => networks.some((range) => inCidr(one, range))),
      );
    }),
  );
});

test('a line is read as parseCidr reads it', () => {
  const characters = fc.constantFrom(
    ...'0123456789afAF:./%x'.split(''),
    '::',
    '.0',
    '/0',
    '192.0.2.',
    '2001:db8:',
    '::ffff:',
  );
  const odd = fc.array(characters, { maxLength: 14 }).map((pieces) => pieces.join(''));
  const nearly = fc.tuple(ip, fc.nat(140)).map(([base, bits]) => `${base}/${bits}`);
  check(
    fc.property(fc.oneof(odd, nearly), (text) => {
      const range = parseCidr(text);
      const builder = addressListBuilder();
      expect([text, builder.add(text)]).toEqual([text, range !== undefined]);
      if (range === undefined) return;
      const list = listOf([text]);
      expect([text, list.has(range.base)]).toEqual([text, true]);
      expect([text, list.size]).toEqual([text, 1]);
    }),
  );
});

test('every canonical address is found', () => {
  const octets = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const anyIp = fc.tuple(octets, fc.nat(255), fc.boolean()).map(([bytes, zeros, isIpv4]) => {
    if (isIpv4) return ipOf(bytes.slice(0, 4).join('.'));
    const groups = Array.from({ length: 8 }, (_, i) => (zeros & (1 << i) ? 0 : (bytes[i * 2] ?? 0) * 256 + i));
    return ipOf(groups.map((group) => group.toString(16)).join(':'));
  });
  check(fc.property(anyIp, (one) => expect([one, listOf([one]).has(one)]).toEqual([one, true])));
});

describe('many networks, in any order', () => {
  const count = 30_000;
  /** Every even address of 10.0.0.0/8 and 2001:db8::/96 from the first on, scattered. */
  const place = (i: number): number => ((i * 7_919) % count) * 2;
  const ipv4Of = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  const ipv6Of = (n: number): string => `2001:db8::${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}`;

  test.each<[string, (n: number) => string]>([
    ['IPv4', ipv4Of],
    ['IPv6', ipv6Of],
  ])('%s', (_, textOf) => {
    const list = listOf(Array.from({ length: count }, (_, i) => textOf(place(i))));
    expect(list.size).toBe(count);
    let wrong = 0;
    for (let n = 0; n < count * 2; n++) if (list.has(ipOf(textOf(n))) !== (n % 2 === 0)) wrong++;
    expect(wrong).toBe(0);
  });

  test('one that holds all, in the last chunk', () => {
    const inside = Array.from({ length: count }, (_, i) => ipv4Of(place(i)));
    expect(listOf([...inside, '10.0.0.0/8']).size).toBe(1);
    expect(listOf(['10.0.0.0/8', ...inside]).size).toBe(1);
  });

  test('no step of making the list does it all', () => {
    const builder = addressListBuilder();
    for (let i = 0; i < count; i++) builder.add(ipv4Of(place(i)));
    expect([...builder.finish()].length).toBeGreaterThan(8);
  });
});

test('what is no address is in no list', () => {
  for (const text of ['', 'mx.example', '192.0.2', '::ffff:192.0.2.7']) {
    expect(parseIp(text) === undefined || text.startsWith('::ffff:')).toBe(true);
    expect(listOf(['0.0.0.0/0', '::/0']).has(text as never)).toBe(false);
  }
});
