import { expect, test } from '@jest/globals';
import { type Pattern, readGlob, readPattern } from '../../../src/core/pattern.ts';

const good = (pattern: ReturnType<typeof readPattern>): Pattern => {
  if ('wrong' in pattern) throw new Error(pattern.wrong);
  return pattern;
};

test.each([
  ['^dsl-\\d+\\.', 'DSL-12.example', true],
  ['^dsl-\\d+\\.', 'adsl-12.example', false],
  ['(a|b)c', 'xbcx', true],
  ['[^a-z]', 'abc', false],
])('%s on %s: %s', (source, text, expected) => expect(good(readPattern(source)).test(text)).toBe(expected));

test.each([
  ['*.dyn.*', 'host.dyn.example', true],
  ['*.dyn.*', 'dyn.example', false],
  ['*.Dyn.example', 'a.DYN.example', true],
  ['*.dyn.example', 'dyn.example', false],
  ['*', '', true],
  ['mx?.example', 'mx1.example', true],
  ['mx?.example', 'mx12.example', false],
  ['mx.example', 'mxxexample', false],
  ['a+b', 'a+b', true],
])('glob %s on %s: %s', (source, text, expected) => expect(good(readGlob(source)).test(text)).toBe(expected));

test.each([
  ['(?=x)', '"(?=" looks around'],
  ['a(?!b)', '"(?!" looks around'],
  ['(?<=a)b', '"(?<=" looks around'],
  ['(a)\\1', 'a back reference'],
  ['(a', 'missing closing )'],
  ['a{2,1}', 'invalid repeat count'],
  ['x'.repeat(1_001), 'longer than 1000 characters'],
])('%s is refused: %s', (source, wrong) => {
  const pattern = readPattern(source);
  expect('wrong' in pattern ? pattern.wrong : '').toContain(wrong);
});

// A back-tracking engine needs longer than the age of the universe for the first of them, so a hang is what would be seen.
test.each(['^(a+)+$', '(a*)*b', '(a|aa)+$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
  '%s on 254 hostile characters comes to an end',
  (source) => {
    const pattern = good(readPattern(source));
    for (let i = 0; i < 20; i++) pattern.test(`${'a'.repeat(253)}!`);
  },
);
