// An address in a name, in hexadecimal digits: IPv4 as c0000207 in order or reversed, or its middle with the last number beside
// (c00002-7), or to the base of 36; IPv6 as 32 nibbles in order or reversed, a half or two thirds of them, or as groups with or without zeros
// (2001-db8--7).

import { type Ip, isIpv4, reverseName } from '../ip.ts';
import type { Reading } from './reading.ts';
import type { Sign } from './sign.ts';
import { findIn, lettersAndDigitsOf } from './squeezed.ts';

export function hexAddress(reading: Reading, ip: Ip, octets?: readonly number[]): Sign | undefined {
  return isIpv4(ip) ? (octets === undefined ? undefined : hexOctets(reading, octets)) : nibbles(reading, ip);
}

function hexOctets({ name, org, numbers, words }: Reading, octets: readonly number[]): Sign | undefined {
  const squeezed = lettersAndDigitsOf(name, org.end);
  const text = hex(octets);
  const back = hex([...octets].reverse());
  const whole = findIn(name, squeezed, 'address', [text, back]) ?? inBase36(name, words, [text, back]);
  if (whole !== undefined) return whole;
  const part = findIn(name, squeezed, 'address-part', [text.slice(0, 6), text.slice(2), back.slice(0, 6)]);
  if (part !== undefined) return part;
  const beside = numbers.some(({ value }) => value === octets[3]);
  return beside ? findIn(name, squeezed, 'address-part', [text.slice(2, 6)]) : undefined;
}

/** One number of 32 bits in the digits and all letters, at the end of a word: 1n5xlv3 for 213.59.221.239. */
function inBase36(name: string, words: Reading['words'], texts: readonly string[]): Sign | undefined {
  for (const text of texts) {
    const number = Number.parseInt(text, 16).toString(36);
    if (number.length < 6) continue;
    const word = words.find(
      ({ start, end }) => end - start >= number.length && name.startsWith(number, end - number.length),
    );
    if (word !== undefined) return { id: 'address', text: number, offset: word.end - number.length };
  }
  return undefined;
}

function hex(octets: readonly number[]): string {
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
}

function nibbles(reading: Reading, ip: Ip): Sign | undefined {
  const { name, org } = reading;
  const back = reverseName(ip).slice(0, 63).replaceAll('.', '');
  const text = [...back].reverse().join('');
  const squeezed = lettersAndDigitsOf(name, org.end);
  const host = text.slice(16);
  return (
    findIn(name, squeezed, 'address', [text, back]) ??
    groups(reading, text) ??
    findIn(name, squeezed, 'address-part', [
      text.slice(0, 16),
      back.slice(16),
      text.slice(0, 12),
      back.slice(20),
      ...(/^0{8}/.test(host) ? [] : [host, back.slice(0, 16), host.replace(/^0+/, '')]),
    ])
  );
}

/** Groups in order, zeros in front left out or not: most of those that are not 0 are the whole, two or more a part. */
function groups({ name, words }: Reading, text: string): Sign | undefined {
  const values = Array.from({ length: 8 }, (_, i) => Number.parseInt(text.slice(i * 4, i * 4 + 4), 16));
  const nonZero = values.filter((value) => value > 0).length;
  let best = 0;
  let found: Sign | undefined;
  for (let i = 0; i < words.length; i++) {
    const seen = run(name, words.slice(i), values);
    if (seen.telling <= best) continue;
    best = seen.telling;
    const offset = words[i]?.start ?? 0;
    const whole = seen.telling >= Math.min(nonZero, 4);
    found = { id: whole ? 'address' : 'address-part', text: name.slice(offset, seen.end), offset };
  }
  return best >= 2 ? found : undefined;
}

/** How many groups in a row stand in `words` from its first on; groups of zeros may be left out, and do not count. */
function run(
  name: string,
  words: Reading['words'],
  values: readonly number[],
): { readonly telling: number; readonly end: number } {
  let [telling, large, end, next] = [0, 0, 0, 0];
  for (const word of words) {
    const text = name.slice(word.start, word.end);
    const value = /^[0-9a-f]{1,4}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
    const at = values.indexOf(value, next);
    if (at < 0 || (next > 0 && values.slice(next, at).some((skipped) => skipped > 0))) break;
    if (value > 0) telling++;
    if (value > 0xf) large++;
    end = word.end;
    next = at + 1;
  }
  // Small numbers stand in many names.
  return { telling: large < 2 ? 0 : telling, end };
}
