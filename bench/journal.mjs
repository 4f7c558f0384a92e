// What the journal costs: records written in a second by one process that does nothing else, and the policy door with a journal
// against the same without one, 20 questions in flight, each about a session of its own, in turn in the same rounds. Answers a second tell what an
// operator sees, CPU for an answer what is left of it on a machine that does other things too. What each has written is counted
// at the end: a line for each session, or it is no result. Wants Linux, root, unbound and a C compiler; 69 without. It is no test:
// 0 when it ran to its end; 1 if it could not.
//
//     node bench/journal.mjs [--rounds 9] [--ms 1000] [--json] [--cli PATH] [--profile FOLDER]

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileLoad, framings, runLoad, writePlan } from './support/load.mjs';
import { machine } from './support/machine.mjs';
import { pin } from './support/pin.mjs';
import { clients, policySessions } from './support/policy-plan.mjs';
import { begin } from './support/smtp-bench.mjs';
import { frontHost } from './support/smtp-namespace.mjs';
import { startOurs } from './support/smtp-ours.mjs';
import { aligned, inTurn, middle, ratio } from './support/smtp-rounds.mjs';
import { median } from './support/statistics.mjs';

const goalShare = 0.03;
const warmMs = 8_000;
const recordsAtOnce = 200_000;
/** Beyond that records would be lost, as they should be, and none be measured. */
const waitingMax = 8 * 1024 * 1024;
const turn = () => new Promise((done) => setImmediate(done));
const journal = 'journal: { dir: journal }\n';

