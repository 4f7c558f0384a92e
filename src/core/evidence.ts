// What the world said about one client: raw answers, before anyone judges them. JSON-safe and versioned, since the
// journal keeps it and replays it under another policy. Gathered by gather.ts; read by everything under core.

import type { DnsAnswer } from './answer.ts';
import type { Client, DoorKind } from './client.ts';
import type { Ip } from './ip.ts';
import { type ClaimedName, type HostName, hostName } from './name.ts';

/**
 * Why the address is probably not the client's own: a NAT or proxy in front of the door hides it. `private-space`: the door
 * sees hardly any other than private addresses, `one-address`: hardly any other than this one.
 */
export type Masking = 'private-space' | 'one-address';

/** The address records of one name. */
export interface Forward {
  readonly name: HostName;
  /** In the client's own family: only these can confirm it. */
  readonly addresses: DnsAnswer<Ip>;
  /** In the other family. Asked, and here, only if no name of the PTR (or of HELO) has an address in the client's own. */
  readonly other?: DnsAnswer<Ip>;
}

export interface Evidence {
  readonly v: 1;
  /** The ref that stands in the reply and in the log. */
  readonly id: string;
  /** When the client arrived, ISO 8601 in UTC. */
  readonly at: string;
  readonly door: DoorKind | 'check';
  readonly client: Client;
  /** The name under which we serve, in lower case; absent where nobody told. */
  readonly ourName?: string;
  readonly ptr: DnsAnswer<ClaimedName>;
  /** One entry for each name that was looked up, see candidateNames. */
  readonly forward: readonly Forward[];
  /** What the DNS says about the name in HELO. Absent: none was given yet, or it is no host name. */
  readonly helo?: Forward;
  /** The answers on the address are from before: their time was over, and the DNS could not be asked (RFC 8767). */
  readonly stale?: true;
  /** Present where the address is not to be believed; see client-watch.ts. */
  readonly masked?: Masking;
}

/**
 * The PTR names that are host names, each once, in the order of the alphabet: resolvers hand out records in turning order, and
 * a client must not be judged by which of its names came first. [] for any other answer.
 */
export function candidateNames(ptr: DnsAnswer<ClaimedName>): readonly HostName[] {
  if (ptr.kind !== 'records') return [];
  const [first, second] = ptr.records;
  // Nearly every client has one name, and every finding asks for it.
  if (first !== undefined && second === undefined) {
    const name = hostName(first);
    return name === undefined ? [] : [name];
  }
  const names = ptr.records.map(hostName).filter((name) => name !== undefined);
  return names.length < 2 ? names : [...new Set(names)].sort();
}

/** True if these address records confirm the client. */
export function confirms(addresses: DnsAnswer<Ip>, ip: Ip): boolean {
  return addresses.kind === 'records' && addresses.records.includes(ip);
}
