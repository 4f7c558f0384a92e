// What a candidate policy would have done: from → to, whom it would newly refuse (those whose mail was taken first), whom it would
// let in, what each rule would have done, and the exceptions that would spare the good ones.

import { Fragment } from 'preact';
import type { OrganisationSessions } from '../../core/backtest/organisations.ts';
import type { BacktestResult } from '../../core/backtest/tally.ts';
import { exceptionProposedMs } from '../../core/limits.ts';
import { DecisionView } from './decision-view.tsx';
import { Exception } from './exception.tsx';
import type { Judge, Judging } from './judging.ts';
import { Action, count, Foreign, More } from './words.tsx';

interface OutcomeParts {
  readonly judging: Judging & Judge;
  readonly isWrong: boolean;
  readonly isChanged: boolean;
}

export function Outcome({ judging, isWrong, isChanged }: OutcomeParts) {
  const { result } = judging;
  if (result === undefined) return null;
  const accepted = result.newly_refused_accepted.reduce((sum, { sessions }) => sum + sessions, 0);
  return (
    <div class={isWrong ? 'outdated' : ''}>
      <p class="summary" role="status">
        {isWrong
          ? 'The text cannot be read as it is; this is of the last one that could.'
          : result.changed === 0
            ? isChanged
              ? 'Nothing would have been different.'
              : 'This is the policy in force. Change it, and see here whom that would have hit.'
            : `${count(result.changed)} of ${count(result.sessions)} would have been different: ${count(result.newly_refused)} newly refused${accepted > 0 ? `, ${count(accepted)} of them after their mail was taken` : ''}.`}
      </p>
      <Matrix matrix={result.matrix} />
      <Organisations
        title="Newly refused, and their mail was taken"
        kind="bad"
        list={result.newly_refused_accepted}
        judging={judging}
      />
      <Organisations
        title="Newly refused; their mail was refused anyway, or nobody knows"
        kind="warn"
        list={result.newly_refused_other}
        judging={judging}
      />
      <Organisations title="Newly let in" kind="good" list={result.newly_accepted} judging={judging} />
      <Suggestions list={result.suggestions} judging={judging} />
      <RuleChanges rules={result.rules} />
    </div>
  );
}

function Matrix({ matrix }: Pick<BacktestResult, 'matrix'>) {
  const columns = Object.keys(Object.values(matrix)[0] ?? {});
  return (
    <table class="matrix">
      <caption>Sessions: from the policy in force (rows) to this one (columns)</caption>
      <thead>
        <tr>
          <td />
          {columns.map((to) => (
            <th key={to} scope="col">
              <Action is={to} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Object.entries(matrix).map(([from, row]) => (
          <tr key={from}>
            <th scope="row">
              <Action is={from} />
            </th>
            {columns.map((to) => {
              const sessions = row[to] ?? 0;
              return (
                <td key={to} class={sessions === 0 ? 'none' : cellClass(from, to)} data-cell={`${from} ${to}`}>
                  {sessions === 0 ? '·' : count(sessions)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function cellClass(from: string, to: string): string {
  const refuses = (action: string) => action === 'defer' || action === 'reject';
  if (from === to) return 'same';
  if (refuses(to) && !refuses(from)) return 'worse';
  return refuses(from) && !refuses(to) ? 'better' : 'moved';
}

interface OrganisationsParts {
  readonly title: string;
  readonly kind: string;
  readonly list: readonly OrganisationSessions[];
  readonly judging: OutcomeParts['judging'];
}

function Organisations({ title, kind, list, judging: { explained, explain } }: OrganisationsParts) {
  if (list.length === 0) return null;
  return (
    <section class={`whom ${kind}`}>
      <h3>{title}</h3>
      <More of={list} first={10} what="organisations and networks">
        {({ organisation, sessions, refs }) => (
          <li key={organisation}>
            <b>
              <Foreign text={organisation} />
            </b>{' '}
            <span class="dim">{sessions === 1 ? 'once' : `${count(sessions)} times`}</span>{' '}
            {refs.slice(0, 3).map((ref) => (
              <Fragment key={ref}>
                <button
                  type="button"
                  class="link ref"
                  aria-expanded={explained?.ref === ref}
                  aria-label={`why ${ref}`}
                  onClick={() => explain(ref)}
                >
                  {ref}
                </button>{' '}
              </Fragment>
            ))}
            {explained !== undefined && refs.includes(explained.ref) && <DecisionView decision={explained.decision} />}
          </li>
        )}
      </More>
    </section>
  );
}

interface SuggestionsParts extends Pick<OutcomeParts, 'judging'> {
  readonly list: BacktestResult['suggestions'];
}

function Suggestions({ list, judging: { spare, spared } }: SuggestionsParts) {
  if (list.length === 0) return null;
  return (
    <section class="whom">
      <h3>Exceptions that would spare the good ones</h3>
      <p class="dim small">
        Good are those whose mail was taken. None of these spares a session whose mail was refused; each ends in{' '}
        {exceptionProposedMs / 86_400_000} days.
      </p>
      <More of={list} first={3} what="exceptions">
        {(suggestion) => (
          <li key={`${suggestion.rule} ${suggestion.organisation}`}>
            <Foreign text={suggestion.organisation} />, {count(suggestion.sessions)}{' '}
            {suggestion.sessions === 1 ? 'session' : 'sessions'}, in <b>{suggestion.rule}</b>
            <Exception
              exception={suggestion}
              isRefused={spared?.text === undefined && spared?.exception.yaml === suggestion.yaml}
              onPut={() => spare({ rule: suggestion.rule, yaml: suggestion.yaml })}
            />
          </li>
        )}
      </More>
    </section>
  );
}

function RuleChanges({ rules }: Pick<BacktestResult, 'rules'>) {
  return (
    <details class="rule-changes">
      <summary>What each rule would have done</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">rule</th>
            <th scope="col" class="number">
              last word
            </th>
            <th scope="col" class="number">
              now
            </th>
            <th scope="col" class="number">
              only watched
            </th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={rule.rule}>
              <th scope="row">{rule.rule}</th>
              <td class="number">{count(rule.hits_before)}</td>
              <td class={`number ${rule.hits_after === rule.hits_before ? 'dim' : 'changed'}`}>
                {count(rule.hits_after)}
              </td>
              <td class="number dim">{count(rule.monitored_after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
