// A message of 25 MB, one after the other over one connection: octets a second from smtp-source through iprevd, the floor and
// the peers to smtp-sink, and memory (RSS) before and at most meanwhile, which must not grow with the message. Wants Linux,
// root, Postfix and unbound; 69 without. It is no test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/smtp-large.mjs [--rounds 7] [--messages 6] [--install] [--json] [--only ...] [--cli ...]

import { machine } from './support/machine.mjs';
import { forgetPeak, memory } from './support/processes.mjs';
import { begin } from './support/smtp-bench.mjs';
import { startContenders } from './support/smtp-contenders.mjs';
import { backend, frontHost } from './support/smtp-namespace.mjs';
import { aligned, inTurn, middle, ratio, withGoal } from './support/smtp-rounds.mjs';
import { send, startSink } from './support/smtp-tools.mjs';

const octets = 25_000_000;
/** Least ratios of ours to the others. */
const goals = { floor: 0.8 };
const shares = { haraka: 0.34 };

const { values, folder, closeDns } = await begin({
  options: { messages: { type: 'string', default: '6' } },
  counts: { messages: 1_000 },
  clients: [frontHost],
});
const { rounds, messages } = values;
const sink = await startSink(folder, backend);
const { contenders, missing } = await startContenders({ folder, ...values });
const direct = { name: 'sink', listen: backend };
const all = values.only.length === 0 || values.only.includes('sink') ? [...contenders, direct] : contenders;
const ran = await inTurn(all, rounds, load);
for (const { close } of [...contenders, sink]) await close();
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, messages, ran })}\n` : report());

/** Megabytes; of Postfix only its master, which does nothing, so nothing is said. */
async function load({ name, listen, pid }) {
  const count = Math.ceil(messages * (shares[name] ?? 1));
  const measured = pid !== undefined && name !== 'postfix';
  if (measured) forgetPeak(pid);
  const before = measured ? memory(pid).now : Number.NaN;
  const seconds = await send(listen, { count, octets, atOnce: 1, keep: true });
  const peak = measured ? memory(pid).peak : Number.NaN;
  return { perSecond: (count * octets) / 1e6 / seconds, before: before / 1e6, peak: peak / 1e6 };
}

function report() {
  const [ours] = contenders.map(({ name }) => name);
  const megabytes = (name, key) => {
    const value = middle(ran[name], key);
    return Number.isNaN(value) ? '' : value.toFixed(0);
  };
  const rows = Object.keys(ran).map((name) => [
    name,
    middle(ran[name], 'perSecond').toFixed(0),
    name === ours ? '' : withGoal(ratio(ran[ours], ran[name], 'perSecond'), goals[name]),
    megabytes(name, 'before'),
    megabytes(name, 'peak'),
  ]);
  const head = ['25 MB, one at a time', 'MB/s', `${ours} is`, 'RSS MB before', 'RSS MB at most'];
  const about = `Medians of ${rounds} rounds; ratios are medians of those of each round`;
  return `${[machine(), about, ...missing, aligned([head, ...rows])].join('\n\n')}\n`;
}
