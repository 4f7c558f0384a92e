// A list of domains, for millions of entries: "example.com" holds for that name and for all below it, ".example.com" for those
// below it alone. Borders are those of labels, letters are compared without case (RFC 4343), a final dot says nothing. What is
// no host name is not added and `add` says false; nothing here throws. Names are kept as octets in one place with a hash
// table over them, because a million strings in a Set take five times the memory and its growth stops the world.

import { parseIp } from './ip.ts';
import { hostName } from './name.ts';
import { type Problem, quote } from './problem.ts';

export interface DomainList {
  /** Different names, with or without the dot in front. */
  readonly size: number;
  /** Any text, in the presentation form of RFC 1035 s5.1: the dot of "\." is not a border. */
  has(name: string): boolean;
}

export interface DomainListBuilder {
  /** A host name, a dot in front if it is not meant itself; false if it is none. */
  add(text: string): boolean;
  /** The last step returns the list. Nothing may be added any more. */
  finish(): Generator<undefined, DomainList>;
}

/** Slots looked at to put names into the table in one step of `finish`: a millisecond. */
const stepLooks = 4_096;
/** Slots of the table made ready in one step. */
const stepSlots = 2 ** 18;
const poolOctets = 2 ** 16;
const nameOctetsMax = 253;
/** In front of each name: whether it is meant itself, and its length. */
const headOctets = 2;

/** `seed`, a 32-bit number that is secret, so that whoever writes into a feed cannot choose names that share a slot. */
export function domainListBuilder(seed: number): DomainListBuilder {
  const pool = octetPool();
  let count = 0;
  return {
    add(text) {
      const isBelow = text.startsWith('.');
      const name = hostName(text.slice(isBelow ? 1 : 0, text.endsWith('.') ? -1 : undefined));
      if (name === undefined) return false;
      pool.add(name, isBelow ? 0 : 1);
      count++;
      return true;
    },
    *finish() {
      const table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
      // Memory is really given when it is first touched, and names touch it everywhere at once.
      for (let from = 0; from < table.length; from += stepSlots) {
        table.fill(0, from, from + stepSlots);
        yield;
      }
      let size = 0;
      let left = stepLooks;
      for (const [octets, base, used] of pool.parts()) {
        for (let at = 0; at < used; at += headOctets + (octets[at + 1] ?? 0)) {
          let slot = firstSlot(hashOf(octets, at, seed), table);
          for (;;) {
            left--;
            const held = table[slot] ?? 0;
            if (held === 0) {
              table[slot] = base + at + 1;
              size++;
              break;
            }
            if (pool.isSame(held - 1, octets, at)) {
              if (octets[at] === 1) pool.meanItself(held - 1);
              break;
            }
            slot = (slot + 1) % table.length;
          }
          if (left <= 0) {
            yield;
            left = stepLooks;
          }
        }
      }
      return domainList(pool, table, size, seed);
    },
  };
}

/** Why `text` is not in the list, for whoever wrote it. */
export function domainFault(text: string): Omit<Problem, 'where'> {
  return { what: `${quote(text)} is not a domain`, hint: domainHint(text) };
}

function domainHint(text: string): string {
  const below = text.startsWith('*.') ? text.slice(1) : undefined;
  if (below !== undefined && hostName(below.slice(1)) !== undefined)
    return `write ${below} for all below it, ${below.slice(1)} for the name itself too`;
  if (parseIp(text.replace(/\/\d+$/, '')) !== undefined) return 'addresses have a list of their own';
  if (/[^\0-\x7f]/.test(text)) return 'write it in ASCII, with xn-- in front';
  return 'write example.com, or .example.com for those below it alone';
}

function domainList(pool: OctetPool, table: Uint32Array, size: number, seed: number): DomainList {
  /** What is listed of the name from `from` to `end`; undefined if nothing is. */
  const listed = (hash: number, name: string, from: number, end: number): 'itself' | 'below' | undefined => {
    for (let slot = firstSlot(hash, table); ; slot = (slot + 1) % table.length) {
      const held = table[slot] ?? 0;
      if (held === 0) return undefined;
      if (pool.isName(held - 1, name, from, end)) return pool.isMeantItself(held - 1) ? 'itself' : 'below';
    }
  };
  return {
    size,
    has(name) {
      const end = isBorder(name, name.length - 1) ? name.length - 1 : name.length;
      let hash = seed;
      // From the last letter to the first: on the way the hash of every parent comes by.
      for (let i = end - 1; i >= 0 && end - i <= nameOctetsMax + 1; i--) {
        if (isBorder(name, i) && listed(hash, name, i + 1, end) !== undefined) return true;
        hash = hashed(hash, lower(name.charCodeAt(i)));
      }
      return end > 0 && end <= nameOctetsMax && listed(hash, name, 0, end) === 'itself';
    },
  };
}

/** Whether a dot that is not escaped stands there. */
function isBorder(name: string, at: number): boolean {
  if (name.charCodeAt(at) !== 0x2e) return false;
  let backslashes = 0;
  while (name.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 0;
}

/** FNV-1a. */
function hashed(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, 0x01000193);
}

function hashOf(octets: Uint8Array, at: number, seed: number): number {
  const begin = at + headOctets;
  let hash = seed;
  for (let i = begin + (octets[at + 1] ?? 0) - 1; i >= begin; i--) hash = hashed(hash, octets[i] ?? 0);
  return hash;
}

function firstSlot(hash: number, table: Uint32Array): number {
  return ((hash ^ (hash >>> 15)) >>> 0) % table.length;
}

function lower(char: number): number {
  return char >= 0x41 && char <= 0x5a ? char | 0x20 : char;
}

type OctetPool = ReturnType<typeof octetPool>;

/** Names as octets, each with its head, in parts of one size that it is not cut by; a place is counted through all parts. */
function octetPool() {
  const parts: Uint8Array[] = [];
  const used: number[] = [];
  let part = new Uint8Array(0);
  let end = 0;
  const partOf = (place: number): Uint8Array => parts[Math.floor(place / poolOctets)] ?? part;
  return {
    add(name: string, itself: 0 | 1): void {
      if (end + headOctets + name.length > part.length) {
        part = new Uint8Array(poolOctets);
        parts.push(part);
        end = 0;
      }
      part[end++] = itself;
      part[end++] = name.length;
      for (let i = 0; i < name.length; i++) part[end++] = name.charCodeAt(i);
      used[parts.length - 1] = end;
    },
    /** Each part, the place of its first octet, and how many of its octets are used. */
    parts: (): [Uint8Array, number, number][] => parts.map((octets, i) => [octets, i * poolOctets, used[i] ?? 0]),
    isSame(place: number, other: Uint8Array, otherAt: number): boolean {
      const octets = partOf(place);
      const at = place % poolOctets;
      const length = octets[at + 1] ?? 0;
      for (let i = 1; i < headOctets + length; i++) if (octets[at + i] !== other[otherAt + i]) return false;
      return true;
    },
    isName(place: number, name: string, from: number, to: number): boolean {
      const octets = partOf(place);
      const at = place % poolOctets;
      if (octets[at + 1] !== to - from) return false;
      const begin = at + headOctets - from;
      for (let i = from; i < to; i++) if (octets[begin + i] !== lower(name.charCodeAt(i))) return false;
      return true;
    },
    isMeantItself: (place: number): boolean => partOf(place)[place % poolOctets] === 1,
    meanItself(place: number): void {
      partOf(place)[place % poolOctets] = 1;
    },
  };
}
