import { describe, expect, test } from '@jest/globals';
import { claimedName, hostName, nameClass, nameClasses, printable, printableName } from '../../../src/core/name.ts';

const label63 = 'a'.repeat(63);

describe('hostName', () => {
  // The names and most verdicts are those of Postfix's valid_hostname tests.
  test.each([
    'mx.example',
    'MX.Example',
    'f',
    'f.2.3.4',
    '1.2.3.4f',
    '1f.2.3.4',
    'a-a.b-b',
    'under_score.example',
    '_dmarc.example',
    `a.${label63}.b`,
  ])('%s is one', (name) => expect(hostName(name)).toBe(name.toLowerCase()));

  test.each([
    '',
    '.',
    '1.2.3.4',
    '321',
    '0.0.0.0',
    '1..2.3.4f',
    'a.example.',
    '.a.example',
    '-a.example',
    'a-.example',
    'a.-.example',
    'a b.example',
    'a\\.b.example',
    'a\\010.example',
    '*.example',
    'a:b',
    'grüße.example',
    `${label63}a.example`,
    `${`${label63}.`.repeat(4)}a`,
  ])('%j is none', (name) => expect(hostName(name)).toBeUndefined());
});

describe('nameClass', () => {
  const cases: [string, string][] = [
    ['mx.example', 'host'],
    ['a_b.example', 'underscore'],
    ['', 'root'],
    ['localhost', 'localhost'],
    ['LocalHost.localdomain', 'localhost'],
    ['mx.localhost', 'localhost'],
    ['192.0.2.7', 'numeric'],
    ['7', 'numeric'],
    [`${`${label63}.`.repeat(4)}a`, 'too-long'],
    ['a\\.b.example', 'inner-dot'],
    ['a\\013\\010b.example', 'control'],
    ['a\\000.example', 'control'],
    ['a\\127.example', 'control'],
    ['gr\\195\\188n.example', 'eight-bit'],
    ['grün.example', 'eight-bit'],
    ['a\\032b.example', 'odd'],
    ['a%b.example', 'odd'],
    ['-a.example', 'odd'],
    ['a..example', 'odd'],
  ];
  test.each(cases)('%j is %s', (name, expected) => expect(nameClass(name)).toBe(expected));
  test('the table above reaches every class', () =>
    expect(new Set(cases.map(([, name]) => name))).toEqual(new Set(nameClasses)));
  test('names that only look local are hosts', () => {
    for (const name of ['localhost.example', 'notlocalhost', 'mx.localhost.example'])
      expect(nameClass(name)).toBe('host');
  });
});

describe('printable', () => {
  test.each([
    ['mx.example', 'mx.example'],
    ['a\r\nb\0c', 'a\\x0d\\x0ab\\x00c'],
    ['\x1b[31mred', '\\x1b[31mred'],
    ['ü€😀', '\\xc3\\xbc\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80'],
    ['a\\x0ab', 'a\\\\x0ab'],
    ['\x7f', '\\x7f'],
  ])('%j is shown as %s', (text, shown) => expect(printable(text)).toBe(shown));

  test('never longer than asked, and says that it was cut', () => {
    expect(printable('\n'.repeat(100), 20)).toBe('\\x0a\\x0a\\x0a\\x0a\\...');
    expect(printable('x'.repeat(100), 20)).toHaveLength(20);
  });

  test('a claimed name keeps the escapes of its own', () => {
    expect(printableName(claimedName('A\\010b\\.c.Example.'))).toBe('a\\010b\\.c.example');
    expect(printableName('raw\nnewline')).toBe('raw\\x0anewline');
  });
});
