// All checks, in the order in which they are cheap: formatting and lint, types of the core without any environment, of
// the page with a browser's, of sources and tests, then every suite. Arguments go to jest: `npm test -- test/unit -t iprev`.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const tsc = bin('typescript/bin/tsc');

step('lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']);
step('types of src/core', [tsc, '-p', 'src/core/tsconfig.json']);
step('types of the page', [tsc, '-p', 'src/console/page/tsconfig.json', '--noEmit']);
step('types of src and test', [tsc, '-p', 'test/tsconfig.json']);
const jest = node(
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    bin('jest/bin/jest.js'),
    ...process.argv.slice(2),
  ],
  'inherit',
);
process.exit(jest.status ?? 1);

function step(what, args) {
  const { status, stdout, stderr } = node(args, 'pipe');
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}\n${what}: failed\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}

function node(args, stdio) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', stdio, stdio], encoding: 'utf8' });
}
