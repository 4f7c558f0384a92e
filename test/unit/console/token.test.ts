// The file of the token: made once, for its owner alone; one that others may read is a mistake.

import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openToken } from '../../../src/console/token.ts';
import { printProblem } from '../../../src/core/problem.ts';

let file = '';
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'iprevd-token-')), 'console.token');
});
afterEach(() => rmSync(join(file, '..'), { recursive: true }));

const problem = async (): Promise<string> => {
  const opened = await openToken(file);
  return opened.ok ? '' : opened.problems.map(printProblem).join();
};

test('made with 256 random bits and mode 0600, and the same from then on', async () => {
  const made = await openToken(file);
  expect(made).toMatchObject({ ok: true, value: { isNew: true } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toMatch(/^[\w-]{43}\n$/);
  const text = made.ok ? made.value.text : '';
  expect(await openToken(file)).toEqual({ ok: true, value: { text, isNew: false } });
});

test.each([0o644, 0o640, 0o604])('mode %o is a mistake, and says what to do', async (mode) => {
  writeFileSync(file, `${'x'.repeat(43)}\n`);
  chmodSync(file, mode);
  expect(await problem()).toBe(`${file}: others may read it: its mode is 0${mode.toString(8)} (chmod 600 ${file})`);
});

test.each(['', 'short', 'two words of more than thirty-two characters', 'x'.repeat(600)])(
  '"%s" is no token',
  async (text) => {
    writeFileSync(file, text, { mode: 0o600 });
    expect(await problem()).toContain('is not a token');
  },
);

test('a folder that is not there', async () => {
  file = join(file, 'deeper', 'console.token');
  expect(await problem()).toContain('console.token_file names its place');
  file = join(file, '..', '..');
});
