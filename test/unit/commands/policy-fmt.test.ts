// The canonical form as a command: printed, checked, written.

import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { policyFmt } from '../../../src/commands/policy-fmt.ts';
import { type Checked, printProblem } from '../../../src/core/problem.ts';
import { temporaryFolder } from '../../support/processes.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const loose = 'rules:\n- {tag: t, id: a} # a\notherwise: accept\n';
const tidy = 'rules:\n  - { id: a, tag: t } # a\notherwise: accept\n';

function fileWith(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}

async function fmt(file: string, how: 'print' | 'check' | 'write') {
  let printed = '';
  const terminal = { out: (text: string) => void (printed += text), err: () => undefined, colour: false };
  const orExit = <T>(checked: Checked<T>): T => {
    if (checked.ok) return checked.value;
    throw new Error(checked.problems.map(printProblem).join('\n'));
  };
  const code = await policyFmt(terminal, { file, orExit, check: how === 'check', write: how === 'write' });
  return { code, printed };
}

test('prints the canonical form, and the file stays as it is', async () => {
  const file = fileWith('a.yaml', loose);
  expect(await fmt(file, 'print')).toEqual({ code: 0, printed: tidy });
  expect(readFileSync(file, 'utf8')).toBe(loose);
});

test('--check prints nothing, and 1 says that there is something to do', async () => {
  expect(await fmt(fileWith('a.yaml', loose), 'check')).toEqual({ code: 1, printed: '' });
  expect(await fmt(fileWith('a.yaml', tidy), 'check')).toEqual({ code: 0, printed: '' });
});

test('--write puts it in the place of the file, with its mode, behind a link too, and leaves nothing else', async () => {
  const file = fileWith('real.yaml', loose);
  chmodSync(file, 0o640);
  const link = join(folder.path, 'link.yaml');
  symlinkSync(file, link);
  const before = readdirSync(folder.path);
  expect(await fmt(link, 'write')).toEqual({ code: 0, printed: '' });
  expect(readFileSync(file, 'utf8')).toBe(tidy);
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder.path)).toEqual(before);
});

test('a file that is tidy already is not written again', async () => {
  const file = fileWith('tidy.yaml', tidy);
  const { ino } = statSync(file);
  await fmt(file, 'write');
  expect(statSync(file).ino).toBe(ino);
});

test('what is wrong is a problem, and the file stays', async () => {
  const file = fileWith('wrong.yaml', 'rules: [{ id: a }]\notherwise: accept\n');
  await expect(fmt(file, 'write')).rejects.toThrow(`${file}:1:9: no action; give one of`);
  expect(readFileSync(file, 'utf8')).toBe('rules: [{ id: a }]\notherwise: accept\n');
  await expect(fmt(join(folder.path, 'none.yaml'), 'print')).rejects.toThrow('none.yaml: no such file');
  await expect(fmt(folder.path, 'print')).rejects.toThrow('is a folder, not a file');
});

test('a name beside it that is taken is left alone', async () => {
  const file = fileWith('held.yaml', loose);
  const taken = fileWith(`held.yaml.${process.pid}.tmp`, 'not ours');
  await expect(fmt(file, 'write')).rejects.toThrow(`held.yaml.${process.pid}.tmp: file already exists`);
  expect([file, taken].map((path) => readFileSync(path, 'utf8'))).toEqual([loose, 'not ours']);
});
