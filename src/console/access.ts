// Who may ask the console. The page is for one origin: a foreign Host (DNS rebinding), a foreign Origin and a cross-site fetch are
// turned away before anything is looked at; then a bearer token is needed for all that says or does something (RFC 6750 s2.1). No
// cookie exists: browsers send those to every port of a host, and on loopback that is anybody's program. Never throws.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Endpoint } from '../core/endpoint.ts';

export interface Asking {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** What anybody may see who reaches the socket: the page itself, health. */
  readonly isOpen: boolean;
}

export interface Refused {
  readonly status: 401 | 403;
  readonly why: 'foreign host' | 'cross-site request' | 'no token' | 'wrong token';
}

/** Undefined: it may be answered. */
export type Access = (asking: Asking) => Refused | undefined;

export function access(listen: Endpoint, token: string): Access {
  const wanted = digest(token);
  const hosts = new Set(['localhost', '127.0.0.1', '[::1]']);
  if (listen.kind === 'tcp') hosts.add(listen.host.includes(':') ? `[${listen.host}]` : listen.host.toLowerCase());

  return ({ method, path, headers, isOpen }) => {
    // The port may be another: of an ssh tunnel, or none at a UNIX socket.
    const name = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/i.exec(headers.host ?? '')?.[1]?.toLowerCase();
    if (name === undefined || !hosts.has(name)) return { status: 403, why: 'foreign host' };
    if (isCrossSite(method, path, headers)) return { status: 403, why: 'cross-site request' };
    if (isOpen) return undefined;
    const given = /^Bearer ([\w~+/.=-]{1,512})$/.exec(headers.authorization ?? '')?.[1];
    if (given === undefined) return { status: 401, why: 'no token' };
    return timingSafeEqual(digest(given), wanted) ? undefined : { status: 403, why: 'wrong token' };
  };
}

function isCrossSite(method: string, path: string, { origin, host, ...headers }: IncomingHttpHeaders): boolean {
  if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) return true;
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  // A link from elsewhere to the page is no harm: it shows nothing without a token.
  return !(method === 'GET' && path === '/' && headers['sec-fetch-mode'] === 'navigate');
}

/** "null" and whatever is no origin are nobody's. */
function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/@]+)$/i.exec(origin)?.[1]?.toLowerCase();
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
