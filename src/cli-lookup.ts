// `iprevd lookup` on the command line: words to commands/lookup.ts, and its outcome to an exit code.

import { existsSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { PolicyCommandParts } from './cli-policy.ts';
import { lookup } from './commands/lookup.ts';
import type { Policy } from './core/policy.ts';
import { quote } from './core/problem.ts';
import { defaultPolicy, loadForJournal, loadPolicy } from './load.ts';
import { type FoundRef, findRef } from './ref.ts';

const exit = { found: 0, absent: 1, unread: 66 } as const;

interface Options {
  readonly journal?: string;
  readonly config: string;
  readonly policy?: string;
  readonly json?: true;
}

export function lookupCommand({ terminal, orExit, leave }: PolicyCommandParts): Command {
  /** `assumed`: the policy that was taken since nobody named one. */
  const journalAndPolicy = async (
    { journal, policy, config }: Options,
    isConfigNamed: boolean,
  ): Promise<{ folder: string; policy: Policy; assumed?: string }> => {
    const named = policy === undefined ? undefined : orExit(await loadPolicy(policy, process.cwd()));
    if (journal !== undefined && named !== undefined) return { folder: journal, policy: named };
    // A journal that was copied to another machine.
    if (journal !== undefined && !isConfigNamed && !existsSync(config))
      return {
        folder: journal,
        policy: orExit(await loadPolicy(defaultPolicy, process.cwd())),
        assumed: defaultPolicy,
      };
    const configured = orExit(await loadForJournal(config));
    const folder = journal ?? configured.journalFolder;
    const hint = 'journal: { dir: /var/lib/iprevd/journal } keeps one';
    if (folder === undefined) return orExit({ ok: false, problems: [{ where: config, what: 'no journal', hint }] });
    return { folder, policy: named ?? configured.policy };
  };

  return new Command('lookup')
    .description('the decision behind a ref, out of the journal, and what the policy of today says of it')
    .argument('<ref...>', 'the ref of a reply or log line, or the whole reply')
    .option('--journal <folder>', 'another journal than that of the configuration')
    .addOption(
      new Option('-c, --config <file>', 'the configuration: where the journal is, and the policy')
        .env('IPREVD_CONFIG')
        .default('/etc/iprevd/iprevd.yaml'),
    )
    .option(
      '--policy <file>',
      'another policy; with --journal beside it no configuration is read; without either it is observe',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  iprevd lookup 1ng2ewjmsa2
  iprevd lookup '550 5.7.25 no PTR record for 192.0.2.7 [PTR 7.2.0.192.in-addr.arpa: NXDOMAIN] (ref 1ng2ewjmsa2)'
  iprevd lookup 1ng2ewjmsa2 --journal /backup/journal --policy strict --json

Exit codes: 0 found, 1 it is not in the journal, 64 there is no ref in that, 66 the journal cannot be read, 78 a policy or
configuration with mistakes.`,
    )
    .action(async (words: string[], options: Options, command: Command) => {
      const sought = refOf(words.join(' '));
      const from = await journalAndPolicy(options, command.getOptionValueSource('config') !== 'default');
      leave(exit[await lookup(terminal, { ...from, sought, json: options.json === true, now: Date.now() })]);
    });
}

function refOf(text: string): FoundRef {
  const found = findRef(text);
  if (found !== undefined) return found;
  throw new CommanderError(
    64,
    'iprevd',
    `${quote(text)} holds no ref: eleven letters and digits, as in (ref 1ng2ewjmsa2)`,
  );
}
