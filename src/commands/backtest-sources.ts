// The sessions of a replay: out of a journal, or out of the log of a Postfix, whose addresses may be looked up now. How they are read,
// and what is said of what cannot be, is in sources.ts.

import { stat } from 'node:fs/promises';
import type { Backtest } from '../core/backtest/backtest.ts';
import type { Session } from '../core/backtest/judge.ts';
import type { Labels } from '../core/backtest/labels.ts';
import { replayLines } from '../core/backtest/replay-lines.ts';
import type { Ip } from '../core/ip.ts';
import { resolvedAtOnce, resolvedNowMax } from '../core/limits.ts';
import type { Policy } from '../core/policy.ts';
import { type PostfixLog, postfixLog } from '../core/postfix-log.ts';
import type { Answers, Gather } from '../gather.ts';
import { type Reading, readLines, type Source, wrongLog } from './sources.ts';

export interface Replayed {
  readonly replay: Backtest;
  readonly policies: readonly Policy[];
  readonly labels?: Labels;
}

export async function replayJournal(source: Source, { replay, policies, labels }: Replayed): Promise<Reading> {
  return readLines(source, replayLines({ ...source, replay, policies, ...(labels === undefined ? {} : { labels }) }));
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
): Promise<Reading> {
  const answers = resolve === undefined ? undefined : await resolveNow(source, resolve);
  return eachSession(source, (session) => {
    const found = session.dnsNotRecorded ? answers?.get(session.evidence.client.ip) : undefined;
    const judged = found === undefined ? session : withAnswers(session, found);
    replay.add(judged, labels?.of(judged.evidence));
  });
}

async function eachSession(source: Source, onSession: (session: Session) => void): Promise<Reading> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = source;
  // One log after the other: a session of Postfix may begin at the end of one file and end in the next.
  const latest = await latestChange(source.paths);
  const log = postfixLog(latest, (session) => {
    const at = Date.parse(session.evidence.at);
    if (at >= since && at < until) onSession(session);
  });
  const all: Reading[] = [];
  for (const path of source.paths) all.push(await readLog(path, source, log));
  log.end();
  return {
    lines: all.reduce((sum, { lines }) => sum + lines, 0),
    missing: all.flatMap(({ missing }) => missing),
    problems: all.reduce((sum, { problems }) => sum + problems, 0),
  };
}

/** A log without a line of Postfix is not the one that was meant. */
async function readLog(path: string, source: Source, log: PostfixLog): Promise<Reading> {
  const wrong = await wrongLog(path);
  if (wrong !== undefined) {
    source.onProblem(wrong);
    return { lines: 0, missing: [wrong], problems: 1 };
  }
  let line = 0;
  let ofPostfix = 0;
  let first = '';
  const { missing, problems } = await readLines({ ...source, paths: [path] }, (one) => {
    const text = one.text();
    line++;
    if (first === '') first = text.trim();
    if (log.line(text, `${path}:${line}`)) ofPostfix++;
    return undefined;
  });
  if (line === 0 || ofPostfix > 0) return { lines: ofPostfix, missing, problems };
  const hint = first.startsWith('{"v":') ? 'it looks like a journal: name it without --postfix-log' : undefined;
  const what = 'holds no line of smtpd or postscreen of a Postfix';
  const foreign = { where: path, what, ...(hint === undefined ? {} : { hint }) };
  source.onProblem(foreign);
  return { lines: 0, missing: [...missing, foreign], problems: problems + 1 };
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
