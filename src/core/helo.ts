// What the HELO argument is, by its form alone (RFC 5321 s2.3.5, s4.1.3): whether it says the truth is a question for the DNS.

import { type Ip, parseIp } from './ip.ts';
import { hostName, nameClass } from './name.ts';

export const heloForms = [
  'absent', // the client said MAIL without it
  'literal', // an address literal, [192.0.2.7] or [IPv6:2001:db8::7], and the client's own
  'other-literal', // the address literal of somebody else
  'bare-ip', // an address without brackets
  'localhost', // localhost, or a name below it
  'ours', // our own name, which only a liar says
  'not-fqdn', // a host name without a dot
  'fqdn', // a host name with one
  'invalid', // anything else
] as const;
export type HeloForm = (typeof heloForms)[number];

/** `ourName` in lower case. */
export function heloForm(helo: string | undefined, ip: Ip, ourName?: string): HeloForm {
  if (helo === undefined || helo === '') return 'absent';
  const literal = /^\[(?:IPv6:)?([^\]]*)\]$/i.exec(helo)?.[1];
  if (literal !== undefined) {
    const address = parseIp(literal);
    return address === undefined ? 'invalid' : address === ip ? 'literal' : 'other-literal';
  }
  if (parseIp(helo) !== undefined) return 'bare-ip';
  const bare = helo.toLowerCase().replace(/\.$/, '');
  if (nameClass(bare) === 'localhost') return 'localhost';
  if (bare === ourName) return 'ours';
  if (hostName(bare) === undefined) return 'invalid';
  return bare.includes('.') ? 'fqdn' : 'not-fqdn';
}

/** It has the form that RFC 5321 s4.1.1.1 wants, a host name or an address literal, and may be said to others. */
export function isHeloName(helo: string): boolean {
  return hostName(helo) !== undefined || /^\[(?:IPv6:)?[0-9a-f:.]{2,60}\]$/i.test(helo);
}
