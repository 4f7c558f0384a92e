// What macros say of a client's TLS. The values are what Sendmail 8.17.1 and Postfix 3.7.11 were seen to send.

import { describe, expect, test } from '@jest/globals';
import { readTls } from '../../../../src/doors/milter/tls.ts';

const protocol = 'TLSv1.3';
const told = (macros: Readonly<Record<string, string>>) =>
  readTls(new Map(Object.entries({ tls_version: protocol, ...macros })));
const certificate = (verified: boolean, ...names: string[]) => ({ protocol, certificate: { verified, names } });

describe('Sendmail', () => {
  const subject = { cert_subject: '/O=Any/CN=mail.example', cn_subject: 'mail.example' };

  test.each([
    ['OK', subject, certificate(true, 'mail.example')],
    ['FAIL', subject, certificate(false, 'mail.example')],
    ['OK', { cn_subject: 'odd+20+2B2Bone+20+3Cexample+3E' }, certificate(true, 'odd +2Bone <example>')],
    ['OK', { cn_subject: 'no=xtext' }, certificate(true)],
    ['OK', { cn_subject: 'BadCertificateUnknown' }, certificate(true)],
    ['FAIL', { cn_subject: 'BadCertificateContainsNUL' }, certificate(false)],
    ['OK', {}, certificate(true)],
    ['NO', {}, { protocol }],
    ['NOT', {}, { protocol }],
    ['NONE', subject, { protocol }],
    ['PROTOCOL', subject, { protocol }],
  ])('{verify} is %s: %j', (verify, macros, tls) => {
    expect(told({ verify, ...macros })).toEqual(tls);
  });

  test('a name from one that did not tell {verify} proves nothing', () => {
    expect(told(subject)).toEqual({ protocol });
  });
});

describe('Postfix', () => {
  test('a name is that of a certificate that it trusts, as it is', () => {
    expect(told({ cert_subject: 'odd +2Bone <example>' })).toEqual(certificate(true, 'odd +2Bone <example>'));
  });

  test.each([{}, { cert_subject: '' }])('%j: none, or one that it does not trust', (macros) => {
    expect(told(macros)).toEqual({ protocol });
  });
});

test.each([{}, { tls_version: '', verify: 'NONE' }, { verify: 'OK', cn_subject: 'mail.example' }])(
  '%j is no TLS',
  (macros) => {
    expect(readTls(new Map(Object.entries<string>(macros)))).toBeUndefined();
  },
);
