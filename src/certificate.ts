// A certificate and its key, as PEM files that another program renews. Read when the service starts, when somebody says so, and
// when one of the files changes; what is wrong with the new ones is told, and the old ones stay in use.

import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { fileTrouble } from './core/file-trouble.ts';
import { certificateLookEveryMs } from './core/limits.ts';
import type { Checked, Problem } from './core/problem.ts';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface WatchedCertificate {
  /** The last good pair. */
  pair(): KeyPair;
  /** Reads it now; resolves with what is wrong, or []. */
  reload(): Promise<readonly Problem[]>;
  /** Reads it whenever it changes, and tells. */
  follow(told: Followed): void;
  close(): void;
}

export interface Followed {
  readonly onChange: (pair: KeyPair) => void;
  readonly onTrouble: (problems: readonly Problem[]) => void;
  readonly lookEveryMs?: number;
}

/** Paths as given stand in the Problems. */
export async function watchCertificate(files: CertificateFiles): Promise<Checked<WatchedCertificate>> {
  const first = await read(files);
  if (!first.ok) return first;
  let pair = first.value;
  let version = await versionOf(files);
  let told: Followed | undefined;
  let timer: NodeJS.Timeout | undefined;

  const reload = async (): Promise<readonly Problem[]> => {
    version = await versionOf(files);
    const next = await read(files);
    if (!next.ok) {
      told?.onTrouble(next.problems);
      return next.problems;
    }
    if (next.value.cert === pair.cert && next.value.key === pair.key) return [];
    pair = next.value;
    told?.onChange(pair);
    return [];
  };
  const look = async (): Promise<void> => {
    if ((await versionOf(files)) !== version) await reload();
  };
  return {
    ok: true,
    value: {
      pair: () => pair,
      reload,
      follow(next) {
        told = next;
        timer ??= setInterval(() => void look(), next.lookEveryMs ?? certificateLookEveryMs).unref();
      },
      close: () => clearInterval(timer),
    },
  };
}

async function read({ cert, key }: CertificateFiles): Promise<Checked<KeyPair>> {
  const problems: Problem[] = [];
  const text = (file: string): Promise<string> =>
    readFile(file, 'utf8').catch((error: unknown) => {
      problems.push({ where: file, what: fileTrouble(error) });
      return '';
    });
  const pair = { cert: await text(cert), key: await text(key) };
  if (problems.length > 0) return { ok: false, problems };
  try {
    createSecureContext(pair);
    return { ok: true, value: pair };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const hint = 'a certificate chain and its unencrypted key, both as PEM';
    return { ok: false, problems: [{ where: cert, what: `does not fit ${key}: ${what}`, hint }] };
  }
}

/** Changes when one of the files does; '' while one is missing. */
async function versionOf({ cert, key }: CertificateFiles): Promise<string> {
  try {
    const [one, other] = [await stat(cert), await stat(key)];
    return [one.mtimeMs, one.ino, one.size, other.mtimeMs, other.ino, other.size].join(' ');
  } catch {
    return '';
  }
}
