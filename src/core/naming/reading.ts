// A name taken apart once for all detectors: what stands before the organisation's name (the host part, which is where templates
// are filled in), the organisation's own label, and the runs of digits and of letters and digits in the host part. Linear in the
// length of the name; nothing throws.

import { organisation } from '../organisation.ts';

/** A piece of the name: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A run of digits. `value` is NaN if it has more than ten of them. */
export interface NumberRun extends Span {
  readonly value: number;
}

export interface Reading {
  /** Lower case, no final dot. */
  readonly name: string;
  /** Where the host part ends: 0 if nothing stands before the organisation's name. */
  readonly hostEnd: number;
  /** The organisation's label, without the public suffix; empty where there is none. */
  readonly org: Span;
  readonly numbers: readonly NumberRun[];
  /** Runs of letters and digits. */
  readonly words: readonly Span[];
}

export function read(name: string): Reading {
  const end = hostEndOf(name);
  const from = end === 0 ? 0 : Math.min(name.length, end + 1);
  const dot = name.indexOf('.', from);
  return {
    name,
    hostEnd: end,
    org: { start: from, end: dot < 0 ? name.length : dot },
    ...runs(name, dot < 0 ? name.length : dot),
  };
}

/** Before the organisation's name; before the zone where the name is one of a reverse zone; else the whole. */
function hostEndOf(name: string): number {
  const zone = reverseZones.find((ending) => name.endsWith(ending));
  // No top-level domain ends in a digit: this is an address in the place of a name.
  if (zone === undefined && isDigit(name.charCodeAt(name.length - 1))) return name.length;
  if (zone !== undefined) return name.length - zone.length;
  const domain = organisation(name);
  return domain === undefined ? name.length : Math.max(0, name.length - domain.length - 1);
}

/** RFC 1035 s3.5, RFC 3596 s2.5. */
export const reverseZones = ['.in-addr.arpa', '.ip6.arpa'] as const;

function runs(name: string, end: number): Pick<Reading, 'numbers' | 'words'> {
  const numbers: NumberRun[] = [];
  const words: Span[] = [];
  for (let i = 0; i < end; ) {
    if (!isLetterOrDigit(name.charCodeAt(i))) {
      i++;
      continue;
    }
    const start = i;
    while (i < end && isLetterOrDigit(name.charCodeAt(i))) {
      if (!isDigit(name.charCodeAt(i))) {
        i++;
        continue;
      }
      const first = i;
      let value = 0;
      for (; i < end && isDigit(name.charCodeAt(i)); i++) value = value * 10 + name.charCodeAt(i) - 0x30;
      numbers.push({ start: first, end: i, value: i - first > 10 ? Number.NaN : value });
    }
    words.push({ start, end: i });
  }
  return { numbers, words };
}

export function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

export function isLetter(char: number): boolean {
  return char >= 0x61 && char <= 0x7a;
}

export function isLetterOrDigit(char: number): boolean {
  return isDigit(char) || isLetter(char);
}
