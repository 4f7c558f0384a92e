// A cold verdict with a resolver 20 ms away: from the moment a client is accepted, with its HELO told at once, to the verdict
// on it. Beside it, in the same run, what two questions cost one after the other at least: the floor client, PTR then A. The
// goal is the floor's two round trips and 2 ms. The resolver is a child process that answers after its delay. Wants the build
// in dist. It is no test: 0 when it ran to its end.
//
//     node bench/cold.mjs [--clients 300] [--json]

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { addressCache } from '../dist/address-cache.js';
import { readPolicy } from '../dist/core/schema.js';
import { breaker } from '../dist/dns/breaker.js';
import { cached } from '../dist/dns/cache.js';
import { stubResolver } from '../dist/dns/stub.js';
import { makeGate } from '../dist/gate.js';
import { gatherer, heloGatherer } from '../dist/gather.js';
import { makeFloorClient } from './floors/dns-client.mjs';
import { machine } from './support/machine.mjs';
import { startSlowDns } from './support/slow-dns.mjs';
import { median } from './support/statistics.mjs';

const delayMs = 20;
const overMs = 2;

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '300' }, json: { type: 'boolean', default: false } },
});
const clients = Number(values.clients);
const policy = readPolicy(
  readFileSync(new URL('../policies/standard.yaml', import.meta.url), 'utf8'),
  'standard.yaml',
).value;

const dns = await startSlowDns(delayMs);
const servers = [{ ip: '127.0.0.1', port: dns.port }];
const stub = stubResolver(() => servers, 5_000);
const floor = makeFloorClient(dns.port);
const resolver = cached(breaker(stub));
const gate = makeGate({
  gather: addressCache(gatherer(resolver, 5_000)).gather,
  gatherHelo: heloGatherer(resolver, 5_000),
  policy: () => policy,
  report: () => {},
  newRef: () => 'ref',
  now: Date.now,
});

const verdicts = [];
const floors = [];
// Round 0 of ten warms up and is not counted.
for (let i = -10; i < clients; i++) {
  const ip = `10.9.${(i + 10) >> 8}.${(i + 10) & 255}`;
  const begun = performance.now();
  const inquiry = gate.open('smtp', ip);
  const helo = `helo-${i}.sender.example`;
  inquiry.helo(helo);
  const { findings, evidence } = await inquiry.decide({ ip, helo, stage: 'rcpt', authenticated: false });
  const took = performance.now() - begun;
  if (findings.iprev.result !== 'pass' || evidence.helo?.addresses.kind !== 'records')
    throw new Error(`${ip} was not confirmed: ${findings.iprev.reason}`);
  const floorBegun = performance.now();
  const [name] = await floor.ptr(`${(i + 10) & 255}.${(i + 10) >> 8}.9.10.in-addr.arpa`);
  await floor.a(name);
  if (i < 0) continue;
  verdicts.push(took);
  floors.push(performance.now() - floorBegun);
}
stub.close();
floor.close();
dns.close();

const [ours, least] = [median(verdicts), median(floors)];
const result = { machine: machine(), delayMs, clients, verdictMs: ours, floorMs: least, ok: ours <= least + overMs };
process.stdout.write(
  values.json
    ? `${JSON.stringify(result, undefined, 2)}\n`
    : `${machine()}
Cold verdict, HELO's lookups included, the resolver ${delayMs} ms away, medians of ${clients} clients

verdict ${ours.toFixed(1)} ms, two round trips ${least.toFixed(1)} ms, ${(ours - least).toFixed(1)} ms over (goal: at most ${overMs}) ${result.ok ? 'ok' : 'missed'}
`,
);
