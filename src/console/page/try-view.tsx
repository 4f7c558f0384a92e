// Try: the policy, to be changed, and beside it what that would have meant for the clients that were here. Nothing happens to mail
// before it is saved.

import { useEffect, useState } from 'preact/hooks';
import type { PolicySaved, PolicyView } from '../wire.ts';
import { ask, NotAdmitted, open } from './api.ts';
import type { ViewParts } from './app.tsx';
import { Editor } from './editor.tsx';
import { useJudging } from './judging.ts';
import { Outcome } from './outcome-view.tsx';
import { count } from './words.tsx';

export function TryView({ onNotAdmitted }: ViewParts) {
  const [policy, setPolicy] = useState<PolicyView>();
  const [text, setText] = useState('');
  const [said, setSaid] = useState<{ readonly isGood: boolean; readonly lines: readonly string[] }>();
  const judging = useJudging(policy, text);
  const isChanged = policy !== undefined && text !== policy.text;
  const isWrong = judging.notices.some(({ severity }) => severity === 'wrong');

  const load = async (keepText = false): Promise<void> => {
    try {
      const loaded = await ask<PolicyView>('/api/policy');
      setPolicy(loaded);
      if (!keepText) setText(loaded.text);
    } catch (error) {
      if (error instanceof NotAdmitted) onNotAdmitted();
      else setSaid({ isGood: false, lines: ['The policy did not come: the service does not answer.'] });
    }
  };
  const save = async (): Promise<void> => {
    if (policy === undefined || !isChanged || isWrong || policy.readOnly !== undefined) return;
    try {
      const body = JSON.stringify({ text, version: policy.version });
      const saved = (await (await open('/api/policy', { method: 'PUT', body })).json()) as PolicySaved;
      setSaid(
        saved.ok
          ? { isGood: true, lines: [`Saved to ${policy.file}, and in force for clients that come now.`] }
          : { isGood: false, lines: saved.problems },
      );
      if (saved.ok) await load(true);
    } catch (error) {
      if (error instanceof NotAdmitted) onNotAdmitted();
      else setSaid({ isGood: false, lines: ['Not saved: the service does not answer.'] });
    }
  };
  useEffect(() => void load(), []);

  if (policy === undefined) return <p class="empty">{said?.lines[0] ?? 'The policy is on its way …'}</p>;
  return (
    <div class="try">
      <section aria-label="Policy">
        <div class="bar">
          <h2 class="grow file">{policy.file}</h2>
          <button type="button" disabled={!isChanged} onClick={() => setText(policy.text)}>
            Revert
          </button>
          <button type="button" onClick={() => void navigator.clipboard.writeText(text)}>
            Copy
          </button>
          <a
            class="button"
            download="policy.yaml"
            href={`data:application/yaml;charset=utf-8,${encodeURIComponent(text)}`}
          >
            Download
          </a>
          <button
            type="button"
            class="main"
            disabled={!isChanged || isWrong || policy.readOnly !== undefined}
            aria-describedby="saving"
            onClick={() => void save()}
          >
            Save
          </button>
        </div>
        <p id="saving" class={`dim small ${policy.readOnly === undefined ? 'hidden' : ''}`}>
          {policy.readOnly === undefined
            ? 'Saves the policy file; a copy of the old one stays beside it.'
            : `Cannot be saved here: ${policy.readOnly}.`}
        </p>
        <div role="status">
          {said?.lines.map((line) => (
            <p key={line} class={said.isGood ? 'good' : 'problem'}>
              {line}
            </p>
          ))}
        </div>
        <Editor
          text={text}
          notices={judging.notices}
          onText={(changed) => {
            setText(changed);
            setSaid(undefined);
          }}
          onSave={() => void save()}
        />
      </section>
      <section aria-label="What it would have meant">
        <div class="bar">
          <h2 class="grow">What it would have meant</h2>
          <p class="dim" role="status">
            {judging.trouble ??
              (judging.sessions === undefined
                ? 'the recorded sessions are on their way …'
                : `${count(judging.sessions)} sessions judged here in ${Math.max(1, Math.round(judging.ms))} ms`)}
          </p>
        </div>
        <Outcome judging={judging} isWrong={isWrong} isChanged={isChanged} />
      </section>
    </div>
  );
}
