// The real command, run as an operator runs it: `iprevd serve --config FILE`, its log on standard output.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, freePort, listensOn, type Running, start, until } from './processes.ts';

export interface RealService {
  readonly smtpPort: number;
  readonly policyPort: number;
  /** The parsed `decision` lines so far. */
  decisions(): readonly Record<string, unknown>[];
  readonly running: Running;
}

export interface RealServiceParts {
  readonly folder: string;
  /** "127.0.0.1:5353" */
  readonly dnsServer: string;
  readonly policy: string;
  /** "127.0.0.1:25" */
  readonly backend: string;
}

export async function startRealService({ folder, dnsServer, policy, backend }: RealServiceParts): Promise<RealService> {
  const [smtpPort, policyPort] = [await freePort(), await freePort()];
  const file = join(folder, 'iprevd.yaml');
  writeFileSync(
    file,
    `name: mx.test.example
doors:
  - { kind: smtp, listen: 127.0.0.1:${smtpPort}, backend: ${backend} }
  - { kind: smtp, listen: "[::1]:${smtpPort}", backend: ${backend} }
  - { kind: policy, listen: 127.0.0.1:${policyPort} }
dns: { servers: [${dnsServer}], timeout: 4s }
policy: ${policy}
`,
  );
  const running = start('node', [cli, 'serve', '--config', file]);
  try {
    await until(
      'iprevd listens',
      async () => running.output().match(/"listening"/g)?.length === 3 && listensOn(smtpPort),
    );
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  const decisions = (): readonly Record<string, unknown>[] =>
    running
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"decision"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { smtpPort, policyPort, decisions, running };
}
