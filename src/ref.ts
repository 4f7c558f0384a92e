// Refs: short words that name one decision in a reply, the log and the journal. Seven characters of time in seconds and
// four of a counter, in an alphabet without look-alikes; so refs sort by time and one of them leads to its hour.

import { randomInt } from 'node:crypto';

// Crockford's base 32 in lower case: no i, l, o, u.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const counterSize = 32 ** 4;

/** `start` is where the counter begins, random so that two processes of one second differ. */
export function makeRefs(now: () => number, start: number = randomInt(counterSize)): () => string {
  let counter = start;
  let second = Number.NaN;
  let time = '';
  return () => {
    counter = (counter + 1) % counterSize;
    const at = Math.floor(now() / 1000);
    if (at !== second) [second, time] = [at, write(at, 7)];
    return time + write(counter, 4);
  };
}

function write(value: number, characters: number): string {
  let out = '';
  for (let rest = value, i = 0; i < characters; i++, rest = Math.floor(rest / 32))
    out = (alphabet[rest % 32] ?? '') + out;
  return out;
}
