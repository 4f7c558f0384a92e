// Why a file or folder could not be used, in words a person reads: what the system said, without its codes and names of calls.
// The one place that knows the codes of such errors (errno(3)). An error of anything else keeps its own words. Pure.

import { printable } from './name.ts';

/** `sought`: what should have been there. */
export function fileTrouble(error: unknown, sought = 'file'): string {
  const { code, message = String(error) } = error as { readonly code?: unknown; readonly message?: string };
  const known = typeof code === 'string' && Object.hasOwn(words, code) ? words[code as keyof typeof words] : undefined;
  return known?.(sought) ?? printable(message.replace(callForm, '$1'), 200);
}

const words = {
  ENOENT: (sought: string) => `no such ${sought}`,
  EISDIR: () => 'is a folder, not a file',
  ENOTDIR: () => 'is no folder, or lies below something that is none',
  EACCES: () => 'permission denied',
  EPERM: () => 'permission denied',
  ENAMETOOLONG: () => 'a name too long for this system',
  ELOOP: () => 'a symbolic link that leads back to itself',
} as const;

/** Node's "EMFILE: too many open files, open '/var/log/mail.log'". */
const callForm = /^E[A-Z0-9]+: (.*?), \w+(?: '[\s\S]*)?$/;
