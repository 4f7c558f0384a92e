// Makes this folder ready to run, whatever state it is in: the right Node, the packages of the lock file, a build that is
// not older than its sources. Called by `npm start` and `npm test`, because their pre-scripts do not run under
// ignore-scripts=true. Says what it does on standard error; does nothing, in a moment, when all is ready.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const nodeMin = [20, 11];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1])) {
  fail(`iprevd needs Node.js ${nodeMin.join('.')} or newer; this is ${process.versions.node}`);
}

installPackages();
build(process.argv.includes('--force'));

function installPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const stampFile = join(root, 'node_modules', '.iprevd-stamp');
  const stamp = createHash('sha256')
    .update(lock)
    .update(`${process.version} ${process.platform} ${process.arch}`)
    .digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say('installing packages');
  // No package of ours needs an install script.
  run(process.platform === 'win32' ? 'npm.cmd' : 'npm', [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--include=dev',
  ]);
  writeFileSync(stampFile, stamp);
}

function build(force) {
  const built = newest(join(root, 'dist'), '.js');
  const sources = Math.max(
    ...['.ts', '.tsx', '.html', '.css'].map((end) => newest(join(root, 'src'), end)),
    statSync(join(root, 'tsconfig.json')).mtimeMs,
  );
  if (!force && built > sources && existsSync(join(root, 'dist', 'console', 'assets', 'index.html'))) return;
  say('building');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  for (const folder of ['', 'src/console/page'])
    run(process.execPath, [tsc, '-p', join(root, folder, 'tsconfig.json')]);
  run(process.execPath, [join(root, 'tools', 'bundle.mjs')]);
  chmodSync(join(root, 'dist', 'cli.js'), 0o755); // npx runs it as a program
}

/** When the newest file below a folder was changed; 0 if there is none. */
function newest(folder, ending) {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(ending),
  );
  return Math.max(0, ...files.map((entry) => statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs));
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function say(what) {
  process.stderr.write(`iprevd: ${what} ...\n`);
}

function fail(why) {
  process.stderr.write(`iprevd: ${why}\n`);
  process.exit(1);
}
