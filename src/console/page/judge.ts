// A worker: holds the recorded sessions and judges all of them under whatever policy is being written, with the code that the service
// judges by. What comes out is told against the policy in force: every session is first judged by that, so that its own text changes
// nothing. Then lint and the tests of the policy have their say. Sessions alike are judged once.

import { z } from 'zod';
import { backtest } from '../../core/backtest/backtest.ts';
import type { Suggestion } from '../../core/backtest/exceptions.ts';
import { judge } from '../../core/backtest/judge.ts';
import { clockOf } from '../../core/backtest/replay-key.ts';
import type { BacktestResult, Effect } from '../../core/backtest/tally.ts';
import { lint } from '../../core/lint/lint.ts';
import { printable } from '../../core/name.ts';
import type { Policy } from '../../core/policy.ts';
import { putException } from '../../core/put-exception.ts';
import { judgeAgain, type SessionRecord, wouldHaveHit } from '../../core/record.ts';
import { readPolicy } from '../../core/schema.ts';
import type { Decision } from '../../core/verdict.ts';
import { type PlayedTest, playPolicyTests } from '../../play-policy-tests.ts';
import type { PolicyView } from '../wire.ts';
import type { Alike } from './alike.ts';
import type { EditorNotice } from './editor.tsx';
import { type EmptyList, type ListTexts, listTexts } from './list-texts.ts';
import { type AboutSessions, loadSessions, type Source } from './sessions.ts';

export type ToJudge =
  /** The sessions are fetched (again), and judged by the policy in force. */
  | { readonly kind: 'load'; readonly token: string; readonly policy: PolicyView; readonly source: Source }
  | { readonly kind: 'judge'; readonly text: string }
  /** One session under the policy judged last. */
  | { readonly kind: 'explain'; readonly ref: string }
  /** The text with this exception in it. */
  | { readonly kind: 'spare'; readonly text: string; readonly exception: ProposedException };

export type FromJudge =
  | { readonly kind: 'loading'; readonly sessions: number }
  | { readonly kind: 'loaded'; readonly about: AboutSessions }
  | { readonly kind: 'failed'; readonly why: string }
  /** The text cannot be read. */
  | { readonly kind: 'wrong'; readonly notices: readonly EditorNotice[] }
  | {
      readonly kind: 'judged';
      readonly result: BacktestResult;
      readonly emptyLists: readonly EmptyList[];
      readonly ms: number;
    }
  /** The same text, by lint and by its tests: those that fail are among the notices. */
  | { readonly kind: 'checked'; readonly notices: readonly EditorNotice[]; readonly tests: TestCounts }
  | { readonly kind: 'explained'; readonly ref: string; readonly decision: Decision }
  /** Without a text: it cannot be put in, and is to be pasted. */
  | { readonly kind: 'spared'; readonly exception: ProposedException; readonly text?: string };

export type ProposedException = Pick<Suggestion, 'rule' | 'yaml'>;

export interface TestCounts {
  readonly played: number;
  readonly failed: number;
}

// Under the page's policy of content nothing may be compiled from text, and zod would try.
z.config({ jitless: true });

const file = 'policy';
let all: readonly Alike[] = [];
let lists: ListTexts = listTexts({ lists: {}, leftOut: {} });
let candidate: Policy | undefined;
let loading = new AbortController();
/** Counts the texts, so that what is found of an older one is not said of a newer. */
let texts = 0;

addEventListener('message', ({ data }: MessageEvent<ToJudge>) => {
  if (data.kind === 'load') void load(data);
  else if (data.kind === 'judge') void judgeText(data.text);
  else if (data.kind === 'explain') explain(data.ref);
  else {
    const { exception } = data;
    const text = putException(data.text, exception);
    say({ kind: 'spared', exception, ...(text === undefined ? {} : { text }) });
  }
});

function say(message: FromJudge): void {
  postMessage(message);
}

