// Addresses, as values. An `Ip` is canonical text: four decimal parts, or RFC 5952 for IPv6; an IPv4-mapped address
// (::ffff:a.b.c.d) is the IPv4 address and a zone id (%eth0) is dropped, so two spellings of one host are one string.
// What is no address is `undefined`; nothing here throws. Reverse names follow RFC 1035 s3.5 and RFC 3596 s2.5.

import ipaddr from 'ipaddr.js';

declare const ipBrand: unique symbol;
export type Ip = string & { readonly [ipBrand]: true };

/** A network in canonical text, "192.0.2.0/24"; a single address is its /32 or /128. */
export interface Cidr {
  readonly base: Ip;
  readonly bits: number;
}

/** Canonical form of an address, or undefined. "127.1", "0x7f000001" and the like are names at best, not addresses. */
export function parseIp(text: string): Ip | undefined {
  // Most come in canonical form, and many times for each client.
  if (canonicalIpv4.test(text)) return text as Ip;
  const bare = text.includes('%') ? text.slice(0, text.indexOf('%')) : text;
  // The library throws and catches for what is no address, and names come through here more often than addresses.
  if (!/^[0-9a-f:.]+$/i.test(bare)) return undefined;
  if (!bare.includes(':')) {
    return ipaddr.IPv4.isValidFourPartDecimal(bare) ? canonical(ipaddr.IPv4.parse(bare)) : undefined;
  }
  return ipaddr.IPv6.isValid(bare) ? canonical(ipaddr.IPv6.parse(bare)) : undefined;
}

const canonicalIpv4 = /^(?:(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/;

export function isIpv4(ip: Ip): boolean {
  return !ip.includes(':');
}

export type AddressSpace = 'loopback' | 'private' | 'public';

/** `private`: RFC 1918, CGNAT (RFC 6598), ULA (RFC 4193) and link-local addresses, which no client on the Internet has. */
export function addressSpace(ip: Ip): AddressSpace {
  const range = ipaddr.parse(ip).range();
  if (range === 'loopback') return 'loopback';
  return privateRanges.has(range) ? 'private' : 'public';
}

const privateRanges: ReadonlySet<string> = new Set(['private', 'carrierGradeNat', 'uniqueLocal', 'linkLocal']);

/** The name whose PTR records speak for an address: "7.2.0.192.in-addr.arpa", or 32 nibbles under ip6.arpa. */
export function reverseName(ip: Ip): string {
  if (isIpv4(ip)) return `${ip.split('.').reverse().join('.')}.in-addr.arpa`;
  const bytes = ipaddr.parse(ip).toByteArray().reverse();
  return `${bytes.map((byte) => `${(byte & 15).toString(16)}.${(byte >> 4).toString(16)}`).join('.')}.ip6.arpa`;
}

/** Reads "192.0.2.0/24" or a single address. Host bits that are set ("192.0.2.7/24") make it undefined: see networkOf. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const width = isIpv4(address) ? 32 : 128;
  if (slash < 0) return { base: address, bits: width };
  const length = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > width) return undefined;
  const range = { base: address, bits: Number(length) };
  return networkOf(range).base === address ? range : undefined;
}

/** The range with its host bits cleared, for "did you mean 192.0.2.0/24". */
export function networkOf(range: Cidr): Cidr {
  const bytes = ipaddr.parse(range.base).toByteArray();
  const masked = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, range.bits - 8 * i))) & 0xff);
  return { base: canonical(ipaddr.fromByteArray(masked)), bits: range.bits };
}

export function inCidr(ip: Ip, range: Cidr): boolean {
  if (isIpv4(ip) !== isIpv4(range.base)) return false;
  return ipaddr.parse(ip).match([ipaddr.parse(range.base), range.bits] as never);
}

/** How many addresses a range has; Infinity where that is no exact number any more. */
export function sizeOf({ base, bits }: Cidr): number {
  const free = (isIpv4(base) ? 32 : 128) - bits;
  return free > 52 ? Number.POSITIVE_INFINITY : 2 ** free;
}

/** Every address of a range, in order. The caller looks at its size first. */
export function* addressesOf(range: Cidr): Generator<Ip> {
  const bytes = ipaddr.parse(range.base).toByteArray();
  for (let left = sizeOf(range); left > 0; left--) {
    yield canonical(ipaddr.fromByteArray(bytes));
    for (let i = bytes.length - 1; i >= 0; i--) {
      const next = ((bytes[i] ?? 0) + 1) & 0xff;
      bytes[i] = next;
      if (next !== 0) break;
    }
  }
}

export function printCidr(range: Cidr): string {
  return `${range.base}/${range.bits}`;
}

/** The network one owner can rotate through, as text: the /24 of an IPv4 address ("192.0.2"), the /64 of an IPv6 one. */
export function networkPrefix(ip: Ip): string {
  if (isIpv4(ip)) return ip.slice(0, ip.lastIndexOf('.'));
  const gap = ip.indexOf('::');
  const head = (gap < 0 ? ip : ip.slice(0, gap)).split(':');
  if (gap < 0 || head.length >= 4) return head.slice(0, 4).join(':');
  const tail = ip
    .slice(gap + 2)
    .split(':')
    .filter(Boolean);
  const zeros = Array<string>(8 - head.filter(Boolean).length - tail.length).fill('0');
  return [...head.filter(Boolean), ...zeros, ...tail].slice(0, 4).join(':');
}

function canonical(address: ipaddr.IPv4 | ipaddr.IPv6): Ip {
  const plain =
    address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress()
      ? (address as ipaddr.IPv6).toIPv4Address()
      : address;
  return plain.toString() as Ip;
}
