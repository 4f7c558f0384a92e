// The real command, run as an operator runs it: `iprevd serve --config FILE`, its log on standard output.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, freePort, type Running, start, until } from './processes.ts';

export interface RealService {
  readonly smtpPort: number;
  readonly policyPort: number;
  /** The parsed `decision` lines so far. */
  decisions(): readonly Record<string, unknown>[];
  readonly running: Running;
}

export interface RealServiceParts {
  readonly folder: string;
  /** "127.0.0.1:5353"; absent: no DNS, but a zone of ours in which 127.0.0.1 and 127.0.0.2 are confirmed, .7 is in trouble. */
  readonly dnsServer?: string;
  /** More of that zone, as YAML lines. */
  readonly zone?: string;
  readonly policy: string;
  /** "127.0.0.1:25", or a map as a door has it: "{ servers: [127.0.0.1:25], identify: proxy }"; absent: nobody is there. */
  readonly backend?: string;
  /** More of its SMTP doors: "bare_newline: normalize, received: true". */
  readonly door?: string;
  /** Its doors as YAML lines, "- { kind: milter, listen: unix:/run/x.sock }", in place of the SMTP and the policy doors. */
  readonly doors?: string;
  /** More of the configuration: "journal: { dir: journal }". */
  readonly more?: string;
  /** A program and its arguments that run the command: ["setpriv", "--reuid=61000"]. */
  readonly under?: readonly string[];
}

const usualZone = `127.0.0.1: [workstation.example]
workstation.example: [127.0.0.1]
127.0.0.2: [mail.good.example]
mail.good.example: [127.0.0.2]
127.0.0.7: servfail
`;

export async function startRealService(parts: RealServiceParts): Promise<RealService> {
  const {
    folder,
    dnsServer,
    policy,
    backend = '127.0.0.1:9',
    door,
    doors,
    zone = '',
    more: settings = '',
    under = [],
  } = parts;
  const [smtpPort, policyPort] = [await freePort(), await freePort()];
  const file = join(folder, 'iprevd.yaml');
  writeFileSync(join(folder, 'zone.yaml'), usualZone + zone);
  const dns = dnsServer === undefined ? '{ zone: zone.yaml }' : `{ servers: [${dnsServer}], timeout: 4s }`;
  const more = `backend: ${backend}${door === undefined ? '' : `, ${door}`}`;
  const usual = `- { kind: smtp, listen: 127.0.0.1:${smtpPort}, ${more} }
- { kind: smtp, listen: "[::1]:${smtpPort}", ${more} }
- { kind: policy, listen: 127.0.0.1:${policyPort} }`;
  writeFileSync(
    file,
    `name: mx.test.example
doors:
${doors ?? usual}
dns: ${dns}
policy: ${policy}
${settings}
`,
  );
  const serve = [cli, 'serve', '--config', file];
  const [program, ...args] = under;
  const running = program === undefined ? start('node', serve) : start(program, [...args, process.execPath, ...serve]);
  const count = (doors ?? usual).match(/\bkind:/g)?.length;
  try {
    await until('iprevd listens', () => {
      if (running.child.exitCode !== null) throw new Error('iprevd has ended');
      return running.output().match(/"listening"/g)?.length === count;
    });
  } catch (error) {
    await running.stop('SIGKILL');
    // Somebody has taken a port since it was found to be free.
    if (doors === undefined && running.output().includes('another program is there already'))
      return startRealService(parts);
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