async function load({ token, policy, source }: Extract<ToJudge, { kind: 'load' }>): Promise<void> {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  lists = listTexts(policy);
  const read = readPolicy(policy.text, file, lists.reading().openList);
  const inForce = read.ok ? read.value : undefined;
  const clock = clockOf(inForce === undefined ? [] : [inForce]);
  let toldAt = 0;
  const onProgress = (sessions: number): void => {
    if (performance.now() - toldAt < 100) return;
    toldAt = performance.now();
    say({ kind: 'loading', sessions });
  };
  try {
    const loaded = await loadSessions({ source, token, clock, signal, onProgress });
    if (signal.aborted) return;
    all = loaded.all;
    if (inForce !== undefined) for (const alike of all) alike.session = asJudgedBy(inForce, alike);
    say({ kind: 'loaded', about: loaded.about });
  } catch (error) {
    if (signal.aborted) return;
    all = [];
    say({ kind: 'failed', why: (error as Error).message });
  }
}

/** As if this policy had been in force when it came. */
function asJudgedBy(policy: Policy, { session }: Alike): SessionRecord {
  const { outcome, rule, trace } = judge(policy, session);
  if (outcome === 'not_recorded') return session;
  const would = wouldHaveHit(trace);
  return { ...session, verdict: { action: outcome, rule, ...(would === undefined ? {} : { would }) } };
}

async function judgeText(text: string): Promise<void> {
  const mine = ++texts;
  const begun = performance.now();
  const reading = lists.reading();
  const checked = readPolicy(text, file, reading.openList);
  if (!checked.ok) {
    say({ kind: 'wrong', notices: checked.problems.map((problem) => ({ ...problem, severity: 'wrong' })) });
    return;
  }
  candidate = checked.value;
  const result = judgeAll(candidate);
  say({ kind: 'judged', result, emptyLists: reading.empty, ms: performance.now() - begun });
  const now = Date.now();
  const noticed = lint(candidate, text, file, now);
  const played = await playPolicyTests(candidate, text, file, now);
  const failed = played.filter(({ mismatches }) => mismatches.length > 0);
  if (mine !== texts) return;
  const tests = { played: played.length, failed: failed.length };
  say({ kind: 'checked', notices: [...noticed, ...failed.map(noticeOf)], tests });
}

function judgeAll(policy: Policy): BacktestResult {
  const replay = backtest({ candidate: policy });
  const clock = clockOf([policy]);
  for (const { session, times } of all) {
    let last: { readonly clock: string; readonly effect: Effect } | undefined;
    for (const { ref, at } of times) {
      const now = clock(at);
      if (last?.clock !== now) {
        const one = last === undefined ? session : dated(session, ref, at);
        last = { clock: now, effect: replay.judgeSession(one) };
      }
      replay.count(last.effect, ref, at);
    }
  }
  return replay.result(Date.now());
}

function noticeOf({ name, where, mismatches, decision }: PlayedTest): EditorNotice {
  const { iprev } = decision.findings;
  const wanted = mismatches.map(
    ({ what, expected, came }) => `${what} ${printable(expected)}, came ${printable(came)}`,
  );
  return {
    where,
    severity: 'failed',
    what: `test "${printable(name)}" fails: expected ${wanted.join('; ')}`,
    hint: `iprev is ${iprev.result} (${iprev.reason}), and ${decision.verdict.rule} decides`,
  };
}

function explain(ref: string): void {
  const alike = all.find(({ times }) => times.some((one) => one.ref === ref));
  const at = alike?.times.find((one) => one.ref === ref)?.at;
  if (candidate === undefined || alike === undefined || at === undefined) return;
  say({ kind: 'explained', ref, decision: judgeAgain(candidate, dated(alike.session, ref, at)) });
}

function dated(session: SessionRecord, ref: string, at: string): SessionRecord {
  return { ...session, evidence: { ...session.evidence, id: ref, at } };
}
