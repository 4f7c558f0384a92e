// What a policy might say of a session of which not everything is known: of each part that the record lacks every value is
// possible, and of the DNS, where that is not recorded, every answer. One member: it is known after all. Pure.

import { announced } from '../decide.ts';
import { assess } from '../findings.ts';
import type { Policy } from '../policy.ts';
import { alternatives, type World } from '../soften.ts';
import type { Action, TraceLine } from '../verdict.ts';
import { type End, type Supposed, type Walked, walk } from '../walk.ts';

export interface Possible {
  readonly actions: ReadonlySet<Action>;
  /** Who decides; '' if that is not known. */
  readonly rule: string;
  /** What came of the rules up to the first of which nobody knows whether it ended the walk. */
  readonly trace: readonly TraceLine[];
}

/** `worlds`: what the DNS may have said; the client is at RCPT in each. Stops at the second action. */
export function possible(policy: Policy, worlds: readonly World[], unrecorded: Supposed['unrecorded']): Possible {
  const actions = new Set<Action>();
  const rules = new Set<string>();
  let trace: readonly TraceLine[] = [];
  for (const world of worlds) {
    const again = ({ evidence, open }: World): Walked =>
      walk(policy, evidence, assess(evidence), supposed(open, unrecorded));
    const walked = again(world);
    trace = world === worlds[0] ? sureLines(policy, walked) : [];
    for (const end of walked.ends) {
      for (const action of actionsOf(policy, world, end, walked, again)) actions.add(action);
      rules.add(end.rule);
    }
    if (actions.size > 1) break;
  }
  return { actions, rule: rules.size === 1 ? ([...rules][0] ?? '') : '', trace };
}

function supposed(open: Supposed['open'], unrecorded: Supposed['unrecorded']): Supposed {
  return { ...(open === undefined ? {} : { open }), ...(unrecorded === undefined ? {} : { unrecorded }) };
}

const either: readonly Action[] = ['accept', 'tag'];

function actionsOf(
  policy: Policy,
  { evidence }: World,
  end: End,
  walked: Walked,
  again: (world: World) => Walked,
): readonly Action[] {
  const told = announced(policy, evidence, end);
  if (told.kind === 'pending') return ['accept', 'reject'];
  if (told.kind === 'accept') {
    const marks = walked.done.some(
      ({ actions: { tag, field, hold } }) => tag !== undefined || field !== undefined || hold,
    );
    if (walked.sure) return marks ? ['tag'] : ['accept'];
    return marks && walked.ends.length === 1 ? ['tag'] : either;
  }
  if (told.refusal.code < 500) return ['defer'];
  // A failed lookup softens it if one of the answers that might have come refuses nobody for good.
  const others = alternatives(evidence).map((world) => again(world).ends.map(permanent));
  if (others.every((ends) => ends.every(Boolean))) return ['reject'];
  return others.some((ends) => !ends.some(Boolean)) ? ['defer'] : ['defer', 'reject'];
}

function permanent(end: End): boolean {
  return end.kind === 'refuse' && end.refusal.code >= 500;
}

function sureLines({ rules }: Policy, { trace }: Walked): readonly TraceLine[] {
  const open = trace.findIndex(({ held }, i) => held === 'unknown' && rules[i]?.actions.decision !== undefined);
  return open < 0 ? trace : trace.slice(0, open);
}
