// How well provider's templates are told from names of mail servers, on labelled names: by the committed weights, and by five-fold
// cross-validation over organisations, where weights and thresholds are fitted to four folds and tried on the fifth, so that
// over-fitting shows. Then how fast: lines a second of `iprevd classify` as a whole process, and the slowest of hostile names. Wants
// the build in dist. It is no test: 0 when it ran to its end.
//
//     npm run bench:naming [-- FILE] [-- --json] [-- --weights] [-- --errors]

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseIp } from '../dist/core/ip.js';
import { classify } from '../dist/core/naming/classify.js';
import { signIds } from '../dist/core/naming/sign.js';
import { bias, certainFrom, likelyFrom, weights } from '../dist/core/naming/weights.js';
import { machine } from './support/machine.mjs';
import { crossValidated, refitted } from './support/naming-fit.mjs';
import { readRows, scoreOf, table } from './support/naming-rows.mjs';
import { median } from './support/statistics.mjs';

const folds = 5;
const splits = 5;
/** Of the labelled data's other half, from ../shared/field.md. */
const anchors = [
  ['SpamAssassin Botnet.pm', 98.9, 84.7, 91.2, 0.88],
  ['S25R rules 1-6', 89.1, 90.0, 89.6, 9.9],
  ['Haraka is_ip_in_str', 97.4, 77.3, 86.2, 1.9],
  ['SpamAssassin RDNS_DYNAMIC', 99.6, 63.1, 77.2, 0.24],
  ['rspamd hfilter', 95.6, 30.7, 46.5, 1.3],
  ['fqrdns.pcre', 100, 14.7, 25.7, 0],
];

const hostile = [
  ['255 letters', 'a'.repeat(255)],
  ['255 digits', '1'.repeat(255)],
  ['255 hyphens', '-'.repeat(255)],
  ['255 dots', '.'.repeat(255)],
  ['127 labels', 'a.'.repeat(127)],
  ['127 labels of a digit', '1.'.repeat(127)],
  ['127 numbers', '1-'.repeat(127)],
  ['letters and digits in turn', '1a'.repeat(127)],
  ['a word over and over', 'ppp'.repeat(85)],
  ['the beginning of a word over and over', 'nodns'.repeat(51)],
  ['punycode', 'xn--'.repeat(63)],
  ['hexadecimal', 'f'.repeat(255)],
  ['upper case', 'DYN-192-0-2-7.'.repeat(18)],
  ['escapes', '\\000'.repeat(250)],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, weights: { type: 'boolean' }, errors: { type: 'boolean' } },
});
const file = positionals[0] ?? fileURLToPath(new URL('../../shared/corpus/rdns.dev.tsv', import.meta.url));
if (!existsSync(file)) {
  process.stdout.write(
    `${relative(process.cwd(), file)} is not there: name a file of labelled names (ip, name, label, subtype, organisation, real or synthetic).\n`,
  );
  process.exit(0);
}

const rows = readRows(readFileSync(file, 'utf8'), (name, ip) => classify(name, parseIp(ip)));
const committed = { bias, weights, likelyFrom, certainFrom };
const measured = [
  [
    'committed weights, all rows',
    table(
      rows,
      (row) => scoreOf(committed, row),
      () => committed,
    ),
  ],
  ...Array.from({ length: splits }, (_, seed) => [
    `refitted, ${folds} folds, split ${seed + 1}`,
    crossValidated(rows, folds, seed + 1, table),
  ]),
];
const speed = { linesPerSecond: linesPerSecond(), worst: worstNames() };

if (values.json) process.stdout.write(`${JSON.stringify({ machine: machine(), measured, speed }, undefined, 2)}\n`);
else process.stdout.write(report());
if (values.weights) process.stdout.write(weightsTable());
if (values.errors) process.stdout.write(errors());

function report() {
  const percent = (value) => (value === undefined ? '' : value.toFixed(2)).padStart(7);
  const head = [
    'precision',
    'recall',
    'F1',
    'FP %',
    'infra %',
    'access',
    'static',
    'hosting',
    'placeh.',
    'IPv6',
    'certain',
    'its FP',
  ];
  const line = (title, cells) => `${title.padEnd(32)}${cells.map((cell) => String(cell).padStart(10)).join('')}\n`;
  return [
    `${machine()}\n${rows.length} names, of them real ${rows.filter(({ real }) => real).length}; real rows, generic against custom-mail; infra: infrastructure flagged; then recall by kind\n\n`,
    line('', head),
    ...measured.map(([title, found]) =>
      line(title, [
        ...[found.precision, found.recall, found.f1, found.falsePositives, found.infrastructure].map(percent),
        ...[found.access, found.static, found.hosting, found.placeholder, found.ipv6, found.certainRecall].map(percent),
        found.certainFalse,
      ]),
    ),
    ...anchors.map(([title, ...cells]) => line(`(${title})`, cells.map(percent))),
    `\nlines a second, iprevd classify as a whole process: ${Math.round(speed.linesPerSecond)} (goal: at least 10000)\n`,
    `slowest of ${hostile.length} hostile names: ${speed.worst.ms.toFixed(3)} ms, ${speed.worst.name} (goal: below 1 ms)\n`,
  ].join('');
}

function weightsTable() {
  const model = refitted(rows);
  const count = (id, label) => rows.filter((row) => row.real && row.label === label && row.signs.includes(id)).length;
  const lines = signIds.map((id) =>
    [
      id.padEnd(16),
      weights[id],
      model.weights[id].toFixed(2),
      ...['generic', 'custom-mail', 'other-infrastructure'].map((label) => count(id, label)),
    ].join('\t'),
  );
  return `\nsign            \tweight\tfitted\tgeneric\tcustom\tinfra\n${lines.join('\n')}\nstart           \t${bias}\t${model.bias.toFixed(2)}\n`;
}

/** By the committed weights. */
function errors() {
  const wrong = rows.filter((row) => row.real && scoreOf(committed, row) >= likelyFrom !== (row.label === 'generic'));
  return `\n${wrong.map((row) => `${row.label}\t${row.subtype}\t${scoreOf(committed, row)}\t${row.ip}\t${row.name}\t${row.signs.join(' ')}`).join('\n')}\n`;
}

function linesPerSecond() {
  const input = rows
    .map(({ ip, name }) => `${ip}\t${name}\n`)
    .join('')
    .repeat(10);
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
  const rates = Array.from({ length: 5 }, () => {
    const started = performance.now();
    const ran = spawnSync(process.execPath, [cli, 'classify'], { input, maxBuffer: 1024 ** 3 });
    if (ran.status !== 0) throw new Error(`classify ended with ${ran.status}: ${ran.stderr}`);
    return (rows.length * 10) / ((performance.now() - started) / 1000);
  });
  return median(rates);
}

function worstNames() {
  const ips = ['192.0.2.7', '1.1.1.1', '2001:db8:1:1:1:1:1:1', '::'].map(parseIp);
  const times = hostile.flatMap(([name, text]) =>
    ips.map((ip) => {
      for (let i = 0; i < 50; i++) classify(text, ip);
      const runs = Array.from({ length: 101 }, () => {
        const started = performance.now();
        classify(text, ip);
        return performance.now() - started;
      });
      return { name, ms: median(runs) };
    }),
  );
  return times.reduce((worst, one) => (one.ms > worst.ms ? one : worst));
}
