// How many entries of a cache belong to one network: an IPv6 /64 or an IPv4 /24, which is what one owner can rotate through.
// Counted in a table of fixed size under a secret hash, so that the counting itself cannot be made to grow; two networks
// that share a counter share a quota, which a stranger cannot arrange.

import { randomInt } from 'node:crypto';
import { type Ip, networkPrefix } from './core/ip.ts';
import { addressesOfNetworkMax, networkCounters } from './core/limits.ts';

export interface NetworkQuota {
  /** Counts one more entry; false, and nothing counted, if its network has all it may have. */
  enter(ip: Ip): boolean;
  leave(ip: Ip): void;
}

export function networkQuota(
  perNetworkMax: number = addressesOfNetworkMax,
  seed: number = randomInt(2 ** 32),
): NetworkQuota {
  const counts = new Uint16Array(networkCounters);
  /** FNV-1a over the characters of the prefix, begun at a secret place. */
  const slotOf = (ip: Ip): number => {
    const prefix = networkPrefix(ip);
    let hash = (0x811c9dc5 ^ seed) >>> 0;
    for (let i = 0; i < prefix.length; i++) hash = Math.imul(hash ^ prefix.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    return (hash >>> 0) % networkCounters;
  };
  return {
    enter(ip) {
      const slot = slotOf(ip);
      const count = counts[slot] ?? 0;
      if (count >= perNetworkMax) return false;
      counts[slot] = count + 1;
      return true;
    },
    leave(ip) {
      const slot = slotOf(ip);
      counts[slot] = Math.max(0, (counts[slot] ?? 0) - 1);
    },
  };
}
