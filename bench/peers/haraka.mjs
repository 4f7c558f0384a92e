// Haraka as a filter in front of another mail server: fcrdns, helo.checks and queue/smtp_forward, as they come but for what
// is said here. It refuses who has no reverse DNS, at RCPT as the others do (delay_deny). One process, as Haraka comes.
//
// Its packages are in a folder under the system's temporary one, put there by installHaraka with the versions of
// peers/haraka/package.json and without their install scripts.

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOurs, makeOurs, ownFolder } from '../support/own-folder.mjs';
import { launch, listening } from '../support/processes.mjs';

const packages = ownFolder('iprevd-bench-haraka');
const program = join(packages, 'node_modules', 'Haraka', 'bin', 'haraka');
const manifest = fileURLToPath(new URL('haraka/package.json', import.meta.url));

export const harakaMissing = 'Haraka is not installed: --install gets it with npm, into a temporary folder.';

export function hasHaraka() {
  return existsSync(program) && isOurs(packages);
}

/** Throws, with what npm said, if it cannot be done. */
export function installHaraka() {
  makeOurs(packages);
  copyFileSync(manifest, join(packages, 'package.json'));
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--no-package-lock'],
    { cwd: packages, encoding: 'utf8', timeout: 300_000 },
  );
  if (status !== 0) throw new Error(`npm install of Haraka failed:\n${stderr}`);
}

export async function startHaraka({ folder, listen, backend }) {
  const place = join(folder, 'haraka');
  cpSync(join(packages, 'node_modules', 'Haraka', 'config'), join(place, 'config'), { recursive: true });
  for (const [name, text] of Object.entries(configuration(listen, backend)))
    writeFileSync(join(place, 'config', name), text);
  const running = launch(process.execPath, [program, '-c', place], { log: join(folder, 'haraka.log') });
  await listening('Haraka', running, listen);
  return { pid: running.pid, close: running.close };
}

function configuration(listen, backend) {
  return {
    'smtp.ini': `listen=${listen.host}:${listen.port}\npublic_ip=${listen.host}\n`,
    me: 'haraka.example.org\n',
    plugins: 'delay_deny\nfcrdns\nhelo.checks\nrcpt_to.in_host_list\nqueue/smtp_forward\n',
    host_list: 'dest.example.org\n',
    'fcrdns.ini': '[reject]\nno_rdns=true\n',
    'smtp_forward.ini': `host=${backend.host}\nport=${backend.port}\n`,
  };
}
