import { describe, expect, test } from '@jest/globals';
import { dotStuffer, headerFilter, lineEndCheck, messageFilter } from '../../../../src/doors/smtp/message.ts';

const us = 'mx.test.example';
/** Every way to cut the text in two, and one octet at a time. */
function* cuts(text: string): Generator<Buffer[]> {
  const whole = Buffer.from(text, 'latin1');
  for (let i = 0; i <= whole.length; i++) yield [whole.subarray(0, i), whole.subarray(i)];
  yield [...whole].map((octet) => Buffer.from([octet]));
}
function filtered(pieces: readonly Buffer[], authservId = us): string {
  const filter = headerFilter(authservId);
  return Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.end()]).toString('latin1');
}

describe('headerFilter', () => {
  const forged = `Authentication-Results: ${us}; iprev=pass\r\n`;
  test.each([
    ['one field', `A: 1\r\n${forged}B: 2\r\n\r\nbody\r\n`, 'A: 1\r\nB: 2\r\n\r\nbody\r\n'],
    [
      'folded over lines',
      `A: 1\r\nAuthentication-Results:\r\n ${us};\r\n\tspf=pass\r\nB: 2\r\n\r\n`,
      'A: 1\r\nB: 2\r\n\r\n',
    ],
    ['two in a row', `${forged}${forged}\r\nbody`, '\r\nbody'],
    ['first and last', `${forged}A: 1\r\n${forged}`, 'A: 1\r\n'],
    [
      'the line after it is no part of it',
      `${forged}Authentication-Results: other.example; none\r\n\r\n`,
      'Authentication-Results: other.example; none\r\n\r\n',
    ],
    ['the body is not touched', `A: 1\r\n\r\n${forged}`, `A: 1\r\n\r\n${forged}`],
    ['a body from the first line', `\r\n${forged}`, `\r\n${forged}`],
    ['a line that is no field ends nothing', `no field\r\n${forged}\r\n`, 'no field\r\n\r\n'],
    ['a fold of another field may say anything', `Subject: x\r\n ${forged}\r\n`, `Subject: x\r\n ${forged}\r\n`],
    ['our tag', `X-Iprevd-Tag: friend\r\n folded\r\nA: 1\r\n\r\n`, 'A: 1\r\n\r\n'],
    ['white space before the colon', `Authentication-Results \t: ${us}\r\n\r\n`, '\r\n'],
    ['cut off inside', `A: 1\r\nAuthentication-Results: ${us}`, 'A: 1\r\n'],
    ['nothing at all', '', ''],
    ['no line end', 'A: 1', 'A: 1'],
  ])('%s, however it is cut', (_, text, expected) => {
    for (const pieces of cuts(text)) expect(filtered(pieces)).toBe(expected);
  });

  test('a field of ours too long to be read is dropped whole, and the next one is not', () => {
    const long = `Authentication-Results: other.example;\r\n${' x'.repeat(40)}\r\n`;
    const huge = `Authentication-Results: other.example;${'\r\n padding'.repeat(2_000)}\r\n`;
    expect(filtered([Buffer.from(`${huge}${long}A: 1\r\n\r\n`)])).toBe(`${long}A: 1\r\n\r\n`);
  });

  test('a line without end passes while it comes', () => {
    const filter = headerFilter(us);
    let passed = 0;
    for (let i = 0; i < 1_000; i++) passed += filter.push(Buffer.alloc(1_000, 0x78)).length;
    expect(passed).toBeGreaterThan(998_000);
  });
});

describe('dotStuffer', () => {
  test.each([
    ['.', '..'],
    ['.\r\n..\r\na.b\r\n.c', '..\r\n...\r\na.b\r\n..c'],
    ['\r\n.\r\n', '\r\n..\r\n'],
    ['no dots\r\n', 'no dots\r\n'],
  ])('%j', (text, expected) => {
    for (const pieces of cuts(text)) {
      const stuff = dotStuffer();
      expect(Buffer.concat(pieces.map(stuff)).toString('latin1')).toBe(expected);
    }
  });
});

describe('lineEndCheck', () => {
  const good = (pieces: readonly Buffer[]): boolean => {
    const check = lineEndCheck();
    return pieces.map((piece) => check.push(piece)).every(Boolean) && check.end();
  };
  test.each([
    ['', true],
    ['a\r\nb\r\n', true],
    ['\r\n\r\n', true],
    ['a\nb', false],
    ['\n', false],
    ['a\rb', false],
    ['a\r', false],
    ['a\r\r\n', false],
    ['a\0b', false],
    ['a\r\n\nb', false],
  ])('%j: %s', (text, expected) => {
    for (const pieces of cuts(text)) expect(good(pieces)).toBe(expected);
  });
});

test('our fields stand on top, before anything else, even of an empty message', () => {
  const through = (text: string): string | undefined => {
    const filter = messageFilter(['One: 1', 'Two: 2'], us);
    const first = filter.push(Buffer.from(text));
    const last = filter.end();
    return first === undefined || last === undefined ? undefined : Buffer.concat([first, last]).toString();
  };
  expect(through('A: 1\r\n\r\n.x\r\n')).toBe('One: 1\r\nTwo: 2\r\nA: 1\r\n\r\n..x\r\n');
  expect(through('')).toBe('One: 1\r\nTwo: 2\r\n');
  expect(through('A: 1\n')).toBeUndefined();
});
