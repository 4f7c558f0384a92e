// How many checks a second our DNS client makes, a check being PTR and then A for a client that nobody asked about before;
// beside it, in turn with it and against the same unbound, Node's own resolver and a floor (floors/dns-client.mjs). Prints
// the machine, then a table of medians with the targets; --json for programs. Wants the build in dist. It is no test: 0 when
// it ran to its end, whatever it measured; 69 without unbound; 1 if it could not run to its end.
//
// With one question in flight only one of both programs ever has something to do, so both are on one CPU there, and what
// is measured is work and not how fast a sleeping CPU wakes; with more, each has a CPU of its own. --pin says otherwise.
//
//     node bench/dns.mjs [--rounds 5] [--checks 4000] [--pin apart|together|none] [--json]

import { parseArgs } from 'node:util';
import { makeContenders } from './support/dns-contenders.mjs';
import { machine } from './support/machine.mjs';
import { pin, places } from './support/pin.mjs';
import { runRound } from './support/round.mjs';
import { median } from './support/statistics.mjs';
import { table } from './support/table.mjs';
import { startUnbound } from './support/unbound.mjs';

/** Least ratios of ours to the others. One at a time takes longest, so half the checks must do. */
const levels = [
  { inFlight: 1, share: 0.5, place: 'together', toNode: 1.6 },
  { inFlight: 50, share: 1, place: 'apart', toNode: 1.25, toFloor: 0.8 },
  { inFlight: 500, share: 1, place: 'apart', toNode: 3.5, toFloor: 0.8 },
];
const cpuAt = 50;
const clientsMin = 5_000;
const checksMax = 65_536;
const wholeMs = 5 * 60_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    checks: { type: 'string', default: '4000' },
    pin: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = count('rounds', 1_000);
const checks = count('checks', checksMax);
if (values.pin !== undefined && !places.includes(values.pin)) fail(1, `--pin is one of ${places.join(', ')}.`);

setTimeout(
  () =>
    fail(
      1,
      `The benchmark was given up after ${wholeMs / 60_000} minutes; fewer --rounds or --checks make it shorter.`,
    ),
  wholeMs,
).unref();

if (!values.json) print(machine());

const unbound = await startUnbound(Math.max(clientsMin, checks));
if (unbound === undefined) fail(69, 'This benchmark needs unbound, and it is neither in PATH nor in /usr/sbin.');
const contenders = makeContenders(unbound.port);
const names = Object.keys(contenders);
const results = [];
for (const level of levels) results.push(await measure(level));
for (const { close } of Object.values(contenders)) close();
await unbound.close();

print(
  values.json
    ? JSON.stringify({ machine: machine(), rounds, levels: results }, undefined, 2)
    : table({ rounds, cpuAt, levels: results }),
);

async function measure({ inFlight, share, place: wanted, toNode, toFloor = 0 }) {
  const place = pin(values.pin ?? wanted, unbound.pid);
  const clients = unbound.clients.slice(0, Math.ceil(checks * share));
  const ran = Object.fromEntries(names.map((name) => [name, []]));
  // Round 0 warms up and is not counted. Each round begins with another contender.
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length];
      const result = await runRound(contenders[name].open(), clients, inFlight);
      if (round > 0) ran[name].push(result);
    }
  }
  const { ours, node, floor } = Object.fromEntries(names.map((name) => [name, summary(ran[name], clients.length)]));
  const ratios = { node: ours.perSecond / node.perSecond, floor: ours.perSecond / floor.perSecond };
  const ok = ratios.node >= toNode && ratios.floor >= toFloor && ours.lost + ours.wrong === 0;
  return {
    inFlight,
    place,
    checks: clients.length,
    ours,
    node,
    floor,
    ratios,
    target: { node: toNode, floor: toFloor },
    ok,
  };
}

function summary(ran, each) {
  const perSecond = ran.map(({ ok, seconds }) => ok / seconds);
  return {
    perSecond: median(perSecond),
    slowest: Math.min(...perSecond),
    fastest: Math.max(...perSecond),
    cpuMicroseconds: median(ran.map(({ cpuS }) => (cpuS * 1e6) / each)),
    lost: ran.reduce((sum, { lost }) => sum + lost, 0),
    wrong: ran.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

function count(option, max) {
  const number = Number(values[option]);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  return fail(1, `--${option} is a number from 1 to ${max}.`);
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

function fail(code, sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}
