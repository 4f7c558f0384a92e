// A list of a million entries in a file: how long it takes to load and how much memory, how long the event loop is held up by
// that and by loading it again beside the first, and what a match costs. Networks of mixed lengths, nine of ten IPv4, and
// domains. Each list is loaded in a process of its own, so that the memory is that of Node and the list. Wants the build in
// dist. It is no test: 0 when it ran to its end.
//
//     node bench/lists.mjs [--json]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readList } from '../dist/lists.js';
import { machine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';

const entries = 1_000_000;
const goal = { loadS: 5, peakMb: 200, blockedMs: 50, matchUs: 2 };
const matches = 200_000;
const rounds = 7;
const resolutionMs = 1;
const makers = { addresses: networkLine, domains: domainLine };

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, load: { type: 'string' }, file: { type: 'string' } },
});
if (values.load === undefined) await compare();
else process.stdout.write(JSON.stringify(await measure(values.load, values.file)));

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-lists-'));
  const lists = {};
  try {
    for (const kind of Object.keys(makers)) {
      const file = join(folder, kind);
      await write(file, makers[kind]);
      lists[kind] = await inChild(kind, file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const ok = Object.values(lists).every((figures) => Object.keys(goal).every((name) => figures[name] <= goal[name]));
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine: machine(), entries, goal, lists, ok }, undefined, 2)}\n`
      : `${machine()}
Lists of ${entries} lines; again: loaded a second time while the first is kept

${Object.entries(lists)
  .map(([kind, figures]) => rows(kind, figures).join('\n'))
  .join('\n\n')}
`,
  );
}

function rows(kind, { size, loadS, peakMb, againPeakMb, blockedMs, againBlockedMs, matchUs }) {
  return [
    `${kind}: ${size} kept`,
    `  seconds to load: ${loadS.toFixed(2)} (goal: at most ${goal.loadS})`,
    `  peak of memory (RSS) in MB: ${peakMb.toFixed(0)} (goal: at most ${goal.peakMb}), again: ${againPeakMb.toFixed(0)}`,
    `  event loop held up for ms at most: ${blockedMs.toFixed(1)} (goal: at most ${goal.blockedMs}), again: ${againBlockedMs.toFixed(1)}`,
    `  microseconds for a match: ${matchUs.toFixed(2)} (goal: at most ${goal.matchUs})`,
  ];
}

async function inChild(kind, file) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [self, '--load', kind, '--file', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the child that loads ${kind} ended with ${code}`);
  return JSON.parse(said);
}

async function measure(kind, file) {
  const first = await load(kind, file);
  const peakMb = peak();
  const again = await load(kind, file);
  const figures = {
    size: first.list.size,
    loadS: first.seconds,
    peakMb,
    againPeakMb: peak(),
    blockedMs: first.blockedMs,
    againBlockedMs: again.blockedMs,
  };
  return { ...figures, matchUs: microsecondsForMatch(kind, file, first.list) };
}

async function load(kind, file) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  await sleep(20); // its first figure is about the time before it
  delay.reset();
  const begun = performance.now();
  const { ok, value, problems } = await readList(file, kind);
  const seconds = (performance.now() - begun) / 1e3;
  await sleep(20);
  delay.disable();
  if (!ok) throw new Error(JSON.stringify(problems));
  return { list: value, seconds, blockedMs: delay.max / 1e6 - resolutionMs };
}

/** One half of what is asked for is in the list. */
function microsecondsForMatch(kind, file, list) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const asked = Array.from({ length: matches }, (_, i) => near(kind, lines[scattered(i) % entries], i % 2 === 0));
  const ran = [];
  for (let round = 0; round < rounds; round++) {
    let hits = 0;
    const begun = performance.now();
    for (const one of asked) if (list.has(one)) hits++;
    ran.push(((performance.now() - begun) * 1e3) / matches);
    if (hits !== matches / 2) throw new Error(`${hits} matches instead of ${matches / 2}`);
  }
  return median(ran);
}

/** Inside what a line says, or outside of everything but nearby, so that the way is as long. */
function near(kind, line, isInside) {
  if (kind === 'domains')
    return isInside ? `a${line.startsWith('.') ? '' : '.'}${line}` : `x-${line.replace(/^\./, '')}`;
  const [base] = line.split('/');
  if (isInside) return base;
  return base.includes(':') ? base.replace('2001:', '2003:') : base.replace(/^\d+/, (part) => `${Number(part) | 1}`);
}

function peak() {
  return process.resourceUsage().maxRSS / 1024;
}

async function write(file, line) {
  const out = createWriteStream(file);
  for (let i = 0; i < entries; i++) if (!out.write(`${line(i)}\n`)) await once(out, 'drain');
  await once(out.end(), 'finish');
}

/** Scattered; even in its first part, so that odd ones are known to be outside. */
function networkLine(i) {
  const word = scattered(i);
  if (i % 10 === 0) {
    const bits = [32, 48, 56, 64, 128][(i / 10) % 5];
    const groups = [0x2001, 1 + (word >>> 17), word & 0xffff, scattered(i + 1) >>> 16, 0, 0, 0, 1 + (word & 0xff)];
    const kept = groups.slice(0, bits / 16);
    const last = bits === 56 ? [(groups[3] & 0xff00).toString(16)] : [];
    const text = [...kept.slice(0, Math.floor(bits / 16)).map((group) => group.toString(16)), ...last].join(':');
    return bits === 128 ? text : `${text}::/${bits}`;
  }
  const bits = [32, 32, 32, 24, 32, 28, 32, 30, 29][(i % 10) - 1];
  const address = ((word & 0xfeffffff) | 0x02000000) & (bits === 32 ? -1 : -1 << (32 - bits));
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}${bits === 32 ? '' : `/${bits}`}`;
}

function domainLine(i) {
  const word = scattered(i).toString(36);
  return i % 10 === 0 ? `.${word}.example` : `mail-${i}.${word}.sender.example`;
}

/** The same numbers each time, no two alike: an odd factor and shifts lose nothing. */
function scattered(i) {
  let word = Math.imul(i + 1, 0x9e3779b1);
  word ^= word >>> 15;
  word = Math.imul(word, 0x2c1b3c6d);
  return (word ^ (word >>> 12)) >>> 0;
}
