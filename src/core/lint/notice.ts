// What lint has to say about a policy: where, how grave, about which rule, and what to do.

import type { Problem } from '../problem.ts';

/**
 * `wrong`: the policy cannot be read, and schema.ts says why. `warning`: something surely does not do what is written.
 * `remark`: for somebody to think about.
 */
export const severities = ['wrong', 'warning', 'remark'] as const;
export type Severity = (typeof severities)[number];

export interface Notice extends Problem {
  readonly severity: Severity;
  /** The id of the rule that it is about; absent: the policy as a whole. */
  readonly rule?: string;
}

/** A Notice whose place is still a path of keys and indices. */
export interface NoticeAt extends Omit<Notice, 'where'> {
  readonly path: readonly (string | number)[];
}

/** Makes one about the rule at hand. */
export type SayOfRule = (severity: Severity, what: string, hint?: string) => NoticeAt;
