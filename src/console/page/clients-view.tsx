// Who comes: by the organisation of the confirmed name, or by network where none is confirmed.

import { useState } from 'preact/hooks';
import type { ViewParts } from './app.tsx';
import { count, Foreign, Scrolled, Shares, shownActions, Time, To } from './words.tsx';

export function ClientsView({ overview: { value } }: ViewParts) {
  const [only, setOnly] = useState('');
  const groups = (value?.groups ?? []).filter(
    ({ actions, isNetwork }) =>
      only === '' || (only === 'unnamed' ? isNetwork : (actions.defer ?? 0) + (actions.reject ?? 0) > 0),
  );
  return (
    <>
      <div class="bar">
        <label>
          <span class="hidden">Only these</span>
          <select value={only} onChange={(event) => setOnly(event.currentTarget.value)}>
            <option value="">all clients</option>
            <option value="refused">with refusals</option>
            <option value="unnamed">without a confirmed name</option>
          </select>
        </label>
        <p class="dim">
          The busiest, since the start. A name counts only where it is confirmed; who has none is counted by network.
          Each leads to its decisions in Live, its last address to Explain.
        </p>
      </div>
      <Scrolled label="Clients">
        <table>
          <caption class="hidden">Clients by organisation</caption>
          <thead>
            <tr>
              <th scope="col">organisation</th>
              <th scope="col" class="number">
                sessions
              </th>
              <th scope="col" class="wide">
                <span class="hidden">shares</span>
              </th>
              {shownActions.slice(0, 4).map((action) => (
                <th key={action} scope="col" class="number">
                  {action}
                </th>
              ))}
              <th scope="col" class="wide">
                last address
              </th>
              <th scope="col" class="wide">
                last seen
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map(({ group, isNetwork, actions, sessions, lastSeen, lastAddress }) => (
              <tr key={group}>
                <th scope="row" class={isNetwork ? 'claimed' : ''}>
                  <To view="live" about={group}>
                    <Foreign text={group} />
                  </To>
                </th>
                <td class="number">{count(sessions)}</td>
                <td class="wide">
                  <Shares counts={actions} />
                </td>
                {shownActions.slice(0, 4).map((action) => (
                  <td key={action} class="number">
                    {actions[action] === undefined ? <span class="dim">·</span> : count(actions[action])}
                  </td>
                ))}
                <td class="wide">
                  <To view="explain" about={lastAddress}>
                    {lastAddress}
                  </To>
                </td>
                <td class="wide dim">
                  <Time at={lastSeen} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {groups.length === 0 && <p class="empty">{only === '' ? 'Nobody yet.' : 'None of them is like that.'}</p>}
      </Scrolled>
    </>
  );
}
