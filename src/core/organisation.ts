// Whose name is it: the registrable domain, one label below a public suffix ("example.co.uk" of "mx.example.co.uk"), by the
// ICANN section of the public suffix list. Suffixes that companies list for their customers (compute.amazonaws.com) are names of
// that company here. Undefined for a public suffix itself, a single label or no name at all; never throws.

import { getDomain } from 'tldts';

/** `name` in lower case, without the final dot. */
export function organisation(name: string): string | undefined {
  return getDomain(name, options) ?? undefined;
}

const options = { allowPrivateDomains: false, extractHostname: false, validateHostname: false, detectIp: false };
