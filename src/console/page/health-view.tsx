// How the service is: doors, policy, DNS, cache. What is wrong comes in a sentence that says what to do.

import type { ComponentChildren } from 'preact';
import type { Overview } from '../wire.ts';
import type { ViewParts } from './app.tsx';
import { count, Time } from './words.tsx';

export function HealthView({ overview: { value } }: ViewParts) {
  if (value === undefined) return <p class="empty">asking …</p>;
  return (
    <>
      <Troubles value={value} />
      <div class="cards">
        <Card title="Service">
          <Fact name="version">{value.version}</Fact>
          <Fact name="name">{value.name}</Fact>
          <Fact name="since">
            <Time at={value.startedAt} />
          </Fact>
          <Fact name="state">{value.isReady ? 'ready' : 'not ready'}</Fact>
          <Fact name="sessions">{count(value.sessions)}</Fact>
          <Fact name="in memory for Try">{count(value.recorded)}</Fact>
        </Card>
        <Card title="Policy">
          <Fact name="file">
            <code>{value.policy.file}</code>
          </Fact>
          <Fact name="in force since">
            <Time at={value.policy.since} />
          </Fact>
          <Fact name="on disk">{value.policy.problems.length === 0 ? 'the same' : 'has mistakes'}</Fact>
          <Fact name="ended rules">{value.policy.expired.length === 0 ? 'none' : value.policy.expired.join(', ')}</Fact>
        </Card>
        <Card title="DNS lookups">
          <Fact name="state">{value.outage ? 'outage: a probe each second' : 'asked as ever'}</Fact>
          <Bars counts={value.lookups} />
        </Card>
        <Card title="Answers about an address">
          <Fact name="addresses kept">{count(value.addressesKept)}</Fact>
          <Bars
            counts={{
              'known already': value.gathered.hit,
              'old, in an outage': value.gathered.stale,
              'asked for': value.gathered.miss,
            }}
          />
        </Card>
        {value.journal === undefined ? (
          <Card title="Journal">
            <Fact name="state">
              none is kept: what came before the start is not known to Try (<code>journal</code> in the configuration)
            </Fact>
          </Card>
        ) : (
          <Card title="Journal">
            <Fact name="folder">
              <code>{value.journal.folder}</code>
            </Fact>
            <Fact name="recorded">{count(value.journal.recorded)}</Fact>
            <Fact name="dropped">{count(value.journal.dropped)}</Fact>
          </Card>
        )}
        <Card title="iprev">
          <Bars counts={value.results} />
        </Card>
        <section class="card">
          <h2>Doors</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">door</th>
                <th scope="col">listens on</th>
                <th scope="col" class="number">
                  clients now
                </th>
              </tr>
            </thead>
            <tbody>
              {value.doors.map(({ kind, listen, connections }) => (
                <tr key={listen}>
                  <th scope="row">{kind}</th>
                  <td>
                    <code>{listen}</code>
                  </td>
                  <td class="number">{connections ?? '?'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </>
  );
}

function Troubles({ value: { outage, policy, doors, journal } }: { readonly value: Overview }) {
  const troubles = [
    ...(outage
      ? ['Most DNS lookups fail. Verdicts that need them are what dns.outage or the policy says of temperror.']
      : []),
    ...policy.problems.map((problem) => `The policy on disk is not in force: ${problem}`),
    ...(journal?.problem === undefined ? [] : [`The journal cannot be written: ${journal.problem}`]),
    ...doors.flatMap(({ kind, listen, masked }) =>
      masked === undefined
        ? []
        : [
            `Every client of the ${kind} door ${listen} looks like ${masked.ip} (${masked.masking}): is a NAT or proxy in front? Rules on reverse DNS do not act there.`,
          ],
    ),
  ];
  if (troubles.length === 0) return <p class="good">All is well.</p>;
  return (
    <ul class="problems">
      {troubles.map((trouble) => (
        <li key={trouble}>{trouble}</li>
      ))}
    </ul>
  );
}

function Card({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="card">
      <h2>{title}</h2>
      <dl class="facts">{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Bars({ counts }: { readonly counts: Readonly<Record<string, number>> }) {
  const all = Math.max(
    1,
    Object.values(counts).reduce((sum, one) => sum + one, 0),
  );
  return (
    <>
      {Object.entries(counts).map(([name, number]) => (
        <Fact key={name} name={name}>
          <span class="meter">
            <span aria-hidden="true" style={{ width: `${(100 * number) / all}%` }} />
          </span>
          {count(number)}
        </Fact>
      ))}
    </>
  );
}
