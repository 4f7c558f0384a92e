// The policy in force, shown and saved. Saving is a change of the operator's file: whole or not at all (written beside it, then
// renamed), only over the text that was edited, with a copy of it kept as "file~"; a text with mistakes, or with a list that cannot
// be read, leaves the file as it was. Everything wrong comes back as Problems.

import { createHash } from 'node:crypto';
import { copyFile, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { consoleListOctetsMax } from '../core/limits.ts';
import { type Problem, printProblem } from '../core/problem.ts';
import { readPolicy } from '../core/schema.ts';
import type { PolicySaved, PolicySaving, PolicyView } from './wire.ts';

export interface EditedPolicy {
  readonly file: string;
  reload(): Promise<readonly Problem[]>;
}

/** `readOnly`: why it may not be saved. */
export async function viewPolicy({ file }: EditedPolicy, readOnly: string | undefined): Promise<PolicyView> {
  const text = await readFile(file, 'utf8');
  return {
    file,
    text,
    version: versionOf(text),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(await readLists(text, file)),
  };
}

/** One at a time: the caller sees to it. */
export async function savePolicy(edited: EditedPolicy, { text, version }: PolicySaving): Promise<PolicySaved> {
  const file = await realpath(edited.file);
  const before = await readFile(file, 'utf8');
  if (versionOf(before) !== version)
    return { ok: false, problems: [`${edited.file}: was changed meanwhile by somebody else: load it again`] };
  const checked = readPolicy(text, edited.file);
  if (!checked.ok) return { ok: false, problems: checked.problems.map(printProblem) };
  await copyFile(file, `${file}~`);
  await replace(file, text);
  const problems = await edited.reload();
  if (problems.length === 0) return { ok: true, version: versionOf(text), problems: [] };
  await replace(file, before);
  await edited.reload();
  return { ok: false, problems: problems.map(printProblem) };
}

function versionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

async function replace(file: string, text: string): Promise<void> {
  const { mode } = await stat(file);
  const beside = `${file}.new-${process.pid}`;
  const handle = await open(beside, 'wx', mode & 0o777);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file).catch(async (error: unknown) => {
    await unlink(beside);
    throw error;
  });
}

/** The lists that a policy names, by the name that it has for them; what is too large, or cannot be read, is left out. */
async function readLists(text: string, file: string): Promise<Pick<PolicyView, 'lists' | 'leftOut'>> {
  const names = new Set<string>();
  readPolicy(text, file, (name, kind) => {
    names.add(name);
    return { path: name, kind, has: () => false };
  });
  const lists: Record<string, string> = Object.create(null);
  const leftOut: Record<string, string> = Object.create(null);
  let octets = 0;
  for (const name of names) {
    const path = resolve(dirname(file), name);
    try {
      const { size } = await stat(path);
      if (octets + size > consoleListOctetsMax) {
        leftOut[name] = `${megabytes(size)}, and the page is given ${megabytes(consoleListOctetsMax)} of lists in all`;
        continue;
      }
      lists[name] = await readFile(path, 'utf8');
      octets += size;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      leftOut[name] = code === 'ENOENT' ? 'no such file' : message;
    }
  }
  return { lists, leftOut };
}

function megabytes(octets: number): string {
  return `${(octets / 1024 / 1024).toFixed(1)} MB`;
}
