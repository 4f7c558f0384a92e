// The clients of the benchmarks beside a mail server (load.c): compiled once, given a plan, run as a process of their own.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printPlace, run, whereIs } from './processes.mjs';

export const framings = { policy: 0, milter: 1 };

const source = fileURLToPath(new URL('load.c', import.meta.url));

/** The program, compiled into this folder. Throws with the compiler's words. */
export async function compileLoad(folder) {
  const program = join(folder, 'load');
  await run(whereIs('cc'), ['-O2', '-o', program, source]);
  return program;
}

/**
 * `sessions`: each a list of exchanges: `send` is octets, `expect` how the answer must begin (absent: none is waited for),
 * `skip` and `silent` masks of the milter protocol. Result: the file.
 */
export function writePlan(file, framing, sessions) {
  const parts = [uint32(framing), uint32(sessions.length)];
  for (const exchanges of sessions) {
    parts.push(uint32(exchanges.length));
    for (const { send, expect = '', skip = 0, silent = 0 } of exchanges)
      parts.push(
        ...[skip, silent, send.length, Buffer.byteLength(expect, 'latin1')].map(uint32),
        send,
        Buffer.from(expect, 'latin1'),
      );
  }
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

/** As the machine has it: the plan is read where it was written. */
function uint32(value) {
  return Buffer.from(new Uint32Array([value]).buffer);
}

/**
 * Sessions for so many milliseconds, so many at once. Result: what ended (`done`: answers, or sessions of a milter), how many `sessions`
 * began, seconds, microseconds of the median and the 99th of 100. Rejects on any answer that was not expected.
 */
export async function runLoad({ program, plan, to, atOnce, ms, first = 0, sleeps = false }) {
  return JSON.parse(await run(program, [plan, printPlace(to), atOnce, ms, first, sleeps ? 1 : 0].map(String)));
}
