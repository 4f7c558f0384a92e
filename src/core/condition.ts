// The vocabulary of `when`, and how it is read: true, false, or unknown while the session has not come to the stage
// that tells (Kleene's three values: false wins in `all`, true wins in `any`). DNS trouble is not unknown; it is a
// result with a name. A closed list: tools must be able to say which predicate decided.

import { type Client, reached, type Stage } from './client.ts';
import type { Findings } from './findings.ts';
import { type Cidr, inCidr } from './ip.ts';
import type { IprevReason, IprevResult } from './iprev.ts';
import type { NamingLabel } from './naming.ts';

export type Condition =
  | { readonly kind: 'iprev'; readonly results: readonly IprevResult[] }
  | { readonly kind: 'reason'; readonly reasons: readonly IprevReason[] }
  | { readonly kind: 'client_ip'; readonly ranges: readonly Cidr[] }
  | { readonly kind: 'naming'; readonly labels: readonly NamingLabel[] }
  /** Whole values in lower case; the null sender is ''. */
  | { readonly kind: 'helo' | 'sender' | 'recipient'; readonly values: readonly string[] }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

export type Truth = true | false | 'unknown';

/** What a condition is asked about. */
export interface Facts {
  readonly client: Client;
  readonly findings: Findings;
}

const stageOf = { helo: 'helo', sender: 'mail', recipient: 'rcpt' } as const satisfies Record<string, Stage>;

export function holds(condition: Condition, facts: Facts): Truth {
  const { client, findings } = facts;
  switch (condition.kind) {
    case 'iprev':
      return condition.results.includes(findings.iprev.result);
    case 'reason':
      return condition.reasons.includes(findings.iprev.reason);
    case 'client_ip':
      return condition.ranges.some((range) => inCidr(client.ip, range));
    case 'naming':
      return condition.labels.includes(findings.naming.label);
    case 'helo':
    case 'sender':
    case 'recipient':
      if (!reached(client, stageOf[condition.kind])) return 'unknown';
      return isOneOf(client[condition.kind], condition.values);
    case 'all':
      return every(condition.of, facts);
    case 'any':
      return negate(
        every(
          condition.of.map((of) => ({ kind: 'not', of })),
          facts,
        ),
      );
    case 'not':
      return negate(holds(condition.of, facts));
  }
}

function isOneOf(value: string | undefined, values: readonly string[]): boolean {
  return value !== undefined && values.includes(value.toLowerCase());
}

function every(conditions: readonly Condition[], facts: Facts): Truth {
  const truths = conditions.map((condition) => holds(condition, facts));
  if (truths.includes(false)) return false;
  return truths.includes('unknown') ? 'unknown' : true;
}

function negate(truth: Truth): Truth {
  return truth === 'unknown' ? 'unknown' : !truth;
}
