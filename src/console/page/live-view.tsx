// Decisions as they come, the newest on top. Filters hold for what is shown and for what comes; a row opens into its whole story.

import { Fragment } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { inCidr, parseCidr } from '../../core/ip.ts';
import type { Decision } from '../../core/verdict.ts';
import type { LiveLine } from '../wire.ts';
import { lines, NotAdmitted, open } from './api.ts';
import type { ViewParts } from './app.tsx';
import { DecisionView } from './decision-view.tsx';
import { Action, count, Foreign, nameOf, Scrolled, Shares, shownActions, Time } from './words.tsx';

/** Rows kept; more are not read, and a table of them is slow. */
const rowsMax = 300;

interface Seen {
  readonly decisions: readonly Decision[];
  readonly skipped: number;
  readonly isOpen: boolean;
}

export function LiveView({ overview, onNotAdmitted, about }: ViewParts) {
  const [isPaused, setPaused] = useState(false);
  const [action, setAction] = useState('');
  const [word, setWord] = useState(about);
  const [opened, setOpened] = useState('');
  const seen = useLive(isPaused, onNotAdmitted);
  const shown = seen.decisions.filter(
    (decision) =>
      (action === '' || decision.verdict.action === action) && concerns(decision, word.trim().toLowerCase()),
  );
  return (
    <>
      <div class="bar">
        <label>
          <span class="hidden">Only this action</span>
          <select value={action} onChange={(event) => setAction(event.currentTarget.value)}>
            <option value="">all actions</option>
            {shownActions.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label class="grow">
          <span class="hidden">Only clients, names or rules with</span>
          <input
            type="search"
            placeholder="address, range, name or rule"
            value={word}
            onInput={(event) => setWord(event.currentTarget.value)}
          />
        </label>
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <p class="dim" role="status">
          {isPaused
            ? 'paused'
            : seen.isOpen
              ? `${count(shown.length)} shown${seen.skipped > 0 ? `, ${count(seen.skipped)} left out` : ''}`
              : 'connecting …'}
        </p>
      </div>
      <Totals overview={overview} />
      <Scrolled label="Decisions">
        <table class="live">
          <caption class="hidden">Decisions, the newest first</caption>
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">action</th>
              <th scope="col">client</th>
              <th scope="col" class="wide">
                name
              </th>
              <th scope="col" class="wide">
                iprev
              </th>
              <th scope="col">rule</th>
              <th scope="col" class="wide">
                HELO
              </th>
              <th scope="col" class="wide">
                door
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((decision) => {
              const { id } = decision.evidence;
              return (
                <Fragment key={id}>
                  <Row decision={decision} isOpen={opened === id} onOpen={() => setOpened(opened === id ? '' : id)} />
                  {opened === id && (
                    <tr class="story" id={`story-${id}`}>
                      <td colSpan={8}>
                        <DecisionView decision={decision} isInForce />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
        {shown.length === 0 && (
          <p class="empty">
            {seen.decisions.length === 0
              ? 'No decision yet. They appear here as clients come.'
              : `None of the last ${count(seen.decisions.length)} fits. Older ones are in the journal: iprevd lookup finds one by its ref.`}
          </p>
        )}
      </Scrolled>
      <p class="dim small legend">
        A name in italics is claimed and not confirmed. “would” are rules that held and are only monitored.
      </p>
    </>
  );
}

function Row({
  decision,
  isOpen,
  onOpen,
}: {
  readonly decision: Decision;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}) {
  const { evidence, findings, verdict, trace } = decision;
  const name = nameOf(decision);
  const would = trace.filter(({ mode, held }) => mode === 'monitor' && held === true);
  return (
    <tr class={isOpen ? 'open' : ''}>
      <td class="dim">
        <Time at={evidence.at} />
      </td>
      <td>
        <Action is={verdict.action} />
      </td>
      <td>
        <button type="button" class="link" aria-expanded={isOpen} onClick={onOpen}>
          {evidence.client.ip}
        </button>
      </td>
      <td class={findings.iprev.result === 'pass' ? 'wide' : 'wide claimed'}>
        {name === undefined ? <span class="dim">no name</span> : <Foreign text={name} isName />}
      </td>
      <td class="wide">
        <span class={`result ${findings.iprev.result}`}>{findings.iprev.reason}</span>
      </td>
      <td>
        {verdict.rule}
        {verdict.tags.length > 0 && <span class="tags">{verdict.tags.join(' ')}</span>}
        {would.length > 0 && <span class="would">would: {would.map(({ rule }) => rule).join(' ')}</span>}
      </td>
      <td class="wide">
        <Foreign text={evidence.client.helo ?? ''} />
      </td>
      <td class="wide dim">{evidence.door}</td>
    </tr>
  );
}

function Totals({ overview: { value } }: Pick<ViewParts, 'overview'>) {
  if (value === undefined) return null;
  return (
    <div class="totals">
      <Shares counts={value.actions} />
      <ul aria-label="Sessions since the start, by action">
        {shownActions.map((action) => (
          <li key={action}>
            <Action is={action} /> {count(value.actions[action])}
          </li>
        ))}
      </ul>
    </div>
  );
}

function concerns({ evidence: { client, ptr, id }, verdict }: Decision, word: string): boolean {
  if (word === '') return true;
  const range = /[/]/.test(word) ? parseCidr(word) : undefined;
  if (range !== undefined) return inCidr(client.ip, range);
  const names = ptr.kind === 'records' ? ptr.records : [];
  return [client.ip, client.helo ?? '', id, verdict.rule, ...verdict.tags, ...names].some((text) =>
    text.toLowerCase().includes(word),
  );
}

/** Follows the service until the view goes, or is paused; begins anew when the connection breaks. */
function useLive(isPaused: boolean, onNotAdmitted: () => void): Seen {
  const [seen, setSeen] = useState<Seen>({ decisions: [], skipped: 0, isOpen: false });
  useEffect(() => {
    if (isPaused) return undefined;
    const over = new AbortController();
    const follow = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await followOnce(over.signal, setSeen).catch((error: unknown) => {
          if (error instanceof NotAdmitted) onNotAdmitted();
        });
        setSeen((before) => ({ ...before, isOpen: false }));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    };
    void follow();
    return () => over.abort();
  }, [isPaused]);
  return seen;
}

async function followOnce(signal: AbortSignal, setSeen: (change: (before: Seen) => Seen) => void): Promise<void> {
  const response = await open('/api/live?recent=1', { signal });
  // Together, once for each frame: a busy server decides more often than anybody sees.
  let come: Decision[] = [];
  let skipped = 0;
  const show = (): void => {
    const [batch, more] = [come, skipped];
    [come, skipped] = [[], 0];
    setSeen((before) => {
      const known = new Set(before.decisions.map(({ evidence }) => evidence.id));
      const fresh = batch.filter(({ evidence }) => !known.has(evidence.id)).reverse();
      return {
        decisions: fresh.length === 0 ? before.decisions : [...fresh, ...before.decisions].slice(0, rowsMax),
        skipped: before.skipped + more,
        isOpen: true,
      };
    });
  };
  for await (const line of lines<LiveLine>(response)) {
    if (come.length === 0) setTimeout(show, 100);
    if (line.kind === 'decision') come.push(line.decision);
    else skipped += line.skipped;
  }
}
