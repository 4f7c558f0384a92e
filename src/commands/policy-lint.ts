// `iprevd policy lint`: what is wrong with a policy file, and what is odd about one that is right (core/lint/lint.ts), a line each with
// its place. For a person by default, as JSON for a program. Nothing is asked of the network.

import { lint } from '../core/lint/lint.ts';
import type { Notice, Severity } from '../core/lint/notice.ts';
import type { PolicyText } from '../core/policy.ts';
import { printProblem } from '../core/problem.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';

/** A policy file and what became of reading it. */
export interface PolicyLintParts {
  readonly files: readonly PolicyText[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Warnings count too. */
  readonly strict: boolean;
  readonly json: boolean;
}

/** Prints what was found and returns whether that is `wrong`: something cannot be read, or under `strict` is warned of. */
export function policyLint(terminal: Terminal, { files, now, strict, json }: PolicyLintParts): 'ok' | 'wrong' {
  const notices = files.flatMap(({ file, text, policy }): readonly Notice[] =>
    policy.ok
      ? lint(policy.value, text, file, now())
      : policy.problems.map((problem) => ({ ...problem, severity: 'wrong' })),
  );
  terminal.out(json ? `${JSON.stringify(notices.map(toJson), null, 2)}\n` : describe(terminal, notices, files.length));
  return notices.some(({ severity }) => severity === 'wrong' || (strict && severity === 'warning')) ? 'wrong' : 'ok';
}

/** In this order, whatever the order in which a Notice was made. */
function toJson({ where, severity, rule, what, hint }: Notice): unknown {
  return { where, severity, rule, what, hint };
}

const styles: Readonly<Record<Severity, Style>> = { wrong: 'red', warning: 'yellow', remark: 'cyan' };

function describe(terminal: Terminal, notices: readonly Notice[], files: number): string {
  const lines = notices.map(({ where, severity, what, hint }) =>
    printProblem({
      where,
      what: `${paint(terminal, styles[severity], severity)}: ${what}`,
      ...(hint === undefined ? {} : { hint }),
    }),
  );
  return `${[...lines, summary(notices, files)].join('\n')}\n`;
}

function summary(notices: readonly Notice[], files: number): string {
  const count = (severity: Severity, one: string, many: string): string[] => {
    const n = notices.filter((notice) => notice.severity === severity).length;
    return n === 0 ? [] : [`${n} ${n === 1 ? one : many}`];
  };
  const counts = [
    ...count('wrong', 'mistake', 'mistakes'),
    ...count('warning', 'warning', 'warnings'),
    ...count('remark', 'remark', 'remarks'),
  ];
  return `${files} ${files === 1 ? 'file' : 'files'}: ${counts.length === 0 ? 'nothing to say' : counts.join(', ')}`;
}
