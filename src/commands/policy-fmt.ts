// `iprevd policy fmt`: a policy file in its canonical form: printed, or put in the place of the file, or only compared with it. What
// cannot be read, written or understood is a Problem. A file is replaced as a whole: whoever reads it meanwhile, the service say,
// has the old one or the new one.

import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { fileTrouble } from '../core/file-trouble.ts';
import { formatPolicy } from '../core/policy-format.ts';
import type { Checked } from '../core/problem.ts';
import type { Terminal } from '../terminal.ts';

export interface PolicyFmtParts {
  readonly file: string;
  /** The value, or the end of the command with its problems. */
  readonly orExit: <T>(checked: Checked<T>) => T;
  /** Only says by the exit code whether the file is in canonical form, whatever `write` says. */
  readonly check: boolean;
  readonly write: boolean;
}

/** Returns the exit code: 1 if `check` found something to do, else 0. */
export async function policyFmt(terminal: Terminal, { file, orExit, check, write }: PolicyFmtParts): Promise<0 | 1> {
  const text = orExit(await trying(file, () => readFile(file, 'utf8')));
  const formatted = orExit(formatPolicy(text, file));
  if (check) return formatted === text ? 0 : 1;
  if (!write) terminal.out(formatted);
  else if (formatted !== text) orExit(await trying(file, () => replace(file, formatted)));
  return 0;
}

/** A new file of the same mode and owner beside the old one, and then in its place. A link goes on being one. */
async function replace(file: string, text: string): Promise<void> {
  const old = await realpath(file);
  const { mode, uid, gid } = await stat(old);
  const fresh = `${old}.${process.pid}.tmp`;
  const made = await open(fresh, 'wx', 0o600);
  try {
    await made.writeFile(text);
    await made.chown(uid, gid);
    await made.chmod(mode);
    await made.sync();
    await made.close();
    await rename(fresh, old);
  } catch (error) {
    await made.close();
    await rm(fresh);
    throw error;
  }
}

async function trying<T>(file: string, act: () => Promise<T>): Promise<Checked<T>> {
  try {
    return { ok: true, value: await act() };
  } catch (error) {
    const { code, path = file } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { ok: false, problems: [{ where: path, what: fileTrouble(error) }] };
  }
}
