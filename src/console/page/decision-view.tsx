// One decision, told as `iprevd check` tells it: what was asked and what came back, what it means, each rule, the verdict.

import { considerExceptions } from '../../core/backtest/exceptions.ts';
import { organisationOf } from '../../core/backtest/organisations.ts';
import { namingText, questions } from '../../core/explain.ts';
import { remedyLines } from '../../core/remedy/print.ts';
import { remedies } from '../../core/remedy/remedy.ts';
import { printReply } from '../../core/reply.ts';
import { type Decision, refuses, type TraceLine } from '../../core/verdict.ts';
import { keepDraft } from './draft.ts';
import { Exception } from './exception.tsx';
import { Action, Foreign, Time } from './words.tsx';

export interface DecisionParts {
  readonly decision: Decision;
  /** It is of the policy in force, so that an exception can be begun from here. */
  readonly isInForce?: boolean;
}

export function DecisionView({ decision, isInForce = false }: DecisionParts) {
  const { evidence, findings, verdict, trace } = decision;
  const { client } = evidence;
  const { iprev, naming } = findings;
  return (
    <div class="decision">
      <p class="verdict">
        <Action is={verdict.action} /> by <b>{verdict.rule}</b>
        {verdict.tags.length > 0 && <>, tags: {verdict.tags.join(', ')}</>}
        {refuses(verdict) && <code class="reply">{printReply(verdict.reply)}</code>}
        {refuses(verdict) && verdict.softened && (
          <small> The policy says 5xx; a lookup failed that might have told otherwise, so it is 4xx.</small>
        )}
      </p>
      <dl class="facts">
        <dt>client</dt>
        <dd>
          {client.ip}
          {client.helo !== undefined && (
            <>
              , HELO <Foreign text={client.helo} />
            </>
          )}
          {evidence.door !== 'check' && (
            <span class="dim">
              {' '}
              at the {evidence.door} door, <Time at={evidence.at} />, ref {evidence.id}
            </span>
          )}
        </dd>
        {client.sender !== undefined && (
          <>
            <dt>mail</dt>
            <dd>
              from <Foreign text={client.sender === '' ? '<>' : client.sender} />
              {client.recipient !== undefined && (
                <>
                  {' '}
                  to <Foreign text={client.recipient} />
                </>
              )}
            </dd>
          </>
        )}
        <dt>iprev</dt>
        <dd>
          <span class={`result ${iprev.result}`}>{iprev.result}</span> ({iprev.reason})
          {iprev.result === 'pass' && (
            <>
              {' '}
              <Foreign text={iprev.name} isName />
            </>
          )}
        </dd>
        <dt>naming</dt>
        <dd class="wrapped">{namingText(naming, client.ip)}</dd>
      </dl>
      <table class="asked">
        <caption>What was asked of the DNS</caption>
        <thead>
          <tr>
            <th scope="col">question</th>
            <th scope="col">answer</th>
          </tr>
        </thead>
        <tbody>
          {questions(evidence).map(({ question, answer, note }) => (
            <tr key={question}>
              <td class="foreign">{question}</td>
              <td>
                <span class="foreign">{answer}</span>
                {note !== '' && <span class="dim note">{note}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="dim small">Rules, in order</p>
      <ol class="tree" aria-label="Rules, in order">
        {trace.map((line) => (
          <RuleLine key={line.rule} line={line} decided={line.rule === verdict.rule} />
        ))}
      </ol>
      <Remedy decision={decision} />
      {isInForce && refuses(verdict) && <Spared decision={decision} />}
    </div>
  );
}

/** For the operator who knows better. In Try this is among what it would have meant. */
function Spared({ decision: { evidence, findings, verdict } }: { readonly decision: Decision }) {
  const exceptions = considerExceptions();
  const { ip } = evidence.client;
  const organisation = organisationOf(findings, ip);
  exceptions.add({ ip, organisation, worth: 'good', by: [verdict.rule] }, evidence.id, evidence.at);
  const [exception] = exceptions.list(Date.now());
  if (exception === undefined) return null;
  const put = (): void => {
    keepDraft({ exception });
    location.hash = '#/try';
  };
  return (
    <details>
      <summary class="dim">How to let it in all the same</summary>
      <p class="small">
        An exception in the rule <b>{verdict.rule}</b>. Try shows whom else it lets in, and nothing is in force before
        you save.
      </p>
      <Exception exception={exception} onPut={put} />
    </details>
  );
}

function Remedy({ decision: { evidence, findings } }: { readonly decision: Decision }) {
  const lines = remedyLines(remedies(evidence, findings), 80);
  if (lines.length === 0) return null;
  return (
    <details>
      <summary class="dim">What would mend it</summary>
      <pre>{lines.join('\n')}</pre>
    </details>
  );
}

const marks = {
  true: ['✔', 'holds'],
  false: ['✘', 'does not hold'],
  unknown: ['?', 'not known yet'],
  'not-reached': ['·', 'not reached'],
} as const;

function RuleLine({ line, decided }: { readonly line: TraceLine; readonly decided: boolean }) {
  const { rule, mode, held, does, excepted } = line;
  const [mark, word] = marks[String(held) as keyof typeof marks];
  const remark = mode === 'off' ? 'switched off' : mode === 'monitor' ? `${word}, monitored only` : word;
  return (
    <li class={`held-${held} ${decided ? 'decided' : ''}`}>
      <span class="mark" aria-hidden="true">
        {mark}
      </span>
      <b>{rule}</b>
      <span class="does">{does}</span>
      <span class="dim">{excepted === undefined ? remark : `spared: ${excepted}`}</span>
    </li>
  );
}
