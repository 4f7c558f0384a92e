// What each rule does: how often it held, acting or only watching, when last, and how that went over the hour or the day.

import { useState } from 'preact/hooks';
import type { History, RuleCount } from '../wire.ts';
import type { ViewParts } from './app.tsx';
import { Plot } from './plot.tsx';
import { usePolled } from './polled.ts';
import { count, Scrolled, Time, To } from './words.tsx';

export function RulesView({ overview: { value }, onNotAdmitted }: ViewParts) {
  const [span, setSpan] = useState<'hour' | 'day'>('hour');
  const [chosen, setChosen] = useState('');
  const { value: history } = usePolled<History>(
    `/api/history?span=${span}`,
    span === 'hour' ? 3_000 : 20_000,
    onNotAdmitted,
  );
  const shown = (history?.rules ?? []).filter(({ rule }) => chosen === '' || rule === chosen);
  const sum = (which: 'enforced' | 'monitored'): number[] => {
    // Before anything has held there is a time all the same.
    const slots = history?.rules[0]?.enforced.length ?? Math.round(seconds[span] / (history?.slot ?? seconds[span]));
    return Array.from({ length: slots }, (_, i) => shown.reduce((total, rule) => total + (rule[which][i] ?? 0), 0));
  };
  const [enforced, monitored] = [sum('enforced'), sum('monitored')];
  const total = (list: readonly number[]) => list.reduce((all, one) => all + one, 0);
  const times = enforced.map((_, i) => (history?.end ?? 0) - (enforced.length - i) * (history?.slot ?? 1));
  const what = chosen === '' ? 'all rules' : chosen;
  return (
    <>
      <div class="bar">
        <h2 class="grow">Hits of {what}</h2>
        <fieldset class="choice">
          <legend class="hidden">Time shown</legend>
          {(['hour', 'day'] as const).map((name) => (
            <button key={name} type="button" aria-pressed={span === name} onClick={() => setSpan(name)}>
              {name}
            </button>
          ))}
        </fieldset>
        {chosen !== '' && (
          <>
            <To view="live" about={chosen}>
              whom it hit
            </To>
            <a href="#/try">change it</a>
            <button type="button" onClick={() => setChosen('')}>
              all rules
            </button>
          </>
        )}
      </div>
      <Plot
        times={times}
        enforced={enforced}
        monitored={monitored}
        label={`Hits of ${what} in the last ${span}: ${total(enforced)} enforced, ${total(monitored)} monitored`}
      />
      <Scrolled label="Rules">
        <table>
          <caption class="hidden">Rules in the order of the policy</caption>
          <thead>
            <tr>
              <th scope="col">rule</th>
              <th scope="col">mode</th>
              <th scope="col" class="number">
                enforced
              </th>
              <th scope="col" class="number">
                monitored
              </th>
              <th scope="col" class="number wide">
                last word
              </th>
              <th scope="col" class="wide">
                last {span}
              </th>
              <th scope="col" class="wide">
                last hit
              </th>
            </tr>
          </thead>
          <tbody>
            {(value?.rules ?? []).map((rule) => (
              <Row
                key={rule.rule}
                rule={rule}
                isChosen={chosen === rule.rule}
                onChoose={() => setChosen(chosen === rule.rule ? '' : rule.rule)}
                history={history?.rules.find((one) => one.rule === rule.rule)}
              />
            ))}
          </tbody>
        </table>
        {value?.rules.length === 0 && <p class="empty">The policy has no rules.</p>}
      </Scrolled>
      <p class="dim small legend">
        Since the start. Enforced: the rule held and acted. Monitored: it held and was only watched. Last word: the
        verdict is its. Choose a rule to see its hits alone.
      </p>
    </>
  );
}

const seconds = { hour: 3_600, day: 86_400 };

interface RowParts {
  readonly rule: RuleCount;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly history: History['rules'][number] | undefined;
}

function Row({ rule, isChosen, onChoose, history }: RowParts) {
  return (
    <tr class={isChosen ? 'open' : ''}>
      <th scope="row">
        <button type="button" class="link" aria-pressed={isChosen} onClick={onChoose}>
          {rule.rule}
        </button>
      </th>
      <td>
        {rule.mode === undefined ? <span class="dim">·</span> : <span class={`mode ${rule.mode}`}>{rule.mode}</span>}
      </td>
      <td class="number">{count(rule.enforced)}</td>
      <td class="number">{rule.monitored === 0 ? <span class="dim">·</span> : count(rule.monitored)}</td>
      <td class="number wide">{count(rule.decided)}</td>
      <td class="wide">
        <Sparkline values={(history?.enforced ?? []).map((hits, i) => hits + (history?.monitored[i] ?? 0))} />
      </td>
      <td class="wide dim">
        <Time at={rule.lastHit} />
      </td>
    </tr>
  );
}

/** Sixty columns, whatever the span has. */
function Sparkline({ values }: { readonly values: readonly number[] }) {
  const width = Math.max(1, Math.ceil(values.length / 60));
  const columns = Array.from({ length: 60 }, (_, i) =>
    values.slice(i * width, (i + 1) * width).reduce((sum, one) => sum + one, 0),
  );
  const most = Math.max(1, ...columns);
  return (
    <svg class="spark" viewBox="0 0 120 18" width="120" height="18" aria-hidden="true">
      {columns.map((hits, i) =>
        hits === 0 ? null : (
          <rect
            key={i}
            x={i * 2}
            width="1.5"
            y={18 - Math.max(2, (18 * hits) / most)}
            height={Math.max(2, (18 * hits) / most)}
          />
        ),
      )}
    </svg>
  );
}
