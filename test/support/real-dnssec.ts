// Zones signed as their owners sign them, with BIND's dnssec-keygen and dnssec-signzone: good ones, and ones that no
// validator may believe. Each comes with a file that holds its DS record, the anchor by which it is checked.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.ts';

export const dnssecPrograms = ['dnssec-keygen', 'dnssec-signzone'] as const;

export interface SignedZone {
  /** A master file, complete with its SOA. */
  readonly text: string;
  /** The path of a file with its DS record. */
  readonly trustAnchor: string;
}

/** `when`: "now" is valid, "long ago" has signatures that ended yesterday. */
export async function signZone(
  folder: string,
  name: string,
  text: string,
  when: 'now' | 'long ago' = 'now',
): Promise<SignedZone> {
  const [plain, signed] = [join(folder, `${name}.plain`), join(folder, `${name}.signed`)];
  writeFileSync(plain, `$ORIGIN ${name}.\n$TTL 300\n${text}`);
  await succeed('dnssec-keygen', ['-q', '-K', folder, '-a', 'ECDSAP256SHA256', '-f', 'KSK', name]);
  // -P: it would refuse to write what no validator believes.
  const times = when === 'now' ? [] : ['-P', '-s', 'now-172800', '-e', 'now-86400'];
  const files = ['-K', folder, '-d', folder, '-o', name, '-f', signed, plain];
  await succeed('dnssec-signzone', ['-S', '-z', ...times, ...files]);
  return { text: readFileSync(signed, 'utf8'), trustAnchor: join(folder, `dsset-${name}.`) };
}

async function succeed(program: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(program, args);
  if (code !== 0) throw new Error(`${program}: ${output}`);
}
