// A worker: holds the recorded evidence and judges all of it under whatever policy is being written, with the code that the service
// judges by. What comes out is told against the policy in force: every session is first judged by that, so that its own text changes
// nothing. Sessions that differ in ref, time and port alone are judged once.

import { z } from 'zod';
import { addressList } from '../../core/address-list.ts';
import { asksTime, endings } from '../../core/backtest/asks.ts';
import { backtest } from '../../core/backtest/backtest.ts';
import { judge } from '../../core/backtest/judge.ts';
import type { BacktestResult } from '../../core/backtest/tally.ts';
import { domainListBuilder } from '../../core/domain-list.ts';
import { lint } from '../../core/lint/lint.ts';
import type { Notice } from '../../core/lint/notice.ts';
import type { OpenList } from '../../core/name-test.ts';
import type { Policy } from '../../core/policy.ts';
import type { Problem } from '../../core/problem.ts';
import { judgeAgain, type SessionRecord, wouldHaveHit } from '../../core/record.ts';
import { readPolicy } from '../../core/schema.ts';
import type { Decision } from '../../core/verdict.ts';
import type { PolicyView } from '../wire.ts';
import { lines, open } from './api.ts';

export type ToJudge =
  /** The evidence is fetched (again), and judged by the policy in force. */
  | { readonly kind: 'load'; readonly token: string; readonly policy: PolicyView }
  | { readonly kind: 'judge'; readonly text: string }
  /** One session under the policy judged last. */
  | { readonly kind: 'explain'; readonly ref: string };

export type FromJudge =
  | { readonly kind: 'loaded'; readonly sessions: number }
  | { readonly kind: 'failed'; readonly why: string }
  | {
      readonly kind: 'judged';
      /** Of the text; without `result` it cannot be read. */
      readonly notices: readonly Notice[];
      readonly result?: BacktestResult;
      readonly ms: number;
    }
  | { readonly kind: 'linted'; readonly notices: readonly Notice[] }
  | { readonly kind: 'explained'; readonly ref: string; readonly decision: Decision };

/** Sessions alike. */
interface Alike {
  session: SessionRecord;
  readonly times: { readonly ref: string; readonly at: string }[];
}

// Under the page's policy of content nothing may be compiled from text, and zod would try.
z.config({ jitless: true });

const file = 'policy';
let all: readonly Alike[] = [];
let lists: PolicyView['lists'] = {};
let candidate: Policy | undefined;

addEventListener('message', ({ data }: MessageEvent<ToJudge>) => {
  if (data.kind === 'load') {
    load(data).then(
      (sessions) => say({ kind: 'loaded', sessions }),
      (error: Error) => say({ kind: 'failed', why: error.message }),
    );
  } else if (data.kind === 'judge') judgeText(data.text);
  else explain(data.ref);
});

function say(message: FromJudge): void {
  postMessage(message);
}

async function load({ token, policy }: Extract<ToJudge, { kind: 'load' }>): Promise<number> {
  lists = policy.lists;
  const found = new Map<string, Alike>();
  for await (const session of lines<SessionRecord>(await open('/api/evidence', {}, token))) {
    const { id: ref, at, client, ...evidence } = session.evidence;
    const key = JSON.stringify([{ ...client, port: 0 }, evidence, session.verdict, session.outcome]);
    const alike = found.get(key);
    if (alike === undefined) found.set(key, { session, times: [{ ref, at }] });
    else alike.times.push({ ref, at });
  }
  const inForce = readPolicy(policy.text, file, openList);
  if (inForce.ok) for (const alike of found.values()) alike.session = asJudgedBy(inForce.value, alike.session);
  all = [...found.values()];
  return all.reduce((sum, { times }) => sum + times.length, 0);
}

/** As if this policy had been in force when it came. */
function asJudgedBy(policy: Policy, session: SessionRecord): SessionRecord {
  const { outcome, rule, trace } = judge(policy, session);
  if (outcome === 'not_recorded') return session;
  const would = wouldHaveHit(trace);
  return { ...session, verdict: { action: outcome, rule, ...(would === undefined ? {} : { would }) } };
}

function judgeText(text: string): void {
  const begun = performance.now();
  const checked = readPolicy(text, file, openList);
  if (!checked.ok) {
    say({ kind: 'judged', notices: checked.problems.map(wrong), ms: performance.now() - begun });
    return;
  }
  candidate = checked.value;
  const replay = backtest({ candidate });
  const isTimeAsked = asksTime(candidate) || endings(candidate).length > 0;
  for (const { session, times } of all) {
    if (isTimeAsked)
      for (const { ref, at } of times) replay.add(at === session.evidence.at ? session : dated(session, ref, at));
    else {
      const effect = replay.judgeSession(session);
      for (const { ref, at } of times) replay.count(effect, ref, at);
    }
  }
  const result = replay.result(Date.now());
  say({ kind: 'judged', notices: [], result, ms: performance.now() - begun });
  say({ kind: 'linted', notices: lint(candidate, text, file, Date.now()) });
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

function wrong(problem: Problem): Notice {
  return { ...problem, severity: 'wrong' };
}

/** A list that the service did not send, because it is large or new, has nobody in it; the page says so. */
const openList: OpenList = (name, kind) => {
  const entries = (lists[name] ?? '')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((entry) => entry !== '');
  if (kind === 'addresses') {
    const list = addressList(entries);
    return { path: name, kind, has: (ip) => list.has(ip as never) };
  }
  const builder = domainListBuilder(0);
  for (const entry of entries) builder.add(entry);
  const steps = builder.finish();
  for (;;) {
    const { value, done } = steps.next();
    if (done) return { path: name, kind, has: (domain) => value.has(domain) };
  }
};
