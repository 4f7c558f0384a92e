// How fast a policy of fifty rules judges recorded evidence (assess, decide, soften), on one core; and how long a hundred
// patterns take on a hostile name of 254 octets. Medians of several rounds. Wants the build in dist. It is no test: 0 when it
// ran to its end.
//
//     node bench/policy.mjs [--json]

import { parseArgs } from 'node:util';
import { decide } from '../dist/core/decide.js';
import { nameFits } from '../dist/core/name-test.js';
import { readPattern } from '../dist/core/pattern.js';
import { readPolicy } from '../dist/core/schema.js';
import { machine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';

const rounds = 7;
const goal = { perSecond: 200_000, hundredPatternsMs: 1 };
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

const policy = readPolicy(fiftyRules(), 'fifty.yaml').value;
const recorded = Array.from({ length: 2_000 }, (_, i) => evidenceOf(i));
const perSecond = median(
  Array.from({ length: rounds }, () => {
    const begun = performance.now();
    for (let turn = 0; turn < 50; turn++) for (const evidence of recorded) decide(policy, evidence);
    return (50 * recorded.length) / ((performance.now() - begun) / 1_000);
  }),
);

const hostile = `${'a'.repeat(60)}.${'a1'.repeat(30)}.${'x-'.repeat(30)}x.${'0'.repeat(60)}.example`;
const ordinary = Array.from({ length: 100 }, (_, i) => {
  const sources = [
    `^dsl-?\\d+\\.pool${i}\\.`,
    `(dyn|dhcp|ppp)${i}[-.]`,
    `\\.customer${i}\\.example$`,
    `^host\\d{1,3}-${i}-`,
  ];
  return { kind: 'matches', pattern: readPattern(sources[i % sources.length]) };
});
const nested = { kind: 'matches', pattern: readPattern('^(a+)+$') };
const hundredPatternsMs = time(() => nameFits(hostile, ordinary));
const nestedMs = time(() => nameFits(`${'a'.repeat(253)}!`, [nested]));

const ok = perSecond >= goal.perSecond && hundredPatternsMs < goal.hundredPatternsMs;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine: machine(), perSecond, hundredPatternsMs, nestedMs, goal, ok }, undefined, 2)}\n`
    : `${machine()}
verdicts a second on one core, ${policy.rules.length} rules, recorded evidence: ${Math.round(perSecond)} (goal: at least ${goal.perSecond})
a hundred patterns on a name of ${hostile.length} octets: ${hundredPatternsMs.toFixed(3)} ms (goal: less than ${goal.hundredPatternsMs})
the pattern ^(a+)+$ on 254 octets: ${nestedMs.toFixed(3)} ms
`,
);

function time(work) {
  for (let i = 0; i < 50; i++) work();
  return median(
    Array.from({ length: 200 }, () => {
      const begun = performance.now();
      work();
      return performance.now() - begun;
    }),
  );
}

/** Exceptions first, then remarks, then refusals, as a grown policy has them. */
function fiftyRules() {
  const rules = [];
  for (let i = 0; i < 20; i++) rules.push(`{ id: friend-${i}, when: { client_ip: 203.0.${i}.0/24 }, accept: true }`);
  for (let i = 0; i < 10; i++)
    rules.push(`{ id: partner-${i}, when: { verified_name: { under: partner${i}.example } }, accept: true }`);
  for (let i = 0; i < 8; i++) rules.push(`{ id: helo-${i}, when: { helo: { glob: "*.bad${i}.example" } }, score: 1 }`);
  for (let i = 0; i < 6; i++)
    rules.push(
      `{ id: list-${i}, when: { recipient: "list${i}@test.example" }, except: { when: { iprev: pass }, why: x }, tag: list }`,
    );
  rules.push('{ id: generic, when: { naming: generic }, tag: generic-name }');
  rules.push('{ id: weak, when: { helo_is: [not-fqdn, bare-ip] }, score: 2 }');
  rules.push('{ id: stale, when: { reason: stale }, mode: monitor, reject: "stale" }');
  rules.push('{ id: unconfirmed, when: { iprev: fail }, percent: 10, reject: "not confirmed" }');
  rules.push('{ id: trouble, when: { iprev: temperror }, defer: "later" }');
  rules.push('{ id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }');
  return `rules:\n${rules.map((rule) => `  - ${rule}`).join('\n')}\notherwise: accept\n`;
}

/** Of ten clients seven are confirmed, one each has no PTR, a mismatch, and a failed lookup. */
function evidenceOf(i) {
  const ip = `10.${i >> 8}.${i & 255}.7`;
  const name = i % 5 === 0 ? `10-${i >> 8}-${i & 255}-7.pool.example` : `mx${i}.sender${i % 97}.example`;
  const client = {
    ip,
    helo: `mx${i}.sender.example`,
    sender: 'a@sender.example',
    recipient: 'b@test.example',
    stage: 'rcpt',
    authenticated: false,
  };
  const ptr = { kind: 'records', records: [name], ttl: 300 };
  const forward = (records) => [{ name, addresses: { kind: 'records', records, ttl: 300 } }];
  const heard =
    i % 10 === 7
      ? { ptr: { kind: 'nxdomain', ttl: 300 }, forward: [] }
      : i % 10 === 8
        ? { ptr, forward: forward(['192.0.2.1']) }
        : i % 10 === 9
          ? { ptr: { kind: 'error', code: 'servfail' }, forward: [] }
          : { ptr, forward: forward([ip]) };
  return { v: 1, id: 'ref', at: '2026-11-21T00:00:00.000Z', door: 'smtp', client, ...heard };
}
