// Lines judged once for all that are alike say what each would say on its own, whatever lies in a journal: the same result, and of
// each line the same sentence if it is no record.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backtest } from '../../src/core/backtest/backtest.ts';
import { type Labels, readLabels } from '../../src/core/backtest/labels.ts';
import { replayLines } from '../../src/core/backtest/replay-lines.ts';
import { decide } from '../../src/core/decide.ts';
import { outageActions } from '../../src/core/policy.ts';
import { envelopes } from '../../src/core/record.ts';
import { readRecord } from '../../src/core/record-form.ts';
import { recordLine } from '../../src/core/record-line.ts';
import { evidences, policies } from '../support/arbitraries.ts';
import { policyOf } from '../support/doors.ts';
import { octetLine } from '../support/records.ts';

const runs = { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? 1_500) };

const day = policyOf(`rules:
  - { id: ended, when: { iprev: permerror }, until: 2026-11-21T12:00Z, defer: "later" }
  - { id: nights, when: { iprev: [pass, fail], time: { from: "22:00", until: "23:00" } }, tag: night }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }
otherwise: accept
`);
const candidates = fc.oneof(
  policies.map(({ outage, ...policy }) => policy),
  fc.constant(day),
);
const written = fc
  .record({
    evidence: evidences,
    port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    envelope: fc.constantFrom(...envelopes),
    taken: fc.option(fc.constantFrom(250, 550), { nil: undefined }),
  })
  .map(({ evidence, port, envelope, taken }) => {
    const client = { ...evidence.client, ...(port === undefined ? {} : { port }) };
    const decision = decide({ ...day, outage: outageActions.accept }, { ...evidence, door: 'smtp', client });
    return recordLine(decision, { envelope }, taken === undefined ? undefined : { rcpt: [taken], dot: [taken] });
  });

const number = fc.oneof(
  fc.nat(99_999).map(String),
  fc.constantFrom('0', '07', '65535', '65536', '', '-1', '1.5', '2e4', '9e4', '9'.repeat(400), ' 25', '25 ', '"25"'),
);
const ref = fc.constantFrom('one', 'two', '3', 'Upper', '', 'x'.repeat(40), 'x'.repeat(41), '\\u0031', 'é');
const time = fc.constantFrom(
  '2026-11-21T11:59:59.999Z',
  '2026-11-21T12:00:00.000Z',
  '2026-11-21T22:30:00.000Z',
  '2026-11-21T22:30:00Z',
  '2026-11-21T22:30:00.1Z',
  '2026-11-31T22:30:00.000Z',
  '2026-11-32T22:30:00.000Z',
  '2026-00-21T22:30:00.000Z',
  '2026-11-21T24:30:00.000Z',
  '2026-11-21T23:60:00.000Z',
  '2026-11-21 22:30:00.000Z',
  '2026-11-21T22:30:00.000+',
);
type Change = (line: string) => string;
/** Every other word of a line, or one of them. */
const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    arbitrary: ref.map(
      (text): Change =>
        (line) =>
          line.replace(/"id":"[^"]*"/, () => `"id":"${text}"`),
    ),
    weight: 3,
  },
  {
    arbitrary: time.map(
      (text): Change =>
        (line) =>
          line.replace(/"at":"[^"]*"/, () => `"at":"${text}"`),
    ),
    weight: 3,
  },
  {
    arbitrary: number.map(
      (text): Change =>
        (line) =>
          line.replace(/"port":\d+/, () => `"port":${text}`),
    ),
    weight: 3,
  },
  {
    arbitrary: number.map(
      (text): Change =>
        (line) =>
          line.replace(/"ttl":\d+/, () => `"ttl":${text}`),
    ),
    weight: 3,
  },
  number.map(
    (text): Change =>
      (line) =>
        line.replaceAll(/"ttl":\d+/g, () => `"ttl":${text}`),
  ),
  fc
    .constantFrom(
      ',"id":"three"',
      ',"at":"2026-11-21T22:10:00.000Z"',
      ',"\\u0069d":"four"',
      ',"port":7',
      ',"x":[1,"ttl":5]',
    )
    .map(
      (more): Change =>
        (line) =>
          line.replace(',"door"', () => `${more},"door"`),
    ),
  fc.constant<Change>((line) => line.replace(/("id":"[^"]*"),("at":"[^"]*")/, '$2,$1')),
  fc.constant<Change>((line) => line.replace(/^(.*)\}$/, '$1,"evidence":{"v":1}}')),
  fc.constant<Change>((line) => line.replaceAll(',"', ', "')),
  fc.constant<Change>((line) => `${line}\r`),
  fc
    .tuple(
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      fc.constantFrom('', '0', '"', ',', '\\', 'é', '\0'),
      fc.nat(2),
    )
    .map(
      ([place, text, gone]): Change =>
        (line) => {
          const at = Math.floor(place * line.length);
          return line.slice(0, at) + text + line.slice(at + gone);
        },
    ),
);
const journals = fc
  .tuple(
    fc.array(written, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(2), fc.array(changes, { maxLength: 3 })), { minLength: 2, maxLength: 25 }),
  )
  .map(([lines, steps]) =>
    steps.map(([i, all]) => all.reduce((line, change) => change(line), lines[i % lines.length] ?? '')),
  );
const labels = readLabels('one,ham\ntwo,spam\nthree,spam\n192.0.2.7,ham\n', 'labels', () => {});
const bounds = fc.constantFrom(
  {},
  { since: Date.parse('2026-11-21T12:00:00Z') },
  { until: Date.parse('2026-11-21T22:20:00Z') },
);

test('a journal replayed is its lines judged one by one', () => {
  fc.assert(
    fc.property(candidates, journals, fc.constantFrom(undefined, labels), bounds, (candidate, lines, label, within) => {
      const shared = backtest({ candidate });
      const take = replayLines({
        replay: shared,
        policies: [candidate],
        ...(label === undefined ? {} : { labels: label }),
        ...within,
      });
      const said = lines.map((line) => take(octetLine(line)));
      const single = backtest({ candidate });
      expect(said).toEqual(lines.map((line) => addOne(single, line, label, within)));
      expect(shared.result(0)).toEqual(single.result(0));
    }),
    runs,
  );
});

function addOne(
  replay: ReturnType<typeof backtest>,
  line: string,
  label: Labels | undefined,
  { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY }: { since?: number; until?: number },
): string | undefined {
  const record = readRecord(line);
  if (typeof record === 'string') return record;
  const at = Date.parse(record.evidence.at);
  // As in replay-lines.ts: a day that no month has is no moment, and lies within no bounds.
  const isBounded = since !== Number.NEGATIVE_INFINITY || until !== Number.POSITIVE_INFINITY;
  if (!isBounded || (at >= since && at < until)) replay.add(record, label?.of(record.evidence));
  return undefined;
}
