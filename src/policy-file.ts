// The policy in force: a file and the lists that it names. It is read again when the file changes or when somebody says so;
// sessions that begin then get the new policy, and those that run keep theirs. A file with mistakes, or with a list that has
// some, changes nothing: the old policy stays, and the mistakes are told.

import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileTrouble } from './core/file-trouble.ts';
import type { Ip } from './core/ip.ts';
import type { List } from './core/name-test.ts';
import type { Policy } from './core/policy.ts';
import type { Checked, Problem } from './core/problem.ts';
import { readPolicy } from './core/schema.ts';
import { type WatchedList, watchList } from './lists.ts';

export interface PolicyFile {
  readonly file: string;
  /** The last good one. */
  policy(): Policy;
  /** What kept the last reading from being taken over; [] if nothing did. */
  problems(): readonly Problem[];
  /** Reads it now; resolves when it is in force, or with what is wrong. */
  reload(): Promise<readonly Problem[]>;
  /** Reads it whenever it changes, and tells. */
  follow(told: Followed): void;
  close(): void;
}

export interface Followed {
  /** Another policy is in force, or another list. */
  readonly onChange: (file: string) => void;
  /** A file has mistakes now; what was in force stays. */
  readonly onTrouble: (problems: readonly Problem[]) => void;
  readonly lookEveryMs?: number;
}

/** A look is one stat(2); an operator who has saved a file waits for two of them. */
const lookEveryDefaultMs = 2_000;

/** `shown`: how Problems name the file. */
export async function openPolicyFile(path: string, shown: string): Promise<Checked<PolicyFile>> {
  /** Those that the policy in force names. */
  let lists = new Map<string, OpenedList>();
  let told: Followed | undefined;
  let closed = false;

  const openList = async ({ file, name, kind }: Named): Promise<Checked<OpenedList>> => {
    const options = {
      shownAs: name,
      onChange: () => told?.onChange(file),
      onTrouble: (problems: readonly Problem[]) => told?.onTrouble(problems),
      ...(told?.lookEveryMs === undefined ? {} : { lookEveryMs: told.lookEveryMs }),
    };
    if (kind === 'domains') return watchList(file, kind, options);
    const opened = await watchList(file, kind, options);
    if (!opened.ok) return opened;
    const { list, close } = opened.value;
    return { ok: true, value: { list: () => ({ has: (ip) => list().has(ip as Ip) }), close } };
  };

  const read = async (): Promise<Checked<Policy>> => {
    const named = new Map<string, Named>();
    const checked = readPolicy(await readFile(path, 'utf8'), shown, (name, kind) => {
      const file = resolve(dirname(path), name);
      const key = `${kind} ${file}`;
      const entry: Named = named.get(key) ?? { file, name, kind, opened: undefined };
      named.set(key, entry);
      return { path: name, kind, has: (value) => entry.opened?.list().has(value) === true };
    });
    if (!checked.ok) return checked;
    const problems: Problem[] = [];
    const next = new Map<string, OpenedList>();
    for (const [key, entry] of named) {
      const known = lists.get(key);
      const opened: Checked<OpenedList> = known ? { ok: true, value: known } : await openList(entry);
      if (!opened.ok) problems.push(...opened.problems);
      else next.set(key, (entry.opened = opened.value));
    }
    // Sessions under the old policy may still ask its lists: those keep what they have, and are not read again.
    const [kept, other] = problems.length > 0 ? [lists, next] : [next, lists];
    for (const [key, list] of other) if (!kept.has(key)) list.close();
    lists = kept;
    return problems.length > 0 ? { ok: false, problems } : checked;
  };

  const first = await read();
  if (!first.ok) return first;
  let policy = first.value;
  let problems: readonly Problem[] = [];
  let seen = await versionOf(path);

  const reload = async (): Promise<readonly Problem[]> => {
    seen = await versionOf(path);
    const checked = await read().catch((error: unknown): Checked<Policy> => {
      return { ok: false, problems: [{ where: shown, what: fileTrouble(error) }] };
    });
    problems = checked.ok ? [] : checked.problems;
    if (checked.ok) policy = checked.value;
    if (checked.ok) told?.onChange(shown);
    else told?.onTrouble(checked.problems);
    return problems;
  };
  const look = async (everyMs: number): Promise<void> => {
    while (!closed) {
      await sleep(everyMs, undefined, { ref: false });
      const now = await versionOf(path);
      if (now === seen || closed) continue;
      // It may be in the middle of being written: wait until it stays the same.
      await sleep(Math.min(everyMs, 100), undefined, { ref: false });
      if ((await versionOf(path)) === now) await reload();
    }
  };

  return {
    ok: true,
    value: {
      file: path,
      policy: () => policy,
      problems: () => problems,
      reload,
      follow(followed) {
        told = followed;
        void look(followed.lookEveryMs ?? lookEveryDefaultMs);
      },
      close() {
        closed = true;
        for (const list of lists.values()) list.close();
      },
    },
  };
}

type OpenedList = WatchedList<{ has(value: string): boolean }>;

interface Named {
  readonly file: string;
  /** As the policy has it. */
  readonly name: string;
  readonly kind: List['kind'];
  opened: OpenedList | undefined;
}

/** What changes when the file does; '' if there is none. */
async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}
