// Sessions by organisation: the registrable domain of the confirmed name, or the network of an address that has none. Of more
// organisations than limits.ts allows, those that come later are counted together, as `others`.

import type { Findings } from '../findings.ts';
import { type Ip, isIpv4, networkPrefix } from '../ip.ts';
import { organisationsCountedMax, refsShownMax } from '../limits.ts';
import { organisation } from '../organisation.ts';

/** "partner.example", or "192.0.2.0/24" where no name is confirmed, or the confirmed one is a public suffix itself. */
export function organisationOf({ iprev }: Pick<Findings, 'iprev'>, ip: Ip): string {
  const owner = iprev.result === 'pass' ? organisation(iprev.name) : undefined;
  return owner ?? networkOf(ip);
}

/** The /24 of an IPv4 address, the /64 of an IPv6 one. */
export function networkOf(ip: Ip): string {
  if (isIpv4(ip)) return `${networkPrefix(ip)}.0/24`;
  const parts = networkPrefix(ip).split(':');
  while (parts.at(-1) === '0') parts.pop();
  return `${parts.join(':')}::/64`;
}

/** In the form of the JSON. `others` is no organisation; it has no dot. */
export interface OrganisationSessions {
  readonly organisation: string;
  readonly sessions: number;
  /** Some of them, the first. */
  readonly refs: readonly string[];
}

export interface Organisations {
  add(organisation: string, ref: string): void;
  readonly sessions: number;
  /** The largest first. */
  list(): readonly OrganisationSessions[];
}

export function countOrganisations(max = organisationsCountedMax): Organisations {
  const groups = new Map<string, { sessions: number; refs: string[] }>();
  let sessions = 0;
  const groupOf = (organisation: string) => {
    const known = groups.get(organisation);
    if (known !== undefined) return known;
    const made = { sessions: 0, refs: [] };
    groups.set(organisation, made);
    return made;
  };
  return {
    add(organisation, ref) {
      sessions++;
      const group = groupOf(groups.has(organisation) || groups.size < max ? organisation : 'others');
      group.sessions++;
      if (group.refs.length < refsShownMax) group.refs.push(ref);
    },
    get sessions() {
      return sessions;
    },
    list: () =>
      [...groups]
        .map(([organisation, { sessions: count, refs }]) => ({ organisation, sessions: count, refs }))
        .sort((a, b) => b.sessions - a.sessions || (a.organisation < b.organisation ? -1 : 1)),
  };
}
