// Contenders measured in turn, and what their runs come to: medians, and ratios of runs of the same round, because a machine
// that others use is slower in one minute than in the next.

import { median } from './statistics.mjs';

/**
 * A first round warms up and is not counted, unless `cold`; each round begins with another contender. `measure` comes to an
 * object of numbers. Result: for each contender the objects of its rounds, in order.
 */
export async function inTurn(contenders, rounds, measure, { cold = false } = {}) {
  const ran = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = cold ? 1 : 0; round <= rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(round + i) % contenders.length];
      const result = await measure(contender);
      if (round > 0) ran[contender.name].push(result);
    }
  }
  return ran;
}

export function middle(runs, key) {
  return median(runs.map((run) => run[key]));
}

/** The median of what each round's runs come to. */
export function ratio(runs, others, key) {
  return median(runs.map((run, round) => run[key] / others[round][key]));
}

/** The number that this share of the numbers does not exceed. */
export function percentile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/** Rows of text, the first column to the left. */
export function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** "1.32 (>= 1.1)", with "missed" where it is less. */
export function withGoal(got, goal) {
  if (goal === undefined) return got.toFixed(2);
  return `${got.toFixed(2)} (>= ${goal}${got < goal ? ', missed' : ''})`;
}

/** "1.32 (<= 2)", with "missed" where it is more. */
export function withBound(got, most) {
  if (most === undefined) return got.toFixed(2);
  return `${got.toFixed(2)} (<= ${most}${got > most ? ', missed' : ''})`;
}
