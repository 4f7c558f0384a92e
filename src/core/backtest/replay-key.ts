// A line of a journal without what no verdict depends on: ref, time, the client's port and TTLs. Two lines with the same key are
// judged alike, so that a mail server that comes a thousand times is judged once. Where a policy looks at the clock, the key says
// how late it is, as far as that policy can tell. Octets, since to make a text of each line costs more than all the rest.
//
// Inside a JSON string a quote has a backslash before it, so none of the marks looked for here can stand in foreign text. What is
// cut out has the form in which record-form.ts wants it, so that a line is right if another with its key is.

import type { Policy } from '../policy.ts';
import type { OctetLine } from '../record-form.ts';
import { asksTime, endings } from './asks.ts';

/** How late a time is, in few characters of ASCII, which are part of the key. */
export type Clock = (at: string) => string;

/** No text of a clock is longer, with a line feed. */
export const clockOctetsMax = 40;

/**
 * Tells `write` each piece of the key, from octet to octet, and returns where the ref ends. Undefined, even after some pieces: the
 * line is not in the form in which the journal writes, which JSON does not forbid.
 */
export function cut(
  { octets, from, end }: Pick<OctetLine, 'octets' | 'from' | 'end'>,
  write: (first: number, last: number) => void,
): number | undefined {
  const refEnd = headEnd(octets, from);
  if (refEnd === undefined) return undefined;
  let rest = refEnd + atMark.length + momentForm.length;
  for (const { mark, least, most, isOne } of numbers)
    for (let found = endOf(mark, octets, rest, end); found >= 0; found = isOne ? -1 : endOf(mark, octets, rest, end)) {
      write(rest, found);
      rest = numberEnd(octets, found, least, most);
      if (rest < 0) return undefined;
    }
  write(rest, end);
  return refEnd;
}

/** The ref of a line that was cut. */
export function refOf({ from, text }: Pick<OctetLine, 'from' | 'text'>, refEnd: number): string {
  return text(from + refMark.length, refEnd);
}

/** The time of a line that was cut. */
export function momentOf({ text }: Pick<OctetLine, 'text'>, refEnd: number): string {
  const at = refEnd + atMark.length;
  return text(at, at + momentForm.length);
}

/** The same of a line that is a text already: all three are texts. Undefined: see `cut`. */
export function lineParts(
  line: string,
  clock: Clock,
): { readonly key: string; readonly ref: string; readonly at: string } | undefined {
  // The journal writes ASCII.
  if (/[^ -~]/.test(line)) return undefined;
  let key = '';
  const refEnd = cut({ octets: octetsOf(line), from: 0, end: line.length }, (first, last) => {
    key += line.slice(first, last);
  });
  if (refEnd === undefined) return undefined;
  // A copy: a ref that is kept must not keep the line that it is part of.
  const text = (first = 0, last = line.length) => ` ${line.slice(first, last)}`.slice(1);
  const at = momentOf({ text }, refEnd);
  return { key: clock(at) + key, ref: refOf({ from: 0, text }, refEnd), at };
}

/** Of ASCII. */
export function octetsOf(text: string): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) octets[i] = text.charCodeAt(i);
  return octets;
}

/** The two stand at the beginning, one behind the other. */
const refMark = octetsOf('{"v":1,"evidence":{"v":1,"id":"');
const atMark = octetsOf('","at":"');
const momentForm = octetsOf('dddd-dd-ddTdd:dd:dd.dddZ');
/** Where its two digits stand, the least and the most. */
const momentParts = [
  [5, 1, 12],
  [8, 1, 31],
  [11, 0, 23],
  [14, 0, 59],
  [17, 0, 59],
] as const;
const refOctetsMax = 40;
/** The client's port stands before the answers. */
const numbers = [
  { mark: seekable(octetsOf(',"port":')), least: 1, most: 65_535, isOne: true },
  { mark: seekable(octetsOf(',"ttl":')), least: 0, most: Number.POSITIVE_INFINITY, isOne: false },
];

/** Where the ref ends; undefined: ref and time do not stand at the beginning, or have not the form in which they are written. */
function headEnd(octets: Uint8Array, from: number): number | undefined {
  const ref = from + refMark.length;
  if (!endsIn(refMark, octets, ref)) return undefined;
  let refEnd = ref;
  while (isDigit(octets[refEnd]) || isLetter(octets[refEnd])) refEnd++;
  if (refEnd === ref || refEnd - ref > refOctetsMax) return undefined;
  const at = refEnd + atMark.length;
  return endsIn(atMark, octets, at) && isMoment(octets, at) ? refEnd : undefined;
}

/** As it is written: with milliseconds, and a quote behind it. */
function isMoment(octets: Uint8Array, at: number): boolean {
  for (let i = 0; i < momentForm.length; i++) {
    const octet = octets[at + i];
    if (momentForm[i] === 0x64 ? !isDigit(octet) : octet !== momentForm[i]) return false;
  }
  for (const [place, least, most] of momentParts) {
    const value = 10 * digitAt(octets, at + place) + digitAt(octets, at + place + 1);
    if (value < least || value > most) return false;
  }
  return octets[at + momentForm.length] === 0x22;
}

function endsIn(mark: Uint8Array, octets: Uint8Array, end: number): boolean {
  for (let i = mark.length, j = end; i > 0; ) if (octets[--j] !== mark[--i]) return false;
  return true;
}

interface Mark {
  readonly octets: Uint8Array;
  /** By the octet at which it might end, how much farther on it might end instead (Boyer, Moore and Horspool). */
  readonly steps: Uint8Array;
}

function seekable(octets: Uint8Array): Mark {
  const steps = new Uint8Array(256).fill(octets.length);
  for (const [i, octet] of octets.subarray(0, -1).entries()) steps[octet] = octets.length - 1 - i;
  return { octets, steps };
}

/** Where the first such mark ends; -1: there is none. */
function endOf(mark: Mark, octets: Uint8Array, from: number, end: number): number {
  for (let i = from + mark.octets.length; i <= end; i += mark.steps[octets[i - 1] as number] as number)
    if (octets[i - 1] === 0x3a && endsIn(mark.octets, octets, i)) return i;
  return -1;
}

/** Behind a whole number; -1: there is none, or it is too small or large. */
function numberEnd(octets: Uint8Array, from: number, least: number, most: number): number {
  let value = 0;
  let i = from;
  for (; isDigit(octets[i]); i++) value = 10 * value + digitAt(octets, i);
  const isPlain = i > from && (octets[from] !== 0x30 || i === from + 1);
  return isPlain && value >= least && value <= most ? i : -1;
}

function digitAt(octets: Uint8Array, at: number): number {
  return (octets[at] as number) - 0x30;
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 0x30 && octet <= 0x39;
}

function isLetter(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 0x61 && octet <= 0x7a;
}

/** How late it is, as far as these policies can tell: which rules and exceptions have ended, and the minute if they ask for it. */
export function clockOf(policies: readonly Policy[]): Clock {
  const ends = policies.flatMap(endings).sort((a, b) => a - b);
  const minutes = policies.some(asksTime);
  if (ends.length === 0 && !minutes) return timeless;
  const ended = ends.map((end) => new Date(end).toISOString());
  return (at) => `${ended.filter((end) => end <= at).length} ${minutes ? at.slice(0, 16) : ''}`;
}

/** Of policies that cannot tell how late it is. */
export const timeless: Clock = () => '';
