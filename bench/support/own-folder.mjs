// Folders for programs that a benchmark fetched for itself. What runs from there runs with our rights, and in the system's
// temporary folder anyone could have put it: one that is not ours alone to write is not used.

import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function ownFolder(name) {
  return join(tmpdir(), name);
}

export function isOurs(folder) {
  if (!existsSync(folder)) return false;
  const { uid, mode } = lstatSync(folder);
  return uid === process.getuid() && (mode & 0o022) === 0;
}

/** Throws if somebody else has it. */
export function makeOurs(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (!isOurs(folder)) throw new Error(`${folder} belongs to somebody else`);
}
