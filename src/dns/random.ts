// Unpredictable numbers for ids, ports and letter case (RFC 5452 s4.3), drawn from the system a page at a time: a call for
// each question would cost more than the question.

import { randomFillSync } from 'node:crypto';

/** Each call gives 32 new random bits, 0..4294967295. */
export function randomWords(): () => number {
  const page = new Uint32Array(512);
  let next = page.length;
  return () => {
    if (next === page.length) {
      randomFillSync(page);
      next = 0;
    }
    return page[next++] ?? 0;
  };
}
