// A list of networks, IPv4 and IPv6 mixed, for millions of entries: flat words, sorted, none inside another, so that `has` is
// one binary search. It is built in steps, because sorting all at once would hold up every connection: `add` sorts no more
// than one chunk, and whoever drives `finish` may do something else between its steps. What is no network is not added and
// `add` says false; nothing here throws. An address is matched in its own family only, as by `inCidr`.

import { type Ip, networkOf, parseCidr, parseIp, printCidr } from './ip.ts';
import { type Problem, quote } from './problem.ts';

export interface AddressList {
  /** Networks that are left when those inside others are taken out. */
  readonly size: number;
  has(ip: Ip): boolean;
}

export interface AddressListBuilder {
  /** An address or a CIDR range as `parseCidr` reads it; false if it is none. */
  add(text: string): boolean;
  /** The last step returns the list. Nothing may be added any more. */
  finish(): Generator<undefined, AddressList>;
}

/** Networks sorted in one piece, by `add`: a millisecond, five while the code is cold. */
const chunkNetworks = 2_048;
/** Networks merged in one step of `finish`: less than a millisecond. */
const stepNetworks = 8_192;

/** Sorted networks of one family: so many words of address and one of prefix length for each. */
interface Run {
  readonly words: Uint32Array;
  readonly count: number;
}

export function addressListBuilder(): AddressListBuilder {
  const families = { ipv4: sorter(1), ipv6: sorter(4) };
  const network = new Uint32Array(5);
  return {
    add(text) {
      const width = readNetwork(text, network) || readSpelling(text, network);
      if (width > 0) (width === 1 ? families.ipv4 : families.ipv6).add(network);
      return width > 0;
    },
    *finish() {
      return listOf(yield* families.ipv4.finish(), yield* families.ipv6.finish());
    },
  };
}

