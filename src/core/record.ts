// What the journal keeps of one session: the evidence, so that it can be judged again under another policy or by a corrected
// reading, what was decided about it, and what became of it. JSON-safe and versioned: a newer program reads older records.

import type { Evidence } from './evidence.ts';
import type { Verdict } from './verdict.ts';

/** How much of sender and recipient is kept: nothing, what stands behind the "@", or all. */
export const envelopes = ['none', 'domains', 'full'] as const;
export type Envelope = (typeof envelopes)[number];

export interface SessionRecord {
  readonly v: 1;
  /** Its `id` is the ref, its `at` the arrival; its client is as it was told the verdict, or when it left without hearing one. */
  readonly evidence: Evidence;
  /** What of the client's sender and recipient is in `evidence`. Conditions on the rest cannot be tried again. */
  readonly envelope: Envelope;
  readonly verdict: RecordedVerdict;
  /** Absent: the door does not see what becomes of a session (policy, milter). */
  readonly outcome?: Outcome;
}

export interface RecordedVerdict {
  /** `pending`: it left before anything could be told. */
  readonly action: Verdict['action'];
  readonly rule: string;
  /** Absent: none. */
  readonly tags?: readonly string[];
  /** Absent: 0. */
  readonly score?: number;
  /** Of a refusal: "550 5.7.25". */
  readonly reply?: string;
  readonly softened?: true;
  /** Monitored rules that held. Absent: none. */
  readonly would?: readonly string[];
}

/** What the backend said, in order, as codes of three digits; no more of each than limits.ts allows. */
export interface Outcome {
  /** To RCPT. */
  readonly rcpt: readonly number[];
  /** To the final dot. */
  readonly dot: readonly number[];
}
