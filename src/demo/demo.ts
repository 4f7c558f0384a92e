// `iprevd demo`, which `npm start` runs: the service as configured in deploy/demo, a mailbox behind it, and eight clients
// that come in through the real SMTP door. Each is shown on one line with what was decided about it; then the service
// stays up, so that a person can try for themselves.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TcpEndpoint } from '../core/endpoint.ts';
import type { Checked } from '../core/problem.ts';
import type { Decision } from '../core/verdict.ts';
import type { Loaded } from '../load.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';
import { openMailbox } from './mailbox.ts';
import { outcomeOf, play } from './player.ts';

interface Scene {
  readonly what: string;
  readonly from: string;
  readonly helo: string;
}

const scenes: readonly Scene[] = [
  { what: 'confirmed', from: '127.0.0.2', helo: 'mail.good.example' },
  { what: 'no PTR', from: '127.0.0.3', helo: 'nobody.example' },
  { what: 'mismatch', from: '127.0.0.4', helo: 'mail.elsewhere.example' },
  { what: 'stale name', from: '127.0.0.5', helo: 'old.gone.example' },
  { what: 'generic name', from: '127.0.0.6', helo: '127-0-0-6.dyn.isp.example' },
  { what: 'SERVFAIL', from: '127.0.0.7', helo: 'mail.broken.example' },
  { what: 'second PTR', from: '127.0.0.8', helo: 'mail.customer.example' },
  { what: 'IPv6', from: '2001:db8::25', helo: 'six.example' },
];

type SmtpDoor = Extract<Loaded['config']['doors'][number], { kind: 'smtp' }>;

export interface DemoDoors {
  /** Where clients come in from addresses of their own. */
  readonly plain: SmtpDoor;
  /** Where they say over PROXY whom they stand for. */
  readonly proxied: SmtpDoor;
  /** The backend of both. */
  readonly mailbox: TcpEndpoint;
}

/** The two SMTP doors that the demo plays through, or what its configuration lacks. */
export function demoDoors({ config }: Loaded, file: string): Checked<DemoDoors> {
  const smtp = config.doors.filter((door) => door.kind === 'smtp');
  const [plain, proxied] = [
    smtp.find(({ proxy }) => proxy === undefined),
    smtp.find(({ proxy }) => proxy !== undefined),
  ];
  const [mailbox] = plain?.backend.servers ?? [];
  if (plain !== undefined && proxied !== undefined && mailbox?.kind === 'tcp')
    return { ok: true, value: { plain, proxied, mailbox } };
  const hint = 'deploy/demo/iprevd.yaml has both';
  return {
    ok: false,
    problems: [{ where: file, what: 'the demo plays through two smtp doors, one of them with "proxy"', hint }],
  };
}

export interface DemoParts {
  readonly loaded: Loaded;
  readonly doors: DemoDoors;
  /** Where the configuration was read from, for the sentence that says to copy it. */
  readonly configFile: string;
  /** Messages and the log go below this folder. */
  readonly folder: string;
  /** Where the console's token is, once the service runs. */
  readonly tokenFile: string;
  readonly start: (
    report: (decision: Decision) => void,
  ) => Promise<{ readonly console?: string; stop(): Promise<void> }>;
  /** Columns of the terminal; absent when nobody looks. */
  readonly columns?: number;
}

