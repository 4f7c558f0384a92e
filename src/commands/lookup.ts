// `iprevd lookup`: the decision behind a ref, out of the journal: what was told, what became of the session, and the evidence judged
// again under the policy of today, rule by rule. For a person by default, as JSON for a program.

import { isDeepStrictEqual } from 'node:util';
import { decide } from '../core/decide.ts';
import { fileTrouble } from '../core/file-trouble.ts';
import type { Policy } from '../core/policy.ts';
import { type Problem, printProblem } from '../core/problem.ts';
import { type Outcome, type RecordedVerdict, recordedVerdict, type SessionRecord } from '../core/record.ts';
import type { Decision } from '../core/verdict.ts';
import { findRecord } from '../journal/find.ts';
import { reachOf, segmentsIn } from '../journal/segment.ts';
import type { FoundRef } from '../ref.ts';
import type { Terminal } from '../terminal.ts';
import { describe, section, toJson } from './check.ts';

export interface LookupParts {
  readonly sought: FoundRef;
  readonly folder: string;
  /** Of today, with the configuration's stand-in for an outage. */
  readonly policy: Policy;
  /** The name of that policy, if it is only taken in place of one that nobody named. */
  readonly assumed?: string;
  readonly json: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** `unread`: nobody can tell, since the journal, or what it would stand in, cannot be read. */
export type LookedUp = 'found' | 'absent' | 'unread';

/** Prints the decision, or a sentence on standard error why there is none to print. */
export async function lookup(terminal: Terminal, parts: LookupParts): Promise<LookedUp> {
  const { folder, policy, assumed, json } = parts;
  const { ref, at } = parts.sought;
  let isWhole = true;
  const onProblem = (problem: Problem): void => {
    isWhole = false;
    terminal.err(`${printProblem(problem)}\n`);
  };
  try {
    const found = await findRecord({ folder, ref, at, onProblem });
    if (found === undefined) {
      const why = isWhole ? await notThere(parts) : `${ref} is not in what can be read of ${folder}`;
      terminal.err(`iprevd: ${why}\n`);
      return isWhole ? 'absent' : 'unread';
    }
    const today = decide(policy, found.record.evidence);
    terminal.out(
      json ? `${JSON.stringify(asJson(found, today), null, 2)}\n` : asText(terminal, found.record, today, assumed),
    );
    return 'found';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    terminal.err(`iprevd: the journal cannot be read: ${folder}: ${fileTrouble(error, 'folder')}\n`);
    return 'unread';
  }
}

function asJson({ record, path }: { readonly record: SessionRecord; readonly path: string }, today: Decision): unknown {
  return { ref: record.evidence.id, file: path, record, differs: differs(record, today), today: toJson(today) };
}

function differs({ verdict }: SessionRecord, today: Decision): boolean {
  return !isDeepStrictEqual(verdict, recordedVerdict(today));
}

function asText(terminal: Terminal, record: SessionRecord, today: Decision, assumed: string | undefined): string {
  const { evidence, verdict, outcome } = record;
  const came = `${evidence.id}, came ${evidence.at.slice(0, 19).replace('T', ' ')} UTC to the ${evidence.door} door`;
  const remarks = [
    ...(assumed !== undefined
      ? [`No configuration was found, so what stands below is by the policy ${assumed}; --policy names yours.`]
      : differs(record, today)
        ? [`The policy of today says otherwise: ${inWords(recordedVerdict(today))}. It is what stands below.`]
        : []),
    ...(record.envelope === 'full' ? [] : [envelopeRemarks[record.envelope]]),
  ];
  return [
    ...section('ref', [came]),
    ...section('told', [inWords(verdict), ...remarks]),
    ...(outcome === undefined ? [] : section('then', [outcomeWords(outcome)])),
    describe(terminal, today),
  ].join('\n');
}

const envelopeRemarks = {
  none: 'Sender and recipient were not recorded (envelope: none): rules on them are judged as if there were none.',
  domains: 'Of sender and recipient only the domains were recorded (envelope: domains).',
} as const;

function inWords({ action, rule, reply, tags = [], softened, would = [] }: RecordedVerdict): string {
  const said = reply === undefined ? '' : `, ${reply}`;
  const marks = tags.length === 0 ? '' : `, tags: ${tags.join(', ')}`;
  const monitored = would.length === 0 ? '' : `, monitored rules that held: ${would.join(', ')}`;
  return `${action}, by ${rule}${said}${softened ? ', softened' : ''}${marks}${monitored}`;
}

function outcomeWords({ rcpt, dot }: Outcome): string {
  if (rcpt.length === 0) return 'nothing went to the mail server behind';
  const message = dot.length === 0 ? 'no message came' : `to the message ${dot.join(', ')}`;
  return `the mail server behind said ${rcpt.join(', ')} to RCPT, ${message}`;
}

async function notThere({ sought: { ref, at }, folder, now }: LookupParts): Promise<string> {
  const segments = await segmentsIn(folder);
  const reach = reachOf(segments);
  if (reach === undefined) return `${ref} is not in the journal: ${folder} has no records`;
  const came = `it is of ${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `${ref} is not in the journal: ${came}, ${why()}`;

  function why(): string {
    if (at > now + refAheadMs) return 'which lies ahead: is it copied right?';
    if (segments.some(({ begin, end }) => begin <= at && at < end))
      return `which ${folder} covers; a session at the SMTP door is written down when it ends`;
    const [first] = segments;
    return first !== undefined && at < first.begin
      ? `and ${folder} reaches ${reach}: what is older has been removed ("keep" and "max" of the journal), or was never recorded`
      : `and ${folder}, which reaches ${reach}, has no segment of that hour: nothing was recorded then, or somebody has removed it`;
  }
}

/** A clock may be some minutes wrong. */
const refAheadMs = 600_000;
