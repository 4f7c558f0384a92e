// A verdict on a client that is in the cache, and what an address in the cache costs: how many verdicts a second one core
// makes (look-up, assess, decide under `standard`), medians of several rounds, and octets of heap for each of a million
// addresses. Wants the build in dist. It is no test: 0 when it ran to its end.
//
//     node --expose-gc bench/warm.mjs [addresses, 1000000 unless told]

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { addressCache } from '../dist/address-cache.js';
import { decide } from '../dist/core/decide.js';
import { readPolicy } from '../dist/core/schema.js';

const addresses = Number(process.argv[2] ?? 1_000_000);
const rounds = 7;
const perRound = 200_000;
const ttl = 3_600;

const policy = readPolicy(
  readFileSync(new URL('../policies/standard.yaml', import.meta.url), 'utf8'),
  'standard.yaml',
).value;
const ipOf = (i) => `${10 + (i >> 24)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;

/** A confirmed client, as the DNS would have it: nothing shared between clients. */
async function confirmed(ip) {
  const name = `mail-${ip.replaceAll('.', 'x')}.sender.example`;
  const forward = [{ name, addresses: { kind: 'records', records: [ip], ttl } }];
  return { ptr: { kind: 'records', records: [name], ttl }, forward };
}

const heap = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
};

const before = heap();
const cache = addressCache(confirmed, { addressesMax: addresses, octetsMax: Number.MAX_SAFE_INTEGER });
for (let i = 0; i < addresses; i++) await cache.gather(ipOf(i));
const octets = (heap() - before) / cache.size;

const perSecond = [];
for (let round = 0; round < rounds; round++) {
  const started = performance.now();
  for (let i = 0; i < perRound; i++) {
    const ip = ipOf((i * 7919) % addresses);
    const client = {
      ip,
      port: 40_000,
      helo: 'mx.sender.example',
      sender: 'a@sender.example',
      recipient: 'b@test.example',
      stage: 'rcpt',
      authenticated: false,
    };
    const evidence = {
      v: 1,
      id: 'ref',
      at: '2026-11-21T00:00:00.000Z',
      door: 'smtp',
      client,
      ...(await cache.gather(ip)),
    };
    if (decide(policy, evidence).verdict.action !== 'accept') throw new Error(`${ip} was not accepted`);
  }
  perSecond.push(perRound / ((performance.now() - started) / 1000));
}
const median = perSecond.toSorted((a, b) => a - b)[rounds >> 1];

process.stdout.write(`${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Node.js ${process.version}
warm verdicts a second, one core, ${cache.size} addresses kept: ${Math.round(median)} (goal 300000)
octets of heap for each address: ${Math.round(octets)} (goal at most 500)${globalThis.gc ? '' : '; run with --expose-gc for a true figure'}
`);