/** Returns once the eight have been played; the service runs until stop(). Rejects with a ListenError. */
export async function demo(
  terminal: Terminal,
  { loaded, doors, configFile, folder, tokenFile, start, columns }: DemoParts,
): Promise<{ stop(): Promise<void> }> {
  const { plain, proxied } = doors;
  const mailbox = await openMailbox(join(folder, 'maildir'), doors.mailbox);
  const decisions = new Map<string, Decision>();
  const service = await start((decision) => decisions.set(decision.evidence.client.ip, decision)).catch(
    async (error: unknown) => {
      await mailbox.close();
      throw error;
    },
  );

  terminal.out(`${paint(terminal, 'bold', line(['', 'client', 'PTR', 'iprev', 'verdict', 'rule', 'reply']))}\n`);
  for (const scene of scenes) {
    // Only Linux has all of 127/8; elsewhere, and for IPv6, the address is announced over PROXY.
    const isLocal = process.platform === 'linux' && !scene.from.includes(':');
    const door = isLocal ? plain.listen : proxied.listen;
    const played = await play({
      host: door.host,
      port: door.port,
      from: scene.from,
      proxied: !isLocal,
      helo: scene.helo,
      mail: `sender@${scene.helo}`,
      rcpt: ['you@demo.iprevd.example'],
      message: [
        `From: sender@${scene.helo}`,
        'To: you@demo.iprevd.example',
        `Subject: ${scene.what}`,
        '',
        'Hello from the demo.',
      ],
    });
    terminal.out(`${fit(sceneLine(terminal, scene, decisions.get(scene.from), outcomeOf(played)), columns)}\n`);
  }
  const page = service.console && `http://${service.console}/#token=${(await readFile(tokenFile, 'utf8')).trim()}`;
  terminal.out(whatNext(terminal, loaded, { configFile, folder, page }));
  return {
    async stop() {
      await service.stop();
      await mailbox.close();
    },
  };
}

const widths = [13, 13, 27, 24, 8, 12];

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' ');
}

function sceneLine(terminal: Terminal, { what, from }: Scene, decision: Decision | undefined, reply: string): string {
  if (decision === undefined) return line([what, from, '?', '?', '?', '?', reply]);
  const { evidence, findings, verdict } = decision;
  const names = evidence.ptr.kind === 'records' ? evidence.ptr.records : ['-'];
  const { result, reason } = findings.iprev;
  const ptr =
    findings.iprev.result === 'pass'
      ? `${findings.iprev.name}${names.length > 1 ? ` (${names.length})` : ''}`
      : (names[0] ?? '-');
  const style: Style = ({ accept: 'green', tag: 'cyan', defer: 'yellow', reject: 'red', pending: 'dim' } as const)[
    verdict.action
  ];
  const text = line([what, from, ptr, `${result} ${reason}`, verdict.action, verdict.rule, reply]);
  return text.replace(` ${verdict.action.padEnd(8)} `, ` ${paint(terminal, style, verdict.action.padEnd(8))} `);
}

/** Cuts a line to the terminal's width, not counting colour. */
function fit(text: string, columns: number | undefined): string {
  const bare = text.replace(/\x1b\[\d+m/g, '');
  return columns === undefined || bare.length <= columns
    ? text
    : `${text.slice(0, columns - 1 + (text.length - bare.length))}…`;
}

interface Places {
  readonly configFile: string;
  readonly folder: string;
  /** Absent: no console is configured. */
  readonly page: string | undefined;
}

function whatNext(terminal: Terminal, { config, policy }: Loaded, { configFile, folder, page }: Places): string {
  const doors = config.doors.map(
    ({ kind, listen }) => `${kind} on ${listen.kind === 'tcp' ? `${listen.host}:${listen.port}` : listen.path}`,
  );
  const smtp = config.doors.find((door) => door.kind === 'smtp')?.listen;
  const server = smtp === undefined ? '' : `${smtp.host}:${smtp.port}`;
  const command = (text: string) => paint(terminal, 'cyan', text);
  return `
Listening: ${doors.join(', ')}. Messages are in ${join(folder, 'maildir', 'new')}, decisions in ${join(folder, 'iprevd.log')}.

${page === undefined ? '' : `The console: ${command(page)}\n    the eight above, rule by rule; under Try change a rule of ${policy.file}, see whom it would hit, and save it\n\n`}Try next, in another terminal:
  ${command(`swaks --server ${server} --local-interface 127.0.0.4 --to you@demo.iprevd.example`)}
      a mail from the client whose name does not match (127.0.0.2 to 127.0.0.8 are the others)
  ${command('node dist/cli.js check 127.0.0.8 --zone deploy/demo/zone.yaml --policy strict')}
      why one client is judged as it is, rule by rule
  ${command(`cp ${configFile} my.yaml`)}
      your own: name your mail server as backend, drop "dns" to use the real one, then
      node dist/cli.js serve --config my.yaml

Ctrl-C ends it.
`;
}
