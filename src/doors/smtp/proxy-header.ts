// The header that a load balancer puts before its client's first octet: PROXY protocol, version 1 (text) and 2 (binary), as
// in HAProxy's proxy-protocol.txt, whose sections are cited. Pure. Without `client` the proxy says nothing of a client, and
// the endpoints of the connection itself hold. Reading never throws. Whoever calls it has checked that the peer is listed:
// a stranger's header is a stranger's word.

import { type Ip, isIpv4, parseIp } from '../../core/ip.ts';
import { proxyHeaderOctetsMax, proxyLineOctetsMax } from '../../core/limits.ts';
import { printable } from '../../core/name.ts';

export interface ProxyEndpoint {
  readonly ip: Ip;
  /** 0..65535; 0 where the proxy does not know it. */
  readonly port: number;
}

export interface ProxyHeader {
  /** Octets of the header; what follows belongs to the client. */
  readonly octets: number;
  /** Absent for LOCAL, UNKNOWN and unspecified addresses: mostly a health check, whose endpoints are the connection's own. */
  readonly client?: ProxyEndpoint;
  /** The address and port of the proxy that the client connected to; there if `client` is. */
  readonly server?: ProxyEndpoint;
}

/** Why there will be no header, as a sentence about the proxy for the log. */
export interface BrokenProxyHeader {
  readonly broken: string;
}

const textStart = Buffer.from('PROXY ', 'latin1');
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/**
 * The header at the start of these octets, which are all that came so far. 'more': it has not come whole. `broken`: the
 * connection must be closed without a word (sections 2.1, 2.2).
 */
export function readProxyHeader(octets: Buffer): ProxyHeader | 'more' | BrokenProxyHeader {
  if (mayBegin(octets, textStart)) return readText(octets);
  if (mayBegin(octets, signature)) return readBinary(octets);
  return { broken: `the proxy begins with "${printable(octets.toString('latin1', 0, 20))}"` };
}

/** They are the same as far as both go. */
function mayBegin(octets: Buffer, start: Buffer): boolean {
  return octets.subarray(0, start.length).equals(start.subarray(0, octets.length));
}

/** Section 2.1. Postfix lets a bare LF, double blanks and further words pass; the document forbids it, and no proxy sends it. */
function readText(octets: Buffer): ProxyHeader | 'more' | BrokenProxyHeader {
  const end = octets.subarray(0, proxyLineOctetsMax).indexOf('\n');
  if (end < 0 && octets.length < proxyLineOctetsMax) return 'more';
  const line = octets.toString('latin1', 0, end < 0 ? proxyLineOctetsMax : end);
  const broken = (why: string) => ({ broken: `the proxy sends ${why}: "${printable(line)}"` });
  if (end < 0) return broken('a header without end');
  if (!line.endsWith('\r')) return broken('a header that ends in a bare LF');
  // Version 1 has no LOCAL, so old health checks are UNKNOWN. What follows the word must be ignored.
  if (/^PROXY UNKNOWN(?: .*)?\r$/s.test(line)) return { octets: end + 1 };
  const match = /^PROXY TCP([46]) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)\r$/.exec(line);
  if (match === null) return broken('no header of version 1');
  const [, family = '', source = '', destination = '', sourcePort = '', destinationPort = ''] = match;
  const client = textEndpoint(family, source, sourcePort);
  const server = textEndpoint(family, destination, destinationPort);
  if (client === undefined || server === undefined)
    return broken(`a ${client === undefined ? 'client' : 'server'} that is no TCP${family} address and port`);
  return { octets: end + 1, client, server };
}

function textEndpoint(family: string, address: string, port: string): ProxyEndpoint | undefined {
  const ip = readWrittenIp(address, family === '4' ? 4 : 6);
  const number = readWrittenPort(port);
  return ip === undefined || number === undefined ? undefined : { ip, port: number };
}

/**
 * An address as protocols write it: four decimals for family 4; for 6 hexadecimal groups, or ::ffff:a.b.c.d, which is the
 * IPv4 address. Zone ids, leading zeros in decimals and other dotted forms are undefined: two programs may read them
 * differently, and then one of them has the wrong client.
 */
export function readWrittenIp(text: string, family: 4 | 6): Ip | undefined {
  if (family === 4) return /^[0-9.]+$/.test(text) ? parseIp(text) : undefined;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(text)?.[1];
  if (mapped !== undefined) return parseIp(mapped);
  return /[.%]/.test(text) ? undefined : parseIp(text);
}

