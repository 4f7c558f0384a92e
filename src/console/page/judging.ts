// The page's side of the worker: one judgement at a time, and of what is typed meanwhile the newest only.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { BacktestResult } from '../../core/backtest/tally.ts';
import type { Decision } from '../../core/verdict.ts';
import type { PolicyView } from '../wire.ts';
import { token } from './api.ts';
import type { EditorNotice } from './editor.tsx';
import type { FromJudge, ProposedException, TestCounts, ToJudge } from './judge.ts';
import type { EmptyList } from './list-texts.ts';
import type { AboutSessions, Source } from './sessions.ts';

export interface Judging {
  /** Undefined: not there yet. */
  readonly about: AboutSessions | undefined;
  /** How many have come so far. */
  readonly loading: number;
  readonly notices: readonly EditorNotice[];
  /** Of the last text that could be read, as are the lists and the tests. */
  readonly result: BacktestResult | undefined;
  readonly emptyLists: readonly EmptyList[];
  readonly tests: TestCounts;
  /** What it took. */
  readonly ms: number;
  readonly explained: { readonly ref: string; readonly decision: Decision } | undefined;
  readonly trouble: string | undefined;
  /** The last exception that was put into the text, or could not be. */
  readonly spared: Extract<FromJudge, { kind: 'spared' }> | undefined;
}

export interface Judge {
  /** Of one session: `explained` is what comes of it. */
  explain(ref: string): void;
  /** Puts it into the text: `spared` is what comes of it. */
  spare(exception: ProposedException): void;
}

const nothing: Judging = {
  about: undefined,
  loading: 0,
  notices: [],
  result: undefined,
  emptyLists: [],
  tests: { played: 0, failed: 0 },
  ms: 0,
  explained: undefined,
  trouble: undefined,
  spared: undefined,
};

export function useJudging(policy: PolicyView | undefined, text: string, source: Source | undefined): Judging & Judge {
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
    if (!endsWork.has(data.kind)) return;
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
    if (policy === undefined || source === undefined) return;
    isBusy.current = true;
    setJudging((before) => ({ ...before, about: undefined, loading: 0, trouble: undefined }));
    post({ kind: 'load', token: token() ?? '', policy, source });
    waiting.current = text;
  }, [policy, source]);
  useEffect(() => {
    if (policy === undefined) return undefined;
    // A person types on for a moment.
    const timer = setTimeout(() => judge(text), 80);
    return () => clearTimeout(timer);
  }, [text]);
  return {
    ...judging,
    explain: (ref) => post({ kind: 'explain', ref }),
    spare: (exception) => post({ kind: 'spare', text, exception }),
  };
}

/** What the worker says when it can take the next text. */
const endsWork: ReadonlySet<FromJudge['kind']> = new Set(['loaded', 'failed', 'wrong', 'judged']);

function after(before: Judging, message: FromJudge): Judging {
  switch (message.kind) {
    case 'loading':
      return { ...before, loading: message.sessions };
    case 'loaded':
      return { ...before, about: message.about, trouble: undefined };
    case 'failed':
      return { ...before, trouble: message.why || 'the recorded sessions did not come' };
    case 'wrong':
      return { ...before, notices: message.notices };
    case 'judged':
      return {
        ...before,
        // What lint and the tests said stays until they say it anew.
        notices: before.notices.filter(({ severity }) => severity !== 'wrong'),
        result: message.result,
        emptyLists: message.emptyLists,
        ms: message.ms,
        explained: undefined,
      };
    case 'checked':
      return { ...before, notices: message.notices, tests: message.tests };
    case 'explained':
      return { ...before, explained: message };
    case 'spared':
      return { ...before, spared: message };
  }
}
