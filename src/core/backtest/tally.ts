// The sum of a replay. What most sessions say is what thousands of others say too, so there is one `Pattern` for all of them
// that is counted up; only what is newly refused, newly accepted or refused at all is looked at one by one. Bounded by limits.ts.

import { changePatternsMax, refsShownMax } from '../limits.ts';
import type { Policy } from '../policy.ts';
import { considerExceptions, type Refused, type Suggestion } from './exceptions.ts';
import type { Outcome } from './judge.ts';
import { countOrganisations, type OrganisationSessions } from './organisations.ts';
import type { Label } from './quality.ts';
import { countRules, type RuleMarks, type RuleResult } from './rule-tally.ts';

/** In the form of the JSON. Action names are those of a verdict. */
export interface BacktestResult {
  readonly sessions: number;
  /** Judged otherwise than before; of sessions whose outcome is known on both sides. */
  readonly changed: number;
  /** From → to. `not_recorded` is there only where it is not 0. */
  readonly matrix: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Sessions of which the record does not tell how they would be judged, or how they were. */
  readonly not_recorded: number;
  /** Accepted before, deferred or rejected now: all, and those whose mail the backend took (or that are labelled ham). */
  readonly newly_refused: number;
  readonly newly_refused_accepted: readonly OrganisationSessions[];
  /** The others: the backend refused them, or nobody knows. */
  readonly newly_refused_other: readonly OrganisationSessions[];
  readonly newly_accepted: readonly OrganisationSessions[];
  readonly rules: readonly RuleResult[];
  /** Rules of the candidate that are not off and held for no session, as far as is known of each. */
  readonly never_hit: readonly string[];
  readonly suggestions: readonly Suggestion[];
  /** Some refs of each change, the first. */
  readonly examples: readonly { readonly from: Outcome; readonly to: Outcome; readonly refs: readonly string[] }[];
  /** Present where sessions are labelled. */
  readonly labelled?: { readonly spam: number; readonly ham: number };
}

/** What a session says of outcomes and rules. */
export interface Changes {
  readonly from: Outcome;
  readonly to: Outcome;
  readonly before: RuleMarks;
  readonly after: RuleMarks;
  readonly label?: Label;
  /** Rules of which nobody knows whether they held. */
  readonly open: readonly string[];
}

/** Of all sessions that say the same; made by `pattern` alone. */
export interface Pattern extends Changes {
  times: number;
  isCounted: boolean;
}

/** What one session says, but for its ref and time. */
export interface Effect {
  readonly pattern: Pattern;
  /** Defined where it is let in on one side only. `wasAccepted`: the mail server took its mail, or it is ham. */
  readonly moved: { readonly organisation: string; readonly wasAccepted: boolean } | undefined;
  /** Defined where the candidate refuses. */
  readonly refused: Refused | undefined;
}

/** Its sessions are told by ref and time; of others the two are not looked at. */
export function isNamed({ pattern: { from, to }, moved, refused }: Effect): boolean {
  return from !== to || moved !== undefined || refused !== undefined;
}

export interface Tally {
  pattern(changes: Changes): Pattern;
  count(effect: Effect, ref: string, at: string): void;
  result(now: number): BacktestResult;
}

export function refuses(outcome: Outcome): boolean {
  return outcome === 'defer' || outcome === 'reject';
}

export function admits(outcome: Outcome): boolean {
  return outcome === 'accept' || outcome === 'tag';
}

const outcomes = ['accept', 'tag', 'defer', 'reject', 'not_recorded'] as const satisfies readonly Outcome[];

interface Cell {
  readonly from: Outcome;
  readonly to: Outcome;
  sessions: number;
  readonly refs: string[];
}

