// Refs: short words that name one decision in a reply, the log and the journal. Seven characters of time in seconds and
// four of a counter, in an alphabet without look-alikes; so refs sort by time and one of them leads to its hour.

import { randomInt } from 'node:crypto';

// Crockford's base 32 in lower case: no i, l, o, u.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const timeLength = 7;
const counterSize = 32 ** 4;

/** `start` is where the counter begins, random so that two processes of one second differ. */
export function makeRefs(now: () => number, start: number = randomInt(counterSize)): () => string {
  let counter = start;
  let second = Number.NaN;
  let time = '';
  return () => {
    counter = (counter + 1) % counterSize;
    const at = Math.floor(now() / 1000);
    if (at !== second) [second, time] = [at, write(at, timeLength)];
    return time + write(counter, 4);
  };
}

export interface FoundRef {
  readonly ref: string;
  /** When its session arrived, to the second: milliseconds since 1970. */
  readonly at: number;
}

/**
 * The ref in what somebody pasted: alone, behind "ref" as in a reply "… (ref 1ng2ewjmsa2)" (which ends in it) or a log line, read
 * aloud or not ("O" is 0, "I" and "L" are 1). Undefined: there is none.
 */
export function findRef(text: string): FoundRef | undefined {
  const told = [...text.matchAll(/\bref\W{1,8}([0-9a-z]{11})(?![0-9a-z])/gi)].at(-1);
  const word = told?.[1] ?? text.replace(/^\W+|\W+$/g, '');
  const ref = word.toLowerCase().replace(/o/g, '0').replace(/[il]/g, '1');
  if (!/^[0-9a-hjkmnp-tv-z]{11}$/.test(ref)) return undefined;
  const seconds = [...ref.slice(0, timeLength)].reduce((sum, char) => sum * 32 + alphabet.indexOf(char), 0);
  return { ref, at: seconds * 1000 };
}

function write(value: number, characters: number): string {
  let out = '';
  for (let rest = value, i = 0; i < characters; i++, rest = Math.floor(rest / 32))
    out = (alphabet[rest % 32] ?? '') + out;
  return out;
}
