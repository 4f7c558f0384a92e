// All signs of one name, in the order of their places. Bounded: a name has at most 255 characters, each detector looks at each
// of them a fixed number of times. Nothing throws.

import { type Ip, isIpv4 } from '../ip.ts';
import { decimalAddress } from './decimal-address.ts';
import { hexAddress } from './hex-address.ts';
import { machineIds } from './machine-id.ts';
import { providerRole } from './providers.ts';
import { type Reading, read, reverseZones } from './reading.ts';
import type { Sign, SignId } from './sign.ts';
import { wordSigns } from './words.ts';

/** `name` in lower case, without the final dot; `ip`: the client's address, if it is known. */
export function signsOf(name: string, ip?: Ip): readonly Sign[] {
  const reading = read(name);
  const octets = ip !== undefined && isIpv4(ip) ? ip.split('.').map(Number) : undefined;
  const decimal = decimalAddress(reading, octets);
  const hex = ip === undefined || decimal?.id === 'address' ? undefined : hexAddress(reading, ip, octets);
  const address = hex ?? decimal;
  const words = wordSigns(reading);
  const atHoster = words.some(({ id }) => id === 'org-hosting');
  const found = [
    address,
    reverseZone(reading),
    provider(reading),
    bare(reading, words),
    ...words,
    ...machineIds(reading, atHoster, address),
  ];
  return mostOfEach(found.filter((sign) => sign !== undefined)).sort((a, b) => a.offset - b.offset);
}

/** A second word of a kind counts, a third does not, nor one that is said twice; of other signs the first counts. */
function mostOfEach(signs: readonly Sign[]): Sign[] {
  const seen: Sign[] = [];
  for (const { id, text, offset } of signs) {
    const same = seen.filter((other) => id === other.id);
    if (same.length < (twice.has(id) ? 2 : 1) && !same.some((other) => text === other.text))
      seen.push({ id, text, offset });
  }
  return seen;
}

const twice: ReadonlySet<SignId> = new Set<SignId>(['dynamic', 'access', 'customer', 'static']);

function reverseZone({ name }: Reading): Sign | undefined {
  const zone = reverseZones.find((ending) => name.endsWith(ending));
  return zone && { id: 'reverse-zone', text: zone.slice(1), offset: name.length - zone.length + 1 };
}

function provider({ name, org }: Reading): Sign | undefined {
  const text = name.slice(org.start);
  const role = providerRole(text);
  return role && { id: role, text, offset: org.start };
}

function bare({ name, hostEnd }: Reading, words: readonly Sign[]): Sign | undefined {
  return hostEnd > 0 || name === '' || words.some(({ id }) => !id.startsWith('org-'))
    ? undefined
    : { id: 'bare', text: name, offset: 0 };
}
