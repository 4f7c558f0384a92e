// What must hold for every policy and every client. The seed is fixed, so that a failure is the same failure tomorrow;
// IPREVD_PROPERTY_RUNS asks for more runs than CI makes.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DnsAnswer } from '../../src/core/answer.ts';
import { stages } from '../../src/core/client.ts';
import type { Condition } from '../../src/core/condition.ts';
import { decide } from '../../src/core/decide.ts';
import type { Evidence, Forward } from '../../src/core/evidence.ts';
import type { Ip } from '../../src/core/ip.ts';
import { claimedName, type HostName } from '../../src/core/name.ts';
import { exampleNames } from '../../src/core/naming/examples.ts';
import type { Rule } from '../../src/core/policy.ts';
import { printReply } from '../../src/core/reply.ts';
import { refuses, settled, type Verdict } from '../../src/core/verdict.ts';
import {
  definiteAddresses,
  definitePtr,
  evidences,
  failures,
  forwardFor,
  heloAnswers,
  identityPolicies,
  namingConditions,
  policies,
  withoutIdleQuestions,
} from '../support/arbitraries.ts';

const numRuns = Number(process.env.IPREVD_PROPERTY_RUNS ?? 3_000);
const check = (property: fc.IProperty<unknown>): void => void fc.assert(property as never, { numRuns, seed: 8601 });

const isPermanent = (verdict: Verdict): boolean => refuses(verdict) && verdict.reply.code >= 500;

/** The same client, had every failed lookup been answered: any answer at all. */
function answered(evidence: Evidence): fc.Arbitrary<Evidence> {
  const { helo } = evidence;
  return addressAnswered(evidence).chain((ofAddress) =>
    helo === undefined ? fc.constant(ofAddress) : heloAnswered(helo).map((answer) => ({ ...ofAddress, helo: answer })),
  );
}

const known = (answer: DnsAnswer<Ip>) => (answer.kind === 'error' ? definiteAddresses : fc.constant(answer));

function heloAnswered({ name, addresses, other }: Forward): fc.Arbitrary<Forward> {
  if (addresses.kind === 'error') return heloAnswers(name, definiteAddresses);
  return other === undefined
    ? fc.constant({ name, addresses })
    : known(other).map((answer) => ({ name, addresses, other: answer }));
}

function addressAnswered(evidence: Evidence): fc.Arbitrary<Evidence> {
  if (evidence.ptr.kind === 'error') {
    return definitePtr.chain((ptr) =>
      forwardFor(ptr, definiteAddresses).map((forward) => ({ ...evidence, ptr, forward })),
    );
  }
  const entries = evidence.forward.map(({ name, addresses, other }) =>
    fc
      .record({ own: known(addresses), others: other === undefined ? definiteAddresses : known(other) })
      .map(({ own, others }) => ({ name, addresses: own, other: others })),
  );
  return fc.tuple(...entries).map((forward) => ({ ...evidence, forward: withoutIdleQuestions(forward) }));
}

test.each([
  ['all there is', policies],
  ['the names of the client', identityPolicies],
])(
  'a failed lookup never makes a 5xx: if it stands, it would have stood whatever the DNS had said; about %s',
  (_, written) => {
    check(
      fc.property(
        written,
        evidences.chain((evidence) => fc.tuple(fc.constant(evidence), answered(evidence))),
        (policy, [evidence, instead]) => {
          if (isPermanent(decide(policy, evidence).verdict))
            expect(isPermanent(decide(policy, instead).verdict)).toBe(true);
        },
      ),
    );
  },
);

test('and so for every look that the unknown name might have had', () => {
  const failed = evidences.filter(({ ptr }) => ptr.kind === 'error');
  check(
    fc.property(policies, namingConditions, fc.boolean(), failed, (policy, naming, negated, evidence) => {
      const when: Condition = negated ? { kind: 'not', of: naming } : naming;
      const [id, refusal] = ['look', { code: 550, enhanced: '5.7.25', text: '' }];
      const rule: Rule = { id, when, except: [], mode: 'enforce', percent: 100, actions: { decision: refusal } };
      const judged = { ...policy, rules: [rule, ...policy.rules] };
      if (!isPermanent(decide(judged, evidence).verdict)) return;
      for (const { host } of exampleNames) {
        const ptr: Evidence['ptr'] = { kind: 'records', records: [claimedName(`${host}.n.example`)], ttl: 1 };
        const forward = [{ name: `${host}.n.example` as HostName, addresses: { kind: 'nodata' as const, ttl: 1 } }];
        expect([host, isPermanent(decide(judged, { ...evidence, ptr, forward }).verdict)]).toEqual([host, true]);
      }
    }),
  );
});

test('softening does not go too far: without a failed lookup nothing is softened', () => {
  check(
    fc.property(policies, evidences.chain(answered), (policy, evidence) => {
      const { verdict } = decide(policy, evidence);
      expect('softened' in verdict).toBe(false);
    }),
  );
});

test('an early verdict is the late verdict', () => {
  check(
    fc.property(
      fc.oneof(policies, identityPolicies),
      evidences,
      fc.constantFrom(...stages),
      (policy, evidence, stage) => {
        const early = decide(policy, { ...evidence, client: { ...evidence.client, stage } }).verdict;
        if (settled(early)) expect(early).toEqual(decide(policy, evidence).verdict);
        else
          expect(stages.indexOf(early.action === 'pending' ? early.stage : stage)).toBeGreaterThan(
            stages.indexOf(stage),
          );
      },
    ),
  );
});

test('at RCPT everything is settled', () => {
  check(
    fc.property(policies, evidences, (policy, evidence) =>
      expect(settled(decide(policy, evidence).verdict)).toBe(true),
    ),
  );
});

test('every reply is one line of printable ASCII with codes that agree, and ends in the ref', () => {
  const hostile = fc.string({ unit: 'binary', maxLength: 300 });
  check(
    fc.property(policies, evidences, hostile, (policy, evidence, helo) => {
      const { verdict } = decide(policy, { ...evidence, client: { ...evidence.client, helo } });
      if (!refuses(verdict)) return;
      const line = printReply(verdict.reply);
      expect(line).toMatch(/^([45])\d\d \1\.\d+\.\d+ [\x20-\x7e]* \(ref testref\)$/);
      expect(line.length).toBeLessThanOrEqual(450);
      expect(verdict.action).toBe(line.startsWith('4') ? 'defer' : 'reject');
    }),
  );
});

test('a decision survives JSON', () => {
  check(
    fc.property(policies, evidences, (policy, evidence) => {
      const again = decide(policy, JSON.parse(JSON.stringify(evidence)));
      expect(again).toEqual(decide(policy, evidence));
    }),
  );
});

test('what becomes of a masked client does not depend on the DNS', () => {
  const another = evidences.chain((evidence) => {
    const { helo } = evidence;
    const answer = fc.oneof(definiteAddresses, failures);
    const asked = helo === undefined ? fc.constant(undefined) : heloAnswers(helo.name, answer);
    const others = fc.record({ address: evidences.map(({ ptr, forward }) => ({ ptr, forward })), helo: asked });
    return others.map(({ address, helo: answers }): [Evidence, Partial<Evidence>] => [
      evidence,
      { ...address, ...(answers === undefined ? {} : { helo: answers }) },
    ]);
  });
  check(
    fc.property(policies, another, (policy, [evidence, others]) => {
      const outcome = (given: Evidence) => {
        const { action, rule, tags } = decide(policy, { ...given, masked: 'one-address' }).verdict;
        return { action, rule, tags };
      };
      expect(outcome({ ...evidence, ...others })).toEqual(outcome(evidence));
    }),
  );
});
