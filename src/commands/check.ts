// `iprevd check`: one client judged without a daemon: what was asked, what came back, each rule, the verdict, and what
// mends it. For a person by default, as JSON for a program, or as a letter to the sender's postmaster.

import { checkClient } from '../check-client.ts';
import { alignment } from '../core/alignment.ts';
import { alignmentLines, heloWords, namingText, questions } from '../core/explain.ts';
import type { Ip } from '../core/ip.ts';
import { printable } from '../core/name.ts';
import { classify } from '../core/naming/classify.ts';
import type { Policy } from '../core/policy.ts';
import { letter } from '../core/remedy/letter.ts';
import { remedyLines } from '../core/remedy/print.ts';
import { remedies } from '../core/remedy/remedy.ts';
import { printReply } from '../core/reply.ts';
import { type Decision, refuses, type TraceLine } from '../core/verdict.ts';
import type { Gather, GatherHelo } from '../gather.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';

export interface CheckParts {
  readonly ip: Ip;
  /** The HELO name the client would use; absent: none given. */
  readonly helo?: string;
  /** The envelope sender it would name; absent: none given. */
  readonly sender?: string;
  /** Under which name we would serve, for `helo_is: ours`; absent: nobody told. */
  readonly ourName?: string;
  readonly policy: Policy;
  readonly gather: Gather;
  readonly gatherHelo: GatherHelo;
  readonly newRef: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** For a person, for a program, or as a letter to the sender's postmaster. */
  readonly form: CheckForm;
}

export const checkForms = ['text', 'json', 'letter'] as const;
export type CheckForm = (typeof checkForms)[number];

/** Prints the decision and returns it. DNS trouble is part of the answer, not an error. */
export async function check(
  terminal: Terminal,
  { ip, helo, sender, ourName, policy, gather, gatherHelo, newRef, now, form }: CheckParts,
): Promise<Decision> {
  const decision = await checkClient({ policy, gather, gatherHelo, newRef, now, ourName }, { ip, helo, sender });
  if (form === 'json') terminal.out(`${JSON.stringify(toJson(decision), null, 2)}\n`);
  else if (form === 'text') terminal.out(describe(terminal, decision));
  else {
    const text = letter(decision);
    if (text === undefined) terminal.err(`${ip}: nothing to mend, so there is no letter to write\n`);
    else terminal.out(text);
  }
  return decision;
}

/** What a program is told of a decision. */
export function toJson({ evidence, findings, verdict, trace }: Decision): unknown {
  const { client } = evidence;
  const { name } = findings.naming;
  const naming = { ...findings.naming, ...(name === undefined ? {} : classify(name, client.ip)) };
  return {
    client,
    evidence,
    findings: { ...findings, naming, alignment: alignment(evidence, findings) },
    verdict,
    trace,
    remedies: remedies(evidence, findings),
  };
}

const actionStyle: Readonly<Record<string, Style>> = { accept: 'green', tag: 'cyan', defer: 'yellow', reject: 'red' };
const resultStyle: Readonly<Record<string, Style>> = {
  pass: 'green',
  fail: 'red',
  permerror: 'red',
  temperror: 'yellow',
};

/** What a person is told of it, a line feed at the end. */
export function describe(terminal: Terminal, decision: Decision): string {
  const { evidence, findings, verdict, trace } = decision;
  const { client } = evidence;
  const { iprev, naming } = findings;
  const asked = questions(evidence);
  const width = Math.max(...asked.map(({ question }) => question.length));
  return [
    ...section('client', [`${client.ip}${client.helo === undefined ? '' : `, HELO ${printable(client.helo)}`}`]),
    ...section(
      'asked',
      asked.map(
        ({ question, answer, note }) =>
          `${question.padEnd(width)}  ${answer}${note === '' ? '' : paint(terminal, 'dim', `  ${note}`)}`,
      ),
    ),
    ...section('iprev', [
      `${paint(terminal, resultStyle[iprev.result] ?? 'bold', iprev.result)} (${iprev.reason})${iprev.result === 'pass' ? `: ${iprev.name}` : ''}`,
    ]),
    ...section('naming', [namingText(naming, client.ip)]),
    ...(client.helo === undefined ? [] : section('helo', [heloWords(findings.helo)])),
    ...section('aligned', alignmentLines(alignment(evidence, findings))),
    ...section(
      'rules',
      trace.map((line) => ruleLine(terminal, line, Math.max(...trace.map(({ rule }) => rule.length)))),
    ),
    ...section('verdict', [
      `${paint(terminal, actionStyle[verdict.action] ?? 'bold', verdict.action)}, by ${verdict.rule}${verdict.tags.length > 0 ? `, tags: ${verdict.tags.join(', ')}` : ''}`,
    ]),
    ...(refuses(verdict) ? section('reply', [printReply(verdict.reply)]) : []),
    ...(refuses(verdict) && verdict.softened
      ? section('', ['The policy says 5xx; a lookup failed that might have told otherwise, so it is 4xx.'])
      : []),
    ...remedySection(decision),
    '',
  ].join('\n');
}

function remedySection({ evidence, findings }: Decision): readonly string[] {
  const lines = remedyLines(remedies(evidence, findings), columns - titleColumns);
  return lines.length === 0 ? [] : ['', ...section('remedy', lines)];
}

/** Where everybody's terminal ends, and how far the titles reach. */
const columns = 80;
const titleColumns = 9;

/** Lines under a title that stands beside the first. */
export function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, i) => `${(i === 0 ? title : '').padEnd(titleColumns)}${line}`.trimEnd());
}

function ruleLine(terminal: Terminal, { rule, mode, held, does, excepted }: TraceLine, width: number): string {
  const mark = {
    true: paint(terminal, 'green', '✔'),
    false: paint(terminal, 'dim', '✘'),
    unknown: '?',
    'not-reached': paint(terminal, 'dim', '·'),
  }[String(held) as 'true'];
  const spared = excepted === undefined ? '' : `  (spared: ${excepted})`;
  const remark =
    mode === 'off'
      ? '  (switched off)'
      : held === 'not-reached'
        ? '  (not reached)'
        : mode === 'monitor'
          ? '  (monitored only)'
          : spared;
  return `${mark} ${rule.padEnd(width)}  ${does}${paint(terminal, 'dim', remark)}`;
}
