// Records that mend something, as lines of a zone file (RFC 1035 s5.1) and as commands for nsupdate (RFC 2136). Only host names,
// reverse names and canonical addresses can get into one, so that whatever a stranger wrote into the DNS or into HELO, a line
// that is copied and pasted holds one record and nothing else. Every name is whole and ends in a dot: it is right in any zone.

import { type Ip, isIpv4, reverseName } from '../ip.ts';
import { recordTtlS } from '../limits.ts';
import type { HostName } from '../name.ts';

export interface ZoneRecord {
  /** Where it most likely belongs, without final dot: the /24 or /64 of an address, the domain above a host. */
  readonly zone: string;
  readonly line: string;
}

/** A change of one record: what to write, and what nsupdate is told. */
export interface Change {
  readonly record: ZoneRecord;
  readonly nsupdate: readonly string[];
}

declare const ownerBrand: unique symbol;
/** A name of ours, made of an address or of host names. */
type Owner = (string & { readonly [ownerBrand]: true }) | HostName;

/** The PTR record of an address; `instead` of those that are there, or the first. */
export function ptrRecord(ip: Ip, name: HostName, instead: boolean): Change {
  return change(reverseZone(ip), reverseName(ip) as Owner, 'PTR', `${name}.`, instead);
}

/** A record beside the addresses that the name has. */
export function addressRecord(name: HostName, ip: Ip): Change {
  return change(domainOf(name), name, addressType(ip), ip, false);
}

export function addressType(ip: Ip): 'A' | 'AAAA' {
  return isIpv4(ip) ? 'A' : 'AAAA';
}

/** The other family's. */
export function otherType(ip: Ip): 'A' | 'AAAA' {
  return isIpv4(ip) ? 'AAAA' : 'A';
}

/**
 * RFC 2317: less than a /24 is handed on by an alias for each address into a zone of the customer's. How many addresses it
 * really is, no answer tells; eight are shown, as the name of the zone may be another than the usual "0-7".
 */
export function classlessRecords(ip: Ip, name: HostName, server: HostName): readonly Change[] {
  const last = Number(ip.slice(ip.lastIndexOf('.') + 1));
  const first = last - (last % 8);
  const above = reverseZone(ip);
  const zone = `${first}-${first + 7}.${above}`;
  const owner = `${last}.${zone}` as Owner;
  return [
    change(above, zone as Owner, 'NS', `${server}.`, false),
    change(above, reverseName(ip) as Owner, 'CNAME', `${owner}.`, false),
    change(zone, owner, 'PTR', `${name}.`, false),
  ];
}

/** The question in a sentence; 32 nibbles tell a reader less than the address. */
export function ptrQuestion(ip: Ip): string {
  return isIpv4(ip) ? `PTR ${reverseName(ip)}` : `PTR of ${ip}`;
}

/** The reverse zone that an address most likely lies in: that of its /24, or of its /64. */
export function reverseZone(ip: Ip): string {
  const labels = reverseName(ip).split('.');
  return labels.slice(isIpv4(ip) ? 1 : 16).join('.');
}

/** The domain above a host, or the name itself where that would be a top-level domain. */
export function domainOf(name: HostName): string {
  const labels = name.split('.');
  return labels.length > 2 ? labels.slice(1).join('.') : name;
}

function change(zone: string, owner: Owner, type: string, value: string, instead: boolean): Change {
  return {
    record: { zone, line: `${owner}. ${recordTtlS} IN ${type} ${value}` },
    // Without "zone" nsupdate asks for the zone that the name is in, which it knows better than we do.
    nsupdate: [
      ...(instead ? [`update delete ${owner}. ${type}`] : []),
      `update add ${owner}. ${recordTtlS} ${type} ${value}`,
      'send',
    ],
  };
}
