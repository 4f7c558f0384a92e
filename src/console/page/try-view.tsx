// Try: the policy, to be changed, and beside it what that would have meant for the clients that were here. Nothing happens to mail
// before it is saved.

import { useEffect, useMemo, useState } from 'preact/hooks';
import type { PolicySaved, PolicyView } from '../wire.ts';
import { ask, NotAdmitted, open } from './api.ts';
import type { ViewParts } from './app.tsx';
import { draft, keepDraft } from './draft.ts';
import { Editor } from './editor.tsx';
import { useJudging } from './judging.ts';
import { Outcome } from './outcome-view.tsx';
import { About, firstRange, RangeChoice, sourceOf } from './range.tsx';

export function TryView({ overview: { value: overview }, onNotAdmitted }: ViewParts) {
  const [policy, setPolicy] = useState(draft().policy);
  const [text, setText] = useState(draft().text ?? '');
  const [chosen, setChosen] = useState(draft().range);
  const [said, setSaid] = useState<{ readonly isGood: boolean; readonly lines: readonly string[] }>();
  const range = chosen ?? (overview && firstRange(overview));
  // "The last hour" is that before the choice: the sessions shall not change under who types.
  const source = useMemo(() => range && sourceOf(range), [range, policy]);
  const judging = useJudging(policy, text, source);
  useEffect(() => {
    const { text: spared } = judging.spared ?? {};
    if (spared !== undefined) setText(spared);
  }, [judging.spared]);
  // Another view has sent who reads here with an exception.
  useEffect(() => {
    const { exception } = draft();
    if (exception === undefined || judging.about === undefined) return;
    keepDraft({ exception: undefined });
    judging.spare(exception);
  }, [judging.about]);
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
  /** Who comes back finds what was being written; if the file is another by now, the old one stays what is compared with. */
  const resume = async (): Promise<void> => {
    if (!isChanged) return load();
    const now = await ask<PolicyView>('/api/policy').catch(() => undefined);
    if (now !== undefined && now.version !== policy.version)
      setSaid({
        isGood: false,
        lines: ['The file was changed meanwhile: Revert loads it, and drops what you have written.'],
      });
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
  useEffect(() => void resume(), []);
  useEffect(
    () => keepDraft({ text, ...(policy && { policy }), ...(chosen && { range: chosen }) }),
    [text, policy, chosen],
  );

  if (policy === undefined) return <p class="empty">{said?.lines[0] ?? 'The policy is on its way …'}</p>;
  return (
    <div class="try">
      <section aria-label="Policy">
        <div class="bar">
          <h2 class="grow file">{policy.file}</h2>
          <button
            type="button"
            disabled={!isChanged}
            onClick={() => {
              setSaid(undefined);
              void load();
            }}
          >
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
          tests={judging.tests}
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
          {range !== undefined && (
            <RangeChoice chosen={range} hasJournal={overview?.journal !== undefined} onChoose={setChosen} />
          )}
        </div>
        <About judging={judging} hasJournal={overview?.journal !== undefined} />
        <Outcome judging={judging} isWrong={isWrong} isChanged={isChanged} />
      </section>
    </div>
  );
}
