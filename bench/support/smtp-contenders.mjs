// Who takes part in an SMTP benchmark: iprevd (each build that was named), Postfix, Haraka, a floor, all in front of the
// same smtp-sink and asking the same unbound, up all the time and used in turn. Who is not installed is left out, and said.

import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { harakaMissing, hasHaraka, startHaraka } from '../peers/haraka.mjs';
import { startPostfix } from '../peers/postfix.mjs';
import { launch, listening } from './processes.mjs';
import { dnsServer } from './smtp-dns.mjs';
import { backend, frontHost } from './smtp-namespace.mjs';
import { startOurs } from './smtp-ours.mjs';

const floorProgram = fileURLToPath(new URL('../floors/smtp-relay.mjs', import.meta.url));
const builtHere = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** `--cli PATH` or `--cli NAME=PATH`, several times to compare builds: [name, path] of each, the first is measured against. */
export function builds(texts) {
  if (texts.length === 0) return [['iprevd', builtHere]];
  return texts.map((text, i) => {
    const [, name = i === 0 ? 'iprevd' : `iprevd-${i + 1}`, path] = /^(?:([\w-]+)=)?(.+)$/.exec(text);
    return [name, resolve(path)];
  });
}

/**
 * Starts our builds and the peers that are wanted (`only`: names; none means all). Each: name, where it listens, its process
 * and close(). `missing`: a sentence for each that is not installed.
 */
export async function startContenders({ folder, cli, only, node }) {
  const wanted = (name) => only.length === 0 || only.includes(name);
  const starters = [
    ...builds(cli).map(([name, path]) => [name, (where) => startOurs({ ...where, name, cli: path, node })]),
    ...(wanted('postfix') ? [['postfix', startPostfix]] : []),
    ...(wanted('haraka') && hasHaraka() ? [['haraka', startHaraka]] : []),
    ...(wanted('floor') ? [['floor', (where) => startFloor({ ...where, node })]] : []),
  ];
  const contenders = [];
  for (const [i, [name, start]] of starters.entries()) {
    const listen = { host: frontHost, port: 2501 + i };
    contenders.push({ name, listen, ...(await start({ folder, listen, backend })) });
  }
  return { contenders, missing: wanted('haraka') && !hasHaraka() ? [harakaMissing] : [] };
}

async function startFloor({ folder, listen, node = [] }) {
  const args = [...node, floorProgram, `${listen.host}:${listen.port}`, `${backend.host}:${backend.port}`, dnsServer];
  const running = launch(process.execPath, args, { log: join(folder, 'floor.log') });
  await listening('the floor', running, listen);
  return { pid: running.pid, close: running.close };
}
