// What must be done about a finding, in words and records that a stranger can act on: what was looked up, what came back, who
// owns the fix, what to add where. Pure. Every reason of iprev but `confirmed` has a remedy; a generic name and a HELO that says
// nothing have theirs. What strangers wrote is escaped, and no name that is not a host name gets into a record.

import type { Evidence } from '../evidence.ts';
import type { Findings } from '../findings.ts';
import type { IprevReason } from '../iprev.ts';
import type { Advice } from './advice.ts';
import { forwardRemedies } from './forward.ts';
import { type HeloReason, heloRemedy } from './helo.ts';
import { namingRemedy } from './naming.ts';
import { reverseRemedies } from './reverse.ts';

export type RemedyReason = Exclude<IprevReason, 'confirmed'> | 'generic-name' | HeloReason;

export interface Remedy extends Advice {
  readonly reason: RemedyReason;
}

const iprevRemedies = {
  ...reverseRemedies,
  ...forwardRemedies,
} satisfies Record<Exclude<IprevReason, 'confirmed'>, (evidence: Evidence) => Advice>;

/** In the order in which they should be mended; [] if there is nothing to mend. */
export function remedies(evidence: Evidence, findings: Findings): readonly Remedy[] {
  // The address is a NAT's or a proxy's, and whoever is behind it has nothing to do with its name.
  if (evidence.masked !== undefined) return [];
  const { reason } = findings.iprev;
  const reverse = reason === 'confirmed' ? [] : [{ reason, ...iprevRemedies[reason](evidence) }];
  const name = findings.naming.label === 'generic' ? [namingRemedy(evidence, findings)] : [];
  return [...reverse, ...name, ...heloRemedy(evidence, findings)];
}
