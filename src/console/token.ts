// The console's token: a file of one line that nobody but its owner may read. Where there is none yet one is made, 256 random
// bits. A file that others may read, or that holds something short, is a mistake of the operator's and a Problem.

import { randomBytes } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { fileTrouble } from '../core/file-trouble.ts';
import type { Checked } from '../core/problem.ts';

export interface Token {
  readonly text: string;
  /** It was not there before. */
  readonly isNew: boolean;
}

/** Reads it, or makes it. */
export async function openToken(file: string): Promise<Checked<Token>> {
  const known = await readToken(file);
  if (known === undefined) return makeToken(file);
  return known.ok ? { ok: true, value: { text: known.value, isNew: false } } : known;
}

/** Undefined: there is no such file. */
export async function readToken(file: string): Promise<Checked<string> | undefined> {
  try {
    const { mode } = await stat(file);
    // Windows has no such bits.
    if ((mode & 0o077) !== 0 && process.platform !== 'win32')
      return wrong(file, `others may read it: its mode is 0${(mode & 0o777).toString(8)}`, `chmod 600 ${file}`);
    const text = (await readFile(file, 'utf8')).trim();
    if (/^[\w~+/.=-]{32,512}$/.test(text)) return { ok: true, value: text };
    return wrong(file, 'is not a token: one line of 32 letters and digits at least', 'remove it, and one is made');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : wrong(file, fileTrouble(error));
  }
}

async function makeToken(file: string): Promise<Checked<Token>> {
  const text = randomBytes(32).toString('base64url');
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${text}\n`);
    } finally {
      await handle.close();
    }
    return { ok: true, value: { text, isNew: true } };
  } catch (error) {
    return wrong(file, `no token can be made: ${fileTrouble(error, 'folder')}`, 'console.token_file names its place');
  }
}

function wrong(where: string, what: string, hint?: string): Checked<never> {
  return { ok: false, problems: [{ where, what, ...(hint === undefined ? {} : { hint }) }] };
}
