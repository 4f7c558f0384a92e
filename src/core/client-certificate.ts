// The certificate that a client shows over TLS, as the door or the mail server before it tells. Evidence and no duty: nearly no
// mail server shows one. Its names are foreign bytes; what is neither a host name nor a wildcard of RFC 9525 s6.3 is left out.

import type { Client } from './client.ts';
import { type HostName, hostName } from './name.ts';

export const certificateWords = [
  'verified', // a chain that the server trusts leads to it, and its time is not over
  'unverified', // it is self-signed, or of somebody whom the server does not know: anybody may have written it
  'none', // the client showed none, or did not speak TLS, or the door was not told
] as const;
export type CertificateWord = (typeof certificateWords)[number];

export function certificateWord({ tls }: Client): CertificateWord {
  const certificate = tls?.certificate;
  return certificate === undefined ? 'none' : certificate.verified ? 'verified' : 'unverified';
}

export interface CertificateName {
  /** The name or, of a wildcard, what stands behind "*.". */
  readonly name: HostName;
  readonly wildcard: boolean;
}

/** Those that can be held against a name. [] without a certificate. */
export function certificateNames({ tls }: Client): readonly CertificateName[] {
  return (tls?.certificate?.names ?? []).flatMap((text) => {
    const wildcard = text.startsWith('*.');
    const name = hostName(wildcard ? text.slice(2) : text);
    return name === undefined ? [] : [{ name, wildcard }];
  });
}

/** RFC 9525 s6.3: the wildcard is the whole left-most label and stands for one label. */
export function certificateFits({ name, wildcard }: CertificateName, host: HostName): boolean {
  if (!wildcard) return name === host;
  const dot = host.indexOf('.');
  return dot > 0 && host.slice(dot + 1) === name;
}
