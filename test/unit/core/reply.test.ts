import { describe, expect, test } from '@jest/globals';
import { isEnhancedCode, makeReply, printReply } from '../../../src/core/reply.ts';

describe('makeReply', () => {
  test('ends in the ref', () => {
    expect(printReply(makeReply(550, '5.7.25', 'no PTR record', 'abc123'))).toBe(
      '550 5.7.25 no PTR record (ref abc123)',
    );
  });

  test('a foreign line end cannot begin a second reply', () => {
    expect(makeReply(550, '5.7.25', 'x\r\n250 2.0.0 ok\x1b', 'r').text).toBe('x\\x0d\\x0a250 2.0.0 ok\\x1b (ref r)');
  });

  test('escapes that are there already stay readable', () => {
    expect(makeReply(450, '4.7.25', 'a\\010b', 'r').text).toBe('a\\010b (ref r)');
  });

  test('a long text is cut, the ref is not', () => {
    const line = printReply(makeReply(550, '5.7.25', 'x'.repeat(2000), 'abc123'));
    expect(line).toHaveLength(450);
    expect(line).toMatch(/xxx\.\.\. \(ref abc123\)$/);
  });

  test.each([
    [250, '2.0.0'],
    [399, '4.7.25'],
    [600, '5.7.25'],
    [Number.NaN, '5.7.25'],
    [550.5, '5.7.25'],
    [550, '4.7.25'],
    [450, '5.7.25'],
    [550, '5.7'],
  ])('%d with %s is a bug and throws', (code, enhanced) => {
    expect(() => makeReply(code, enhanced, 'x', 'r')).toThrow(RangeError);
  });
});

test.each([
  ['5.7.25', true],
  ['4.0.0', true],
  ['2.0.0', false],
  ['5.7', false],
  ['5.7.1234', false],
  ['5.7.25 ', false],
])('%j as an enhanced code: %s', (text, expected) => expect(isEnhancedCode(text)).toBe(expected));
