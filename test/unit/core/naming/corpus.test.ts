// The classifier on labelled names, where they lie beside the project. Bounds a little below what bench/naming.mjs measures: whoever
// changes a word or a weight hears at once what it costs.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseIp } from '../../../../src/core/ip.ts';
import { classify } from '../../../../src/core/naming/classify.ts';
import { projectFolder } from '../../../support/processes.ts';

const file = join(projectFolder, '../shared/corpus/rdns.dev.tsv');
const describeWithCorpus = existsSync(file) ? describe : describe.skip;

describeWithCorpus('labelled names (../shared/corpus/rdns.dev.tsv)', () => {
  const rows = (existsSync(file) ? readFileSync(file, 'utf8') : '')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t') as [string, string, string, string, string, string])
    .filter(([, , , , , kind]) => kind === 'real')
    .map(([ip, name, label, subtype]) => ({ ip, label, subtype, found: classify(name, parseIp(ip)) }));
  const generic = rows.filter(({ label }) => label === 'generic');
  const custom = rows.filter(({ label }) => label === 'custom-mail');
  const share = (of: typeof rows, tiers: readonly string[] = ['certain', 'likely']) =>
    (100 * of.filter(({ found }) => tiers.includes(found.tier)).length) / of.length;

  test('few names of mail servers are taken for templates, and none for certain', () => {
    expect(custom.length).toBeGreaterThan(1_500);
    expect(share(custom)).toBeLessThanOrEqual(0.2);
    expect(share(custom, ['certain'])).toBe(0);
  });

  test('few pieces of networks are', () => {
    expect(share(rows.filter(({ label }) => label === 'other-infrastructure'))).toBeLessThanOrEqual(0.5);
  });

  test('most templates are found', () => {
    expect(share(generic)).toBeGreaterThan(94.5);
    expect(share(generic, ['certain'])).toBeGreaterThan(90);
    expect(share(generic.filter(({ ip }) => ip.includes(':')))).toBeGreaterThan(95);
  });

  test.each([
    ['access', 95],
    ['static', 96.5],
    ['hosting', 89],
    ['placeholder', 91],
  ])('of %s', (subtype, least) => {
    expect(share(generic.filter((row) => row.subtype === subtype))).toBeGreaterThan(least);
  });

  test('each with a piece of the name that says so', () => {
    for (const { found } of rows.filter(({ found: { label } }) => label === 'generic'))
      expect(found.evidence.some(({ weight }) => weight > 0)).toBe(true);
  });
});
