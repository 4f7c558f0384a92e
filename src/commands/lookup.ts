// `iprevd lookup`: the decision behind a ref, out of the journal: what was told, what became of the session, and the evidence judged
// again under the policy of today, rule by rule. For a person by default, as JSON for a program.

import { isDeepStrictEqual } from 'node:util';
import { decide } from '../core/decide.ts';
import { printable } from '../core/name.ts';
import type { Policy } from '../core/policy.ts';
import { printProblem } from '../core/problem.ts';
import { type Outcome, type RecordedVerdict, recordedVerdict, type SessionRecord } from '../core/record.ts';
import type { Decision } from '../core/verdict.ts';
import { findRecord } from '../journal/find.ts';
import { segmentsIn } from '../journal/segment.ts';
import type { FoundRef } from '../ref.ts';
import type { Terminal } from '../terminal.ts';
import { describe, section, toJson } from './check.ts';

export interface LookupParts {
  readonly sought: FoundRef;
  readonly folder: string;
  /** Of today, with the configuration's stand-in for an outage. */
  readonly policy: Policy;
  readonly json: boolean;
}

/** Prints the decision; false, and a sentence on standard error, if it is not in the journal. */
export async function lookup(terminal: Terminal, { sought, folder, policy, json }: LookupParts): Promise<boolean> {
  const { ref, at } = sought;
  const onProblem = (problem: Parameters<typeof printProblem>[0]): void => terminal.err(`${printProblem(problem)}\n`);
  try {
    const found = await findRecord({ folder, ref, at, onProblem });
    if (found === undefined) {
      terminal.err(`iprevd: ${await notThere(sought, folder)}\n`);
      return false;
    }
    const today = decide(policy, found.record.evidence);
    terminal.out(json ? `${JSON.stringify(asJson(found, today), null, 2)}\n` : asText(terminal, found.record, today));
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    terminal.err(`iprevd: the journal cannot be read: ${printable(message)}\n`);
    return false;
  }
}

function asJson({ record, path }: { readonly record: SessionRecord; readonly path: string }, today: Decision): unknown {
  return { ref: record.evidence.id, file: path, record, differs: differs(record, today), today: toJson(today) };
}

function differs({ verdict }: SessionRecord, today: Decision): boolean {
  return !isDeepStrictEqual(verdict, recordedVerdict(today));
}

function asText(terminal: Terminal, record: SessionRecord, today: Decision): string {
  const { evidence, verdict, outcome } = record;
  const came = `${evidence.id}, came ${evidence.at.slice(0, 19).replace('T', ' ')} UTC to the ${evidence.door} door`;
  const remarks = [
    ...(differs(record, today)
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

async function notThere({ ref, at }: FoundRef, folder: string): Promise<string> {
  const segments = await segmentsIn(folder);
  const [first, last] = [segments[0], segments.at(-1)];
  const came = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  if (first === undefined || last === undefined) return `${ref} is not in the journal: ${folder} has no records`;
  const hour = (ms: number): string => new Date(ms).toISOString().slice(0, 13).replace('T', ' ');
  const range = `from ${hour(first.begin)}:00 to ${hour(last.end)}:00`;
  const why =
    at < first.begin || at > last.end
      ? `it is of ${came} UTC, and ${folder} reaches ${range}`
      : `it is of ${came} UTC, which ${folder} covers; a session at the SMTP door is written down when it ends`;
  return `${ref} is not in the journal: ${why}`;
}
