import { expect, test } from '@jest/globals';
import { printXtext, readXtext } from '../../../src/core/xtext.ts';

test('xtext', () => {
  expect(printXtext('Az09._-:')).toBe('Az09._-:');
  expect(printXtext('\0 ~\xff')).toBe('+00+20+7E+FF');
  expect(readXtext('+00+20+7E+FF~!*,<>')).toBe('\0 ~\xff~!*,<>');
  expect(readXtext('')).toBe('');
  for (const odd of ['+', '+F', '+fF', '+G0', '=', ' ', '\x7f', '\x80']) expect(readXtext(`a${odd}`)).toBeUndefined();
});
