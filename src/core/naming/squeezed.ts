// A part of a name without what stands between: its digits alone, or its letters and digits alone, each with its place. Addresses
// are found in it whatever was put between their numbers. Pure.

import { isDigit, isLetterOrDigit } from './reading.ts';
import type { Sign, SignId } from './sign.ts';

export interface Squeezed {
  readonly text: string;
  /** Where each character of `text` stands in the name. */
  readonly places: readonly number[];
}

export function digitsOf(name: string, end: number): Squeezed {
  return squeeze(name, end, isDigit);
}

export function lettersAndDigitsOf(name: string, end: number): Squeezed {
  return squeeze(name, end, isLetterOrDigit);
}

function squeeze(name: string, end: number, keep: (char: number) => boolean): Squeezed {
  let text = '';
  const places: number[] = [];
  for (let i = 0; i < end; i++) {
    if (!keep(name.charCodeAt(i))) continue;
    text += name[i];
    places.push(i);
  }
  return { text, places };
}

/** The first of `needles` that stands in it, as a sign with its place in the name. Empty needles are not looked for. */
export function findIn(
  name: string,
  { text, places }: Squeezed,
  id: SignId,
  needles: readonly string[],
): Sign | undefined {
  for (const needle of needles) {
    const at = needle === '' ? -1 : text.indexOf(needle);
    if (at < 0) continue;
    const offset = places[at] ?? 0;
    return { id, text: name.slice(offset, (places[at + needle.length - 1] ?? 0) + 1), offset };
  }
  return undefined;
}
