// `iprevd policy test`: runs the tests that stand in a policy file against that policy, without a network, and says which rules
// none of them reaches. For a person by default, as JSON for a program. A test that fails shows the walk that led there.

import { printable } from '../core/name.ts';
import type { Policy, PolicyText } from '../core/policy.ts';
import { type Problem, printProblem } from '../core/problem.ts';
import { printReply } from '../core/reply.ts';
import { refuses, type TraceLine, type Verdict } from '../core/verdict.ts';
import { type PlayedTest, playPolicyTests } from '../play-policy-tests.ts';
import { paint, type Terminal } from '../terminal.ts';

export interface PolicyTestParts {
  readonly files: readonly PolicyText[];
  /** When clients come of whom the test does not say it. Milliseconds since 1970. */
  readonly now: () => number;
  readonly json: boolean;
}

interface Report {
  readonly file: string;
  /** What makes the file wrong; then nothing was run. */
  readonly problems: readonly Problem[];
  readonly tests: readonly PlayedTest[];
  readonly reached: readonly string[];
  readonly notReached: readonly string[];
}

/** Prints how it went. `wrong`: a file has mistakes; `failed`: all were read, and a test did not end as it says. */
export async function policyTest(
  terminal: Terminal,
  { files, now, json }: PolicyTestParts,
): Promise<'ok' | 'failed' | 'wrong'> {
  const reports: Report[] = [];
  for (const { file, text, policy } of files) {
    if (!policy.ok) reports.push({ file, problems: policy.problems, tests: [], reached: [], notReached: [] });
    else reports.push(reportOf(file, policy.value, await playPolicyTests(policy.value, text, file, now())));
  }
  if (json) terminal.out(`${JSON.stringify(reports.map(toJson), null, 2)}\n`);
  else for (const report of reports) describe(terminal, report);
  if (reports.some(({ problems }) => problems.length > 0)) return 'wrong';
  return reports.some(({ tests }) => tests.some(failed)) ? 'failed' : 'ok';
}

function reportOf(file: string, policy: Policy, tests: readonly PlayedTest[]): Report {
  // A rule that is switched off is not even looked at; one that is monitored is.
  const rules = policy.rules.filter(({ mode }) => mode !== 'off').map(({ id }) => id);
  const held = new Set(
    tests.flatMap(({ decision }) => decision.trace.filter((line) => line.held === true).map(({ rule }) => rule)),
  );
  return {
    file,
    problems: [],
    tests,
    reached: rules.filter((id) => held.has(id)),
    notReached: rules.filter((id) => !held.has(id)),
  };
}

function failed({ mismatches }: PlayedTest): boolean {
  return mismatches.length > 0;
}

function toJson({ file, problems, tests, reached, notReached }: Report): unknown {
  return {
    file,
    problems,
    tests: tests.map(({ name, where, decision: { findings, verdict, trace }, mismatches }) => ({
      name,
      where,
      passed: mismatches.length === 0,
      mismatches,
      iprev: findings.iprev,
      verdict,
      trace,
    })),
    rules: { reached, notReached },
  };
}

function describe(terminal: Terminal, { file, problems, tests, reached, notReached }: Report): void {
  if (problems.length > 0) {
    for (const problem of problems) terminal.err(`${printProblem(problem)}\n`);
    return;
  }
  const broken = tests.filter(failed).length;
  const counts = [
    `${tests.length - broken} passed`,
    broken === 0 ? '0 failed' : paint(terminal, 'red', `${broken} failed`),
    `${reached.length} of ${reached.length + notReached.length} rules reached`,
  ];
  const lines = [
    ...tests.flatMap((test) => testLines(terminal, test)),
    ...(notReached.length === 0 ? [] : [paint(terminal, 'yellow', `no test reaches ${notReached.join(', ')}`)]),
    counts.join(', '),
  ];
  terminal.out(`${[paint(terminal, 'bold', file), ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
}

function testLines(terminal: Terminal, test: PlayedTest): readonly string[] {
  const { name, where, decision } = test;
  if (!failed(test)) return [`${paint(terminal, 'green', '✔')} ${printable(name)}`];
  const { iprev } = decision.findings;
  return [
    `${paint(terminal, 'red', '✘')} ${printable(name)}  ${paint(terminal, 'dim', where)}`,
    ...section(
      'expected',
      test.mismatches.map(({ what, expected }) => `${what} ${printable(expected)}`),
    ),
    ...section(
      'came',
      test.mismatches.map(({ what, came }) => `${what} ${printable(came)}`),
    ),
    ...section('iprev', [`${iprev.result} (${iprev.reason})${iprev.result === 'pass' ? `: ${iprev.name}` : ''}`]),
    ...section('rules', traceLines(terminal, decision.trace)),
    ...section('verdict', verdictLines(decision.verdict)),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, i) => `    ${(i === 0 ? title : '').padEnd(9)}${line}`);
}

function traceLines(terminal: Terminal, trace: readonly TraceLine[]): readonly string[] {
  const width = Math.max(...trace.map(({ rule }) => rule.length));
  return trace.map(({ rule, mode, held, does, excepted }) => {
    const mark = held === true ? '✔' : held === false ? '✘' : held === 'unknown' ? '?' : '·';
    const remarks = [
      ...(held === 'not-reached' ? [mode === 'off' ? 'switched off' : 'not reached'] : []),
      ...(mode === 'monitor' ? ['monitored only'] : []),
      ...(excepted === undefined ? [] : [`excepted: ${printable(excepted)}`]),
    ];
    const remark = remarks.length === 0 ? '' : paint(terminal, 'dim', `  (${remarks.join(', ')})`);
    return `${mark} ${rule.padEnd(width)}  ${does}${remark}`;
  });
}

function verdictLines(verdict: Verdict): readonly string[] {
  const { action, rule, tags } = verdict;
  return [
    `${action}, by ${rule}${tags.length > 0 ? `, tags: ${tags.join(', ')}` : ''}`,
    ...(refuses(verdict) ? [printReply(verdict.reply)] : []),
    ...(refuses(verdict) && verdict.softened
      ? ['The policy says 5xx; a lookup failed that might have told otherwise, so it is 4xx.']
      : []),
  ];
}
