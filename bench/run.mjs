// All benchmarks, one after the other, as a Markdown report; --write puts it into bench/RESULTS.md. A benchmark that cannot run
// here (unbound is missing) says so in its place. It is no test: 0 when it ran to its end, whatever was measured.
//
//     npm run bench [-- --write] [-- --only smtp.mjs]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.mjs';

const benchmarks = [
  {
    title: 'DNS client: PTR, then A, never asked before',
    file: 'dns.mjs',
    options: ['--rounds', '9', '--checks', '8000'],
  },
  { title: 'Cold verdict', file: 'cold.mjs', options: [] },
  { title: 'Warm verdict, and what an address costs', file: 'warm.mjs', options: [], node: ['--expose-gc'] },
  { title: 'A policy of fifty rules, and patterns', file: 'policy.mjs', options: [] },
  { title: 'Naming: quality and speed', file: 'naming.mjs', options: [] },
  { title: 'A million recorded sessions judged again', file: 'backtest.mjs', options: [] },
  { title: 'Lists of a million', file: 'lists.mjs', options: [] },
  { title: 'The worst packets', file: 'worst.mjs', options: [] },
  { title: 'Messages through the SMTP door', file: 'smtp.mjs', options: ['--install'] },
  { title: 'Sessions without a message', file: 'smtp-sessions.mjs', options: ['--install'] },
  { title: 'Idle connections', file: 'smtp-idle.mjs', options: ['--rounds', '3'] },
  { title: 'A message of 25 MB', file: 'smtp-large.mjs', options: ['--only', 'floor'] },
  { title: 'The policy door', file: 'delegation.mjs', options: ['--install'] },
  { title: 'The journal', file: 'journal.mjs', options: [] },
  { title: 'The milter door', file: 'milter.mjs', options: ['--install'] },
  { title: 'Back after a failure', file: 'outage.mjs', options: ['--install'] },
  { title: 'The page judges recorded sessions', file: 'console.mjs', options: [] },
];

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, only: { type: 'string', multiple: true, default: [] } },
});
const folder = fileURLToPath(new URL('.', import.meta.url));
const parts = [
  `# Results\n\n${new Date().toISOString().slice(0, 10)}, ${machine()}. Made by \`npm run bench -- --write\`.\n`,
];
for (const { title, file, options, node = [] } of benchmarks) {
  if (values.only.length > 0 && !values.only.includes(file)) continue;
  process.stderr.write(`${title} ...\n`);
  const said = await run([...node, `${folder}${file}`, ...options]);
  parts.push(`## ${title}\n\n\`bench/${file}\`\n\n\`\`\`\n${said.replace(`${machine()}\n`, '').trim()}\n\`\`\`\n`);
}
const report = parts.join('\n');
process.stdout.write(report);
if (values.write) writeFileSync(`${folder}RESULTS.md`, report);

/** What it printed, complaints included. */
async function run(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  await once(child, 'close');
  return said;
}
