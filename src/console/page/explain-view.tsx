// How one client would be judged now: the service looks its address up and walks the policy that is in force.

import { useEffect, useState } from 'preact/hooks';
import type { Decision } from '../../core/verdict.ts';
import { NotAdmitted, open } from './api.ts';
import type { ViewParts } from './app.tsx';
import { DecisionView } from './decision-view.tsx';

type State =
  | { readonly kind: 'nothing' | 'asking' }
  | { readonly kind: 'problem'; readonly what: string }
  | { readonly kind: 'decision'; readonly decision: Decision };

export function ExplainView({ onNotAdmitted, about }: ViewParts) {
  const [state, setState] = useState<State>({ kind: 'nothing' });
  const explain = async (ip: string, helo: string): Promise<void> => {
    setState({ kind: 'asking' });
    try {
      const body = JSON.stringify({ ip, ...(helo === '' ? {} : { helo }) });
      const answer = (await (await open('/api/check', { method: 'POST', body })).json()) as
        | Decision
        | { problem: string };
      setState(
        'problem' in answer ? { kind: 'problem', what: answer.problem } : { kind: 'decision', decision: answer },
      );
    } catch (error) {
      if (error instanceof NotAdmitted) onNotAdmitted();
      setState({ kind: 'problem', what: 'the service does not answer' });
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    void explain(String(form.get('ip')), String(form.get('helo')).trim());
  };
  useEffect(() => {
    if (about !== '') void explain(about, '');
  }, []);
  return (
    <>
      <form class="bar" onSubmit={submit}>
        <label>
          Address
          <input
            name="ip"
            required
            defaultValue={about}
            placeholder="192.0.2.7"
            spellcheck={false}
            autocomplete="off"
          />
        </label>
        <label>
          HELO
          <input name="helo" placeholder="mail.example (may be left out)" spellcheck={false} autocomplete="off" />
        </label>
        <button type="submit" disabled={state.kind === 'asking'}>
          Explain
        </button>
        {state.kind === 'asking' && <p class="dim">asking the DNS …</p>}
      </form>
      <div aria-live="polite">
        {state.kind === 'problem' && (
          <p class="problem" role="alert">
            {state.what}
          </p>
        )}
        {state.kind === 'decision' && (
          <section class="card">
            <h2 class="hidden">Verdict</h2>
            <DecisionView decision={state.decision} isInForce />
          </section>
        )}
        {state.kind === 'nothing' && (
          <p class="empty">
            An address, and the name in its HELO: the service looks it up and tells how it would judge it, rule by rule.
          </p>
        )}
      </div>
    </>
  );
}
