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

test('the address as text', () => {
  const read = readPathCommand('MAIL', octets('MAIL FROM:<ü@b.example> SMTPUTF8'), false);
  expect(isRefusal(read) ? '' : addressOf(read)).toBe('ü@b.example');
});
