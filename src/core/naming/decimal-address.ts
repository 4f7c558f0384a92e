// An IPv4 address in a name, in numbers of ten: 192-0-2-7, 7.2.0.192, 2-7.192-0, 192x000x002x007, 192000002007, 3221225991; three
// or two of the four numbers, or the last. Without the client's address, four numbers in a row that could be one.

import type { NumberRun, Reading } from './reading.ts';
import type { Sign, SignId } from './sign.ts';
import { digitsOf, findIn } from './squeezed.ts';

/** `octets`: the client's four numbers; absent where its address is not known or of the other family. At most one sign. */
export function decimalAddress(reading: Reading, octets?: readonly number[]): Sign | undefined {
  if (octets === undefined) return looksLikeOne(reading);
  return (
    inWindows(reading, octets) ??
    runTogether(reading, octets) ??
    looksLikeOne(reading, true) ??
    lastNumber(reading, octets)
  );
}

/** Neighbouring numbers that are the client's: four or three in any order, or the last two. */
function inWindows({ name, numbers }: Reading, octets: readonly number[]): Sign | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  const whole = neighbours(numbers, octets);
  if (whole !== undefined) return sign('address', name, whole);
  for (const three of [
    [b, c, d],
    [a, b, c],
    [a, c, d],
    [a, b, d],
  ]) {
    const part = neighbours(numbers, three);
    if (part !== undefined) return sign('address-part', name, part);
  }
  // 2-345-77.w203-0: the first two together, the last elsewhere.
  const front = neighbours(numbers, [a, b]);
  const last = front && numbers.find((number) => number.value === d && d > 9 && !front.includes(number));
  if (front !== undefined && last !== undefined) {
    return sign(
      'address-part',
      name,
      [...front, last].sort((x, y) => x.start - y.start),
    );
  }
  const end = neighbours(numbers, [c, d]);
  return end && sign('octets', name, end);
}

/** Runs that follow one another and have these values, in any order; two only where one sign or letter stands between. */
function neighbours(numbers: readonly NumberRun[], values: readonly number[]): readonly NumberRun[] | undefined {
  if (isTrivial(values)) return undefined;
  for (let i = 0; i + values.length <= numbers.length; i++) {
    const window = numbers.slice(i, i + values.length);
    if (sameNumbers(window, values) && (values.length > 2 || follows(window))) return window;
  }
  return undefined;
}

/** Small numbers stand in many names, of interfaces above all: two or three of them are no sign of an address. */
function isTrivial(values: readonly number[]): boolean {
  const small = [0, 0, 4, 16][values.length] ?? 0;
  return values.every((value) => value < small);
}

function sameNumbers(window: readonly NumberRun[], set: readonly number[]): boolean {
  if (window.some(({ start, end }) => end - start > 3)) return false;
  if (window.every(({ value }, i) => value === set[i])) return true;
  const left = [...set];
  return window.every(({ value }) => {
    const at = left.indexOf(value);
    if (at < 0) return false;
    left.splice(at, 1);
    return true;
  });
}

/** Numbers without anything between, with zeros in front or without; or the address as one number of 32 bits. */
function runTogether({ name, org }: Reading, octets: readonly number[]): Sign | undefined {
  const digits = digitsOf(name, org.end);
  if (digits.text.length < 4) return undefined;
  const back = [...octets].reverse();
  const whole = [padded(octets), padded(back), ...long(octets, 7), ...long(back, 7)];
  const number = [integer(octets), integer(back)].filter((text) => text.length >= 8);
  const parts = [octets.slice(1), octets.slice(0, 3), back.slice(0, 3), back.slice(1)];
  const ends = [octets.slice(2), back.slice(0, 2)];
  return (
    findIn(name, digits, 'address', [...whole, ...number]) ??
    findIn(name, digits, 'address-part', [...parts.map(padded), ...parts.flatMap((part) => long(part, 6))]) ??
    findIn(name, digits, 'octets', [...ends.map(padded), ...ends.flatMap((end) => long(end, 5))])
  );
}

function padded(numbers: readonly number[]): string {
  return numbers.map((value) => String(value).padStart(3, '0')).join('');
}

/** Run together without zeros; shorter than `least` it could be any number. */
function long(numbers: readonly number[], least: number): readonly string[] {
  const text = numbers.join('');
  return text.length < least ? [] : [text];
}

function integer(octets: readonly number[]): string {
  return String(octets.reduce((sum, octet) => sum * 256 + octet, 0));
}

/** Four numbers of an address in a row, or twelve digits that are four with zeros in front. */
function looksLikeOne({ name, numbers }: Reading, known = false): Sign | undefined {
  for (let i = 0; i < numbers.length; i++) {
    const window = numbers.slice(i, i + 4);
    if (isPadded(name, window[0] as NumberRun)) return sign('numbers', name, window.slice(0, 1));
    if (window.length === 4 && follows(window) && plausible(window, known ? 2 : 1))
      return sign('numbers', name, window);
  }
  return undefined;
}

/** One sign or letter stands between them. */
function follows(window: readonly NumberRun[]): boolean {
  return window.every(({ start }, i) => i === 0 || start - (window[i - 1]?.end ?? 0) === 1);
}

/** Below 256, and so many above 15: those of interfaces (ge-0-0-1-2) are small. */
function plausible(window: readonly NumberRun[], large: number): boolean {
  return (
    window.every(({ start, end, value }) => value < 256 && end - start <= 3) &&
    window.filter(({ value }) => value > 15).length >= large
  );
}

function isPadded(name: string, { start, end }: NumberRun): boolean {
  if (end - start !== 12) return false;
  for (let i = start; i < end; i += 3) if (Number(name.slice(i, i + 3)) > 255) return false;
  return true;
}

function lastNumber({ name, numbers, hostEnd }: Reading, octets: readonly number[]): Sign | undefined {
  const last = octets[3] ?? 0;
  const found =
    last < 10
      ? undefined
      : numbers.find(({ value, start, end }) => value === last && end - start <= 3 && end <= hostEnd);
  return found && sign('octet', name, [found]);
}

function sign(id: SignId, name: string, window: readonly NumberRun[]): Sign {
  const offset = window[0]?.start ?? 0;
  return { id, text: name.slice(offset, window.at(-1)?.end), offset };
}
