// How soon the right answers are back when iprevd beside a real Postfix was killed and is started again, or was paused and goes on,
// while smtp-source sends: milliseconds from the start of the new process, or from SIGCONT, until a client without a name
// is refused by the policy again. Postfix and its timeouts are as they come. Wants Linux, root, Postfix, unbound; 69 without. It is no
// test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/outage.mjs [--rounds 5] [--install] [--json]

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostfix } from './peers/postfix.mjs';
import { machine } from './support/machine.mjs';
import { begin } from './support/smtp-bench.mjs';
import { runClient } from './support/smtp-client.mjs';
import { frontHost } from './support/smtp-namespace.mjs';
import { startOurs } from './support/smtp-ours.mjs';
import { aligned } from './support/smtp-rounds.mjs';
import { send } from './support/smtp-tools.mjs';
import { median } from './support/statistics.mjs';

const goalMs = 2_000;
const nameless = '198.19.0.3';
const downMs = 1_500;
const backMs = 60_000;
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

const { values, folder, closeDns } = await begin({
  options: { rounds: { type: 'string', default: '5' } },
  clients: [frontHost],
  programs: { needs: ['postfix', 'unbound'] },
});
const results = [];
for (const [i, kind] of ['policy', 'milter'].entries()) results.push(...(await door(kind, 2601 + i)));
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), goalMs, results })}\n` : report());

async function door(kind, port) {
  const listen = kind === 'policy' ? { host: frontHost, port: port + 100 } : { path: join(folder, 'ours.socket') };
  const at = { host: frontHost, port };
  let starts = 0;
  const startNew = () => startOurs({ folder, kind, listen, cli, name: `${kind}-${++starts}` });
  let ours = await startNew();
  const postfix = await startPostfix({ folder, listen: at, [kind]: listen, name: `postfix-${kind}` });
  await isBack(at);
  const back = { 'killed, started again': [], 'paused, going on': [] };
  const load = underLoad(at);
  for (let round = 0; round < values.rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`${kind}: round ${round + 1} of ${values.rounds}\r`);
    process.kill(ours.pid, 'SIGKILL');
    await sleep(downMs);
    const started = Date.now();
    [ours] = await Promise.all([
      startNew(),
      isBack(at).then((when) => back['killed, started again'].push(when - started)),
    ]);
    process.kill(ours.pid, 'SIGSTOP');
    const returned = isBack(at);
    await sleep(downMs);
    const woken = Date.now();
    process.kill(ours.pid, 'SIGCONT');
    back['paused, going on'].push((await returned) - woken);
  }
  await load();
  await postfix.close();
  await ours.close();
  return Object.entries(back).map(([what, ms]) => ({ door: kind, what, ms }));
}

function isBack(to) {
  return runClient({ job: 'return', to, from: nameless, ms: backMs });
}

/** smtp-source ends at the first refusal that it hears, and is started again. The result ends it. */
function underLoad(to) {
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      await send(to, { count: 200, octets: 2_048, atOnce: 4, keep: false }).catch(() => sleep(50));
    }
  })();
  return () => {
    isOver = true;
    return running;
  };
}

function report() {
  const rows = results.map(({ door, what, ms }) => [
    `${door}, ${what}`,
    `${median(ms)}`,
    `${Math.max(...ms)}${Math.max(...ms) <= goalMs ? '' : ' missed'}`,
  ]);
  return `${machine()}\n\n${values.rounds} times each, under smtp-source with 4 sessions at once; at most ${goalMs} ms wanted\n\n${aligned([['back after', 'median ms', 'most ms'], ...rows])}\n`;
}
