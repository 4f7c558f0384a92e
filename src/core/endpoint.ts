// Where a program listens or is reached, as written in a configuration: "127.0.0.1:25", "[::1]:25", "mail.internal:25"
// or "unix:/run/iprevd/policy.sock".

import { type Ip, parseIp } from './ip.ts';
import { hostName } from './name.ts';

export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };
export type TcpEndpoint = Extract<Endpoint, { kind: 'tcp' }>;

/** Undefined if it is neither form. Port 0 asks the system for a free one. */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (text.startsWith('unix:')) return text.length > 5 ? { kind: 'unix', path: text.slice(5) } : undefined;
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) return undefined;
  if (
    match?.[1] !== undefined ? parseIp(host) === undefined : parseIp(host) === undefined && hostName(host) === undefined
  )
    return undefined;
  return { kind: 'tcp', host, port };
}

/** A DNS server: an address, with port 53 unless another is named. */
export function parseServer(text: string): { readonly ip: Ip; readonly port: number } | undefined {
  const bare = parseIp(text);
  if (bare !== undefined) return { ip: bare, port: 53 };
  const endpoint = parseEndpoint(text);
  const ip = endpoint?.kind === 'tcp' ? parseIp(endpoint.host) : undefined;
  return ip === undefined || endpoint?.kind !== 'tcp' ? undefined : { ip, port: endpoint.port };
}

export function printEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}
