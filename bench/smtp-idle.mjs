// What a connection that does nothing costs: memory (RSS) of the process with 10,000 connections after EHLO, from 200 addresses,
// less what it held with none, for each of them. iprevd beside smtp-server alone and a bare server on Node; each round begins
// with new processes. Wants Linux, root, Postfix, unbound, and a hard limit of open files above 10,500; 69 without. It is no
// test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/smtp-idle.mjs [--rounds 7] [--connections 10000] [--install] [--json] [--only ...] [--cli ...]

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { machine } from './support/machine.mjs';
import { launch, listening, memory } from './support/processes.mjs';
import { begin } from './support/smtp-bench.mjs';
import { runClient, startClient } from './support/smtp-client.mjs';
import { builds } from './support/smtp-contenders.mjs';
import { backend, frontHost } from './support/smtp-namespace.mjs';
import { startOurs } from './support/smtp-ours.mjs';
import { aligned, inTurn, middle } from './support/smtp-rounds.mjs';
import { startSink } from './support/smtp-tools.mjs';

const goal = 14;
const from = Array.from({ length: 200 }, (_, i) => `198.18.1.${i + 1}`);
const listen = { host: frontHost, port: 2501 };
const filesMore = 500;
const settleMs = 20_000;

const { values, folder, closeDns } = await begin({
  options: { connections: { type: 'string', default: '10000' } },
  counts: { connections: 60_000 },
  clients: [frontHost, ...from],
});
const { rounds, connections } = values;
allowFiles(connections + filesMore);
const sink = await startSink(folder, backend);
const contenders = [
  ...builds(values.cli).map(([name, cli]) => ({
    name,
    start: (place) => startOurs({ folder: place, listen, backend, name, cli }),
  })),
  { name: 'smtp-server', start: (place) => startPeer(place, 'smtp-server') },
  { name: 'node', start: (place) => startPeer(place, 'node') },
].filter(({ name }, i) => i < builds(values.cli).length || values.only.length === 0 || values.only.includes(name));
let runs = 0;
const ran = await inTurn(contenders, rounds, hold, { cold: true });
await sink.close();
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, connections, ran })}\n` : report());

/** In octets, with none and with all, and kilobytes for each. */
async function hold({ start }) {
  const place = join(folder, `run-${runs++}`);
  mkdirSync(place);
  const server = await start(place);
  // Code that is loaded and compiled for the first sessions is no cost of a connection.
  await runClient({ job: 'greet', to: listen, from: frontHost, count: 500, atOnce: 50 });
  const none = await settled(server.pid);
  const client = await startClient({ job: 'idle', to: listen, from, count: connections, atOnce: 100 });
  const all = await settled(server.pid);
  await client.close();
  await server.close();
  return { none, all, each: (all - none) / connections / 1_000 };
}

/** What it holds once that has not changed by a hundredth for three seconds. */
async function settled(pid) {
  let now = memory(pid).now;
  let since = performance.now();
  for (const end = since + settleMs; performance.now() < Math.min(end, since + 3_000); await sleep(200)) {
    const next = memory(pid).now;
    if (Math.abs(next - now) < now / 100) continue;
    now = next;
    since = performance.now();
  }
  return memory(pid).now;
}

async function startPeer(place, name) {
  const program = fileURLToPath(new URL(`peers/idle-${name}.mjs`, import.meta.url));
  const running = launch(process.execPath, [program, listen.host, `${listen.port}`], { log: join(place, 'log') });
  await listening(name, running, listen);
  return running;
}

/** Node takes as many as the hard limit allows by itself; root may raise that, where it is not kept from it. */
function allowFiles(count) {
  const allowed = () => Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  if (allowed() >= count) return;
  spawnSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${count}:${count}`]);
  if (allowed() >= count) return;
  process.stderr.write(`The hard limit of open files is ${allowed()}; it takes ${count} (ulimit -Hn ${count}).\n`);
  process.exit(69);
}

function report() {
  const [ours] = contenders.map(({ name }) => name);
  const megabytes = (name, key) => (middle(ran[name], key) / 1e6).toFixed(1);
  const rows = Object.keys(ran).map((name) => {
    const each = middle(ran[name], 'each');
    const judged = name === ours ? ` (<= ${goal}${each > goal ? ', missed' : ''})` : '';
    return [name, megabytes(name, 'none'), megabytes(name, 'all'), `${each.toFixed(1)}${judged}`];
  });
  const head = ['', 'MB with none', `MB with ${connections}`, 'KB for each'];
  return `${[machine(), `Medians of ${rounds} rounds`, aligned([head, ...rows])].join('\n\n')}\n`;
}
