// The console of a running service: what it sees of decisions and lookups (`feed`), and the HTTP server that shows it
// (`openConsole`). It judges nothing and changes nothing but, where the operator allows it, the policy file.

import type { Server } from 'node:net';
import type { Endpoint } from '../core/endpoint.ts';
import type { Policy } from '../core/policy.ts';
import type { SessionRecord } from '../core/record.ts';
import { recordLine } from '../core/record-line.ts';
import { listen } from '../listen.ts';
import type { Listener } from '../listeners.ts';
import type { Logger } from '../log.ts';
import { access } from './access.ts';
import { readAssets } from './assets.ts';
import { type Live, liveDecisions } from './live.ts';
import { makeMetrics } from './metrics.ts';
import type { EditedPolicy } from './policy-edit.ts';
import { type Recorded, recordedSessions } from './recorded.ts';
import { consoleRoutes, type RoutesParts } from './routes.ts';
import { consoleServer } from './server.ts';
import { makeTally, type Tally } from './tally.ts';
import type { DoorStatus, Overview } from './wire.ts';

/** What the service tells the console. */
export interface Feed {
  readonly tally: Tally;
  readonly live: Live;
  readonly recorded: Recorded;
  /** Set by openConsole. */
  answered: (seconds: number) => void;
  readonly listener: Required<Listener>;
}

/** `outage`: of the configuration, as the journal has it. */
export function consoleFeed(outage?: SessionRecord['outage']): Feed {
  const feed: Feed = {
    tally: makeTally(Date.now),
    live: liveDecisions(),
    recorded: recordedSessions(),
    answered: () => {},
    listener: {
      told(decision, ms) {
        feed.tally.decided(decision);
        feed.live.decided(decision, ms);
        feed.answered(ms / 1000);
      },
      finished(decision, outcome) {
        feed.recorded.add(
          recordLine(decision, { envelope: 'full', ...(outage === undefined ? {} : { outage }) }, outcome),
        );
      },
    },
  };
  return feed;
}

export interface ConsoleParts {
  readonly feed: Feed;
  readonly listen: Endpoint;
  readonly token: string;
  readonly log: Logger;
  readonly version: string;
  readonly name: string;
  readonly policy: EditedPolicy & { policy(): Policy };
  readonly readOnly: string | undefined;
  readonly check: RoutesParts['check'];
  readonly isReady: () => boolean;
  readonly status: () => Pick<Overview, 'outage' | 'addressesKept' | 'journal'> & {
    readonly policy: Omit<Overview['policy'], 'since'>;
    readonly doors: readonly (Omit<DoorStatus, 'connections'> & { readonly server: Server })[];
  };
  /** How often the policy was read again, and since when what is in force is. */
  readonly reloads: { readonly good: number; readonly bad: number; readonly sinceMs: number };
}

export interface Console {
  /** Where it really listens. */
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

/** Rejects with a ListenError when it cannot listen there. */
export async function openConsole(parts: ConsoleParts): Promise<Console> {
  const { feed, log, policy, readOnly, check, isReady, reloads } = parts;
  const startedAt = new Date().toISOString();
  const overview = () => makeOverview(parts, startedAt);
  const metrics = makeMetrics({
    tally: feed.tally,
    overview,
    reloads: () => ({ good: reloads.good, bad: reloads.bad }),
    journal: () => parts.status().journal,
  });
  feed.answered = metrics.answered;
  const routes = consoleRoutes({
    ...feed,
    assets: readAssets(),
    metrics,
    overview,
    isReady,
    policy,
    readOnly,
    check,
    journalFolder: () => parts.status().journal?.folder,
    onSaved: (file) => log.info({ file }, 'policy was saved from the console'),
  });
  const server = consoleServer(routes, access(parts.listen, parts.token), log);
  // A socket for its owner alone: the token guards it, and so does the system.
  const endpoint = await listen(server, parts.listen, { mode: 0o660 });
  const beat = setInterval(() => feed.live.beat(), 1_000);
  return {
    endpoint,
    close() {
      clearInterval(beat);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function makeOverview({ feed, policy, ...parts }: ConsoleParts, startedAt: string): Promise<Overview> {
  const { tally, recorded } = feed;
  const status = parts.status();
  const actions = { accept: 0, tag: 0, defer: 0, reject: 0, pending: 0 };
  for (const counts of Object.values(tally.doors))
    for (const [action, count] of Object.entries(counts)) actions[action as keyof typeof actions] += count;
  const doors = status.doors.map(async ({ server, ...door }): Promise<DoorStatus> => {
    const connections = await new Promise<number | undefined>((resolve) =>
      server.getConnections((error, count) => resolve(error ? undefined : count)),
    );
    return { ...door, ...(connections === undefined ? {} : { connections }) };
  });
  return {
    version: parts.version,
    name: parts.name,
    startedAt,
    at: new Date().toISOString(),
    isReady: parts.isReady(),
    sessions: Object.values(actions).reduce((sum, count) => sum + count, 0),
    actions,
    results: tally.results,
    reasons: tally.reasons,
    rules: rulesInOrder(tally, policy.policy()),
    groups: tally.groups(),
    lookups: tally.lookups,
    gathered: tally.answers,
    outage: status.outage,
    addressesKept: status.addressesKept,
    recorded: recorded.size,
    ...(status.journal === undefined ? {} : { journal: status.journal }),
    doors: await Promise.all(doors),
    policy: { ...status.policy, since: new Date(parts.reloads.sinceMs).toISOString() },
  };
}

/** The rules of the policy as they stand there, hit or not, then what else has decided. */
function rulesInOrder(tally: Tally, { rules }: Policy): Overview['rules'] {
  const counted = new Map(tally.rules().map((count) => [count.rule, count]));
  const none = { enforced: 0, monitored: 0, decided: 0 };
  const ours = rules.map(({ id, mode }) => ({ ...none, ...counted.get(id), rule: id, mode }));
  const known = new Set(rules.map(({ id }) => id));
  return [...ours, ...[...counted.values()].filter(({ rule }) => !known.has(rule))];
}
