// `iprevd classify`: reverse names from a file or a pipe. Exit codes beside those of cli.ts: 65 where a line could not be read, 66
// where the file could not. Whoever reads our output and has had enough ends it in peace.

import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { classifyLines } from './commands/classify.ts';
import { fileTrouble } from './core/file-trouble.ts';
import type { Terminal } from './terminal.ts';

export interface ClassifyCommandParts {
  readonly terminal: Terminal;
  /** How the process shall end. */
  readonly leave: (code: number) => void;
}

const exit = { badData: 65, noInput: 66 } as const;

export function classifyCommand({ terminal, leave }: ClassifyCommandParts): Command {
  return new Command('classify')
    .description("say which reverse names are a provider's template: lines of ip<TAB>name from a file or a pipe")
    .argument('[file]', 'the lines, with "-" for an address that is not known; standard input if left out')
    .option('--json', 'a JSON object a line, as when the output is no terminal')
    .addHelpText('after', help)
    .action(async (file: string | undefined, { json }: { json?: true }) => {
      // The callback of each write tells; without a listener Node ends the process.
      process.stdout.on('error', () => undefined);
      const progress = progressOf(terminal);
      try {
        const allRead = await classifyLines(terminal, {
          input: file === undefined ? process.stdin : createReadStream(file),
          file: file ?? '-',
          write,
          json: json === true || !terminal.outIsTerminal,
          progress,
        });
        progress();
        if (!allRead) leave(exit.badData);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EPIPE') return;
        if (code === undefined) throw error;
        terminal.err(`iprevd: ${file ?? 'standard input'} cannot be read: ${fileTrouble(error)}\n`);
        leave(exit.noInput);
      }
    });
}

/** Written to standard output, and taken: whoever reads slowly slows us. */
async function write(text: string): Promise<void> {
  await new Promise<void>((done, failed) => process.stdout.write(text, (error) => (error ? failed(error) : done())));
}

/** How many lines so far, for whoever looks on while the output goes elsewhere; without a number it is taken away. */
function progressOf({ err, errIsTerminal, outIsTerminal }: Terminal): (lines?: number) => void {
  if (errIsTerminal !== true || outIsTerminal === true) return () => undefined;
  let shown = 0;
  return (lines) => {
    if (lines === undefined) return err('\r\x1b[K');
    if (lines - shown < shownEvery) return;
    shown = lines;
    err(`\r${lines} names\x1b[K`);
  };
}

const shownEvery = 10_000;

const help = `
Each line becomes { ip, name, label, kind, tier, score, evidence }. label: generic, custom, infrastructure, unknown; kind: access, static,
hosting, placeholder, malformed or null; tier: certain, likely, none; score: log-odds, the higher the more like a template;
evidence: [{ id, text, offset, weight }], the pieces of the name that say so. ip and name are as they were given.

Examples:
  printf '192.0.2.7\\t192-0-2-7.dyn.isp.example\\n' | iprevd classify
  iprevd classify names.tsv | jq -r 'select(.label == "generic").name'

Exit codes: 0 every line was read, 65 one was not (each is reported, the rest goes on), 66 the file cannot be read.`;
