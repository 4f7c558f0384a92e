// What the HELO argument is: by its form (RFC 5321 s2.3.5, s4.1.3), and by what the DNS says of the name in it. A finding, no
// verdict: RFC 5321 s4.1.4 forbids to refuse a message because the name does not lead to the client. Nothing here throws.

import type { DnsError } from './answer.ts';
import type { Client } from './client.ts';
import { confirms, type Evidence, type Forward } from './evidence.ts';
import { type Ip, parseIp } from './ip.ts';
import { type HostName, hostName, nameClass } from './name.ts';

export const heloForms = [
  'absent', // the client said MAIL without it, or has not said it yet
  'literal', // an address literal, [192.0.2.7] or [IPv6:2001:db8::7], and the client's own
  'other-literal', // the address literal of somebody else
  'bare-ip', // an address without brackets
  'localhost', // localhost, or a name below it
  'ours', // our own name or address, which only a liar says
  'not-fqdn', // a host name without a dot
  'fqdn', // a host name with one; an internationalized one in its A-labels (xn--…)
  'unicode', // a name with letters beyond ASCII, which has no place in HELO: RFC 6531 s3.7.1 wants A-labels
  'invalid', // anything else
] as const;
export type HeloForm = (typeof heloForms)[number];

export const heloDnsWords = [
  'client', // the name has the client's address
  'elsewhere', // it has addresses in the client's family, none is the client's
  'other-family', // it has addresses in the other family alone
  'nowhere', // it has no address
  'temperror', // a lookup failed, and nobody can tell
  'not-asked', // no name was said that can be looked up
] as const;
export type HeloDns = (typeof heloDnsWords)[number];

export interface Helo {
  readonly form: HeloForm;
  readonly dns: HeloDns;
  /** What came back in place of an address; present with `nowhere` and `temperror`. */
  readonly reason?: 'nxdomain' | 'nodata' | DnsError;
  /** The name in lower case, without a final dot; absent where HELO holds no host name. */
  readonly name?: HostName;
  /** The address that a literal, or an address without brackets, says. */
  readonly address?: Ip;
  /** How an internationalized name was written. A-labels are not decoded, so what they spell is nobody's claim here. */
  readonly idn?: 'a-labels' | 'u-labels' | 'mixed';
}

export function helo({ client, ourName, helo: forward }: Evidence): Helo {
  const said = client.helo ?? '';
  const name = forward?.name ?? heloName(said);
  if (name === undefined) return withoutName(said, client);
  const form = name === ourName ? 'ours' : name.includes('.') ? 'fqdn' : 'not-fqdn';
  // Found for each verdict, and nearly always one of these two; what is put together from parts takes ten times as long.
  const dns = forward === undefined ? 'not-asked' : dnsWord(forward, client.ip);
  if ((dns === 'not-asked' || dns === 'client' || dns === 'elsewhere') && !isIdn(name)) return { form, dns, name };
  const reason = forward === undefined ? undefined : reasonOf(forward, dns);
  return {
    form,
    dns,
    name,
    ...(reason === undefined ? {} : { reason }),
    ...(isIdn(name) ? { idn: 'a-labels' } : {}),
  };
}

/** The name in HELO that the DNS can be asked about; undefined: it is none. A final dot changes nothing. */
export function heloName(helo: string): HostName | undefined {
  return hostName(helo.endsWith('.') ? helo.slice(0, -1) : helo);
}

/** It has the form that RFC 5321 s4.1.1.1 wants, a host name or an address literal, and may be said to others. */
export function isHeloName(helo: string): boolean {
  return hostName(helo) !== undefined || /^\[(?:IPv6:)?[0-9a-f:.]{2,60}\]$/i.test(helo);
}

function withoutName(said: string, { ip, serverIp }: Client): Helo {
  const dns = 'not-asked';
  if (said === '') return { form: 'absent', dns };
  if (said.startsWith('[')) {
    const address = literalAddress(said);
    if (address === undefined) return { form: 'invalid', dns };
    // Who connects from our address may say so.
    return { form: address === ip ? 'literal' : address === serverIp ? 'ours' : 'other-literal', dns, address };
  }
  const address = parseIp(said);
  if (address !== undefined) return { form: address === serverIp && address !== ip ? 'ours' : 'bare-ip', dns, address };
  if (nameClass(said.replace(/\.$/, '')) === 'localhost') return { form: 'localhost', dns };
  if (!isUnicodeName(said)) return { form: 'invalid', dns };
  return { form: 'unicode', dns, idn: isIdn(said.toLowerCase()) ? 'mixed' : 'u-labels' };
}

/**
 * RFC 5321 s4.1.3: `[192.0.2.7]`, whose numbers may have zeros in front, and `[IPv6:2001:db8::7]`. An IPv6 address without its
 * tag is wrong, and still says without doubt which address is meant, so it is taken for a literal; an IPv4 address behind the
 * tag, a zone and any other tag are not.
 */
function literalAddress(helo: string): Ip | undefined {
  const [, tag, text = ''] = /^\[(IPv6:)?([0-9a-f:.]{2,45})\]$/i.exec(helo) ?? [];
  const isIpv6 = text.includes(':');
  if (tag !== undefined && !isIpv6) return undefined;
  return parseIp(isIpv6 ? text : text.replace(/\b0{1,2}(?=\d)/g, ''));
}

function isIdn(name: string): boolean {
  return name.includes('xn--') && /(?:^|\.)xn--/.test(name);
}

/** Labels of letters, digits, marks and hyphens, some of them beyond ASCII: U-labels by their looks (RFC 5890 s2.3.2.1). */
function isUnicodeName(text: string): boolean {
  return (
    text.length <= 255 && /[^\0-\x7f]/.test(text) && /^[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*\.?$/u.test(text)
  );
}

function dnsWord({ addresses, other }: Forward, ip: Ip): HeloDns {
  if (addresses.kind === 'records') return confirms(addresses, ip) ? 'client' : 'elsewhere';
  // In the other family too it might have an address.
  if (addresses.kind === 'error' || other?.kind === 'error') return 'temperror';
  return other?.kind === 'records' ? 'other-family' : 'nowhere';
}

function reasonOf({ addresses, other }: Forward, dns: HeloDns): Helo['reason'] {
  if (addresses.kind === 'error') return addresses.code;
  if (other?.kind === 'error') return other.code;
  return dns === 'nowhere' && addresses.kind !== 'records' ? addresses.kind : undefined;
}
