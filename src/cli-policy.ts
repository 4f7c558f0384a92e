// `iprevd policy …`: the verbs for whoever writes a policy. Exit codes beside those of cli.ts: 1 where a test failed, where two
// policies differ, or where a file is not in its canonical form.

import { Command, Option } from 'commander';
import { showPolicyDiff } from './commands/policy-diff.ts';
import { policyFmt } from './commands/policy-fmt.ts';
import { policyLint } from './commands/policy-lint.ts';
import { policySchema } from './commands/policy-schema.ts';
import { policyTest } from './commands/policy-test.ts';
import type { Policy } from './core/policy.ts';
import type { Checked } from './core/problem.ts';
import { loadPolicy, loadPolicyText } from './load.ts';
import type { Terminal } from './terminal.ts';

export interface PolicyCommandParts {
  readonly terminal: Terminal;
  /** The value, or its problems on standard error and the end of the command, with `code` or 78. */
  readonly orExit: <T>(checked: Checked<T>, code?: number) => T;
  /** How the process shall end. */
  readonly leave: (code: number) => void;
}

const exit = { ok: 0, differs: 1, config: 78 } as const;
const aPolicy = 'a policy file, or observe, standard, strict or demo';

export function policyCommand({ terminal, orExit, leave }: PolicyCommandParts): Command {
  const here = process.cwd();
  const load = async (name: string): Promise<Policy> => orExit(await loadPolicy(name, here));
  const texts = (names: readonly string[]) => Promise.all(names.map((name) => loadPolicyText(name, here)));

  const policy = new Command('policy').description('check, try, compare and tidy policy files').addHelpText(
    'after',
    `
Examples:
  iprevd policy lint my.yaml                what is wrong or odd in it, with line and column
  iprevd policy test my.yaml                run the tests that stand in it; which rules does none reach?
  iprevd policy diff standard my.yaml       for whom would the verdict differ?
  iprevd policy fmt --write my.yaml         one form for keys and spaces; comments stay
  iprevd policy schema > policy.schema.json for completion in an editor`,
  );

  policy
    .command('lint')
    .description('say what is wrong or odd; exit 78 if something is wrong')
    .argument('<file...>', aPolicy)
    .option('--strict', 'warnings count as wrong')
    .option('--json', 'print JSON')
    .action(async (names: string[], { strict, json }: { strict?: true; json?: true }) => {
      const files = await texts(names);
      const found = policyLint(terminal, { files, now: Date.now, strict: strict === true, json: json === true });
      leave(found === 'ok' ? exit.ok : exit.config);
    });

  policy
    .command('test')
    .description('run the tests that stand in the file; exit 1 if one fails, 78 if the file is wrong')
    .argument('<file...>', aPolicy)
    .option('--json', 'print JSON')
    .action(async (names: string[], { json }: { json?: true }) => {
      const ran = await policyTest(terminal, {
        files: await texts(names),
        now: Date.now,
        json: json === true,
      });
      leave({ ok: exit.ok, failed: exit.differs, wrong: exit.config }[ran]);
    });

  policy
    .command('diff')
    .description('for whom B judges otherwise than A, over all that the DNS can say; exit 1 if they differ')
    .argument('<a>', aPolicy)
    .argument('<b>', 'what it is to become')
    .option('--json', 'print JSON')
    .action(async (a: string, b: string, { json }: { json?: true }) => {
      const parts = { from: await load(a), to: await load(b), now: Date.now, json: json === true };
      leave(showPolicyDiff(terminal, parts) ? exit.differs : exit.ok);
    });

  policy
    .command('fmt')
    .description('print the file in its canonical form; comments and the order of rules stay')
    .argument('<file>', 'a policy file')
    .addOption(new Option('--check', 'print nothing; exit 1 if the file is not in that form').conflicts('write'))
    .option('--write', 'put it into the file')
    .action(async (file: string, { check, write }: { check?: true; write?: true }) => {
      leave(await policyFmt(terminal, { file, orExit, check: check === true, write: write === true }));
    });

  policy
    .command('schema')
    .description('print the JSON Schema of policy files, for completion and checks in an editor')
    .action(() => policySchema(terminal));

  return policy;
}
