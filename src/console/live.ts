// Who watches: each is told every decision that concerns him, as a line of JSON, up to so many a second and no more than his
// connection takes; what is left out is counted and told with the beat of each second. A slow reader slows nobody.

import { type Cidr, inCidr } from '../core/ip.ts';
import {
  consoleStreamsMax,
  liveBufferOctetsMax,
  liveDecisionsPerSecondMax,
  recentDecisionsMax,
} from '../core/limits.ts';
import type { Decision } from '../core/verdict.ts';
import type { LiveLine } from './wire.ts';

/** What is written to; `writableLength`: octets that wait in it. */
export interface Outlet {
  write(text: string): unknown;
  readonly writableLength: number;
}

export interface Watching {
  stop(): void;
}

export interface Live {
  decided(decision: Decision, ms: number): void;
  /**
   * From now on; with `recent`, the last decisions first. `client`: only those about clients of this range. Undefined: too many
   * watch already.
   */
  watch(outlet: Outlet, options: { client?: Cidr; recent?: boolean }): Watching | undefined;
  /** Once a second. */
  beat(): void;
}

interface Watcher {
  readonly outlet: Outlet;
  readonly client: Cidr | undefined;
  told: number;
  skipped: number;
}

export function liveDecisions(): Live {
  const watchers = new Set<Watcher>();
  const recent: { readonly decision: Decision; readonly ms: number }[] = [];
  const concerns = ({ client }: Watcher, { evidence }: Decision) =>
    client === undefined || inCidr(evidence.client.ip, client);

  return {
    decided(decision, ms) {
      if (recent.push({ decision, ms }) > 2 * recentDecisionsMax) recent.splice(0, recentDecisionsMax);
      let line: string | undefined;
      for (const watcher of watchers) {
        if (!concerns(watcher, decision)) continue;
        if (watcher.told >= liveDecisionsPerSecondMax || watcher.outlet.writableLength > liveBufferOctetsMax) {
          watcher.skipped++;
          continue;
        }
        watcher.told++;
        watcher.outlet.write((line ??= toLine({ kind: 'decision', decision, ms })));
      }
    },
    watch(outlet, options) {
      if (watchers.size >= consoleStreamsMax) return undefined;
      const watcher: Watcher = { outlet, client: options.client, told: 0, skipped: 0 };
      watchers.add(watcher);
      const before = options.recent ? recent.filter(({ decision }) => concerns(watcher, decision)) : [];
      // The beat at once, so that the reader knows that he is heard.
      outlet.write(
        before
          .slice(-recentDecisionsMax)
          .map((one) => toLine({ kind: 'decision', ...one }))
          .join('') + toLine({ kind: 'beat', skipped: 0 }),
      );
      return { stop: () => void watchers.delete(watcher) };
    },
    beat() {
      for (const watcher of watchers) {
        if (watcher.outlet.writableLength <= liveBufferOctetsMax) {
          watcher.outlet.write(toLine({ kind: 'beat', skipped: watcher.skipped }));
          watcher.skipped = 0;
        }
        watcher.told = 0;
      }
    },
  };
}

function toLine(line: LiveLine): string {
  return `${JSON.stringify(line)}\n`;
}
