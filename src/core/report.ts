// A day of a journal in figures: who was refused that was not before, what each rule did and what it only watched, how the DNS
// was, what ends soon. Lines come one by one; memory is bounded by limits.ts. Pure.

import { judge } from './backtest/judge.ts';
import { organisationOf } from './backtest/organisations.ts';
import type { Evidence } from './evidence.ts';
import { type Iprev, iprev } from './iprev.ts';
import { expiresSoonMs, organisationsCountedMax, refsShownMax, reportWordsMax, ruleNamesMax } from './limits.ts';
import { printable } from './name.ts';
import { expired, type Policy } from './policy.ts';
import type { SessionRecord } from './record.ts';
import { readRecord } from './record-form.ts';

/** In the form of the JSON. */
export interface ReportResult {
  /** ISO 8601: the sessions of the report began from then on; those before are what they are compared with. */
  readonly since: string;
  readonly sessions: number;
  /** By what was told; `pending`: it left before. */
  readonly actions: Readonly<Record<SessionRecord['verdict']['action'], number>>;
  /** Organisations that were refused, and not in the days before; the most sessions first. */
  readonly new_refusals: readonly Refusals[];
  /** The others that were refused. */
  readonly refusals: readonly Refusals[];
  /** `decided`: verdicts; of an accepted one with tags the first rule that tagged. `monitored`: it only watched. */
  readonly rules: readonly { readonly rule: string; readonly decided: number; readonly monitored: number }[];
  readonly dns: {
    /** Sessions in which a lookup failed and nobody could tell, by reason. */
    readonly temperror: Readonly<Record<string, number>>;
    /** Sessions judged by answers from before, since the DNS could not be asked. */
    readonly stale: number;
    /** What name servers said beside their answers (RFC 8914). */
    readonly extended_errors: readonly { readonly error: string; readonly sessions: number }[];
  };
  /** Rules and exceptions of the policy that end within two weeks, or have ended. Absent: no policy is known. */
  readonly ending?: readonly { readonly what: string; readonly until: string }[];
  readonly ended?: readonly string[];
  /** Rules of the policy that are not off and held for no session, neither then nor now. */
  readonly never_fired?: readonly string[];
}

export interface Refusals {
  readonly organisation: string;
  readonly sessions: number;
  /** The rules that refused it. */
  readonly rules: readonly string[];
  readonly refs: readonly string[];
}

export interface Report {
  /** One line of a journal; undefined, or a sentence that says why it is no record. */
  line(text: string): string | undefined;
  result(now: number): ReportResult;
}

/** `since` in milliseconds since 1970. `policy`: the one in force; absent: what is said of rules comes from the records alone. */
export function makeReport(since: number, policy?: Policy): Report {
  const actions = { accept: 0, tag: 0, defer: 0, reject: 0, pending: 0 };
  const before = new Set<string>();
  const refused = countRefused();
  const rules = counter(ruleNamesMax);
  const monitored = counter(ruleNamesMax);
  const temperror = counter(reportWordsMax);
  const said = counter(reportWordsMax);
  const idle = idleRules(policy);
  let stale = 0;
  let sessions = 0;

  const addBefore = ({ evidence, verdict }: SessionRecord, found: Iprev): void => {
    if (!refuses(verdict) || before.size >= 10 * organisationsCountedMax) return;
    before.add(organisationOf({ iprev: found }, evidence.client.ip));
  };
  const add = ({ evidence, verdict }: SessionRecord, found: Iprev): void => {
    const { action, rule, would = [] } = verdict;
    sessions++;
    actions[action]++;
    if (refuses(verdict)) refused.add(organisationOf({ iprev: found }, evidence.client.ip), rule, evidence.id);
    if (action !== 'pending') rules.add(rule);
    for (const one of would) monitored.add(one);
    if (found.result === 'temperror') temperror.add(found.reason);
    if (evidence.stale) stale++;
    for (const error of extendedErrors(evidence)) said.add(error);
  };
  const from = new Date(since).toISOString();
  return {
    line(text) {
      if (saysNothing(text, from)) return undefined;
      const record = readRecord(text);
      if (typeof record === 'string') return record;
      const found = iprev(record.evidence);
      if (Date.parse(record.evidence.at) < since) addBefore(record, found);
      else {
        add(record, found);
        idle.look(record);
      }
      return undefined;
    },
    result(now) {
      const all = refused.list();
      const names = new Set([...rules.counts.keys(), ...monitored.counts.keys()]);
      return {
        since: new Date(since).toISOString(),
        sessions,
        actions,
        new_refusals: all.filter(({ organisation }) => !before.has(organisation)),
        refusals: all.filter(({ organisation }) => before.has(organisation)),
        rules: [...names]
          .map((rule) => ({
            rule,
            decided: rules.counts.get(rule) ?? 0,
            monitored: monitored.counts.get(rule) ?? 0,
          }))
          .sort((a, b) => b.decided + b.monitored - a.decided - a.monitored),
        dns: {
          temperror: Object.fromEntries([...temperror.counts].sort(([, a], [, b]) => b - a)),
          stale,
          extended_errors: [...said.counts]
            .map(([error, count]) => ({ error, sessions: count }))
            .sort((a, b) => b.sessions - a.sessions),
        },
        ...(policy === undefined
          ? {}
          : { ending: ending(policy, now), ended: expired(policy, now), never_fired: idle.list() }),
      };
    },
  };
}

