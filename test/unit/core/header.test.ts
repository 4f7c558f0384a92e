import { describe, expect, test } from '@jest/globals';
import type { Client } from '../../../src/core/client.ts';
import { decide } from '../../../src/core/decide.ts';
import { assess } from '../../../src/core/findings.ts';
import { authResults, claimsToBeOurs, receivedField } from '../../../src/core/header.ts';
import { policyOf } from '../../support/doors.ts';
import { evidenceOf, type Given, ipOf } from '../../support/evidence.ts';

describe('authResults', () => {
  const pass = assess(evidenceOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] } }));
  test('IPv4 stands as it is', () => {
    expect(authResults('mx.test.example', pass, ipOf('192.0.2.7'))).toBe(
      'Authentication-Results: mx.test.example; iprev=pass policy.iprev=192.0.2.7',
    );
  });
  test('IPv6 is quoted, for a colon is in no token (RFC 8601 s2.2, RFC 2045 s5.1)', () => {
    expect(authResults('mx.test.example', pass, ipOf('2001:db8::7'), ['a', 'b'])).toBe(
      'Authentication-Results: mx.test.example; iprev=pass policy.iprev="2001:db8::7" policy.tag=a policy.tag=b',
    );
  });
});

describe('receivedField (RFC 5321 s4.4)', () => {
  const accept = policyOf('rules: []\notherwise: accept');
  const field = (given: Partial<Given>, client: Partial<Client> = { helo: 'mail.example' }) =>
    receivedField(
      decide(accept, evidenceOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] }, client, ...given })),
      'mx.test.example',
      'ESMTP',
    );
  const rest = 'by mx.test.example (iprevd) with ESMTP id testref; Sat, 21 Nov 2026 00:00:00 +0000';

  test('the confirmed name, and the one that it gave itself', () => {
    expect(field({})).toBe(`Received: from mail.example (mx.example [192.0.2.7]) ${rest}`);
  });

  test.each<[string, Partial<Given>]>([
    ['none', { ptr: 'nxdomain', forward: {} }],
    ['one of somebody else', { forward: { 'mx.example': ['192.0.2.8'] } }],
    ['one that could not be looked up', { forward: { 'mx.example': 'servfail' } }],
  ])('a name that is not confirmed does not stand there: %s', (_, given) => {
    expect(field(given)).toBe(`Received: from mail.example (unknown [192.0.2.7]) ${rest}`);
  });

  test('IPv6 is written as a literal (RFC 5321 s4.1.3)', () => {
    const six = { ip: '2001:db8::7', ptr: ['mx.example'], forward: { 'mx.example': ['2001:db8::7'] } };
    expect(field(six)).toBe(`Received: from mail.example (mx.example [IPv6:2001:db8::7]) ${rest}`);
    expect(field(six, {})).toBe(`Received: from [IPv6:2001:db8::7] (mx.example [IPv6:2001:db8::7]) ${rest}`);
  });

  test.each(['[192.0.2.99]', '[IPv6:2001:db8::99]', 'MAIL.example'])('HELO %s stands there as it was said', (helo) => {
    expect(field({}, { helo })).toContain(`from ${helo} (`);
  });

  test.each([
    ['nothing', undefined],
    ['what would end the comment', 'a) (b.example'],
    ['a line end', 'a.example\r\nX-Evil: yes'],
    ['8-bit', 'm\xfcll.example'],
    ['the empty name', ''],
    ['a comment', '(evil)'],
    ['a literal that is none', '[192.0.2.99) by (x]'],
    ['a semicolon', 'a.example;'],
  ])('HELO with %s is left out: the address stands there', (_, helo) => {
    expect(field({}, helo === undefined ? {} : { helo })).toBe(
      `Received: from [192.0.2.7] (mx.example [192.0.2.7]) ${rest}`,
    );
  });
});

describe('claimsToBeOurs: what must not pass from outside (RFC 8601 s5)', () => {
  test.each([
    'Authentication-Results: mx.test.example; iprev=pass policy.iprev=192.0.2.7\r\n',
    'authentication-results:MX.Test.Example;none\r\n',
    'Authentication-Results : mx.test.example; none\r\n',
    'Authentication-Results:\r\n mx.test.example;\r\n\tspf=pass\r\n',
    'Authentication-Results: (hi (there)) mx.test.example (v) 1 (x); none\r\n',
    'Authentication-Results: "mx.test.example"; none\r\n',
    'Authentication-Results: "mx.te\\st.example"; none\r\n',
    'Authentication-Results: mx.test.example.; none\r\n',
    'Authentication-Results: mx.test.example\r\n',
    'Authentication-Results: mx.test.example 1\r\n',
    // Of an unknown version, or not to be parsed: removed too.
    'Authentication-Results: other.example 2; none\r\n',
    'Authentication-Results:\r\n',
    'Authentication-Results: ; none\r\n',
    'Authentication-Results: (never ends mx.test.example; none\r\n',
    'Authentication-Results: other.example garbage; none\r\n',
    'Authentication-Results: "open; none\r\n',
    'X-Iprevd-Tag: friend\r\n',
    'x-iprevd-tag : friend\r\n',
  ])('%j is removed', (field) => expect(claimsToBeOurs(field, 'mx.test.example')).toBe(true));

  test.each([
    'Authentication-Results: other.example; spf=pass\r\n',
    'Authentication-Results: other.example 1; spf=pass\r\n',
    'Authentication-Results: notmx.test.example; spf=pass\r\n',
    'Authentication-Results-Extra: mx.test.example; none\r\n',
    'X-Authentication-Results: mx.test.example; none\r\n',
    'ARC-Authentication-Results: i=1; mx.test.example; spf=pass\r\n',
    'Subject: Authentication-Results: mx.test.example; none\r\n',
    'Authentication-Results\r\n',
  ])('%j passes', (field) => expect(claimsToBeOurs(field, 'mx.test.example')).toBe(false));
});
