// The form of a remedy: who must act, one paragraph, and the ways out of it with their records.

import type { Change, ZoneRecord } from './record.ts';

export const owners = [
  'address owner', // who has the reverse zone of the address: a provider, a hoster, or whom they handed it on to
  'domain owner', // who keeps the zone of the name
  'zone operator', // who runs the DNS servers of a zone that cannot be asked
  'server operator', // who configures the sending mail server
  'receiver', // who runs this iprevd: the way to the DNS is broken on our own side
] as const;
export type Owner = (typeof owners)[number];

export interface Advice {
  /** Who must act; the ways may have others. */
  readonly owner: Owner;
  /** One paragraph: what was looked up, what came back, what that means, what to do. */
  readonly says: string;
  /** Each mends it on its own. None: no record does. */
  readonly ways: readonly Way[];
  /** Commands that show whether it is mended. */
  readonly verify: readonly string[];
}

export interface Way {
  readonly owner: Owner;
  /** Who does what, and under which condition. */
  readonly says: string;
  readonly records: readonly ZoneRecord[];
  /** The same records for nsupdate; each zone is sent on its own. */
  readonly nsupdate: readonly string[];
}

export function wayOf(owner: Owner, says: string, changes: readonly Change[]): Way {
  return {
    owner,
    says,
    records: changes.map(({ record }) => record),
    nsupdate: changes.flatMap(({ nsupdate }) => nsupdate),
  };
}
