// A verdict on a client that is in the cache, and what an address in the cache costs: how many verdicts a second one core
// makes (look-up, assess, decide under `standard`) with a full cache of the product's own size, medians of several rounds; and
// octets of heap for each of a million addresses. Wants the build in dist. It is no test: 0 when it ran to its end.
//
//     node --expose-gc bench/warm.mjs [--json]

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { addressCache } from '../dist/address-cache.js';
import { decide } from '../dist/core/decide.js';
import { addressesKeptMax } from '../dist/core/limits.js';
import { readPolicy } from '../dist/core/schema.js';
import { machine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';

const rounds = 7;
const perRound = 200_000;
const addresses = 1_000_000;
const ttl = 3_600;
const goal = { perSecond: 300_000, octets: 500 };

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const policy = readPolicy(
  readFileSync(new URL('../policies/standard.yaml', import.meta.url), 'utf8'),
  'standard.yaml',
).value;

const octets = await octetsForEach();
const perSecond = await verdictsPerSecond();
const ok = perSecond >= goal.perSecond && octets <= goal.octets;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine: machine(), perSecond, octets, goal, ok }, undefined, 2)}\n`
    : `${machine()}
warm verdicts a second on one core, ${addressesKeptMax} addresses kept: ${Math.round(perSecond)} (goal: at least ${goal.perSecond})
octets of heap for each of ${addresses} addresses: ${Math.round(octets)} (goal: at most ${goal.octets})${globalThis.gc ? '' : '; run with --expose-gc for a true figure'}
`,
);

async function octetsForEach() {
  const before = heap();
  const cache = await filled(addresses);
  return (heap() - before) / cache.size;
}

async function verdictsPerSecond() {
  const cache = await filled(addressesKeptMax);
  const ran = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    for (let i = 0; i < perRound; i++) {
      const ip = ipOf((i * 7919) % addressesKeptMax);
      const evidence = { v: 1, id: 'ref', at: '', door: 'smtp', client: clientOf(ip), ...(await cache.gather(ip)) };
      if (decide(policy, evidence).verdict.action !== 'accept') throw new Error(`${ip} was not accepted`);
    }
    ran.push(perRound / ((performance.now() - started) / 1000));
  }
  return median(ran);
}

async function filled(size) {
  const cache = addressCache(confirmed, { addressesMax: size, octetsMax: Number.MAX_SAFE_INTEGER });
  for (let i = 0; i < size; i++) await cache.gather(ipOf(i));
  return cache;
}

/** A confirmed client, as the DNS would have it: nothing shared between clients. */
async function confirmed(ip) {
  const name = `mail-${ip.replaceAll('.', 'x')}.sender.example`;
  const forward = [{ name, addresses: { kind: 'records', records: [ip], ttl } }];
  return { ptr: { kind: 'records', records: [name], ttl }, forward };
}

function clientOf(ip) {
  return {
    ip,
    port: 40_000,
    helo: 'mx.sender.example',
    sender: 'a@sender.example',
    recipient: 'b@test.example',
    stage: 'rcpt',
    authenticated: false,
  };
}

function ipOf(i) {
  return `${10 + (i >> 24)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

function heap() {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
