// What the alerts and the dashboard of deploy/prometheus ask for, /metrics of a running service says: each metric, each label, and each
// value of a label that they name.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { type Consoled, startConsoled } from '../../support/console.ts';
import { projectFolder } from '../../support/processes.ts';

interface Asked {
  /** Where, for whoever must mend it. */
  readonly of: string;
  readonly expr: string;
  /** Labels that its legend or its text names. */
  readonly shown: readonly string[];
}

const read = (name: string): string => readFileSync(join(projectFolder, 'deploy/prometheus', name), 'utf8');
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);

function askedByAlerts(): Asked[] {
  const { groups } = parse(read('iprevd.rules.yml')) as {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
  };
  return groups
    .flatMap(({ rules }) => rules)
    .map(({ alert, expr, annotations }) => ({
      of: alert,
      expr,
      shown: all(Object.values(annotations).join(), /\$labels\.(\w+)/g),
    }));
}

function askedByDashboard(): Asked[] {
  const { panels, templating } = JSON.parse(read('grafana-dashboard.json')) as {
    panels: { title: string; targets?: { expr: string; legendFormat?: string }[] }[];
    templating: { list: { name: string; query: string | { query: string } }[] };
  };
  const variables = templating.list.flatMap(({ name, query }) => {
    const [, metric, label] =
      /^label_values\((\w+), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query) ?? [];
    return metric === undefined ? [] : [{ of: `variable ${name}`, expr: metric, shown: [label ?? ''] }];
  });
  return [
    ...variables,
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat = '' }) => ({ of: title, expr, shown: all(legendFormat, /\{\{(\w+)\}\}/g) })),
    ),
  ];
}

/** Label → its values, of each metric. Prometheus itself adds where it was scraped. */
type Said = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;
const added = ['instance', 'job'];

function saidBy(metrics: string): Said {
  const said = new Map([['up', new Map<string, Set<string>>()]]);
  for (const [, name = '', labels = ''] of metrics.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const known = said.get(name) ?? new Map<string, Set<string>>();
    said.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(value));
  }
  return said;
}

const words = new Set(['or', 'and', 'unless', 'on', 'ignoring', 'bool']);

/** What of it nobody says. */
function missing({ expr, shown }: Asked, said: Said): string[] {
  const grouped = all(expr, /\bby \(([^)]*)\)/g).flatMap((list) => list.split(/,\s*/));
  const bare = expr
    .replace(/\bby \([^)]*\)|\[[^\]]*\]|\boffset \w+/g, ' ')
    .replace(/\{[^}]*\}/g, (labels) => (labels.includes('"') ? labels : ' '));
  const found: string[] = [];
  const known = new Set(added);
  for (const [, name = '', labels = ''] of bare.matchAll(/\b([a-z_]\w*)\b(?!\s*\(|[^{}]*\})(?:\{([^}]*)\})?/g)) {
    if (words.has(name)) continue;
    const metric = said.get(name);
    if (metric === undefined) {
      found.push(name);
      continue;
    }
    for (const label of metric.keys()) known.add(label);
    for (const [, label = '', , value = ''] of labels.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)) {
      if (added.includes(label)) continue;
      for (const one of value.split('|'))
        if (metric.get(label)?.has(one) !== true) found.push(`${name}{${label}="${one}"}`);
    }
  }
  const left = grouped.length > 0 ? grouped : [...known];
  return [...found, ...grouped.filter((label) => !known.has(label)), ...shown.filter((label) => !left.includes(label))];
}

let it: Consoled;
let said: Said;
beforeAll(async () => {
  it = await startConsoled(undefined, undefined, undefined, 'journal: { dir: journal }\n');
  for (const address of ['192.0.2.1', '192.0.2.4', '192.0.2.5', '192.0.2.7']) await it.client(address);
  said = saidBy((await it.get('/metrics')).body);
});
afterAll(() => it.stop());

test('the alerts ask for nothing else', () => {
  const asked = askedByAlerts();
  expect(asked.length).toBeGreaterThan(5);
  for (const one of asked) expect([one.of, missing(one, said)]).toEqual([one.of, []]);
});

test('nor does the dashboard', () => {
  const asked = askedByDashboard();
  expect(asked.length).toBeGreaterThan(10);
  for (const one of asked) expect([one.of, missing(one, said)]).toEqual([one.of, []]);
});

test.each([
  ['iprevd_redy == 1', [], ['iprevd_redy']],
  [
    'sum by (rule, mod) (rate(iprevd_rule_hits_total{mode="enforced"}[5m]))',
    ['rule'],
    ['iprevd_rule_hits_total{mode="enforced"}', 'mod'],
  ],
  ['sum by (rule) (rate(iprevd_rule_hits_total[5m] offset 1d)) or up', ['mode'], ['mode']],
  ['iprevd_door_connections{instance=~"$instance"}', ['door', 'client'], ['client']],
  [
    'histogram_quantile(0.5, sum by (le) (rate(iprevd_evidence_seconds_buckets[5m])))',
    [],
    ['iprevd_evidence_seconds_buckets', 'le'],
  ],
])('this test would see %s', (expr, shown, found) => {
  expect(missing({ of: '', expr, shown }, said)).toEqual(found);
});
