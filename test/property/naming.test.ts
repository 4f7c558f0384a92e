// What must hold for every name, whatever a stranger's zone says.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Ip, parseIp } from '../../src/core/ip.ts';
import { nameReadMax } from '../../src/core/limits.ts';
import { classify, namingKinds, namingLabels } from '../../src/core/naming/classify.ts';

const numRuns = Number(process.env.IPREVD_PROPERTY_RUNS ?? 3_000);
const check = (property: fc.IProperty<unknown>): void => void fc.assert(property as never, { numRuns, seed: 8601 });

const ips: fc.Arbitrary<Ip | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => parseIp(text)),
);
const pieces = fc.constantFrom(
  ...[
    '192',
    '0',
    '2',
    '7',
    '000',
    'c0000207',
    'dyn',
    'mail',
    'no',
    'reverse',
    'vm',
    '-',
    '-',
    '.',
    '.',
    '..',
    '_',
    'xn--',
    'x',
    '\\000',
  ],
  ...[
    'in-addr.arpa',
    'ip6',
    'arpa',
    'com',
    'co.uk',
    'example',
    'é',
    ' ',
    '0x',
    '2001',
    'db8',
    'f'.repeat(30),
    '9'.repeat(12),
  ],
);
const names = fc.oneof(
  fc.array(pieces, { maxLength: 60 }).map((all) => all.join('')),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.domain(),
);

test('every name is read without an exception, and what is said of it holds together', () => {
  check(
    fc.property(names, ips, (name, ip) => {
      const { label, kind, tier, score, evidence } = classify(name, ip);
      expect(namingLabels).toContain(label);
      if (kind !== undefined) expect(namingKinds).toContain(kind);
      expect(tier === 'none').toBe(label !== 'generic');
      expect(kind === undefined).toBe(label !== 'generic' && kind !== 'malformed');
      expect(Number.isFinite(score)).toBe(true);
      if (label === 'generic') expect(evidence.some(({ weight }) => weight > 0)).toBe(true);
    }),
  );
});

test('evidence is a piece of the name, at its place', () => {
  check(
    fc.property(names, ips, (name, ip) => {
      const read = name.slice(0, nameReadMax).replace(/[A-Z]/g, (capital) => capital.toLowerCase());
      for (const { text, offset } of classify(name, ip).evidence) {
        expect(text.length).toBeGreaterThan(0);
        expect(read.slice(offset, offset + text.length)).toBe(text);
      }
    }),
  );
});

test('an address written out before any domain is found, whatever stands between its numbers', () => {
  const octet = fc.integer({ min: 16, max: 255 });
  const between = fc.constantFrom('-', '.', '_', 'x');
  const orders = fc.constantFrom([0, 1, 2, 3], [3, 2, 1, 0], [3, 0, 1, 2]);
  check(
    fc.property(fc.tuple(octet, octet, octet, octet), between, orders, fc.boolean(), (octets, sign, order, zeros) => {
      const numbers = order.map((i) => String(octets[i]).padStart(zeros ? 3 : 1, '0')).join(sign);
      const { label, evidence } = classify(`${numbers}.kvarnby.example`, parseIp(octets.join('.')));
      expect(label).toBe('generic');
      expect(evidence[0]).toMatchObject({ id: 'address', text: numbers, offset: 0 });
    }),
  );
});
