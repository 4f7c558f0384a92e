// Notices when a door does not see its clients: behind a NAT, or a proxy that does not say who connects, every client has the
// address of that box, whose reverse DNS tells nothing about anyone. Counts distinct addresses, not sessions: whoever floods
// a door cannot keep the rest of the world away from it, and so cannot make the others few.
//
// Counted are the addresses of the last half to whole day. Loopback is left alone: it is where tests and filters come from.

import type { Masking } from './core/evidence.ts';
import { addressSpace, type Ip } from './core/ip.ts';
import { maskedOthersMax, maskedPrivateMin, maskedPublicMin, watchWindowMs } from './core/limits.ts';

export interface ClientWatch {
  /** Counts one session. Undefined: nothing speaks against its address. */
  arrived(ip: Ip): Masking | undefined;
  /** What was noticed and still holds. */
  readonly masked: Masked | undefined;
}

export interface Masked {
  readonly masking: Masking;
  /** The address that came last, as an example, or the one that is meant. */
  readonly ip: Ip;
}

export interface ClientWatchOptions {
  /** Told once when it begins and, with undefined, when it is over. */
  readonly onChange?: (masked: Masked | undefined) => void;
  /** Milliseconds on a clock that never runs backwards. */
  readonly now?: () => number;
}

interface Seen {
  /** Sessions from private space. */
  inPrivate: number;
  /** Sessions by public address; one more address than may be there among the masked, and no further. */
  readonly inPublic: Map<Ip, number>;
}

/** Watches one door. */
export function clientWatch({
  onChange = () => {},
  now = () => performance.now(),
}: ClientWatchOptions = {}): ClientWatch {
  let current = nobody();
  let before = nobody();
  let begun = now();
  let masked: Masked | undefined;

  const turn = (clock: number): void => {
    if (clock - begun < watchWindowMs) return;
    before = clock - begun < 2 * watchWindowMs ? current : nobody();
    current = nobody();
    begun = clock;
  };
  const count = (ip: Ip): void => {
    const { inPublic } = current;
    if (addressSpace(ip) === 'private') current.inPrivate++;
    else if (inPublic.has(ip) || inPublic.size <= maskedOthersMax + 1) inPublic.set(ip, (inPublic.get(ip) ?? 0) + 1);
  };
  const find = (ip: Ip): Masked | undefined => {
    const others = new Set([...before.inPublic.keys(), ...current.inPublic.keys()]);
    if (addressSpace(ip) === 'private') {
      const enough = before.inPrivate + current.inPrivate >= maskedPrivateMin;
      return enough && others.size <= maskedOthersMax ? { masking: 'private-space', ip } : undefined;
    }
    const sessions = (before.inPublic.get(ip) ?? 0) + (current.inPublic.get(ip) ?? 0);
    return sessions >= maskedPublicMin && others.size <= maskedOthersMax + 1
      ? { masking: 'one-address', ip }
      : undefined;
  };

  return {
    arrived(ip) {
      turn(now());
      // So many others that nothing can be found before this window is over, and nothing need be counted.
      if (current.inPublic.size > maskedOthersMax + 1 || addressSpace(ip) === 'loopback') return undefined;
      count(ip);
      const found = find(ip);
      // Another address that is believed does not end it: two of those may come.
      const over = masked !== undefined && found === undefined && find(masked.ip) === undefined;
      if (over || (found !== undefined && masked === undefined)) {
        masked = found;
        onChange(found);
      }
      return found?.masking;
    },
    get masked() {
      return masked;
    },
  };
}

function nobody(): Seen {
  return { inPrivate: 0, inPublic: new Map() };
}