/** A short list, made at once. What is no network is left out. */
export function addressList(texts: readonly string[]): AddressList {
  const builder = addressListBuilder();
  for (const text of texts) builder.add(text);
  const steps = builder.finish();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Why `text` is not in the list, for whoever wrote it. */
export function addressFault(text: string): Omit<Problem, 'where'> {
  const [base = '', length = ''] = text.split('/');
  const ip = parseIp(base);
  return {
    what: `${quote(text)} is not an address or a CIDR range`,
    hint:
      ip !== undefined && /^\d{1,3}$/.test(length)
        ? hostBitsHint(printCidr(networkOf({ base: ip, bits: Number(length) })))
        : 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32',
  };
}

function hostBitsHint(network: string): string {
  return parseCidr(network) === undefined ? 'the prefix is too long' : `did you mean ${network}?`;
}

function listOf(ipv4: Run, ipv6: Run): AddressList {
  return {
    size: ipv4.count + ipv6.count,
    has(ip) {
      // A policy asks many lists about one client.
      if (ip !== lastIp) {
        lastWidth = readAddress(ip, ip.length, lastAddress);
        lastIp = ip;
      }
      if (lastWidth === 0) return false;
      const run = lastWidth === 1 ? ipv4 : ipv6;
      const at = lastNotAbove(run, lastAddress, lastWidth);
      return at >= 0 && covers(run.words, at * (lastWidth + 1), lastAddress, 0, lastWidth);
    },
  };
}

let lastIp: string | undefined;
let lastWidth = 0;
const lastAddress = new Uint32Array(5);

/** The last network that begins at the address or below it; no other can hold it, since none is inside another. */
function lastNotAbove({ words, count }: Run, address: Uint32Array, width: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order(words, middle * (width + 1), address, 0, width) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Sorts chunk by chunk while networks come in, and merges the chunks in the end. */
function sorter(width: number) {
  const stride = width + 1;
  const runs: Run[] = [];
  const chunk = new Uint32Array(chunkNetworks * stride);
  let count = 0;
  const closeChunk = (): void => {
    if (count > 0) runs.push(sorted(chunk, count, width));
    count = 0;
  };
  return {
    /** Its words and, behind them, its prefix length. */
    add(network: Uint32Array): void {
      for (let i = 0; i < width; i++) chunk[count * stride + i] = network[i] ?? 0;
      chunk[count * stride + width] = network[4] ?? 0;
      if (++count === chunkNetworks) closeChunk();
    },
    *finish(): Generator<undefined, Run> {
      closeChunk();
      // From the front to the back, so that each network is merged log2 of the chunks times, and a run is let go once merged.
      for (;;) {
        const [first, second] = runs.splice(0, 2);
        if (second === undefined) return first ?? { words: new Uint32Array(0), count: 0 };
        runs.push(yield* merged(first as Run, second, width));
      }
    },
  };
}

function sorted(words: Uint32Array, count: number, width: number): Run {
  const stride = width + 1;
  const places = Array.from({ length: count }, (_, i) => i * stride);
  places.sort((a, b) => order(words, a, words, b, stride));
  const into = new Uint32Array(count * stride);
  let kept = 0;
  for (const place of places) kept += append(into, kept, words, place, width);
  return { words: into, count: kept };
}

function* merged(first: Run, second: Run, width: number): Generator<undefined, Run> {
  const stride = width + 1;
  const into = new Uint32Array((first.count + second.count) * stride);
  const at = { first: 0, second: 0, kept: 0 };
  while (at.first < first.count || at.second < second.count) {
    mergeStep(first, second, into, at, width);
    yield;
  }
  return { words: into, count: at.kept };
}

function mergeStep(
  first: Run,
  second: Run,
  into: Uint32Array,
  at: { first: number; second: number; kept: number },
  width: number,
): void {
  const stride = width + 1;
  let { first: i, second: j, kept } = at;
  for (let left = stepNetworks; left > 0 && (i < first.count || j < second.count); left--) {
    const isFirst =
      j === second.count || (i < first.count && order(first.words, i * stride, second.words, j * stride, stride) <= 0);
    kept += isFirst
      ? append(into, kept, first.words, i++ * stride, width)
      : append(into, kept, second.words, j++ * stride, width);
  }
  at.first = i;
  at.second = j;
  at.kept = kept;
}

/** 1 if the network was put behind the `kept` ones, 0 if the last of them holds it already. */
function append(into: Uint32Array, kept: number, from: Uint32Array, place: number, width: number): number {
  const stride = width + 1;
  if (kept > 0 && covers(into, (kept - 1) * stride, from, place, width)) return 0;
  for (let i = 0; i < stride; i++) into[kept * stride + i] = from[place + i] ?? 0;
  return 1;
}

/** Below zero, zero or above it, as with sort: by so many words. With the prefix length, the wider network comes first. */
function order(a: Uint32Array, i: number, b: Uint32Array, j: number, words: number): number {
  for (let word = 0; word < words; word++) {
    const difference = (a[i + word] ?? 0) - (b[j + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether the network at `i` holds the address at `j`. */
function covers(a: Uint32Array, i: number, b: Uint32Array, j: number, width: number): boolean {
  const bits = a[i + width] ?? 0;
  for (let word = 0; word < width; word++) {
    if ((((a[i + word] ?? 0) ^ (b[j + word] ?? 0)) & maskOf(bits - 32 * word)) !== 0) return false;
  }
  return true;
}

/** The mask of one word in which so many bits of the prefix, or more, or less than none, are left. */
function maskOf(bits: number): number {
  return bits >= 32 ? -1 : bits <= 0 ? 0 : -1 << (32 - bits);
}

// Text to words by hand: `parseIp` makes objects, which at a million lines, or for every client, is what takes the time (3 to
// 12 microseconds; this takes 0.1). It reads a part of what `parseIp` reads, and all that is canonical.

/** The words of a network, its prefix length in the fifth place: the words of its family, or 0 if this is none. */
function readNetwork(text: string, into: Uint32Array): number {
  const slash = text.indexOf('/');
  const width = readAddress(text, slash < 0 ? text.length : slash, into);
  const bits = slash < 0 ? 32 * width : readBits(text, slash + 1);
  if (width === 0 || bits > 32 * width || isMapped(into, width)) return 0;
  for (let word = 0; word < width; word++) {
    if (((into[word] ?? 0) & ~maskOf(bits - 32 * word)) !== 0) return 0;
  }
  into[4] = bits;
  return width;
}

/** Anything else that `parseCidr` reads: mapped addresses, zone ids, dotted tails of IPv6. */
function readSpelling(text: string, into: Uint32Array): number {
  // What is no address at all costs it 15 microseconds, and a wrong file has that in every line.
  if (!/[:%]/.test(text) || !/^[\da-fx:.]+(?:%[^/]*)?(?:\/\d{1,3})?$/i.test(text)) return 0;
  const range = parseCidr(text);
  return range === undefined ? 0 : readNetwork(printCidr(range), into);
}

/** One to three digits; else a number that is too large for every family. */
function readBits(text: string, from: number): number {
  let bits = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.POSITIVE_INFINITY;
    bits = bits * 10 + digit;
  }
  return text.length > from && text.length <= from + 3 ? bits : Number.POSITIVE_INFINITY;
}

/** ::ffff:0:0/96, which stands for IPv4. */
function isMapped(words: Uint32Array, width: number): boolean {
  return width === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}

/** The address in `text` up to `end`: 1 or 4 words, or 0 if this is none. */
function readAddress(text: string, end: number, into: Uint32Array): number {
  for (let i = 0; i < end && i < 5; i++) if (text.charCodeAt(i) === 0x3a) return readIpv6(text, end, into) ? 4 : 0;
  return readIpv4(text, end, into) ? 1 : 0;
}

/** Four decimal parts without leading zeros. */
function readIpv4(text: string, end: number, into: Uint32Array): boolean {
  let word = 0;
  let parts = 0;
  for (let i = 0; i < end && parts < 4; i++) {
    const begin = i;
    let part = 0;
    for (; i < end && i < begin + 3; i++) {
      const digit = text.charCodeAt(i) - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      part = part * 10 + digit;
    }
    if (i === begin || part > 255 || (i > begin + 1 && text.charCodeAt(begin) === 0x30)) return false;
    word = word * 256 + part;
    parts++;
    if (parts === 4) {
      into[0] = word;
      return i === end;
    }
    if (text.charCodeAt(i) !== 0x2e) return false;
  }
  return false;
}

/** Eight groups of hexadecimal digits, or fewer around one "::". */
function readIpv6(text: string, end: number, into: Uint32Array): boolean {
  let groups = 0;
  let gap = -1;
  let i = 0;
  if (text.startsWith('::')) {
    gap = 0;
    i = 2;
  }
  while (i < end) {
    const begin = i;
    let group = 0;
    for (; i < end && i < begin + 4; i++) {
      const value = hexValue(text.charCodeAt(i));
      if (value < 0) break;
      group = group * 16 + value;
    }
    if (i === begin || groups === 8) return false;
    groupsRead[groups++] = group;
    if (i === end) break;
    if (text.charCodeAt(i++) !== 0x3a || i === end) return false;
    if (text.charCodeAt(i) === 0x3a) {
      if (gap >= 0) return false;
      gap = groups;
      i++;
    }
  }
  if (gap < 0 ? groups !== 8 : groups === 8) return false;
  into.fill(0, 0, 4);
  for (let group = 0; group < groups; group++) {
    const place = gap >= 0 && group >= gap ? group + 8 - groups : group;
    into[place >> 1] = (into[place >> 1] ?? 0) | ((groupsRead[group] ?? 0) << (place & 1 ? 0 : 16));
  }
  return true;
}

/** What readIpv6 has read so far; one for all, since it is called for every client. */
const groupsRead = new Uint16Array(8);

function hexValue(char: number): number {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