function refuses({ action }: SessionRecord['verdict']): boolean {
  return action === 'defer' || action === 'reject';
}

/**
 * Of the days before only refusals count, and most lines of a week are none: such a line, in the form in which the journal writes
 * and whole, is passed over without being read. No foreign text can hold these marks, since in a JSON string a quote has a
 * backslash before it.
 */
function saysNothing(line: string, from: string): boolean {
  const [, at] = ownForm.exec(line) ?? [];
  return at !== undefined && at < from && line.endsWith('}}') && letInMarks.some((mark) => line.includes(mark));
}

const ownForm = /^\{"v":1,"evidence":\{"v":1,"id":"[0-9a-z]{1,40}","at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",/;
const letInMarks = ['accept', 'tag', 'pending'].map((action) => `,"verdict":{"action":"${action}","rule":"`);

interface Refusers {
  add(organisation: string, rule: string, ref: string): void;
  /** The most sessions first. */
  list(): readonly Refusals[];
}

function countRefused(): Refusers {
  const refused = new Map<string, { sessions: number; rules: Set<string>; refs: string[] }>();
  return {
    add(found, rule, ref) {
      const organisation = refused.has(found) || refused.size < organisationsCountedMax ? found : 'others';
      const one = refused.get(organisation) ?? { sessions: 0, rules: new Set(), refs: [] };
      refused.set(organisation, one);
      one.sessions++;
      if (one.rules.size < refsShownMax) one.rules.add(rule);
      if (one.refs.length < refsShownMax) one.refs.push(ref);
    },
    list: () =>
      [...refused]
        .map(([organisation, one]) => ({ organisation, sessions: one.sessions, rules: [...one.rules], refs: one.refs }))
        .sort((a, b) => b.sessions - a.sessions),
  };
}

interface IdleRules {
  /** Walks the rules, as long as there is one that has not held. */
  look(record: SessionRecord): void;
  list(): readonly string[];
}

/** Rules of the policy that are not off, without those that have held. */
function idleRules(policy: Policy | undefined): IdleRules {
  const idle = new Set(policy?.rules.flatMap(({ id, mode }) => (mode === 'off' ? [] : [id])));
  return {
    look(record) {
      const { rule: decided, would = [] } = record.verdict;
      for (const rule of [decided, ...would]) idle.delete(rule);
      if (policy === undefined || idle.size === 0) return;
      for (const { rule, held } of judge(policy, record).trace) if (held === true) idle.delete(rule);
    },
    list: () => [...idle],
  };
}

interface Counter {
  readonly counts: ReadonlyMap<string, number>;
  add(word: string): void;
}

/** Of more than `max` words the later ones are "others". */
function counter(max: number): Counter {
  const counts = new Map<string, number>();
  return {
    counts,
    add(word) {
      const counted = counts.has(word) || counts.size < max ? word : 'others';
      counts.set(counted, (counts.get(counted) ?? 0) + 1);
    },
  };
}

/** Each once. */
function extendedErrors({ ptr, forward }: Evidence): readonly string[] {
  const answers = [ptr, ...forward.map(({ addresses }) => addresses)];
  const all = answers.flatMap(({ ede = [] }) => ede);
  if (all.length === 0) return [];
  return [...new Set(all.map(({ code, text }) => printable(`${code}${text === '' ? '' : `: ${text}`}`, 80)))];
}

function ending({ rules }: Policy, now: number): NonNullable<ReportResult['ending']> {
  const soon = (until: number | undefined): until is number =>
    until !== undefined && until > now && until <= now + expiresSoonMs;
  const line = (what: string, until: number) => ({ what, until: new Date(until).toISOString() });
  return rules
    .flatMap(({ id, until, except }) => [
      ...(soon(until) ? [line(`rule ${id}`, until)] : []),
      ...except.flatMap((one) => (soon(one.until) ? [line(`exception of ${id}: ${one.why}`, one.until)] : [])),
    ])
    .sort((a, b) => (a.until < b.until ? -1 : 1));
}
