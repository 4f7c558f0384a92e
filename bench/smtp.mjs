// Messages through iprevd, through Postfix and Haraka with a reverse DNS check each, and through a floor
// (floors/smtp-relay.mjs), all in front of the same smtp-sink: messages a second from smtp-source (4 KB, 20 at once) with one
// message for each connection and with many, processor time for a thousand messages, and the time that each adds to a message
// that comes alone. What every peer is allowed is said in peers/ and support/smtp-namespace.mjs. Wants Linux, root, Postfix
// and unbound; 69 without. It is no test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/smtp.mjs [--rounds 7] [--messages 3000] [--install] [--json]
//       --only postfix     without the peers that are not named (postfix, haraka, floor, sink); may be given again
//       --part one         without the parts that are not named: one, many (throughput), alone (the time of a message)
//       --cli NAME=PATH    another build, dist/cli.js of it; given again, both are measured in the same rounds
//       --profile FOLDER   what our time and the floor's goes into, as .cpuprofile

import { resolve } from 'node:path';
import { machine } from './support/machine.mjs';
import { cpuSeconds } from './support/processes.mjs';
import { begin } from './support/smtp-bench.mjs';
import { check } from './support/smtp-check.mjs';
import { runClient } from './support/smtp-client.mjs';
import { startContenders } from './support/smtp-contenders.mjs';
import { backend, frontHost } from './support/smtp-namespace.mjs';
import { aligned, inTurn, middle, percentile, ratio, withGoal } from './support/smtp-rounds.mjs';
import { send, startSink } from './support/smtp-tools.mjs';

/** Least ratios of ours to the others. */
const modes = [
  {
    part: 'one',
    title: 'one message for each connection',
    keep: false,
    goals: { postfix: 1.1, haraka: 6, floor: 0.7 },
  },
  {
    part: 'many',
    title: 'many messages over each connection',
    keep: true,
    goals: { postfix: 1.5, haraka: 10, floor: 0.65 },
  },
];
const octets = 4_096;
const atOnce = 20;
/** The slow take fewer messages, so that a round does not consist of waiting for them. */
const shares = { haraka: 0.2 };

const { values, folder, closeDns } = await begin({
  options: {
    messages: { type: 'string', default: '3000' },
    part: { type: 'string', multiple: true, default: ['one', 'many', 'alone'] },
    profile: { type: 'string' },
  },
  counts: { messages: 1_000_000 },
  clients: [frontHost],
});
const { rounds, messages } = values;
const node = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`];
const { contenders, missing } = await startContenders({ folder, ...values, node });
await check(contenders);
const sink = await startSink(folder, backend);
const direct = { name: 'sink', listen: backend };
const all = values.only.length === 0 || values.only.includes('sink') ? [...contenders, direct] : contenders;
const [ours, ...others] = all.map(({ name }) => name);

const results = { throughput: [], latency: [] };
for (const mode of modes) {
  if (!values.part.includes(mode.part)) continue;
  results.throughput.push({ ...mode, ran: await inTurn(all, rounds, (one) => load(one, mode)) });
}
for (const mode of modes) {
  if (!values.part.includes('alone')) continue;
  results.latency.push({ ...mode, ran: await inTurn(all, rounds, (one) => alone(one, mode)) });
}

for (const { close } of [...contenders, sink]) await close();
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, messages, results })}\n` : report());

async function load({ name, listen, pid }, { keep }) {
  const count = Math.ceil(messages * (shares[name] ?? 1));
  const before = pid === undefined ? 0 : cpuSeconds(pid);
  const seconds = await send(listen, { count, octets, atOnce, keep });
  const cpu = pid === undefined ? 0 : cpuSeconds(pid) - before;
  return { perSecond: count / seconds, cpuPerThousand: (cpu / count) * 1_000 };
}

async function alone({ name, listen }, { keep }) {
  const count = Math.ceil((messages * (shares[name] ?? 1)) / 10);
  return { times: await runClient({ job: 'messages', to: listen, count, octets, keep }) };
}

function report() {
  const parts = [machine(), `Medians of ${rounds} rounds; ratios are medians of those of each round`];
  for (const sentence of missing) parts.push(sentence);
  for (const { title, goals, ran } of results.throughput) {
    const head = [title, 'messages/s', 'slowest', 'fastest', `${ours} is`, 'CPU s/1000'];
    const rows = [ours, ...others].map((name) => {
      const speeds = ran[name].map(({ perSecond }) => perSecond);
      return [
        name,
        middle(ran[name], 'perSecond').toFixed(0),
        Math.min(...speeds).toFixed(0),
        Math.max(...speeds).toFixed(0),
        name === ours ? '' : withGoal(ratio(ran[ours], ran[name], 'perSecond'), goals[name]),
        name === direct.name ? '' : middle(ran[name], 'cpuPerThousand').toFixed(2),
      ];
    });
    parts.push(`${atOnce} at once, ${octets} octets\n${aligned([head, ...rows])}`);
  }
  for (const { title, ran } of results.latency) {
    const at = (name, share) =>
      percentile(
        ran[name].flatMap(({ times }) => times),
        share,
      );
    const cells = (name, share) => [
      at(name, share).toFixed(2),
      ran[direct.name] === undefined ? '' : (at(name, share) - at(direct.name, share)).toFixed(2),
    ];
    const head = [`alone, ${title}`, 'p50 ms', 'added', 'p99 ms', 'added'];
    const rows = [ours, ...others].map((name) => [name, ...cells(name, 0.5), ...cells(name, 0.99)]);
    parts.push(aligned([head, ...rows]));
  }
  return `${parts.join('\n\n')}\n`;
}
