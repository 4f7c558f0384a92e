import { describe, expect, test } from '@jest/globals';
import { headerFilter, messageFilter } from '../../../../src/doors/smtp/message.ts';

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
    ['any letter case', `AUTHENTICATION-results: ${us}\r\nx-IPREVD-tag: x\r\n\r\n`, '\r\n'],
    ['a colon on the next line', `Authentication-Results\r\n : ${us}\r\nA: 1\r\n`, 'A: 1\r\n'],
    ['our names, longer', 'X-Iprevd-Tags: x\r\nX-Iprevd-Tag\r\n\r\n', 'X-Iprevd-Tags: x\r\nX-Iprevd-Tag\r\n\r\n'],
    ['a stuffed dot is part of the name', '..X-Iprevd-Tag: x\r\n\r\n', '..X-Iprevd-Tag: x\r\n\r\n'],
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

  test('fields of the policy by name alone, one of which begins like the other', () => {
    const text = 'X-Risk: 1\r\nX-Risk-Level: 2\r\n folded\r\nX-Risk-Levels: 3\r\nX-Ris: 4\r\n\r\n';
    for (const pieces of cuts(text)) {
      const filter = headerFilter(us, new Set(['x-risk', 'x-risk-level']));
      const out = Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.end()]);
      expect(out.toString()).toBe('X-Risk-Levels: 3\r\nX-Ris: 4\r\n\r\n');
    }
  });

  test('a line without end passes while it comes', () => {
    const filter = headerFilter(us);
    let passed = 0;
    for (let i = 0; i < 1_000; i++) passed += filter.push(Buffer.alloc(1_000, 0x78)).length;
    expect(passed).toBeGreaterThan(998_000);
  });
});

describe('messageFilter', () => {
  const through = (pieces: readonly Buffer[], fields = ['One: 1', 'Two: 2']): string => {
    const filter = messageFilter(fields, us);
    return Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.end()]).toString('latin1');
  };
  const top = 'One: 1\r\nTwo: 2\r\n';
  test.each([
    ['anything else', 'A: 1\r\n\r\n..x\r\n', `${top}A: 1\r\n\r\n..x\r\n`],
    ['nothing at all', '', top],
    ['a body without header', '\r\nbody\r\n', `${top}\r\nbody\r\n`],
    ['an empty line alone', '\r\n', `${top}\r\n`],
    ['text that is no field', 'text\r\n', `${top}text\r\n`],
    ['a field that claims to be ours', `X-Iprevd-Tag: x\r\n y\r\n\r\nbody\r\n`, `${top}\r\nbody\r\n`],
    ['white space, which would go on our last field', ' x\r\nA: 1\r\n', `${top}\r\n x\r\nA: 1\r\n`],
    ['a tab likewise; then all of it is body', '\tx\r\nX-Iprevd-Tag: x\r\n', `${top}\r\n\tx\r\nX-Iprevd-Tag: x\r\n`],
  ])('our fields stand above %s', (_, text, expected) => {
    for (const pieces of cuts(text)) expect(through(pieces)).toBe(expected);
  });

  test('without fields of ours nothing changes', () => {
    for (const pieces of cuts(' x\r\nA: 1\r\n\r\n')) expect(through(pieces, [])).toBe(' x\r\nA: 1\r\n\r\n');
  });

  test('the body is not copied', () => {
    const filter = messageFilter(['One: 1'], us);
    filter.push(Buffer.from('A: 1\r\n\r\nbody'));
    const chunk = Buffer.from('more\r\n');
    expect(filter.push(chunk)).toBe(chunk);
  });
});
