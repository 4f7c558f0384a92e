// The servers of /etc/resolv.conf, read again when the file changes: a laptop that moves, a container whose host does. The
// file is looked at every few seconds at most and only while questions are asked; if it cannot be read, the last good list
// stays.

import { readFile, stat } from 'node:fs/promises';
import { readResolvConf } from './resolv-conf.ts';
import type { Server } from './resolver.ts';

const lookEveryMs = 5_000;

/** The current list, at once. `now` is a clock in milliseconds. */
export async function systemServers(
  path: string,
  now: () => number = () => performance.now(),
): Promise<() => readonly Server[]> {
  let servers = readResolvConf('');
  let lookedAt = now();
  let version: number | undefined;
  const look = async (): Promise<void> => {
    try {
      const { mtimeMs } = await stat(path);
      if (mtimeMs === version) return;
      servers = readResolvConf(await readFile(path, 'utf8'));
      version = mtimeMs;
    } catch {
      // No file, or a moment in which it is being replaced.
    }
  };
  await look();
  return () => {
    if (now() - lookedAt >= lookEveryMs) {
      lookedAt = now();
      void look();
    }
    return servers;
  };
}
