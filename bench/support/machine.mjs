// What it ran on, in a line: figures without it mean nothing.

import { cpus } from 'node:os';

export function machine() {
  return `${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Node.js ${process.version}`;
}
