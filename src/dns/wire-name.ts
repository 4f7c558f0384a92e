// Names in a DNS packet (RFC 1035 s4.1.4), read once and with a budget: compression lets 64 KB of octets stand for
// megabytes of names, and a reader that follows every pointer for every record is a way to stop the whole service. A
// pointer may only lead backwards, so there is no loop; each octet read is taken from the budget, which an honest packet
// never uses up. Lower case, because names are compared without it (RFC 4343).

import { nameOctetsPerPacketMax } from '../core/limits.ts';

const headerOctets = 12;
/** Longer than any name may be (255), so that a name that is too long can be shown to be so. */
const octetsMax = 320;

export interface NameReader {
  /** The name at this offset in presentation form, and where it ends; undefined if it makes no sense, or the budget is used up. */
  read(start: number): ReadName | undefined;
}

export interface ReadName {
  readonly name: string;
  readonly end: number;
}

/** Where a name is put together, so that it becomes one string and not one for each label. Used by one reader at a time. */
const scratch = Buffer.allocUnsafe(octetsMax);

export function nameReader(packet: Buffer): NameReader {
  let budget = nameOctetsPerPacketMax;
  // Most records of a packet point to one and the same name: where it begins, and what it is.
  let lastStart = -1;
  let lastName = '';

  const follow = (start: number): ReadName | undefined => {
    let written = 0;
    let odd = false;
    let end = -1;
    let at = start;
    let lowest = start;
    for (;;) {
      const length = packet[at];
      if (length === undefined || (budget -= 1) < 0) return undefined;
      if (length === 0) break;
      if (length >= 0xc0) {
        const low = packet[at + 1];
        if (low === undefined) return undefined;
        if (end < 0) end = at + 2;
        at = ((length & 0x3f) << 8) | low;
        if (at >= lowest || at < headerOctets) return undefined;
        lowest = at;
        continue;
      }
      budget -= length;
      if (length > 63 || written + 1 + length > octetsMax || at + 1 + length > packet.length) return undefined;
      if (written > 0) scratch[written++] = 0x2e;
      for (let i = at + 1; i <= at + length; i++) {
        const octet = packet[i] ?? 0;
        scratch[written++] = octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
        odd ||= !isPlain(octet);
      }
      at += 1 + length;
    }
    const name = odd ? presentation(packet, start) : scratch.toString('latin1', 0, written);
    return { name, end: end < 0 ? at + 1 : end };
  };

  return {
    read(start) {
      const length = packet[start];
      const low = packet[start + 1];
      const isPointer = length !== undefined && length >= 0xc0 && low !== undefined;
      const from = isPointer ? ((length & 0x3f) << 8) | low : start;
      if (isPointer && from === lastStart && from < start) return { name: lastName, end: start + 2 };
      const read = follow(start);
      if (read !== undefined) [lastStart, lastName] = [from, read.name];
      return read;
    },
  };
}

/** Where the name at this offset ends, without reading it; undefined if it is cut off. */
export function endOfName(packet: Buffer, start: number): number | undefined {
  for (let at = start; ; ) {
    const length = packet[at];
    if (length === undefined || (length > 63 && length < 0xc0)) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
}

/** Letters, digits, hyphen and underscore: what stands for itself in every form of a name. */
function isPlain(octet: number): boolean {
  return (
    (octet >= 0x61 && octet <= 0x7a) ||
    (octet >= 0x30 && octet <= 0x39) ||
    (octet >= 0x41 && octet <= 0x5a) ||
    octet === 0x2d ||
    octet === 0x5f
  );
}

/** The presentation form of a name that was read before, and so has an end. */
function presentation(packet: Buffer, start: number): string {
  const labels: string[] = [];
  for (let at = start; ; ) {
    const length = packet[at] ?? 0;
    if (length === 0) return labels.join('.');
    if (length >= 0xc0) {
      at = ((length & 0x3f) << 8) | (packet[at + 1] ?? 0);
      continue;
    }
    labels.push(presentLabel(packet, at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** RFC 1035 s5.1: a dot or backslash inside a label is escaped, an octet outside printable ASCII is \DDD. */
const shown: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const char = String.fromCharCode(octet).toLowerCase();
  if (char === '.' || char === '\\') return `\\${char}`;
  return octet > 0x20 && octet < 0x7f ? char : `\\${String(octet).padStart(3, '0')}`;
});

function presentLabel(packet: Buffer, start: number, end: number): string {
  let out = '';
  for (let i = start; i < end; i++) out += shown[packet[i] ?? 0];
  return out;
}
