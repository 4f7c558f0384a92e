// What each rule did, before and after: how often it decided, how often it only watched, how often it held at all, and, where
// sessions are labelled, how right it was.

import { ruleNamesMax } from '../limits.ts';
import { otherwiseId, type Policy } from '../policy.ts';
import type { Judged } from './judge.ts';
import type { Label } from './quality.ts';

/** One rule, in the form of the JSON: those of the candidate, then what else decided (`otherwise`, rules that are gone). */
export interface RuleResult {
  readonly rule: string;
  /** Verdicts that it decided; of an accepted one with tags, the first rule that tagged. */
  readonly hits_before: number;
  readonly hits_after: number;
  /** Sessions in which it held and only watched. */
  readonly monitored_before: number;
  readonly monitored_after: number;
  /** Sessions in which it held under the candidate, whatever it did then. */
  readonly held: number;
  /** Sessions of which nobody knows whether it held. */
  readonly not_recorded: number;
  /** Present where sessions are labelled. */
  readonly labelled?: RuleQuality;
}

/** Of the labelled sessions in which the rule held. */
export interface RuleQuality {
  readonly spam: number;
  readonly ham: number;
  /** Of these, the part that is spam; null: none is labelled. */
  readonly precision: number | null;
  /** Of all sessions labelled spam, the part that it caught; null: none is labelled. */
  readonly recall: number | null;
}

export type Side = 'before' | 'after';

interface Counts {
  hits: Record<Side, number>;
  monitored: Record<Side, number>;
  held: number;
  notRecorded: number;
  spam: number;
  ham: number;
}

/** What one session says of the rules: found once for all sessions alike. */
export interface RuleMarks {
  readonly decided: string;
  readonly watched: readonly string[];
  /** Absent: not told, as of a recorded verdict. */
  readonly held?: readonly string[];
}

export interface RuleTally {
  /** Each for so many sessions. */
  mark(side: Side, marks: RuleMarks, times: number): void;
  label(label: Label, held: readonly string[], times: number): void;
  /** Nobody knows whether these held. */
  notRecorded(rules: readonly string[], times: number): void;
  list(labelled: { readonly spam: number; readonly ham: number }): readonly RuleResult[];
}

export function marksOf({ rule, trace }: Judged): RuleMarks {
  const held = trace.filter((line) => line.held === true && line.rule !== otherwiseId);
  return {
    decided: rule,
    watched: held.filter(({ mode }) => mode === 'monitor').map((line) => line.rule),
    held: held.map((line) => line.rule),
  };
}

export function countRules(candidate: Policy): RuleTally {
  const counts = new Map<string, Counts>();
  const of = (name: string): Counts => {
    // A journal that somebody made up may name any number of rules.
    const rule = counts.has(name) || counts.size < ruleNamesMax ? name : 'others';
    const known = counts.get(rule);
    if (known !== undefined) return known;
    const made: Counts = {
      hits: { before: 0, after: 0 },
      monitored: { before: 0, after: 0 },
      held: 0,
      notRecorded: 0,
      spam: 0,
      ham: 0,
    };
    counts.set(rule, made);
    return made;
  };
  for (const { id } of candidate.rules) of(id);
  return {
    mark(side, { decided, watched, held = [] }, times) {
      if (decided !== '') of(decided).hits[side] += times;
      for (const rule of watched) of(rule).monitored[side] += times;
      if (side === 'after') for (const rule of held) of(rule).held += times;
    },
    label(label, held, times) {
      for (const rule of held) of(rule)[label] += times;
    },
    notRecorded(rules, times) {
      for (const rule of rules) of(rule).notRecorded += times;
    },
    list: (labelled) =>
      [...counts].map(([rule, one]) => ({
        rule,
        hits_before: one.hits.before,
        hits_after: one.hits.after,
        monitored_before: one.monitored.before,
        monitored_after: one.monitored.after,
        held: one.held,
        not_recorded: one.notRecorded,
        ...(labelled.spam + labelled.ham === 0 ? {} : { labelled: qualityOf(one, labelled.spam) }),
      })),
  };
}

function qualityOf({ spam, ham }: Counts, allSpam: number): RuleQuality {
  return {
    spam,
    ham,
    precision: spam + ham === 0 ? null : spam / (spam + ham),
    recall: allSpam === 0 ? null : spam / allSpam,
  };
}
