// The policy door beside Postfix: answers a second and their time, evidence in the cache, over 1, 20 and 100 connections with
// one question in flight on each. Each question is about a session of its own, with a line in iprevd's log; once more, ten
// recipients in a session, as a mailing list has them. Beside it a floor
// on Node that reads the question and says DUNNO, and the policy services that mail servers run: postfwd1, with its request
// cache and without, and policyd-weight. Every answer is compared with what it has to be. Wants Linux, root, unbound and a C
// compiler; 69 without. It is no test: 0 when it ran to its end; 1 if it could not.
//
//     node bench/delegation.mjs [--rounds 5] [--ms 500] [--install] [--json]
//       --only floor       without the others that are not named (floor, postfwd1, postfwd1-cached, policyd-weight)
//       --cli NAME=PATH    another build, dist/cli.js of it; given again, both are measured in the same rounds
//       --at 20            without the levels that are not named
//       --profile FOLDER   what our time goes into, as .cpuprofile

import { join, resolve } from 'node:path';
import { compileLoad, runLoad } from './support/load.mjs';
import { machine } from './support/machine.mjs';
import { pin } from './support/pin.mjs';
import { policyPeers, startPolicyContenders } from './support/policy-contenders.mjs';
import { clients } from './support/policy-plan.mjs';
import { cpuSeconds, run } from './support/processes.mjs';
import { begin } from './support/smtp-bench.mjs';
import { frontHost } from './support/smtp-namespace.mjs';
import { aligned, inTurn, middle, ratio, withBound, withGoal } from './support/smtp-rounds.mjs';

/** One in flight with both programs on one CPU, see README.md. */
const levels = [
  { atOnce: 1, place: 'together' },
  { atOnce: 20, place: 'apart' },
  { atOnce: 100, place: 'apart' },
  { atOnce: 20, place: 'apart', recipients: 10 },
];
/** Least ratios of ours to the others, and the most that our 99th of 100 may be of theirs. */
const goals = { floor: 0.6, postfwd1: 10, 'postfwd1-cached': 5, 'policyd-weight': 10 };
const bounds = { floor: 2 };
const warmMs = 8_000;

const { values, folder, closeDns } = await begin({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '500' },
    at: { type: 'string', multiple: true, default: ['1', '20', '100'] },
    profile: { type: 'string' },
  },
  counts: { ms: 60_000 },
  clients: [frontHost, ...clients.filter(({ isNamed }) => isNamed).map(({ ip }) => ip)],
  programs: { needs: ['unbound', 'gcc'], peers: policyPeers },
  elsewhere: 'static',
});
const { rounds, ms } = values;
const program = await compileLoad(folder);
const node = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`];
const { contenders, missing, close } = await startPolicyContenders({ folder, ...values, node });
const [ours] = contenders.map(({ name }) => name);
for (const contender of contenders) await warm(contender);
const results = [];
for (const level of levels.filter(({ atOnce }) => values.at.includes(`${atOnce}`)))
  results.push({ ...level, ran: await inTurn(contenders, rounds, (one) => load(one, level)) });
for (const contender of contenders) if (contender.isOurs) await checkLog(contender);
await close();
await closeDns();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, ms, results })}\n` : report());

/**
 * Until all have been asked about, so that who has a cache has them in it, and for some seconds: a program that runs for weeks
 * is measured as it is once it has been compiled.
 */
async function warm(contender) {
  const until = performance.now() + warmMs;
  while (contender.sessions < clients.length || performance.now() < until)
    await ask(contender, { atOnce: 20, place: 'none' });
}

/** Each run goes on where the one before ended, so that no session comes twice. */
async function ask(contender, { atOnce, place, recipients = 1 }) {
  const { plan, listen, sessions: first } = contender;
  const result = await runLoad({
    program,
    plan: plan(recipients),
    to: listen,
    atOnce,
    ms,
    first,
    sleeps: place !== 'apart',
  });
  contender.sessions += result.sessions;
  return result;
}

async function load(contender, level) {
  const { pid, hasMany } = contender;
  // Whoever has many processes has them where it likes.
  pin(level.place, hasMany ? process.pid : pid);
  const before = cpuSeconds(pid);
  const { done, seconds, p50, p99 } = await ask(contender, level);
  return { perSecond: done / seconds, p50, p99, cpu: ((cpuSeconds(pid) - before) / done) * 1e6 };
}

/** As it is run, so every session has left its line. */
async function checkLog({ name, sessions }) {
  const lines = Number(await run('/bin/grep', ['-c', '"msg":"decision"', join(folder, `${name}.log`)]));
  if (lines !== sessions)
    throw new Error(`${name} was asked about ${sessions} sessions, and logged ${lines} decisions`);
}

function report() {
  const tables = results.map(({ atOnce, recipients, ran }) => {
    const rows = Object.keys(ran).map((name) => {
      const cells = ['perSecond', 'p50', 'p99', 'cpu'].map((key) => middle(ran[name], key).toFixed(0));
      if (name === ours) return [name, cells[0], '', cells[1], cells[2], '', cells[3]];
      const speed = withGoal(ratio(ran[ours], ran[name], 'perSecond'), goals[name]);
      return [
        name,
        cells[0],
        speed,
        cells[1],
        cells[2],
        withBound(ratio(ran[ours], ran[name], 'p99'), bounds[name]),
        cells[3],
      ];
    });
    const title = `${atOnce} in flight${recipients === undefined ? '' : `, ${recipients} a session`}`;
    const head = [title, 'answers/s', `${ours} is`, 'p50 us', 'p99 us', `${ours} is`, 'CPU us'];
    return aligned([head, ...rows]);
  });
  const about = `${clients.length} clients; a session for each answer, but for the last table; medians of ${rounds} rounds of ${ms} ms; ratios are medians of those of each round`;
  return `${[machine(), about, ...missing, ...tables].join('\n\n')}\n`;
}
