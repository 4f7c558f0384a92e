// A replay under the same policy finds no difference, and what it says of a record that does not hold everything is what it would
// say if the record did.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backtest } from '../../src/core/backtest/backtest.ts';
import { judge } from '../../src/core/backtest/judge.ts';
import { stages } from '../../src/core/client.ts';
import { decide } from '../../src/core/decide.ts';
import { outageActions, outageWords } from '../../src/core/policy.ts';
import { envelopes, recordOf } from '../../src/core/record.ts';
import { evidences, policies } from '../support/arbitraries.ts';

const runs = { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? 1_500) };
const plain = policies.map(({ outage, ...policy }) => policy);
const settings = fc.record({
  envelope: fc.constantFrom(...envelopes),
  outage: fc.option(fc.constantFrom(...outageWords), { nil: undefined }),
  stage: fc.constantFrom(...stages),
  masked: fc.constantFrom({}, {}, { masked: 'one-address' as const }),
});

test('the same policy changes nothing, whatever was recorded of the session', () => {
  fc.assert(
    fc.property(plain, fc.array(fc.tuple(evidences, settings), { maxLength: 8 }), (policy, sessions) => {
      const records = sessions.map(([evidence, { envelope, outage, stage, masked }]) => {
        const then = outage === undefined ? policy : { ...policy, outage: outageActions[outage] };
        const client = { ...evidence.client, stage };
        const decision = decide(then, { ...evidence, ...masked, client });
        return recordOf(decision, { envelope, ...(outage === undefined ? {} : { outage }) });
      });
      for (const parts of [{ candidate: policy }, { candidate: policy, current: { ...policy } }]) {
        const replay = backtest(parts);
        for (const record of records) replay.add(JSON.parse(JSON.stringify(record)));
        const { changed, newly_refused, newly_accepted, examples } = replay.result(0);
        expect({ changed, newly_refused, newly_accepted, examples }).toEqual({
          changed: 0,
          newly_refused: 0,
          newly_accepted: [],
          examples: [],
        });
      }
    }),
    runs,
  );
});

test('what is not recorded is never guessed', () => {
  fc.assert(
    fc.property(plain, plain, evidences, settings, (then, candidate, evidence, { envelope, masked }) => {
      const whole = recordOf(decide(then, { ...evidence, ...masked }), { envelope: 'full' });
      const record = recordOf(decide(then, { ...evidence, ...masked }), { envelope });
      const known = judge(candidate, whole).outcome;
      expect(known).toBe(decide(candidate, whole.evidence).verdict.action);
      expect([known, 'not_recorded']).toContain(judge(candidate, record).outcome);
      const fromLog = { ...record, dnsNotRecorded: true as const };
      expect([known, 'not_recorded']).toContain(judge(candidate, fromLog).outcome);
    }),
    runs,
  );
});
