import { describe, expect, test } from '@jest/globals';
import { assess } from '../../../src/core/findings.ts';
import { authResults, claimsToBeOurs } from '../../../src/core/header.ts';
import { evidenceOf, ipOf } from '../../support/evidence.ts';

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
