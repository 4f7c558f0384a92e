// Tests against real programs. Where one is not installed the suite is skipped and says which; with IPREVD_TEST_REAL=1
// a missing program is a failure, so that CI cannot pass by not looking. A server whose package cannot be installed
// beside the others is found where .ci/run unpacks it, and runs in a root folder of its own.

import { execFileSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, test } from '@jest/globals';

const places = [
  ...(process.env.PATH ?? '').split(':'),
  ...['/usr/sbin', '/usr/local/sbin', '/sbin', '/usr'],
  ...['/opt/iprevd-test/usr/sbin', '/opt/iprevd-test/usr'],
];

/** The full path of a program, or undefined. "libexec/x/x" is one below /usr. */
export function whereIs(program: string): string | undefined {
  return places
    .map((place) => join(place, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function describeWith(programs: readonly string[], name: string, suite: () => void): void {
  const missing = programs.filter((program) => whereIs(program) === undefined);
  if (missing.length === 0) {
    describe(name, suite);
    return;
  }
  const title = `${name} (not installed: ${missing.join(', ')})`;
  if (process.env.IPREVD_TEST_REAL === '1') {
    test(title, () => {
      throw new Error(`IPREVD_TEST_REAL=1 and not installed: ${missing.join(', ')}`);
    });
    return;
  }
  describe.skip(title, suite);
}

/** The first user id of a server in a root of its own: one that the system gives to nobody. */
const firstUserId = 61_000;

export interface RootParts {
  /** Made by this, as is all that is in it. */
  readonly folder: string;
  readonly program: string;
  /** Users that the program was built to run as, by name; each has the group of its name. */
  readonly users: readonly string[];
  /** Path in the root → content. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * A folder that a server can be given as its root (chroot): the program, its libraries, and users that the machine need
 * not have. Paths that were compiled into it lead into the folder, so that it reads no configuration and no queue of the
 * machine. Its path in there is the result, with the ids of its users. Throws if the program is not installed.
 */
export function makeRoot({ folder, program, users, files }: RootParts): { path: string; userIds: readonly number[] } {
  const installed = whereIs(program);
  if (installed === undefined) throw new Error(`${program} is not installed`);
  const put = (path: string, write: (to: string) => void): void => {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    write(to);
  };
  const path = join('/usr/sbin', basename(installed));
  put(path, (to) => copyFileSync(installed, to));
  const libraries = execFileSync('ldd', [installed], { encoding: 'utf8' }).match(/(?<=\s)\/\S+/g) ?? [];
  for (const library of libraries) put(library, (to) => copyFileSync(library, to));

  const userIds = users.map((_, i) => firstUserId + i);
  const passwd = users.map((user, i) => `${user}:x:${userIds[i]}:${userIds[i]}::/nowhere:/nowhere`);
  const group = users.map((user, i) => `${user}:x:${userIds[i]}:`);
  const common = {
    'etc/passwd': ['root:x:0:0::/nowhere:/nowhere', ...passwd, ''].join('\n'),
    'etc/group': ['root:x:0:', 'mail:x:8:', ...group, ''].join('\n'),
    'etc/services': 'smtp 25/tcp\n',
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\n',
  };
  for (const [name, content] of Object.entries({ ...common, ...files })) put(name, (to) => writeFileSync(to, content));
  return { path, userIds };
}
