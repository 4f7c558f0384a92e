// The system's resolvers, from the text of /etc/resolv.conf (resolv.conf(5)): its first three nameserver lines. Search
// lists do not apply, since every name we ask for is absolute. Nothing usable means a server on this machine.

import { parseIp } from '../core/ip.ts';
import type { Server } from './resolver.ts';

const serversMax = 3;

export function readResolvConf(text: string): readonly Server[] {
  const servers = text.split('\n').flatMap((line): Server[] => {
    const ip = parseIp(/^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '');
    return ip === undefined ? [] : [{ ip, port: 53 }];
  });
  const local = parseIp('127.0.0.1');
  if (servers.length === 0 && local !== undefined) return [{ ip: local, port: 53 }];
  return servers.slice(0, serversMax);
}
