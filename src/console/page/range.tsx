// Which recorded sessions a policy is tried on: those in memory, or so many of the journal, or those of so long. What came is said
// in a sentence, with all that is left out of it.

import { triedOctetsMax, triedSessionsMax } from '../../core/limits.ts';
import type { Overview } from '../wire.ts';
import type { Judging } from './judging.ts';
import type { AboutSessions, Source } from './sessions.ts';
import { count, localTime } from './words.tsx';

const hourMs = 3_600_000;

const ranges = {
  memory: { title: 'in memory', sessions: 0, ms: 0 },
  '1000': { title: 'the last 1,000', sessions: 1_000, ms: 0 },
  '10000': { title: 'the last 10,000', sessions: 10_000, ms: 0 },
  '100000': { title: 'the last 100,000', sessions: triedSessionsMax, ms: 0 },
  hour: { title: 'the last hour', sessions: triedSessionsMax, ms: hourMs },
  day: { title: 'the last day', sessions: triedSessionsMax, ms: 24 * hourMs },
  week: { title: 'the last 7 days', sessions: triedSessionsMax, ms: 7 * 24 * hourMs },
} as const;
export type RangeName = keyof typeof ranges;

export function firstRange({ journal }: Overview): RangeName {
  return journal === undefined ? 'memory' : '10000';
}

export function sourceOf(name: RangeName): Source {
  const { sessions, ms } = ranges[name];
  if (name === 'memory') return { from: 'memory' };
  return { from: 'journal', sessions, ...(ms === 0 ? {} : { sinceMs: Date.now() - ms }) };
}

export interface RangeChoiceParts {
  readonly chosen: RangeName;
  readonly hasJournal: boolean;
  readonly onChoose: (name: RangeName) => void;
}

export function RangeChoice({ chosen, hasJournal, onChoose }: RangeChoiceParts) {
  const option = (name: RangeName) => (
    <option key={name} value={name} selected={name === chosen}>
      {ranges[name].title}
    </option>
  );
  const names = Object.keys(ranges) as RangeName[];
  return (
    <label>
      Sessions
      <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value as RangeName)}>
        {option('memory')}
        {hasJournal && (
          <optgroup label="from the journal">{names.filter((name) => name !== 'memory').map(option)}</optgroup>
        )}
      </select>
    </label>
  );
}

/** What the numbers are of, and what is not in them. */
export function About({ judging, hasJournal }: { readonly judging: Judging; readonly hasJournal: boolean }) {
  const { about, emptyLists, loading, trouble, ms } = judging;
  if (trouble !== undefined)
    return (
      <p class="problem" role="alert">
        The recorded sessions did not come: {trouble}
      </p>
    );
  if (about === undefined)
    return (
      <p class="dim" role="status">
        the recorded sessions are on their way … {loading > 0 && count(loading)}
      </p>
    );
  const gaps = [
    ...(about.withoutEnvelope > 0
      ? [
          `${about.withoutEnvelope === about.sessions ? 'All' : count(about.withoutEnvelope)} of them were recorded without the whole of sender and recipient (journal.envelope): where a rule asks for these, the verdict is “not recorded”.`,
        ]
      : []),
    ...emptyLists.map(({ name, why }) => `The list ${name} counts as empty here: ${why}.`),
    ...about.problems,
    ...(about.source.from === 'memory' && !hasJournal && about.sessions === 0
      ? ['No journal is kept, so there is nothing from before the start: “journal” in the configuration keeps it.']
      : []),
  ];
  return (
    <>
      <p class="dim about" role="status">
        {sentence(about)}
        <span class="nobr">; judged in {count(Math.max(1, Math.round(ms)))} ms</span>
      </p>
      {gaps.length > 0 && (
        <ul class="gaps" aria-label="What is left out">
          {gaps.map((gap) => (
            <li key={gap}>{gap}</li>
          ))}
        </ul>
      )}
    </>
  );
}

/** "8 sessions since 06:12:03, in memory since the start" */
function sentence({ sessions, since, source, cut }: AboutSessions): string {
  const many = `${count(sessions)} session${sessions === 1 ? '' : 's'}${since === undefined ? '' : ` since ${localTime(since)}`}`;
  if (source.from === 'memory')
    return `${many}, in memory${cut === undefined ? ' since the start' : '; older ones had to go'}`;
  const left = {
    sessions: 'older ones are left out',
    octets: `older ones are left out, since these fill ${triedOctetsMax / 1024 / 1024} MB`,
  };
  return `${many}, from the journal${cut === undefined ? '' : `; ${left[cut]}`}`;
}
