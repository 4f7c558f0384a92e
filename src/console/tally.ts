// What has happened since the start, counted once for the page, `iprevd top` and the metrics. Everything in it is bounded: closed
// lists, so many rules, so many groups of clients; what is beyond is counted as "_other" or forgotten, least recently seen first.

import { LRUCache } from 'lru-cache';
import { type DnsAnswer, dnsErrors } from '../core/answer.ts';
import { organisationOf } from '../core/backtest/organisations.ts';
import { type DoorKind, doorKinds } from '../core/client.ts';
import { iprevReasons, iprevResults } from '../core/iprev.ts';
import { clientGroupsMax, clientGroupsShownMax, rulesCountedMax } from '../core/limits.ts';
import { actions, type Decision } from '../core/verdict.ts';
import { type OverTime, overTime, type Span, spans } from './over-time.ts';
import type { ClientGroup, Gathered, History, LookupOutcome, RuleCount, VerdictAction } from './wire.ts';

export const verdictActions = [...actions, 'pending'] as const satisfies readonly VerdictAction[];
export const lookupOutcomes = [
  'records',
  'nodata',
  'nxdomain',
  ...dnsErrors,
] as const satisfies readonly LookupOutcome[];
export const otherRules = '_other';

export interface Tally {
  decided(decision: Decision): void;
  lookedUp(answer: DnsAnswer<unknown>): void;
  gathered(how: Gathered): void;
  readonly doors: Readonly<Record<DoorKind, Readonly<Record<VerdictAction, number>>>>;
  readonly results: Readonly<Record<(typeof iprevResults)[number], number>>;
  readonly reasons: Readonly<Record<(typeof iprevReasons)[number], number>>;
  readonly lookups: Readonly<Record<LookupOutcome, number>>;
  readonly answers: Readonly<Record<Gathered, number>>;
  rules(): readonly RuleCount[];
  /** The busiest first. */
  groups(): readonly ClientGroup[];
  history(span: Span): History;
}

/** `now`: milliseconds since 1970. */
export function makeTally(now: () => number): Tally {
  const rules = new Map<string, RuleSeen>();
  const groups = new LRUCache<string, Writable<ClientGroup>>({ max: clientGroupsMax });
  const doors = zeros(doorKinds, () => zeros(verdictActions, () => 0));
  const [results, reasons] = [zeros(iprevResults, () => 0), zeros(iprevReasons, () => 0)];
  const lookups = zeros(lookupOutcomes, () => 0);
  const answers = zeros(['hit', 'stale', 'miss'] as const, () => 0);

  const ruleOf = (rule: string): RuleSeen => {
    const known = rules.get(rule);
    if (known !== undefined) return known;
    if (rules.size >= rulesCountedMax && rule !== otherRules) return ruleOf(otherRules);
    const fresh = {
      enforced: 0,
      monitored: 0,
      decided: 0,
      lastHit: 0,
      over: { enforced: overTime(), monitored: overTime() },
    };
    rules.set(rule, fresh);
    return fresh;
  };
  const hit = (seen: RuleSeen, how: 'enforced' | 'monitored', at: number): void => {
    seen[how]++;
    seen.lastHit = at;
    seen.over[how].count(at);
  };

  return {
    decided({ evidence, findings: { iprev }, verdict, trace }) {
      const at = now();
      if (evidence.door !== 'check') doors[evidence.door][verdict.action]++;
      results[iprev.result]++;
      reasons[iprev.reason]++;
      for (const { rule, mode, held } of trace)
        if (held === true && mode !== 'off') hit(ruleOf(rule), mode === 'enforce' ? 'enforced' : 'monitored', at);
      const last = ruleOf(verdict.rule);
      last.decided++;
      // What is no rule ("otherwise" may be none, "trusted-network" is none) has no line in the trace.
      if (!trace.some(({ rule }) => rule === verdict.rule)) hit(last, 'enforced', at);
      const name = organisationOf({ iprev }, evidence.client.ip);
      const group = groups.get(name) ?? {
        group: name,
        isNetwork: name.includes('/'),
        actions: {},
        sessions: 0,
        lastSeen: '',
        lastAddress: '',
      };
      const counts: Partial<Record<VerdictAction, number>> = group.actions;
      counts[verdict.action] = (counts[verdict.action] ?? 0) + 1;
      group.sessions++;
      group.lastSeen = evidence.at;
      group.lastAddress = evidence.client.ip;
      groups.set(name, group);
    },
    lookedUp(answer) {
      lookups[answer.kind === 'error' ? answer.code : answer.kind]++;
    },
    gathered(how) {
      answers[how]++;
    },
    doors,
    results,
    reasons,
    lookups,
    answers,
    rules: () =>
      [...rules].map(([rule, { enforced, monitored, decided, lastHit }]) => ({
        rule,
        enforced,
        monitored,
        decided,
        ...(lastHit === 0 ? {} : { lastHit: new Date(lastHit).toISOString() }),
      })),
    groups: () => [...groups.values()].sort((a, b) => b.sessions - a.sessions).slice(0, clientGroupsShownMax),
    history(span) {
      const at = now();
      const { slotS } = spans[span];
      return {
        end: (Math.floor(at / 1000 / slotS) + 1) * slotS,
        slot: slotS,
        rules: [...rules].map(([rule, { over }]) => ({
          rule,
          enforced: over.enforced.read(span, at),
          monitored: over.monitored.read(span, at),
        })),
      };
    },
  };
}

interface RuleSeen {
  enforced: number;
  monitored: number;
  decided: number;
  /** 0: never. */
  lastHit: number;
  readonly over: { readonly enforced: OverTime; readonly monitored: OverTime };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function zeros<Key extends string, T>(keys: readonly Key[], zero: () => T): Record<Key, T> {
  return Object.fromEntries(keys.map((key) => [key, zero()])) as Record<Key, T>;
}
