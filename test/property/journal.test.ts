// What the journal keeps can be judged again: the verdict that was recorded comes out under the same policy, for any policy and
// any client, and whatever lies in a journal, reading it neither fails nor makes a record of what is none.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stages } from '../../src/core/client.ts';
import type { Condition } from '../../src/core/condition.ts';
import { decide } from '../../src/core/decide.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { outageActions, outageWords, type Policy } from '../../src/core/policy.ts';
import { envelopes, judgeAgain, recordedVerdict, recordOf, type SessionRecord } from '../../src/core/record.ts';
import { readRecord } from '../../src/core/record-form.ts';
import { recordLine } from '../../src/core/record-line.ts';
import { evidences, policies } from '../support/arbitraries.ts';

const numRuns = Number(process.env.IPREVD_PROPERTY_RUNS ?? 2_000);
const check = (property: fc.IProperty<unknown>): void => void fc.assert(property as never, { numRuns, seed: 8601 });

const foreign = fc.string({ unit: 'binary', maxLength: 40 });
const certificate = fc.option(fc.record({ verified: fc.boolean(), names: fc.array(foreign, { maxLength: 2 }) }), {
  nil: undefined,
});
const extendedErrors = fc.array(fc.record({ code: fc.nat(30), text: fc.constantFrom('', 'no "SOA"') }), {
  maxLength: 2,
});
/** Every fact that a door may know, in every combination. */
const sessions: fc.Arbitrary<Evidence> = fc
  .record({
    evidence: evidences,
    door: fc.constantFrom('smtp' as const, 'policy' as const, 'milter' as const),
    about: fc.record(
      {
        ourName: foreign,
        stale: fc.constant(true as const),
        masked: fc.constantFrom('private-space' as const, 'one-address' as const),
      },
      { requiredKeys: [] },
    ),
    stage: fc.constantFrom(...stages),
    authenticated: fc.boolean(),
    client: fc.record(
      {
        port: fc.integer({ min: 1, max: 65_535 }),
        serverIp: fc.constant('192.0.2.1' as never),
        serverPort: fc.constantFrom(25, 587),
        helo: fc.oneof(foreign, fc.constant('mx.example')),
        tls: fc.record({ protocol: foreign, certificate }).map(({ protocol, certificate: shown }) => ({
          protocol,
          ...(shown === undefined ? {} : { certificate: shown }),
        })),
        hearsay: fc.record({ clientName: foreign, reverseClientName: foreign }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    ),
    ede: extendedErrors,
    hasHelo: fc.boolean(),
  })
  .map(({ evidence, door, about, stage, authenticated, client, ede, hasHelo }) => ({
    ...evidence,
    ...about,
    door,
    client: { ...evidence.client, ...client, stage, authenticated },
    ptr: ede.length === 0 ? evidence.ptr : { ...evidence.ptr, ede },
    ...(hasHelo && evidence.forward[0] !== undefined ? { helo: evidence.forward[0] } : {}),
  }));
const outages = fc.option(fc.constantFrom(...outageWords), { nil: undefined });
const codes = fc.array(fc.integer({ min: 200, max: 599 }), { maxLength: 3 });
const outcomes = fc.option(fc.record({ rcpt: codes, dot: codes }), { nil: undefined });

function underConfiguration(policy: Policy, outage: (typeof outageWords)[number] | undefined): Policy {
  const { outage: _, ...rest } = policy;
  return outage === undefined ? rest : { ...rest, outage: outageActions[outage] };
}

function asksEnvelope(condition: Condition): boolean {
  if (condition.kind === 'not') return asksEnvelope(condition.of);
  if (condition.kind === 'all' || condition.kind === 'any') return condition.of.some(asksEnvelope);
  if (condition.kind === 'alignment') return condition.pair.includes('sender');
  return condition.kind === 'sender' || condition.kind === 'recipient';
}

function readAgain(line: string): SessionRecord {
  const record = readRecord(line);
  if (typeof record === 'string') throw new Error(`${record}: ${line}`);
  return record;
}

test('a recorded session, read and judged again under the same policy, comes to the recorded verdict', () => {
  check(
    fc.property(policies, sessions, outages, (written, evidence, outage) => {
      const policy = underConfiguration(written, outage);
      const decision = decide(policy, evidence);
      const record = readAgain(recordLine(decision, { envelope: 'full', ...(outage && { outage }) }));
      expect(recordedVerdict(judgeAgain(underConfiguration(written, undefined), record))).toEqual(record.verdict);
      expect(record.verdict).toEqual(recordedVerdict(decision));
    }),
  );
});

test('so does one without sender and recipient, if no rule asks about them', () => {
  check(
    fc.property(
      policies,
      sessions,
      fc.constantFrom('none' as const, 'domains' as const),
      (written, evidence, envelope) => {
        const policy = underConfiguration(written, undefined);
        fc.pre(!policy.rules.some(({ when, except }) => [when, ...except.map((one) => one.when)].some(asksEnvelope)));
        const record = readAgain(recordLine(decide(policy, evidence), { envelope }));
        expect(recordedVerdict(judgeAgain(policy, record))).toEqual(record.verdict);
        expect(JSON.stringify(record)).not.toContain('a@b.example');
        expect(JSON.stringify(record).includes('@test.example')).toBe(
          (envelope === 'domains' && evidence.client.recipient === 'postmaster@test.example') ||
            (envelope === 'domains' && evidence.client.sender === 'postmaster@test.example'),
        );
      },
    ),
  );
});

test('the line is the JSON of the record, in printable ASCII', () => {
  check(
    fc.property(
      policies,
      sessions,
      fc.constantFrom(...envelopes),
      outages,
      outcomes,
      (policy, evidence, envelope, outage, outcome) => {
        const decision = decide(policy, evidence);
        const about = { envelope, ...(outage && { outage }) };
        const line = recordLine(decision, about, outcome);
        expect(line).toMatch(/^[ -~]*$/);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(recordOf(decision, about, outcome))));
      },
    ),
  );
});

test('whatever is done to a record, it is a record that can be judged, or a sentence', () => {
  const junk = fc.oneof(fc.jsonValue(), foreign, fc.constantFrom(null, -1, [], {}));
  check(
    fc.property(policies, sessions, fc.nat(), junk, (policy, evidence, at, value) => {
      const record = JSON.parse(recordLine(decide(policy, evidence), { envelope: 'full' }));
      const places = placesIn(record);
      const [map, key] = places[at % places.length] as [Record<string, unknown>, string];
      map[key] = value;
      const read = readRecord(JSON.stringify(record));
      if (typeof read === 'string') expect(read).toMatch(/^[ -~]+$/);
      else judgeAgain(policy, read);
    }),
  );
});

/** Every value below, by what holds it and its key there. */
function placesIn(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const map = value as Record<string, unknown>;
  return Object.keys(map).flatMap((key): [Record<string, unknown>, string][] => [[map, key], ...placesIn(map[key])]);
}
