// Was a session worth having? By what the backend said of it, or by a label that somebody gave it. Undecided more often than
// not: a deferral says nothing, and two of the doors do not see what becomes of a session. Pure.

import type { Outcome } from '../record.ts';

export const labels = ['ham', 'spam'] as const;
export type Label = (typeof labels)[number];

export type Quality =
  | 'good' // the backend took a message, and nobody calls it spam; or it is labelled ham
  | 'bad' // labelled spam; or the backend refused all of it for good
  | 'unknown';

export function quality(outcome: Outcome | undefined, label: Label | undefined): Quality {
  if (label !== undefined) return label === 'ham' ? 'good' : 'bad';
  if (accepted(outcome)) return 'good';
  return outcome !== undefined && [...outcome.rcpt, ...outcome.dot].some((code) => code >= 500) ? 'bad' : 'unknown';
}

/** RFC 5321 s4.2.1: a 2yz reply to the final dot takes the message over. */
export function accepted(outcome: Outcome | undefined): boolean {
  return outcome?.dot.some((code) => code >= 200 && code < 300) === true;
}
