// Who may still come in: so many clients at once, so many of one address, so many of one network. Counting only; the words
// of the 421 are here because they say which count was full.

import type { Ip } from '../../core/ip.ts';
import { networkPrefix } from '../../core/ip.ts';

export interface AdmissionLimits {
  readonly connections: number;
  readonly perAddress: number;
  /** Of an IPv6 /64 or IPv4 /24. */
  readonly perNetwork: number;
}

export interface Admission {
  /** Counts the client in, or says why not. `isTrusted`: a proxy, which stands for many, is only counted among all. */
  enter(ip: Ip, isTrusted: boolean): string | undefined;
  /** The client has gone; the same arguments as for enter. */
  leave(ip: Ip, isTrusted: boolean): void;
}

export function admission({ connections, perAddress, perNetwork }: AdmissionLimits): Admission {
  let all = 0;
  const addresses = new Map<string, number>();
  const networks = new Map<string, number>();
  return {
    enter(ip, isTrusted) {
      if (all >= connections) return 'too many connections, try again later';
      if (!isTrusted) {
        const network = networkPrefix(ip);
        if ((addresses.get(ip) ?? 0) >= perAddress) return `too many connections from ${ip}`;
        if ((networks.get(network) ?? 0) >= perNetwork) return `too many connections from the network of ${ip}`;
        add(addresses, ip, 1);
        add(networks, network, 1);
      }
      all++;
      return undefined;
    },
    leave(ip, isTrusted) {
      all--;
      if (isTrusted) return;
      add(addresses, ip, -1);
      add(networks, networkPrefix(ip), -1);
    },
  };
}

function add(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
