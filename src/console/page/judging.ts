// The page's side of the worker: one judgement at a time, and of what is typed meanwhile the newest only.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { BacktestResult } from '../../core/backtest/tally.ts';
import type { Notice } from '../../core/lint/notice.ts';
import type { Decision } from '../../core/verdict.ts';
import type { PolicyView } from '../wire.ts';
import { token } from './api.ts';
import type { FromJudge, ToJudge } from './judge.ts';

export interface Judging {
  /** Undefined: not there yet. */
  readonly sessions: number | undefined;
  readonly notices: readonly Notice[];
  /** Of the last text that could be read. */
  readonly result: BacktestResult | undefined;
  /** What it took. */
  readonly ms: number;
  readonly explained: { readonly ref: string; readonly decision: Decision } | undefined;
  readonly trouble: string | undefined;
}

const nothing: Judging = {
  sessions: undefined,
  notices: [],
  result: undefined,
  ms: 0,
  explained: undefined,
  trouble: undefined,
};

export function useJudging(policy: PolicyView | undefined, text: string): Judging & { explain(ref: string): void } {
  const [judging, setJudging] = useState(nothing);
  const worker = useRef<Worker | undefined>(undefined);
  const isBusy = useRef(true);
  const waiting = useRef<string | undefined>(undefined);
  const post = (message: ToJudge) => worker.current?.postMessage(message);
  const judge = (newest: string): void => {
    if (isBusy.current) waiting.current = newest;
    else {
      isBusy.current = true;
      post({ kind: 'judge', text: newest });
    }
  };
  const hear = ({ data }: MessageEvent<FromJudge>): void => {
    setJudging((before) => after(before, data));
    if (data.kind !== 'judged' && data.kind !== 'loaded') return;
    isBusy.current = false;
    const next = waiting.current;
    waiting.current = undefined;
    if (next !== undefined) judge(next);
  };

  useEffect(() => {
    const made = new Worker('/judge.js', { type: 'module' });
    made.addEventListener('message', hear);
    made.addEventListener('error', () =>
      setJudging((before) => ({ ...before, trouble: 'the worker that judges has failed' })),
    );
    worker.current = made;
    return () => made.terminate();
  }, []);
  useEffect(() => {
    if (policy === undefined) return;
    isBusy.current = true;
    post({ kind: 'load', token: token() ?? '', policy });
    waiting.current = text;
  }, [policy]);
  useEffect(() => {
    if (policy === undefined) return undefined;
    // A person types on for a moment.
    const timer = setTimeout(() => judge(text), 80);
    return () => clearTimeout(timer);
  }, [text]);
  return { ...judging, explain: (ref) => post({ kind: 'explain', ref }) };
}

function after(before: Judging, message: FromJudge): Judging {
  switch (message.kind) {
    case 'loaded':
      return { ...before, sessions: message.sessions, trouble: undefined };
    case 'failed':
      return { ...before, trouble: message.why || 'the recorded evidence did not come' };
    case 'judged':
      return {
        ...before,
        notices: message.notices,
        result: message.result ?? before.result,
        ms: message.ms,
        explained: undefined,
      };
    case 'linted':
      return { ...before, notices: message.notices };
    case 'explained':
      return { ...before, explained: message };
  }
}
