// Tests against real programs. Where one is not installed the suite is skipped and says which; with IPREVD_TEST_REAL=1
// a missing program is a failure, so that CI cannot pass by not looking.

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from '@jest/globals';

const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin'];

/** The full path of a program, or undefined. */
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
