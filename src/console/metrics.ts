// The counts in the words of Prometheus. Labels come from closed lists, the doors of the configuration and the rules of the policy
// (so many of them at most): never an address, a name or anything else that a client says. Base units, counters end in _total.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { doorKinds } from '../core/client.ts';
import type { Tally } from './tally.ts';
import type { Overview } from './wire.ts';

export interface Metrics {
  readonly contentType: string;
  /** From the client's arrival to the answers about its address. */
  answered(seconds: number): void;
  text(): Promise<string>;
}

export interface MetricsParts {
  readonly tally: Tally;
  readonly overview: () => Promise<Overview>;
  readonly reloads: () => { readonly good: number; readonly bad: number };
  /** Undefined: none is kept. */
  readonly journal: () => Overview['journal'];
}

export function makeMetrics({ tally, overview, reloads, journal }: MetricsParts): Metrics {
  const registers = [new Registry()];
  const [register] = registers as [Registry];
  collectDefaultMetrics({ register });
  // Gauges with names of counters.
  for (const what of ['handles', 'requests', 'resources']) register.removeSingleMetric(`nodejs_active_${what}_total`);
  /** What is counted elsewhere and read when somebody asks. */
  const counted = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: () => Iterable<readonly [Record<Label, string>, number]>,
  ): void => {
    new Counter({
      name: `iprevd_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, count] of read()) this.inc(labels, count);
      },
    });
  };
  const each = <Label extends string>(label: Label, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([key, count]) => [{ [label]: key } as Record<Label, string>, count] as const);

  counted('decisions_total', 'Sessions decided.', ['door', 'action'], () =>
    doorKinds.flatMap((door) =>
      Object.entries(tally.doors[door]).map(([action, count]) => [{ door, action }, count] as const),
    ),
  );
  counted('rule_hits_total', 'Sessions in which a rule held; monitored ones had no effect.', ['rule', 'mode'], () =>
    tally
      .rules()
      .flatMap(({ rule, enforced, monitored }) => [
        [{ rule, mode: 'enforce' }, enforced] as const,
        [{ rule, mode: 'monitor' }, monitored] as const,
      ]),
  );
  counted('iprev_results_total', 'Sessions by iprev result (RFC 8601).', ['result'], () =>
    each('result', tally.results),
  );
  counted('iprev_reasons_total', 'Sessions by the reason of the result.', ['reason'], () =>
    each('reason', tally.reasons),
  );
  counted('dns_lookups_total', 'Questions to the DNS by what they came to.', ['outcome'], () =>
    each('outcome', tally.lookups),
  );
  counted('address_cache_total', 'Where the answers about an address came from.', ['source'], () =>
    each('source', tally.answers),
  );
  counted('policy_reloads_total', 'Times that the policy was read again.', ['result'], () => each('result', reloads()));
  gauges(registers, overview);
  counted(
    'journal_records_total',
    'Sessions for the journal: recorded, or dropped for want of room.',
    ['result'],
    () => {
      const kept = journal();
      return kept === undefined ? [] : each('result', { recorded: kept.recorded, dropped: kept.dropped });
    },
  );
  const seconds = new Histogram({
    name: 'iprevd_evidence_seconds',
    help: "From a client's arrival to the answers about its address; 0 from the cache.",
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    contentType: register.contentType,
    answered: (s) => seconds.observe(s),
    text: () => register.metrics(),
  };
}

function gauges(registers: Registry[], overview: () => Promise<Overview>): void {
  const gauge = (name: string, help: string, read: (now: Overview) => number): void => {
    new Gauge({
      name: `iprevd_${name}`,
      help,
      registers,
      async collect() {
        this.set(read(await overview()));
      },
    });
  };
  gauge('ready', '1: all doors are open and a policy is in force.', ({ isReady }) => Number(isReady));
  gauge('dns_outage', '1: most lookups fail, and the DNS is asked but for a probe.', ({ outage }) => Number(outage));
  gauge('addresses_kept', 'Addresses whose answers are kept.', ({ addressesKept }) => addressesKept);
  gauge('recorded_sessions', 'Sessions kept for trying another policy.', ({ recorded }) => recorded);
  gauge(
    'policy_problems',
    'Mistakes in the policy on disk; while there are any, the old one is in force.',
    ({ policy }) => policy.problems.length,
  );
  gauge('policy_expired', 'Rules and exceptions whose time is over.', ({ policy }) => policy.expired.length);
  gauge(
    'policy_in_force_since_seconds',
    'When the policy in force was taken over.',
    ({ policy }) => Date.parse(policy.since) / 1000,
  );
  new Gauge({
    name: 'iprevd_door_connections',
    help: 'Connections at a door.',
    labelNames: ['door', 'listen'],
    registers,
    async collect() {
      for (const { kind, listen, connections } of (await overview()).doors)
        if (connections !== undefined) this.set({ door: kind, listen }, connections);
    },
  });
  new Gauge({
    name: 'iprevd_door_masked',
    help: '1: the clients of this door are hidden by a NAT or proxy.',
    labelNames: ['door', 'listen'],
    registers,
    async collect() {
      for (const { kind, listen, masked } of (await overview()).doors)
        this.set({ door: kind, listen }, Number(masked !== undefined));
    },
  });
}
