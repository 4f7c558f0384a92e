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
import { fiftyRules, recordedClient } from './support/fifty-rules.mjs';
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

function evidenceOf(i) {
  const { ip, ptr, forward } = recordedClient(i);
  const client = {
    ip,
    helo: `mx${i}.sender.example`,
    sender: 'a@sender.example',
    recipient: 'b@test.example',
    stage: 'rcpt',
    authenticated: false,
  };
  return { v: 1, id: 'ref', at: '2026-11-21T00:00:00.000Z', door: 'smtp', client, ptr, forward };
}
