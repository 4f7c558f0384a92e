// Sessions without a message, 50 at once: clients that connect, say EHLO and QUIT, and clients that are refused at RCPT because
// they have no PTR record, as most of the clients of a mail server on the Internet are. iprevd beside Postfix and Haraka, in
// sessions a second; the floor only greets, and shows that the clients are not what is measured. Wants Linux, root, Postfix
// and unbound; 69 without. It is no test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/smtp-sessions.mjs [--rounds 7] [--sessions 3000] [--install] [--json] [--only ...] [--cli ...]

import { machine } from './support/machine.mjs';
import { cpuSeconds } from './support/processes.mjs';
import { begin } from './support/smtp-bench.mjs';
import { runClient } from './support/smtp-client.mjs';
import { startContenders } from './support/smtp-contenders.mjs';
import { backend, frontHost } from './support/smtp-namespace.mjs';
import { aligned, inTurn, middle, ratio, withGoal } from './support/smtp-rounds.mjs';
import { startSink } from './support/smtp-tools.mjs';

const kinds = [
  { job: 'greet', title: 'EHLO, QUIT', from: frontHost },
  { job: 'refuse', title: 'refused at RCPT', from: '198.19.0.3' },
];
/** Least ratios of ours to the others. */
const goals = { postfix: 1, haraka: 3 };
const atOnce = 50;
const shares = { haraka: 0.3 };

const { values, folder, closeDns } = await begin({
  options: { sessions: { type: 'string', default: '3000' } },
  counts: { sessions: 1_000_000 },
  clients: [frontHost],
});
const { rounds, sessions } = values;
const sink = await startSink(folder, backend);
const { contenders, missing } = await startContenders({ folder, ...values });
const names = contenders.map(({ name }) => name);
const results = [];
for (const kind of kinds) {
  const able = contenders.filter(({ name }) => kind.job === 'greet' || name !== 'floor');
  results.push({ ...kind, ran: await inTurn(able, rounds, (one) => load(one, kind)) });
}
for (const { close } of [...contenders, sink]) await close();
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, sessions, results })}\n` : report());

async function load({ name, listen, pid }, { job, from }) {
  const count = Math.ceil(sessions * (shares[name] ?? 1));
  const before = cpuSeconds(pid);
  const seconds = await runClient({ job, to: listen, from, count, atOnce });
  return { perSecond: count / seconds, cpuPerThousand: ((cpuSeconds(pid) - before) / count) * 1_000 };
}

function report() {
  const [ours] = names;
  const tables = results.map(({ title, ran }) => {
    const rows = Object.keys(ran).map((name) => [
      name,
      middle(ran[name], 'perSecond').toFixed(0),
      name === ours ? '' : withGoal(ratio(ran[ours], ran[name], 'perSecond'), goals[name]),
      middle(ran[name], 'cpuPerThousand').toFixed(2),
    ]);
    return aligned([[title, 'sessions/s', `${ours} is`, 'CPU s/1000'], ...rows]);
  });
  const about = `${atOnce} at once, medians of ${rounds} rounds; ratios are medians of those of each round`;
  return `${[machine(), about, ...missing, ...tables].join('\n\n')}\n`;
}
