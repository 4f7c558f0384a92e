import { describe, expect, test } from '@jest/globals';
import { addressOf, isRefusal, printPathCommand, readPathCommand } from '../../../../src/doors/smtp/envelope.ts';

const all = new Set(['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN']);
const relayed = (verb: 'MAIL' | 'RCPT', line: string, utf8 = false, offers: ReadonlySet<string> = all) => {
  const read = readPathCommand(verb, line, utf8);
  const sent = isRefusal(read) ? read : printPathCommand(verb, read, offers);
  return typeof sent === 'string' ? sent : `${sent.code} ${sent.lines[0]?.split(' ')[0]}`;
};
const octets = (text: string): string => Buffer.from(text).toString('latin1');

describe('the backend gets the octets of the client', () => {
  test.each([
    ['MAIL FROM:<>', 'MAIL FROM:<>'],
    ['mail from: <a@b.example>', 'MAIL FROM:<a@b.example>'],
    ['MAIL FROM:<x@xn--evilcom-9o3f.test>', 'MAIL FROM:<x@xn--evilcom-9o3f.test>'],
    ['MAIL FROM:<a..b@docomo.example>', 'MAIL FROM:<a..b@docomo.example>'],
    ['MAIL FROM:<SRS0=ab=cd=example.org=Me@B.example>', 'MAIL FROM:<SRS0=ab=cd=example.org=Me@B.example>'],
    ['MAIL FROM:<"a b"@c.example>', 'MAIL FROM:<"a b"@c.example>'],
    ['MAIL FROM:<-a%b@c_d.example> size=100 Body=8BITMIME', 'MAIL FROM:<-a%b@c_d.example> SIZE=100 BODY=8BITMIME'],
    ['MAIL FROM:<a@b.example> RET=HDRS ENVID=x+2By', 'MAIL FROM:<a@b.example> RET=HDRS ENVID=x+2By'],
    [octets('MAIL FROM:<ü@b.example> SMTPUTF8'), octets('MAIL FROM:<ü@b.example> SMTPUTF8')],
  ])('%s', (line, sent) => expect(relayed('MAIL', line)).toBe(sent));

  test('RCPT in an SMTPUTF8 transaction', () => {
    expect(relayed('RCPT', octets('RCPT TO:<ü@b.example>'), true)).toBe(octets('RCPT TO:<ü@b.example>'));
    expect(relayed('RCPT', 'RCPT TO:<a@b.example> NOTIFY=NEVER ORCPT=rfc822;a@b')).toBe(
      'RCPT TO:<a@b.example> NOTIFY=NEVER ORCPT=rfc822;a@b',
    );
  });
});

describe('or the client is told', () => {
  test.each([
    ['MAIL FROM:a@b.example', '501 5.5.4'],
    ['MAIL FROM:<a@b.example', '501 5.5.4'],
    ['MAIL FROM:<a@b.example>x', '501 5.5.4'],
    ['MAIL FROM:<a@b\x00.example>', '501 5.5.4'],
    ['MAIL FROM:<<a@b.example>>', '501 5.5.4'],
    ['MAIL FROM:<a@b.example> XYZZY=1', '555 5.5.4'],
    ['MAIL FROM:<a@b.example> AUTH=<>', '555 5.5.4'],
    ['MAIL FROM:<a@b.example> NOTIFY=NEVER', '555 5.5.4'],
    [octets('MAIL FROM:<ü@b.example>'), '553 5.6.7'],
    ['MAIL FROM:<\xff@b.example> SMTPUTF8', '553 5.6.7'],
  ])('%j', (line, code) => expect(relayed('MAIL', line)).toBe(code));

  test('what the backend does not offer is refused, SIZE is left out', () => {
    expect(relayed('MAIL', 'MAIL FROM:<a@b.example> BODY=8BITMIME', false, new Set())).toBe('555 5.5.4');
    expect(relayed('MAIL', 'MAIL FROM:<a@b.example> SIZE=5', false, new Set())).toBe('MAIL FROM:<a@b.example>');
  });
});

