import { describe, expect, test } from '@jest/globals';
import { readReply, withStatus } from '../../../../src/doors/smtp/replies.ts';

describe('readReply', () => {
  test.each([
    ['250 ok\r\n', { code: 250, lines: ['ok'] }, ''],
    ['250\r\n', { code: 250, lines: [''] }, ''],
    ['250-a\r\n250-b c\r\n250 d\r\nrest', { code: 250, lines: ['a', 'b c', 'd'] }, 'rest'],
    ['451 lf only\n', { code: 451, lines: ['lf only'] }, ''],
    ['550 \x1b[31mred\x07\xff\r\n', { code: 550, lines: ['\\x1b[31mred\\x07\\xc3\\xbf'] }, ''],
    ['250 a\rb\r\n', { code: 250, lines: ['a\\x0db'] }, ''],
  ])('%j', (octets, reply, rest) => expect(readReply(octets)).toEqual({ reply, rest }));

  test.each(['', '2', '250 no end', '250-first\r\n', '250-first\r\n250 no end'])('%j is not complete', (octets) => {
    expect(readReply(octets)).toEqual({ rest: octets });
  });

  test.each([
    ['hello\r\n', '"hello" is no SMTP reply'],
    ['25 ok\r\n', '"25 ok" is no SMTP reply'],
    ['150 ok\r\n', '"150 ok" is no SMTP reply'],
    ['650 ok\r\n', '"650 ok" is no SMTP reply'],
    ['2500 ok\r\n', '"2500 ok" is no SMTP reply'],
    ['250-a\r\n550 b\r\n', 'a reply with two codes'],
    ['x'.repeat(5_121), 'a reply line without end'],
    ['250-a\r\n'.repeat(129), 'a reply of too many lines'],
  ])('%j is broken', (octets, broken) => expect(readReply(octets)).toEqual({ rest: '', broken }));
});

describe('withStatus: an enhanced code in each line, of the class of the reply (RFC 2034 s4)', () => {
  test.each([
    [250, ['2.1.5 fine'], ['2.1.5 fine']],
    [250, ['2.0.0'], ['2.0.0']],
    [250, ['ok'], ['2.0.0 ok']],
    [250, [''], ['2.0.0']],
    [250, ['2.1.5 first', 'second'], ['2.1.5 first', '2.0.0 second']],
    [550, ['5.7.25 no'], ['5.7.25 no']],
    [550, ['no'], ['5.0.0 no']],
    [451, ['5.7.1 later'], ['4.0.0 later']],
    [550, ['4.2.0 no'], ['5.0.0 no']],
    [550, ['5.1234.1 no'], ['5.0.0 5.1234.1 no']],
    [550, ['5.1.1no'], ['5.0.0 5.1.1no']],
    [550, ['3.1.1 no'], ['5.0.0 3.1.1 no']],
    [550, ['5.1 no'], ['5.0.0 5.1 no']],
    [421, ['4.3.2 down'], ['4.3.2 down']],
    // RFC 2034 s3: not where the reply is but a step on the way.
    [354, ['go on'], ['go on']],
  ])('%i %j', (code, lines, expected) => expect(withStatus({ code, lines })).toEqual(expected));
});