/** 0..65535 in decimal, without leading zeros. */
export function readWrittenPort(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

const fixedOctets = 16;
const [local, proxy] = [0x20, 0x21];
const [unspecified, tcp4, tcp6] = [0x00, 0x11, 0x21];

/** Section 2.2. */
function readBinary(octets: Buffer): ProxyHeader | 'more' | BrokenProxyHeader {
  if (octets.length < fixedOctets) return 'more';
  const [command, family] = octets.subarray(signature.length);
  const length = fixedOctets + octets.readUInt16BE(14);
  const broken = (why: string) => ({ broken: `the proxy sends ${why}: ${octets.toString('hex', 12, fixedOctets)}` });
  if (command !== local && command !== proxy) return broken('a version or command that is not known');
  if (length > proxyHeaderOctetsMax) return broken(`a header of more than ${proxyHeaderOctetsMax} octets`);
  // LOCAL: whatever stands behind it must be discarded, family included. Unspecified addresses are what UNKNOWN is in
  // version 1. Postfix takes LOCAL alone of the three.
  const isSilent = command === local || family === unspecified;
  // A client of a mail server comes over TCP. Who came to the proxy over UNIX or UDP cannot be judged, and the proxy, whom the
  // policy may trust, is not to be judged in its place. Section 2.2 leaves this to the receiver; Postfix closes too.
  if (!isSilent && family !== tcp4 && family !== tcp6) return broken('a client that did not come over TCP');
  const width = family === tcp4 ? 4 : 16;
  const tlvsAt = fixedOctets + 2 * (width + 2);
  if (!isSilent && length < tlvsAt) return broken('a header too short for its addresses');
  if (octets.length < length) return 'more';
  if (isSilent) return { octets: length };
  const header = octets.subarray(0, length);
  const fault = tlvFault(header, tlvsAt);
  if (fault !== undefined) return broken(fault);
  const endpoint = (which: 0 | 1): ProxyEndpoint => ({
    ip: binaryIp(header.subarray(fixedOctets + which * width, fixedOctets + (which + 1) * width)),
    port: header.readUInt16BE(fixedOctets + 2 * width + 2 * which),
  });
  return { octets: length, client: endpoint(0), server: endpoint(1) };
}

function binaryIp(octets: Buffer): Ip {
  const text = octets.length === 4 ? octets.join('.') : (octets.toString('hex').match(/.{4}/g) ?? []).join(':');
  // Any 4 or 16 octets are an address.
  return parseIp(text) as Ip;
}

const tlvHeadOctets = 3;
const checksumType = 0x03;

/** What is wrong with the extensions (section 2.2); undefined if nothing is. Only the checksum (2.2.3) is read. */
function tlvFault(header: Buffer, start: number): string | undefined {
  let checksumAt: number | undefined;
  for (let at = start; at < header.length; ) {
    const valueAt = at + tlvHeadOctets;
    const next = valueAt > header.length ? valueAt : valueAt + header.readUInt16BE(at + 1);
    if (next > header.length) return 'an extension that is longer than its header';
    if (header[at] === checksumType) {
      if (checksumAt !== undefined || next !== valueAt + 4) return 'two checksums, or one that has not four octets';
      checksumAt = valueAt;
    }
    at = next;
  }
  if (checksumAt === undefined) return undefined;
  const zeroed = Buffer.from(header);
  zeroed.writeUInt32BE(0, checksumAt);
  return crc32c(zeroed) === header.readUInt32BE(checksumAt) ? undefined : 'a header whose checksum is wrong';
}

const crcTable = Uint32Array.from({ length: 256 }, (_, octet) => {
  let rest = octet;
  // Castagnoli's polynomial, bits reversed (RFC 4960 appendix B); the one in node:zlib is another.
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  return rest;
});

function crc32c(octets: Buffer): number {
  let rest = 0xffffffff;
  for (const octet of octets) rest = (crcTable[(rest ^ octet) & 0xff] ?? 0) ^ (rest >>> 8);
  return ~rest >>> 0;
}

/**
 * A version 2 header for the backend (section 2.2). An unknown port is 0, an unknown server is the unspecified address; if
 * the families differ, IPv4 is written as mapped IPv6. It never says LOCAL, whatever is unknown: the backend would take the
 * client for us, and our address may be one that it relays for.
 */
export function printProxyHeader(
  client: { readonly ip: Ip; readonly port?: number },
  server: ProxyEndpoint | undefined,
): Buffer {
  const isTcp4 = isIpv4(client.ip) && (server === undefined || isIpv4(server.ip));
  const addresses = [client.ip, server?.ip ?? (isTcp4 ? '0.0.0.0' : '::')].map((ip) => ipOctets(ip, isTcp4));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(client.port ?? 0, 0);
  ports.writeUInt16BE(server?.port ?? 0, 2);
  const body = Buffer.concat([...addresses, ports]);
  return Buffer.concat([signature, Buffer.from([proxy, isTcp4 ? tcp4 : tcp6, 0, body.length]), body]);
}

/** For a connection of our own, behind which there is no client (section 2.2): the backend takes it for what it is. */
export function printLocalHeader(): Buffer {
  return Buffer.concat([signature, Buffer.from([local, 0, 0, 0])]);
}

function ipOctets(ip: string, isTcp4: boolean): Buffer {
  if (!ip.includes(':')) {
    const four = ip.split('.').map(Number);
    return Buffer.from(isTcp4 ? four : [...Array<number>(10).fill(0), 0xff, 0xff, ...four]);
  }
  const [head = [], tail = []] = ip.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