describe('parameters and their values', () => {
  const value = '+2Bx'.repeat(20);
  test.each([
    ['MAIL', 'SIZE=0'],
    ['MAIL', 'SIZE=12345678901234567890'],
    ['MAIL', 'BODY=7BIT'],
    ['MAIL', 'BODY=8bitmime'],
    ['MAIL', 'RET=FULL'],
    ['MAIL', 'RET=hdrs'],
    ['MAIL', `ENVID=${value}`],
    ['MAIL', 'SMTPUTF8'],
    ['RCPT', 'NOTIFY=NEVER'],
    ['RCPT', 'NOTIFY=SUCCESS,FAILURE,DELAY'],
    ['RCPT', 'NOTIFY=delay'],
    ['RCPT', 'ORCPT=rfc822;a+2Bb@c.example'],
    ['RCPT', 'ORCPT=utf-8;\\x{FC}@c.example'],
  ] as const)('%s with %s goes on as it came', (verb, parameter) => {
    const command = verb === 'MAIL' ? 'MAIL FROM:<a@b.example>' : 'RCPT TO:<a@b.example>';
    const [keyword = '', ...rest] = parameter.split('=');
    expect(relayed(verb, `${command} ${parameter}`)).toBe(`${command} ${parameter}`);
    expect(relayed(verb, `${command} ${[keyword.toLowerCase(), ...rest].join('=')}`)).toBe(`${command} ${parameter}`);
  });

  test.each([
    ['MAIL', 'SIZE', '501 5.5.4'],
    ['MAIL', 'SIZE=', '501 5.5.4'],
    ['MAIL', 'SIZE=-1', '501 5.5.4'],
    ['MAIL', 'SIZE=1e9', '501 5.5.4'],
    ['MAIL', 'SIZE=123456789012345678901', '501 5.5.4'],
    ['MAIL', 'BODY=BINARYMIME', '501 5.5.4'],
    ['MAIL', 'BODY', '501 5.5.4'],
    ['MAIL', 'SMTPUTF8=1', '501 5.5.4'],
    ['MAIL', 'RET=ALL', '501 5.5.4'],
    ['MAIL', 'ENVID=', '501 5.5.4'],
    ['MAIL', 'ENVID=a=b', '501 5.5.4'],
    ['MAIL', 'ENVID=a+2b', '501 5.5.4'],
    ['MAIL', 'SIZE=1 SIZE=2', '501 5.5.4'],
    ['MAIL', 'SIZE=1 size=1', '501 5.5.4'],
    ['MAIL', 'ORCPT=rfc822;a@b', '555 5.5.4'],
    ['MAIL', '__proto__=1', '555 5.5.4'],
    ['MAIL', 'CONSTRUCTOR', '555 5.5.4'],
    ['MAIL', 'REQUIRETLS', '555 5.5.4'],
    ['MAIL', '=1', '555 5.5.4'],
    ['RCPT', 'NOTIFY=', '501 5.5.4'],
    ['RCPT', 'NOTIFY=NEVER,DELAY', '501 5.5.4'],
    ['RCPT', 'NOTIFY=SUCCESS,', '501 5.5.4'],
    ['RCPT', 'NOTIFY=SUCCESS,FAILURE,DELAY,DELAY', '501 5.5.4'],
    ['RCPT', 'ORCPT=a@b', '501 5.5.4'],
    ['RCPT', 'ORCPT=rfc822;', '501 5.5.4'],
    ['RCPT', 'SIZE=1', '555 5.5.4'],
    ['RCPT', 'SMTPUTF8', '555 5.5.4'],
  ] as const)('%s with %s: %s', (verb, parameter, code) => {
    expect(relayed(verb, `${verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO'}:<a@b.example> ${parameter}`)).toBe(code);
  });

  test.each([
    ['MAIL', 'BODY=8BITMIME', '8BITMIME'],
    ['MAIL', 'SMTPUTF8', 'SMTPUTF8'],
    ['MAIL', 'RET=FULL', 'DSN'],
    ['MAIL', 'ENVID=x', 'DSN'],
    ['RCPT', 'NOTIFY=NEVER', 'DSN'],
    ['RCPT', 'ORCPT=rfc822;a@b', 'DSN'],
  ] as const)('%s with %s wants a backend that offers %s', (verb, parameter, extension) => {
    const line = `${verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO'}:<a@b.example> ${parameter}`;
    expect(relayed(verb, line, false, new Set([...all].filter((other) => other !== extension)))).toBe('555 5.5.4');
    expect(relayed(verb, line, false, new Set([extension]))).toBe(line);
  });
});

test('a source route is left out of the address, not of the path (RFC 5321 appendix C)', () => {
  const read = readPathCommand('RCPT', 'RCPT TO:<@a.example,@b.example:c@d.example>', false);
  expect(isRefusal(read) ? '' : [addressOf(read), read.path]).toEqual([
    'c@d.example',
    '<@a.example,@b.example:c@d.example>',
  ]);
});

test('the address as text', () => {
  const read = readPathCommand('MAIL', octets('MAIL FROM:<ü@b.example> SMTPUTF8'), false);
  expect(isRefusal(read) ? '' : addressOf(read)).toBe('ü@b.example');
});
