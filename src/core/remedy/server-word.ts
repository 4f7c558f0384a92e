// Why a DNS server could not tell, in its own words: extended errors (RFC 8914 s4), with what each means for whoever must mend
// it. Absent: the server said nothing of the kind, and then there is nothing to repeat.

import type { ExtendedError, Remarks } from '../answer.ts';
import { foreignText } from './name.ts';

/** The name of a code, by the registry of RFC 8914 s5.2, and whether it is about DNSSEC. */
const codes: ReadonlyMap<number, readonly [name: string, about: 'dnssec' | 'servers' | 'policy' | 'other']> = new Map([
  [1, ['unsupported DNSKEY algorithm', 'dnssec']],
  [2, ['unsupported DS digest type', 'dnssec']],
  [5, ['DNSSEC indeterminate', 'dnssec']],
  [6, ['DNSSEC bogus', 'dnssec']],
  [7, ['signature expired', 'dnssec']],
  [8, ['signature not yet valid', 'dnssec']],
  [9, ['DNSKEY missing', 'dnssec']],
  [10, ['signatures missing', 'dnssec']],
  [11, ['no zone key bit set', 'dnssec']],
  [12, ['NSEC missing', 'dnssec']],
  [13, ['cached error', 'other']],
  [14, ['not ready', 'other']],
  [15, ['blocked', 'policy']],
  [16, ['censored', 'policy']],
  [17, ['filtered', 'policy']],
  [18, ['prohibited', 'policy']],
  [20, ['not authoritative', 'servers']],
  [22, ['no reachable authority', 'servers']],
  [23, ['network error', 'servers']],
  [24, ['invalid data', 'servers']],
]);

const meanings = {
  dnssec:
    'The zone is signed and its signatures do not hold, so that every resolver that checks them takes its answers for forged. It must be signed again, or the DS record in the zone above it corrected.',
  servers: 'The name servers of the zone could not be reached, or do not know the zone.',
  policy: 'That is the rule of a resolver, and no fault of the zone.',
  other: '',
} as const;

/** "The DNS server adds: …" and what it means; '' without such a word. */
export function serverWord({ ede = [] }: Remarks): string {
  if (ede.length === 0) return '';
  const abouts = ede.map(({ code }) => codes.get(code)?.[1]).filter((about) => about !== undefined);
  const [meaning = ''] = [...new Set(abouts)].map((about) => meanings[about]).filter((text) => text !== '');
  return `The DNS server adds: ${ede.map(oneError).join('; ')}.${meaning === '' ? '' : ` ${meaning}`}`;
}

/** True if what failed is DNSSEC, which is mended otherwise than servers that are away. */
export function saysDnssec({ ede = [] }: Remarks): boolean {
  return ede.some(({ code }) => codes.get(code)?.[1] === 'dnssec');
}

function oneError({ code, text }: ExtendedError): string {
  const name = codes.get(code)?.[0];
  const more = text === '' || text.toLowerCase() === name?.toLowerCase() ? '' : `, ${foreignText(text)}`;
  return `extended error ${code}${name === undefined ? '' : `, ${name}`}${more}`;
}
