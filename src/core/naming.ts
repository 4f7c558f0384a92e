// Is the PTR name a provider's template? So far one sign is read, the surest: the client's own address is written in
// the name, its four numbers in order or reversed, or all 32 nibbles of an IPv6 address. `unknown` means that sign is
// missing, not that the name is good. A template name is a remark, never a reason to refuse on its own: about 4 % of
// the servers that deliver to public lists have one.

import { candidateNames, type Evidence } from './evidence.ts';
import { type Ip, isIpv4, reverseName } from './ip.ts';
import type { HostName } from './name.ts';

export const namingLabels = ['generic', 'unknown'] as const;
export type NamingLabel = (typeof namingLabels)[number];

/** A piece of the name that speaks for the label, and where it stands in it (characters from 0). */
export interface NamingSign {
  readonly id: 'address';
  readonly text: string;
  readonly offset: number;
}

export interface Naming {
  readonly label: NamingLabel;
  /** The name that speaks for the label: the first of the PTR, or the first without the sign. Absent without any. */
  readonly name?: HostName;
  readonly evidence: readonly NamingSign[];
}

/**
 * Reads every name that the PTR claims; one without the sign speaks for the client. Not the confirmed name alone: which one
 * of several confirms first is a matter of milliseconds, and of lookups that may fail.
 */
export function naming({ client, ptr }: Evidence): Naming {
  const find = isIpv4(client.ip) ? fourNumbers : nibbles;
  const read = candidateNames(ptr).map((name) => ({ name, sign: find(name, client.ip) }));
  const spared = read.find(({ sign }) => sign === undefined);
  if (spared !== undefined) return { label: 'unknown', name: spared.name, evidence: [] };
  const [first] = read;
  return first?.sign === undefined
    ? { label: 'unknown', evidence: [] }
    : { label: 'generic', name: first.name, evidence: [first.sign] };
}

/** Finds 192-0-2-7, 7.2.0.192 or 192.000.002.007: four neighbouring numbers with dots or hyphens between. */
function fourNumbers(name: HostName, ip: Ip): NamingSign | undefined {
  // The last four numbers, and where each begins; -1: there was something else between.
  let [a, b, c, d] = [-1, -1, -1, -1];
  let [aAt, bAt, cAt, dAt] = [0, 0, 0, 0];
  for (let i = 0; i < name.length; ) {
    const char = name.charCodeAt(i);
    if (!isDigit(char)) {
      if (char !== 0x2e && char !== 0x2d) d = -1;
      i++;
      continue;
    }
    [a, b, c] = d < 0 ? [-1, -1, -1] : [b, c, d];
    [aAt, bAt, cAt, dAt] = [bAt, cAt, dAt, i];
    for (d = 0; i < name.length && isDigit(name.charCodeAt(i)); i++) d = d * 10 + name.charCodeAt(i) - 0x30;
    if (a < 0 || (`${a}.${b}.${c}.${d}` !== ip && `${d}.${c}.${b}.${a}` !== ip)) continue;
    return { id: 'address', text: name.slice(aAt, i), offset: aAt };
  }
  return undefined;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

/** Finds the 32 nibbles of an IPv6 address run together or with dots or hyphens between, in order or reversed. */
function nibbles(name: HostName, ip: Ip): NamingSign | undefined {
  const reversed = reverseName(ip).replace('.ip6.arpa', '').replaceAll('.', '');
  const bare = name.replace(/[.-]/g, '');
  const at = [reversed, [...reversed].reverse().join('')].map((digits) => bare.indexOf(digits)).find((i) => i >= 0);
  if (at === undefined) return undefined;
  const places = [...name.matchAll(/[^.-]/g)].map((match) => match.index);
  const offset = places[at] ?? 0;
  return { id: 'address', text: name.slice(offset, (places[at + 31] ?? 0) + 1), offset };
}
