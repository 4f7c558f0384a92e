// The smallest exceptions that would spare the known-good sessions which the candidate refuses, as YAML to paste: by the domain
// of the confirmed name or, where none is confirmed, by address, since anybody may claim a name. None is proposed that would also
// spare a session which the backend refused, which is labelled spam, or which is refused today as well.

import type { Condition } from '../condition.ts';
import { conditionText, dateText, exceptionText } from '../condition-text.ts';
import { type Ip, isIpv4, parseCidr } from '../ip.ts';
import { exceptionAddressesMax, exceptionProposedMs, exceptionsConsideredMax, refsShownMax } from '../limits.ts';
import { otherwiseId } from '../policy.ts';

/** In the form of the JSON. */
export interface Suggestion {
  /** Where it belongs; `otherwise`: it is a rule of its own, and belongs before the others. */
  readonly rule: string;
  readonly organisation: string;
  /** Known-good sessions that it spares. */
  readonly sessions: number;
  /** Sessions that it spares as well, and of which nobody knows whether they are good. */
  readonly others: number;
  readonly refs: readonly string[];
  /** Lines for the rule, or a rule. */
  readonly yaml: string;
}

/** One session that the candidate refuses. */
export interface Refused {
  readonly ip: Ip;
  /** See organisations.ts. */
  readonly organisation: string;
  readonly worth: 'good' | 'bad' | 'unknown';
  /** The rules that refuse it, one after the other, if each before is made to spare it. */
  readonly by: readonly string[];
}

export interface Exceptions {
  add(session: Refused, ref: string, at: string): void;
  /** The most sessions first. `now` in milliseconds since 1970. */
  list(now: number): readonly Suggestion[];
}

interface Considered {
  bad: number;
  unknown: number;
  /** At most one more than an exception may name. */
  badAddresses?: Set<Ip>;
  /** The good sessions by each rule that refuses them. Absent: there are none. */
  rules?: Map<string, Spared>;
}

interface Spared {
  sessions: number;
  readonly addresses: Set<Ip>;
  readonly refs: string[];
  /** The days of the first and the last. */
  first: string;
  last: string;
}

export function considerExceptions(): Exceptions {
  const all = new Map<string, Considered>();
  return {
    add({ ip, organisation, worth, by }, ref, at) {
      let one = all.get(organisation);
      if (one === undefined) {
        if (all.size >= exceptionsConsideredMax) return;
        one = { bad: 0, unknown: 0 };
        all.set(organisation, one);
      }
      if (worth === 'unknown') one.unknown++;
      else if (worth === 'good')
        for (const rule of by) spare((one.rules ??= new Map()), rule, { ip, ref, day: at.slice(0, 10) });
      else {
        one.bad++;
        keep((one.badAddresses ??= new Set()), ip);
      }
    },
    list: (now) =>
      [...all]
        .flatMap(([organisation, one]) => suggestions(organisation, one, now))
        .sort((a, b) => b.sessions - a.sessions),
  };
}

function spare(
  rules: Map<string, Spared>,
  rule: string,
  { ip, ref, day }: { readonly ip: Ip; readonly ref: string; readonly day: string },
): void {
  const known = rules.get(rule);
  const one = known ?? { sessions: 0, addresses: new Set(), refs: [], first: day, last: day };
  if (known === undefined) rules.set(rule, one);
  one.sessions++;
  keep(one.addresses, ip);
  if (one.refs.length < refsShownMax) one.refs.push(ref);
  if (day < one.first) one.first = day;
  if (day > one.last) one.last = day;
}

function keep(addresses: Set<Ip>, ip: Ip): void {
  if (addresses.size <= exceptionAddressesMax) addresses.add(ip);
}

function suggestions(organisation: string, one: Considered, now: number): readonly Suggestion[] {
  const until = Math.ceil((now + exceptionProposedMs) / dayMs) * dayMs;
  return [...(one.rules ?? [])].flatMap(([rule, spared]) => {
    const when = conditionFor(organisation, one, spared);
    if (when === undefined) return [];
    const { sessions, refs, first, last } = spared;
    const why = `${sessions} good session${sessions === 1 ? '' : 's'}, ${first}${first === last ? '' : ` to ${last}`}`;
    const yaml =
      rule === otherwiseId
        ? `- { id: ${idFor(organisation)}, when: ${conditionText(when)}, until: ${dateText(until)}, accept: true }  # ${why}\n`
        : `except:\n  - ${exceptionText({ when, why, until })}\n`;
    return [{ rule, organisation, sessions, others: one.unknown, refs, yaml }];
  });
}

/** Of a rule of its own, since "otherwise" has no exceptions. */
function idFor(organisation: string): string {
  return `known-${organisation.replace(/[^a-z0-9-]+/g, '-').slice(0, 50)}`;
}

const dayMs = 86_400_000;

function conditionFor(
  organisation: string,
  { bad, badAddresses }: Considered,
  { addresses }: Spared,
): Condition | undefined {
  const network = parseCidr(organisation);
  if (network === undefined)
    return bad > 0 ? undefined : { kind: 'verified_name', tests: [{ kind: 'under', domain: organisation }] };
  if (addresses.size > exceptionAddressesMax)
    return bad > 0 ? undefined : { kind: 'client_ip', ranges: [network], lists: [] };
  // More bad ones than were kept: any of ours may be among them.
  const unsafe = badAddresses !== undefined && badAddresses.size > exceptionAddressesMax;
  const all = [...addresses];
  if (unsafe || all.some((ip) => badAddresses?.has(ip))) return undefined;
  return { kind: 'client_ip', ranges: all.map((base) => ({ base, bits: isIpv4(base) ? 32 : 128 })), lists: [] };
}
