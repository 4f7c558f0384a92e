// The names that a remedy speaks of: the one that the server should have, and those that strangers wrote, as one word each.

import { confirms, type Evidence } from '../evidence.ts';
import { nameShownOctetsMax } from '../limits.ts';
import { type HostName, hostName, nameClass, printable, printableName } from '../name.ts';
import { naming } from '../naming.ts';
import { addressRecord, addressType, type Change } from './record.ts';

/** Stands where nobody but the reader knows the right name (RFC 2606). */
export const placeholder = 'mail.example.org' as HostName;
/** The same for a name server. */
export const placeholderServer = 'ns1.example.org' as HostName;

/** The name for the PTR record of a server. */
export interface ServerName {
  readonly name: HostName;
  /** What the name needs beside: nothing, if it leads back already. */
  readonly changes: readonly Change[];
  /** A sentence on what the name is, or ''. */
  readonly says: string;
}

/** What it says in HELO, if that leads back to it and is no provider's template; else a placeholder. Never a mere claim. */
export function serverName(evidence: Evidence): ServerName {
  const { client, helo } = evidence;
  if (helo?.name.includes('.') && confirms(helo.addresses, client.ip) && !isTemplate(evidence, helo.name))
    return { name: helo.name, changes: [], says: '' };
  return {
    name: placeholder,
    changes: [addressRecord(placeholder, client.ip)],
    says: `Put your server's own name in place of ${placeholder}; its ${addressType(client.ip)} record must lead back to the address.`,
  };
}

/** A foreign name in a sentence: escaped (RFC 1035 s5.1), without a blank or a quote, so that it stays one word. */
export function foreignName(name: string): string {
  return printableName(name, nameShownOctetsMax).replaceAll(' ', '\\032').replaceAll('"', '\\034');
}

/** Any other foreign text, in quotes that it cannot end; a line is never broken inside quotes (print.ts). */
export function foreignText(text: string): string {
  return `"${printable(text, nameShownOctetsMax).replaceAll('"', '\\x22')}"`;
}

/** A PTR name; with what it is, and in quotes, so that it can begin no line as a command does, if it is no host name. */
export function claim(name: string): string {
  return hostName(name) === undefined ? `"${foreignName(name) || '.'}" (${nameClass(name)})` : foreignName(name);
}

export function listed(items: readonly string[], most = 3): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(', ')} and ${rest} more` : joined(items);
}

/** True for a name that a provider made, which is nobody's own. */
export function isTemplate(evidence: Evidence, name: HostName): boolean {
  return naming({ ...evidence, ptr: { kind: 'records', records: [name], ttl: 0 } }).label === 'generic';
}

function joined(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
