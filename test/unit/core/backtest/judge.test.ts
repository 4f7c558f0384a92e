import { expect, test } from '@jest/globals';
import { judge } from '../../../../src/core/backtest/judge.ts';
import { decide } from '../../../../src/core/decide.ts';
import { outageActions } from '../../../../src/core/policy.ts';
import { recordOf } from '../../../../src/core/record.ts';
import { policyOf } from '../../../support/doors.ts';
import { evidenceOf } from '../../../support/evidence.ts';

test('what stood in for an outage of HELO’s lookup alone is not taken for the word of the rules', () => {
  const policy = policyOf(`
rules: [{ id: known, when: { certificate: verified }, mode: "off", accept: true }, { id: wrong, when: { helo_dns: nowhere }, tag: wrong }]
otherwise: { reject: "no" }`);
  const evidence = evidenceOf({ ptr: 'servfail', client: { helo: 'mx.example', stage: 'helo' } });
  const unasked = { name: evidence.client.helo, addresses: { kind: 'error', code: 'outage' } };
  const then = decide({ ...policy, outage: outageActions.accept }, { ...evidence, helo: unasked } as typeof evidence);
  expect(then.verdict).toMatchObject({ action: 'accept', rule: 'outage' });
  expect(judge(policy, recordOf(then, { envelope: 'full', outage: 'accept' })).outcome).toBe('not_recorded');
});
