// What the operator says about one client, and how it came about.

import type { Stage } from './client.ts';
import type { Truth } from './condition.ts';
import type { Evidence } from './evidence.ts';
import type { Findings } from './findings.ts';
import type { Reply } from './reply.ts';

/** The four words of every outside form; `tag` is "accepted, with tags". */
export const actions = ['accept', 'tag', 'defer', 'reject'] as const;
export type Action = (typeof actions)[number];

interface Accumulated {
  /** Each tag once, in rule order. */
  readonly tags: readonly string[];
  readonly score: number;
  /** Header fields of the operator's own, without line ends; absent: none. */
  readonly headers?: readonly string[];
  /** To be put aside where the mail server can. */
  readonly hold?: true;
}

export type Verdict =
  /** `rule`: who decided; for `tag`, the first rule that tagged. */
  | ({ readonly action: 'accept' | 'tag'; readonly rule: string } & Accumulated)
  /** `softened`: the policy said 5xx, and a lookup had failed that might have told otherwise. */
  | ({
      readonly action: 'defer' | 'reject';
      readonly rule: string;
      readonly reply: Reply;
      readonly softened?: true;
      /** Only if what others check afterwards would let the client in; a door that cannot tell takes no notice. */
      readonly ifPermit?: true;
    } & Accumulated)
  /**
   * Ask again at `stage`: the rule cannot be answered before or, with `refusal`, refuses and is told then, to all but those
   * whom everybody may reach.
   */
  | ({
      readonly action: 'pending';
      readonly rule: string;
      readonly stage: Stage;
      readonly refusal?: true;
    } & Accumulated);

/** One line for each rule, in file order. */
export interface TraceLine {
  readonly rule: string;
  readonly mode: 'enforce' | 'monitor' | 'off';
  /** `not-reached`: an earlier rule had ended the walk. */
  readonly held: Truth | 'not-reached';
  /** What the rule does when it holds, in words: "tag unconfirmed", "reject 550 5.7.25". */
  readonly does: string;
  /** The rule's condition held, and this exception spared the client: its `why`. */
  readonly excepted?: string;
}

/** One client judged: everything that a log line, a reply or a later replay may want. */
export interface Decision {
  readonly evidence: Evidence;
  readonly findings: Findings;
  readonly verdict: Verdict;
  readonly trace: readonly TraceLine[];
}

export function settled(verdict: Verdict): boolean {
  return verdict.action !== 'pending';
}

export function refuses(verdict: Verdict): verdict is Extract<Verdict, { action: 'defer' | 'reject' }> {
  return verdict.action === 'defer' || verdict.action === 'reject';
}
