// What a mail server tells of its client's TLS, in macros. Pure; strings are latin1. Sendmail says how the certificate was
// verified, with its common name in xtext; Postfix names only one that it trusts, as it is, and is silent on all others.

import type { Tls } from '../../core/client.ts';
import { readXtext } from '../../core/xtext.ts';

/** The macros that it stands in, as a mail server is asked for them. */
export const tlsMacros = '{tls_version} {verify} {cn_subject} {cert_subject}';

/** What Sendmail writes in place of a common name that it cannot tell (tls.c). */
const noName = /^BadCertificate(?:Unknown|TooLong|ContainsNUL)$/;

/** Undefined: no TLS, or it was not told. */
export function readTls(macros: ReadonlyMap<string, string>): Tls | undefined {
  const protocol = macros.get('tls_version');
  if (!protocol) return undefined;
  const verify = macros.get('verify');
  const names = (name: string | undefined): string[] => (name ? [name] : []);
  // Others than OK and FAIL are about clients that have shown none.
  if (verify === 'OK' || verify === 'FAIL') {
    const name = readXtext(macros.get('cn_subject') ?? '') ?? '';
    return { protocol, certificate: { verified: verify === 'OK', names: names(name.replace(noName, '')) } };
  }
  const subject = macros.get('cert_subject');
  // From a Sendmail that did not tell {verify} it is a whole name, "/O=any/CN=client", and proves nothing.
  if (verify || !subject || subject.startsWith('/')) return { protocol };
  return { protocol, certificate: { verified: true, names: names(subject) } };
}
