// The milter door: sessions a second, evidence in the cache, 20 at once, a message in each, spoken as Postfix speaks; and
// messages a second through a real Postfix that asks it, both over UNIX sockets: over TCP Postfix 3.7 waits for a delayed
// acknowledgement in each message, 40 ms, whatever milter it asks. The floor is a milter in C that does nothing (peers/libmilter.c),
// and agrees with the mail server on the same as ours. Wants Linux, root, Postfix, unbound, a C compiler and libmilter; 69
// without, or without libmilter only the floor is missing. It is no test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/milter.mjs [--rounds 5] [--ms 500] [--messages 1000] [--install] [--json]
//       --part sessions    without the part that is not named: sessions, postfix
//       --only floor       without the others that are not named (floor, none: Postfix without a milter)
//       --cli NAME=PATH    another build, dist/cli.js of it; given again, both are measured in the same rounds
//       --profile FOLDER   what our time goes into, as .cpuprofile

import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { libmilter, startFilter } from './peers/milter-filter.mjs';
import { startPostfix } from './peers/postfix.mjs';
import { compileLoad, framings, runLoad, writePlan } from './support/load.mjs';
import { machine } from './support/machine.mjs';
import { milterSessions } from './support/milter-plan.mjs';
import { pin } from './support/pin.mjs';
import { clients } from './support/policy-plan.mjs';
import { cpuSeconds } from './support/processes.mjs';
import { begin } from './support/smtp-bench.mjs';
import { runClient } from './support/smtp-client.mjs';
import { builds } from './support/smtp-contenders.mjs';
import { frontHost } from './support/smtp-namespace.mjs';
import { startOurs } from './support/smtp-ours.mjs';
import { aligned, inTurn, middle, ratio, withGoal } from './support/smtp-rounds.mjs';
import { send } from './support/smtp-tools.mjs';

const goals = { sessions: { floor: 0.6 }, messages: { floor: 0.9 } };
const atOnce = 20;
const octets = 4_096;
const noPtr = '198.19.0.3';
const drainMs = 20_000;

const { values, folder, closeDns } = await begin({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '500' },
    messages: { type: 'string', default: '1000' },
    part: { type: 'string', multiple: true, default: ['sessions', 'postfix'] },
    profile: { type: 'string' },
  },
  counts: { ms: 60_000, messages: 100_000 },
  clients: [frontHost, ...clients.filter(({ isNamed }) => isNamed).map(({ ip }) => ip)],
  programs: { needs: ['postfix', 'unbound', 'gcc'], peers: [libmilter] },
});
const { rounds, ms, messages } = values;
const program = await compileLoad(folder);
const wanted = (name) => values.only.length === 0 || values.only.includes(name);
const missing = wanted('floor') && !libmilter.has() ? [libmilter.missing] : [];
const milters = await startMilters();
const [ours] = milters.map(({ name }) => name);
for (const milter of milters) await ask(milter);
const sessions = values.part.includes('sessions') ? await inTurn(milters, rounds, askAlone) : undefined;
const servers = values.part.includes('postfix') ? await startServers() : [];
const mails = servers.length > 0 ? await inTurn(servers, rounds, deliver) : undefined;
for (const { close } of [...servers, ...milters]) await close();
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, sessions, mails })}\n` : report());

async function startMilters() {
  const node = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`];
  const starters = [
    ...builds(values.cli).map(([name, cli]) => ({
      name,
      refusal: 'y550 5.7.25 ',
      start: (at) => startOurs({ ...at, kind: 'milter', cli, node }),
    })),
    ...(wanted('floor') && libmilter.has() ? [{ name: 'floor', refusal: 'c', start: startFilter }] : []),
  ];
  const started = [];
  for (const { name, refusal, start } of starters) {
    const listen = { path: join(folder, `${name}.socket`) };
    const plan = writePlan(join(folder, `${name}.plan`), framings.milter, milterSessions({ refusal }));
    started.push({ name, listen, plan, ...(await start({ folder, name, listen })) });
  }
  return started;
}

function ask({ listen, plan }, { sleeps = true } = {}) {
  return runLoad({ program, plan, to: listen, atOnce, ms, sleeps });
}

async function askAlone(milter) {
  const place = pin('apart', milter.pid);
  const before = cpuSeconds(milter.pid);
  const { done, seconds, p50, p99 } = await ask(milter, { sleeps: place !== 'apart' });
  return { perSecond: done / seconds, p50, p99, cpu: ((cpuSeconds(milter.pid) - before) / done) * 1e6 };
}

/** A Postfix for each milter, and one without; each is known to ask its own. */
async function startServers() {
  for (const { pid } of milters) pin('none', pid);
  const behind = [...milters, ...(wanted('none') ? [{ name: 'none' }] : [])];
  const started = [];
  for (const [i, { name, listen: milter }] of behind.entries()) {
    const listen = { host: frontHost, port: 2601 + i };
    const server = await startPostfix({ folder, listen, milter, name: `postfix-${name}` });
    started.push({ name, listen, ...server });
    if (builds(values.cli).some(([build]) => build === name))
      await runClient({ job: 'refuse', to: listen, from: noPtr, count: 1, atOnce: 1 });
  }
  return started;
}

/** Until the queue is empty: what is left in it would be work in the round of another. */
async function deliver({ listen, pid, queued }) {
  const before = cpuSeconds(pid);
  const start = performance.now();
  await send(listen, { count: messages, octets, atOnce, keep: false });
  while (queued() > 0) {
    if (performance.now() - start > drainMs) throw new Error(`${queued()} messages are still in the queue`);
    await sleep(10);
  }
  const seconds = (performance.now() - start) / 1e3;
  return { perSecond: messages / seconds, cpuPerThousand: ((cpuSeconds(pid) - before) / messages) * 1_000 };
}

function report() {
  const parts = [];
  const table = (head, ran, goal, keys) => {
    const rows = Object.keys(ran).map((name) => [
      name,
      middle(ran[name], 'perSecond').toFixed(0),
      name === ours ? '' : withGoal(ratio(ran[ours], ran[name], 'perSecond'), goal[name]),
      ...keys.map(([key, digits]) => middle(ran[name], key).toFixed(digits)),
    ]);
    parts.push(aligned([head, ...rows]));
  };
  if (sessions !== undefined)
    table(
      [`sessions, ${atOnce} at once`, 'sessions/s', `${ours} is`, 'p50 us', 'p99 us', 'CPU us'],
      sessions,
      goals.sessions,
      [
        ['p50', 0],
        ['p99', 0],
        ['cpu', 0],
      ],
    );
  if (mails !== undefined)
    table(
      [`Postfix with, ${atOnce} at once`, 'messages/s', `${ours} is`, 'Postfix CPU s/1000'],
      mails,
      goals.messages,
      [['cpuPerThousand', 2]],
    );
  const about = `${clients.length} clients; medians of ${rounds} rounds of ${ms} ms or ${messages} messages of ${octets} octets; ratios are medians of those of each round`;
  return `${[machine(), about, ...missing, ...parts].join('\n\n')}\n`;
}
