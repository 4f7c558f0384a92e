// What a policy asks about, so that a replay knows which of it a record cannot answer. Found once for each policy. Pure.

import { type Condition, type Part, partsAsked } from '../condition.ts';
import { roleOf } from '../mailbox.ts';
import type { NameTest } from '../name-test.ts';
import type { Policy, Rule } from '../policy.ts';
import type { Envelope } from '../record.ts';

/** The parts of a session that a rule or an exception asks about. */
export function asked(policy: Policy): readonly Part[] {
  return asksOf(policy).parts;
}

/** The least envelope that a record must hold for every condition on this address to be answered (see record.ts). */
export function envelopeAsked(policy: Policy, kind: 'sender' | 'recipient'): Envelope {
  return asksOf(policy)[kind];
}

/** True if the rule may depend on what the DNS says. */
export function asksDns(rule: Rule): boolean {
  return leavesOf(rule).some(({ kind }) => !withoutDns.has(kind));
}

/** True if a condition looks at the clock. */
export function asksTime({ rules }: Policy): boolean {
  return rules.flatMap(leavesOf).some(({ kind }) => kind === 'time');
}

/** The moments at which a rule or an exception ends, in milliseconds since 1970, in order. */
export function endings({ rules }: Policy): readonly number[] {
  const all = rules.flatMap(({ until, except }) => [until, ...except.map((one) => one.until)]);
  return [...new Set(all.filter((until) => until !== undefined))].sort((a, b) => a - b);
}

/** What can be answered without any lookup; a condition that is not here is taken to need one. */
const withoutDns: ReadonlySet<string> = new Set<Condition['kind']>([
  'client_ip',
  'helo',
  'helo_is',
  'certificate',
  'sender',
  'recipient',
  'authenticated',
  'early_talker',
  'door',
  'port',
  'score',
  'time',
]);

interface Asks {
  readonly parts: readonly Part[];
  readonly sender: Envelope;
  readonly recipient: Envelope;
}

const known = new WeakMap<Policy, Asks>();

function asksOf(policy: Policy): Asks {
  const found = known.get(policy);
  if (found !== undefined) return found;
  const leaves = policy.rules.flatMap(leavesOf);
  const most = (kind: 'sender' | 'recipient'): Envelope => {
    const asking = leaves.filter((leaf) => partsAsked(leaf).includes(kind));
    if (asking.every((leaf) => testsOf(leaf)?.every(asksNobodysName))) return 'none';
    // Of an address that is no test's, such as the sender's in an alignment, the domain is asked about.
    const domains = (leaf: Condition) =>
      testsOf(leaf)?.every((test) => asksNobodysName(test) || asksDomain(test)) ?? true;
    return asking.every(domains) ? 'domains' : 'full';
  };
  const made = {
    parts: [...new Set(leaves.flatMap(partsAsked))],
    sender: most('sender'),
    recipient: most('recipient'),
  };
  known.set(policy, made);
  return made;
}

function testsOf(leaf: Condition): readonly NameTest[] | undefined {
  return 'tests' in leaf ? leaf.tests : undefined;
}

/** The null sender, postmaster and abuse are in every record. */
function asksNobodysName(test: NameTest): boolean {
  return test.kind === 'exact' && (test.value === '' || `${roleOf(test.value)}@` === test.value);
}

function asksDomain(test: NameTest): boolean {
  return test.kind === 'under' || test.kind === 'list' || (test.kind === 'exact' && test.value.startsWith('@'));
}

function leavesOf({ when, except }: Rule): readonly Condition[] {
  return [when, ...except.map((one) => one.when)].flatMap(leaves);
}

function leaves(condition: Condition): readonly Condition[] {
  if (condition.kind === 'all' || condition.kind === 'any') return condition.of.flatMap(leaves);
  return condition.kind === 'not' ? leaves(condition.of) : [condition];
}