export function countEffects(candidate: Policy): Tally {
  const cells = new Map<string, Cell>();
  const patterns = new Map<string, Pattern>();
  const counted: Pattern[] = [];
  const newlyRefusedAccepted = countOrganisations();
  const newlyRefusedOther = countOrganisations();
  const newlyAccepted = countOrganisations();
  const exceptions = considerExceptions();
  const rules = countRules(candidate);
  const labelled = { spam: 0, ham: 0 };
  let sessions = 0;

  const pattern = (changes: Changes): Pattern => {
    const key = keyOf(changes);
    const known = patterns.get(key);
    if (known !== undefined) return known;
    if (patterns.size >= changePatternsMax) patterns.clear();
    const made = { ...changes, times: 0, isCounted: false };
    patterns.set(key, made);
    return made;
  };
  const cellOf = ({ from, to }: Changes): Cell => {
    const name = `${from} ${to}`;
    const cell = cells.get(name) ?? { from, to, sessions: 0, refs: [] };
    cells.set(name, cell);
    return cell;
  };
  const fold = (): void => {
    for (const one of counted.splice(0)) {
      const { before, after, open, label, times } = one;
      cellOf(one).sessions += times;
      rules.mark('before', before, times);
      rules.mark('after', after, times);
      rules.notRecorded(open, times);
      if (label !== undefined) {
        labelled[label] += times;
        rules.label(label, after.held ?? [], times);
      }
      one.times = 0;
      one.isCounted = false;
    }
  };
  const count = ({ pattern: one, moved, refused }: Effect, ref: string, at: string): void => {
    sessions++;
    one.times++;
    if (!one.isCounted) {
      one.isCounted = true;
      if (counted.push(one) >= changePatternsMax) fold();
    }
    if (one.from !== one.to) {
      const { refs } = cellOf(one);
      if (refs.length < refsShownMax) refs.push(ref);
    }
    if (moved !== undefined) {
      const { organisation, wasAccepted } = moved;
      const list = admits(one.to) ? newlyAccepted : wasAccepted ? newlyRefusedAccepted : newlyRefusedOther;
      list.add(organisation, ref);
    }
    if (refused !== undefined) exceptions.add(refused, ref, at);
  };

  const result = (now: number): BacktestResult => {
    fold();
    const all = [...cells.values()];
    const known = (outcome: Outcome) => outcome !== 'not_recorded';
    const sum = (of: typeof all) => of.reduce((n, cell) => n + cell.sessions, 0);
    const listed = rules.list(labelled);
    const idle = new Set(listed.filter((rule) => rule.held + rule.not_recorded === 0).map(({ rule }) => rule));
    return {
      sessions,
      changed: sum(all.filter(({ from, to }) => known(from) && known(to) && from !== to)),
      matrix: matrixOf(all),
      not_recorded: sum(all.filter(({ from, to }) => !known(from) || !known(to))),
      newly_refused: newlyRefusedAccepted.sessions + newlyRefusedOther.sessions,
      newly_refused_accepted: newlyRefusedAccepted.list(),
      newly_refused_other: newlyRefusedOther.list(),
      newly_accepted: newlyAccepted.list(),
      rules: listed,
      never_hit: candidate.rules.filter(({ id, mode }) => mode !== 'off' && idle.has(id)).map(({ id }) => id),
      suggestions: exceptions.list(now),
      examples: all
        .filter(({ from, to }) => known(from) && known(to) && from !== to)
        .sort((a, b) => b.sessions - a.sessions)
        .map(({ from, to, refs }) => ({ from, to, refs })),
      ...(labelled.spam + labelled.ham === 0 ? {} : { labelled }),
    };
  };
  return { pattern, count, result };
}

function keyOf({ from, to, before, after, label, open }: Changes): string {
  const marks = ({ decided, watched, held = [] }: RuleMarks) => `${decided} ${watched.join()} ${held.join()}`;
  return `${from} ${to} ${label} ${open.length > 0} ${marks(before)} ${marks(after)}`;
}

function matrixOf(
  cells: readonly { readonly from: Outcome; readonly to: Outcome; readonly sessions: number }[],
): BacktestResult['matrix'] {
  const at = (from: Outcome, to: Outcome) => cells.find((cell) => cell.from === from && cell.to === to)?.sessions ?? 0;
  const asked = (outcome: Outcome, sessions: number) => outcome !== 'not_recorded' || sessions > 0;
  const rows = outcomes.map((from) => [from, outcomes.map((to) => [to, at(from, to)] as const)] as const);
  return Object.fromEntries(
    rows
      .filter(([from, row]) =>
        asked(
          from,
          row.reduce((n, [, sessions]) => n + sessions, 0),
        ),
      )
      .map(([from, row]) => [from, Object.fromEntries(row.filter(([to, sessions]) => asked(to, sessions)))]),
  );
}