const { values, folder, closeDns } = await begin({
  options: {
    rounds: { type: 'string', default: '9' },
    ms: { type: 'string', default: '1000' },
    profile: { type: 'string' },
  },
  counts: { ms: 60_000 },
  clients: [frontHost, ...clients.filter(({ isNamed }) => isNamed).map(({ ip }) => ip)],
  programs: { needs: ['unbound', 'gcc'], peers: [] },
  elsewhere: 'static',
});
const { rounds, ms } = values;
const cli = resolve(values.cli[0] ?? fileURLToPath(new URL('../dist/cli.js', import.meta.url)));
const node = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`];
const program = await compileLoad(folder);
const dunno = 'action=DUNNO\n\n';
const plan = writePlan(
  join(folder, 'plan'),
  framings.policy,
  policySessions({ confirmed: dunno, unnamed: 'action=550 5.7.25 ' }),
);

const written = await writeAlone();
const contenders = [];
for (const [i, [name, more]] of [
  ['without', ''],
  ['with', journal],
].entries()) {
  const listen = { host: frontHost, port: 2501 + i };
  const started = await startOurs({ folder, name, listen, kind: 'policy', cli, node, more });
  contenders.push({ name, listen, sessions: 0, ...started });
}
for (const contender of contenders) await warm(contender);
const ran = await inTurn(contenders, rounds, load);
for (const { close } of contenders) await close();
await closeDns();
countLines();
process.stdout.write(values.json ? `${JSON.stringify({ machine: machine(), rounds, ms, written, ran })}\n` : report());

async function warm(contender) {
  const until = performance.now() + warmMs;
  while (contender.sessions < clients.length || performance.now() < until) await ask(contender);
}

/** Each run goes on where the one before ended, so that no session comes twice. */
async function ask(contender) {
  const { listen, sessions: first } = contender;
  const result = await runLoad({ program, plan, to: listen, atOnce: 20, ms, first });
  contender.sessions += result.sessions;
  return result;
}

async function load(contender) {
  const { pid } = contender;
  pin('apart', pid);
  const before = cpuNanoseconds(pid);
  const { done, seconds, p99 } = await ask(contender);
  return { perSecond: done / seconds, p99, cpu: (cpuNanoseconds(pid) - before) / done / 1e3 };
}

/** Of all its threads; a tick of 10 ms, as /proc/PID/stat has it, would be too coarse for a few percent. */
function cpuNanoseconds(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, id) => sum + Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );
}

function countLines() {
  const place = join(folder, 'with', 'journal');
  const lines = readdirSync(place).reduce(
    (sum, name) => sum + readFileSync(join(place, name), 'latin1').split('\n').length - 1,
    0,
  );
  const { sessions } = contenders.find(({ name }) => name === 'with');
  if (lines !== sessions) throw new Error(`asked about ${sessions} sessions, and ${lines} are in the journal`);
}

/** Records a second, and microseconds of CPU for each, into a folder of this disk. */
async function writeAlone() {
  const load = (path) => import(pathToFileURL(join(cli, '..', path)));
  const [{ Journal }, { decide }, { readPolicy }] = [
    await load('journal/journal.js'),
    await load('core/decide.js'),
    await load('core/schema.js'),
  ];
  const policy = readPolicy(
    readFileSync(new URL('../policies/standard.yaml', import.meta.url), 'utf8'),
    'standard',
  ).value;
  const decisions = clients.map(({ ip }, i) => decide(policy, evidenceOf(ip, i)));
  const results = [];
  for (let round = 0; round <= 5; round++) {
    const place = join(folder, `alone-${round}`);
    const written = new Journal({ folder: place, keepMs: 86_400_000, octetsMax: 1e10, envelope: 'none', log: console });
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    for (let i = 0; i < recordsAtOnce; i++) {
      written.record(decisions[i % decisions.length]);
      // As a service does: one turn of the event loop has some dozens of them, and the disk its turn.
      if (i % 50 === 0) await turn();
      while (written.status().waiting > waitingMax) await turn();
    }
    await written.close();
    const { user, system } = process.cpuUsage(cpu);
    const { dropped } = written.status();
    if (round > 0)
      results.push({
        perSecond: ((recordsAtOnce - dropped) / (performance.now() - start)) * 1e3,
        cpu: (user + system) / recordsAtOnce,
        dropped,
      });
  }
  return results;
}

function evidenceOf(ip, i) {
  const name = `host-${i}.clients.example.org`;
  const addresses = { kind: 'records', records: [ip], ttl: 300 };
  return {
    v: 1,
    id: '1ng2ewjmsa2',
    at: '2026-11-26T04:00:00.000Z',
    door: 'policy',
    client: {
      ip,
      stage: 'rcpt',
      authenticated: false,
      hearsay: { clientName: name, reverseClientName: name },
      port: 20_000 + i,
      serverIp: '198.18.0.1',
      serverPort: 25,
      helo: name,
      sender: `from@${name}`,
      recipient: 'to-0@dest.example.org',
    },
    ptr: { kind: 'records', records: [name], ttl: 300 },
    forward: [{ name, addresses }],
    ourName: 'iprevd.example.org',
    helo: { name, addresses },
  };
}

function report() {
  const [without, withOne] = [ran.without, ran.with];
  const share = (key, sign) => sign * (ratio(withOne, without, key) - 1);
  const percent = (value) => `${(value * 100).toFixed(1)} %${value <= goalShare ? '' : ' (missed)'}`;
  const rows = Object.entries(ran).map(([name, runs]) => [
    `${name} a journal`,
    ...['perSecond', 'p99', 'cpu'].map((key) => middle(runs, key).toFixed(key === 'cpu' ? 1 : 0)),
  ]);
  return [
    machine(),
    `${median(written.map((one) => one.perSecond)).toFixed(0)} records a second alone, ${median(written.map((one) => one.cpu)).toFixed(1)} us of CPU for each, ${median(written.map((one) => one.dropped))} lost`,
    `medians of ${rounds} rounds of ${ms} ms; the cost is the median of what each round comes to`,
    aligned([['20 in flight', 'answers/s', 'p99 us', 'CPU us'], ...rows]),
    `cost: ${percent(share('perSecond', -1))} of the answers a second, ${percent(share('cpu', 1))} of the CPU; wanted: less than ${goalShare * 100} %`,
    '',
  ].join('\n\n');
}
