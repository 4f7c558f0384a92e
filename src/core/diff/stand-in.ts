// A policy that asks instead of looking: every condition on what is not of the DNS is replaced by one that holds if `is` says so,
// and so are dates and percentages. What the DNS decides is left to the evidence, so that walk.ts and soften.ts do with the
// stand-in what they do with the policy. Pure, if `is` is.

import type { Condition } from '../condition.ts';
import { isLeaf, type Leaf, leafText } from '../condition-text.ts';
import { hostName } from '../name.ts';
import type { List } from '../name-test.ts';
import type { Policy, Rule } from '../policy.ts';
import { type AlignmentLeaf, alignmentParts, asksPtr, besidePtr } from './alignment-parts.ts';
import { doubtKey, isFree, isLookedAt, shareKey, untilKey } from './distinction.ts';
import { isDoubtful } from './possible-client.ts';

export type Is = (key: string) => boolean;

export function standIn({ trusted, rules, ...policy }: Policy, is: Is): Policy {
  return {
    ...policy,
    ...(trusted === undefined ? {} : { trusted: conditionStandIn(trusted, is) }),
    rules: rules.filter(isLookedAt).map((rule) => ruleStandIn(rule, is)),
  };
}

function ruleStandIn({ id, when, except, mode, percent, until, actions }: Rule, is: Is): Rule {
  const share = percent < 100 ? [asking(() => is(shareKey(id, percent)))] : [];
  return {
    id,
    when: { kind: 'all', of: [...share, ...before(until, is), conditionStandIn(when, is)] },
    except: except.map((exception) => ({
      when: { kind: 'all', of: [...before(exception.until, is), conditionStandIn(exception.when, is)] },
      why: exception.why,
    })),
    mode,
    percent: 100,
    actions,
  };
}

function before(until: number | undefined, is: Is): readonly Condition[] {
  return until === undefined ? [] : [asking(() => is(untilKey(until)))];
}

function conditionStandIn(condition: Condition, is: Is): Condition {
  if (isLeaf(condition)) return isFree(condition) ? leafStandIn(condition, is) : condition;
  if (condition.kind === 'not') return { kind: 'not', of: conditionStandIn(condition.of, is) };
  return { kind: condition.kind, of: condition.of.map((of) => conditionStandIn(of, is)) };
}

/** Names of the DNS may be open (soften.ts), so a condition on them stays one. */
function leafStandIn(leaf: Leaf, is: Is): Condition {
  if (leaf.kind === 'alignment' && asksPtr(leaf)) return alignmentStandIn(leaf, is);
  if (leaf.kind === 'ptr') return claimedStandIn(leaf, is);
  return leaf.kind === 'verified_name' ? confirmedStandIn(leaf, is) : asking(() => is(leafText(leaf)));
}

function alignmentStandIn(leaf: AlignmentLeaf, is: Is): Condition {
  const { negated, confirmed, claimed } = alignmentParts(leaf);
  const of = [
    ...(confirmed === undefined ? [] : [confirmedStandIn(confirmed, is)]),
    ...(claimed === undefined ? [] : [claimedStandIn(claimed, is)]),
  ];
  const together: Condition = { kind: 'all', of: [{ kind: 'any', of }, asking(() => is(besidePtr(leaf).words))] };
  return negated ? { kind: 'not', of: together } : together;
}

/** Holds of no client without a PTR name; one that is no host name goes with nothing. */
function claimedStandIn(leaf: Leaf, is: Is): Condition {
  const holds = (name: string) => (leaf.kind === 'ptr' || hostName(name) !== undefined) && is(leafText(leaf));
  return { kind: 'ptr', tests: [{ kind: 'list', list: list('domains', holds) }] };
}

/** Holds of no client without a confirmed name. */
function confirmedStandIn(leaf: Leaf, is: Is): Condition {
  const holds = (name: string) => is(isDoubtful(name) ? doubtKey(leaf) : leafText(leaf));
  return { kind: 'verified_name', tests: [{ kind: 'list', list: list('domains', holds) }] };
}

/** A condition that is settled at every stage, whatever the DNS says. */
function asking(holds: () => boolean): Condition {
  return { kind: 'client_ip', ranges: [], lists: [list('addresses', holds)] };
}

function list(kind: List['kind'], has: List['has']): List {
  return { path: '', kind, has };
}
