// Where the sessions of a replay come from: a journal, or the log of a Postfix. Files of any size are read in flat memory; what
// cannot be read is said with file and line, and the rest is used.

import { stat } from 'node:fs/promises';
import type { Backtest } from '../core/backtest/backtest.ts';
import type { Session } from '../core/backtest/judge.ts';
import type { Labels } from '../core/backtest/labels.ts';
import { replayLines } from '../core/backtest/replay-lines.ts';
import type { Ip } from '../core/ip.ts';
import { resolvedAtOnce, resolvedNowMax } from '../core/limits.ts';
import type { Policy } from '../core/policy.ts';
import { postfixLog } from '../core/postfix-log.ts';
import type { Problem } from '../core/problem.ts';
import type { Answers, Gather } from '../gather.ts';
import { journalFiles, readJournalLines, type TakeLine } from '../journal/read.ts';

export interface Source {
  /** Files, or folders of a journal. */
  readonly paths: readonly string[];
  /** Milliseconds since 1970: only sessions that began then or later, and before `until`. */
  readonly since?: number;
  readonly until?: number;
  readonly onProblem: (problem: Problem) => void;
  /** MB of files read, and of how many. */
  readonly progress: (done: number, of: number) => void;
}

export interface Replayed {
  readonly replay: Backtest;
  readonly policies: readonly Policy[];
  readonly labels?: Labels;
}

export async function replayJournal(source: Source, { replay, policies, labels }: Replayed): Promise<void> {
  const take = replayLines({ ...source, replay, policies, ...(labels === undefined ? {} : { labels }) });
  await eachLine(source, take);
}

/** Looks up now what the log does not tell; see `resolveNow`. */
export interface ResolveNow {
  readonly gather: Gather;
  readonly progress: (done: number, of: number) => void;
}

/** `resolve` absent: nothing is looked up. */
export async function replayPostfixLog(
  source: Source,
  { replay, labels }: Replayed,
  resolve?: ResolveNow,
): Promise<void> {
  const answers = resolve === undefined ? undefined : await resolveNow(source, resolve);
  await eachSession(source, (session) => {
    const found = session.dnsNotRecorded ? answers?.get(session.evidence.client.ip) : undefined;
    const judged = found === undefined ? session : withAnswers(session, found);
    replay.add(judged, labels?.of(judged.evidence));
  });
}

async function eachSession(source: Source, onSession: (session: Session) => void): Promise<void> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = source;
  // One log after the other: a session of Postfix may begin at the end of one file and end in the next.
  const latest = await latestChange(source.paths);
  const log = postfixLog(latest, (session) => {
    const at = Date.parse(session.evidence.at);
    if (at >= since && at < until) onSession(session);
  });
  for (const path of source.paths) {
    let line = 0;
    await eachLine({ ...source, paths: [path] }, (text) => {
      log.line(text, `${path}:${++line}`);
      return undefined;
    });
  }
  log.end();
}

async function latestChange(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...times);
}

async function eachLine(source: Source, take: TakeLine): Promise<void> {
  const files = await journalFiles({ ...source, onProblem: () => {} });
  const all = files.reduce((sum, { octets }) => sum + octets, 0);
  const mb = (octets: number) => Math.ceil(octets / 1_000_000);
  let read = 0;
  const onProgress = (octets: number): void => {
    read += octets;
    source.progress(mb(Math.min(read, all)), mb(all));
  };
  const { since, until, ...options } = source;
  const bounds = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
  for await (const _ of readJournalLines({ ...options, ...bounds, onProgress }, take));
  source.progress(mb(all), mb(all));
}

/** The answers on each address that Postfix could not confirm, as the DNS has them now: each is asked about once. */
async function resolveNow(source: Source, { gather, progress }: ResolveNow): Promise<ReadonlyMap<Ip, Answers>> {
  const addresses = new Set<Ip>();
  await eachSession({ ...source, onProblem: () => {} }, ({ evidence, dnsNotRecorded }) => {
    if (dnsNotRecorded && addresses.size < resolvedNowMax) addresses.add(evidence.client.ip);
  });
  const answers = new Map<Ip, Answers>();
  const left = addresses.values();
  const worker = async (): Promise<void> => {
    for (const ip of left) {
      answers.set(ip, await gather(ip));
      progress(answers.size, addresses.size);
    }
  };
  await Promise.all(Array.from({ length: resolvedAtOnce }, worker));
  return answers;
}

function withAnswers({ dnsNotRecorded, lacks, ...session }: Session, { ptr, forward }: Answers): Session {
  const still = new Set(lacks);
  still.delete('names');
  return { ...session, evidence: { ...session.evidence, ptr, forward }, lacks: still };
}
