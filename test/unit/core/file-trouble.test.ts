// What the system says of a file, in words: no code, no name of a call, and nothing that could move a cursor.

import { openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { fileTrouble } from '../../../src/core/file-trouble.ts';
import { temporaryFolder } from '../../support/processes.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string): string => join(folder.path, name);
writeFileSync(at('file'), '');
symlinkSync(at('loop'), at('loop'));

test.each([
  ['not there', () => readFileSync(at('none')), 'no such file'],
  ['a folder', () => readFileSync(folder.path), 'is a folder, not a file'],
  ['below a file', () => readFileSync(at('file/x')), 'is no folder, or lies below something that is none'],
  ['a file for a folder', () => readdirSync(at('file')), 'is no folder, or lies below something that is none'],
  ['a loop', () => readFileSync(at('loop')), 'a symbolic link that leads back to itself'],
  ['a name too long', () => readFileSync(at('x'.repeat(300))), 'a name too long for this system'],
  ['there already', () => openSync(at('file'), 'wx'), 'file already exists'],
])('%s', (_, act, words) => {
  let found: unknown;
  try {
    act();
  } catch (error) {
    found = error;
  }
  expect(fileTrouble(found)).toBe(words);
});

const given = (code: string, message: string): Error => Object.assign(new Error(message), { code });
test.each([
  [given('EACCES', "EACCES: permission denied, scandir '/x'"), 'permission denied'],
  [given('ENOENT', "ENOENT: no such file or directory, scandir '/x'"), 'no such folder'],
  [given('EMFILE', "EMFILE: too many open files, open '/x, y \n'"), 'too many open files'],
  [given('EIO', 'EIO: i/o error, read'), 'i/o error'],
  [given('Z_BUF_ERROR', 'unexpected end of file'), 'unexpected end of file'],
  [given('toString', 'odd'), 'odd'],
  [new Error('\x1b[2J'), '\\x1b[2J'],
])('%s', (error, words) => expect(fileTrouble(error, 'folder')).toBe(words));
