// The configuration: one YAML file, read and checked whole before anything starts. Every mistake is a Problem with
// path:line:col; a file that a path in it names is read by main.ts, relative to the folder of the configuration.

import { z } from 'zod';
import { closedMap, readDocument, wholeMap } from './core/document.ts';
import { type Endpoint, parseEndpoint, parseServer, printEndpoint, type TcpEndpoint } from './core/endpoint.ts';
import { addressSpace, parseIp } from './core/ip.ts';
import {
  greetingDelayMaxMs,
  journalKeepLeastMs,
  journalOctetsLeast,
  messageOctetsLeast,
  recipientsMax,
} from './core/limits.ts';
import { hostName } from './core/name.ts';
import { outageWords } from './core/policy.ts';
import { type Checked, quote } from './core/problem.ts';
import { envelopes } from './core/record.ts';
import { backendProtocols, bareNewlineWays, identifyWays, tlsLevels } from './core/relaying.ts';

export type Config = z.output<typeof configSchema>;
export type DoorConfig = Config['doors'][number];

/** `file` is only used to say where a Problem is. */
export function readConfig(text: string, file: string): Checked<Config> {
  return readDocument(text, file, configSchema);
}

/** How long one DNS question, and the whole of a verdict, may take unless the file says otherwise. */
export const dnsTimeoutDefaultMs = 5_000;

function parsed<T>(read: (text: string) => T | undefined, what: string) {
  const message = (text: unknown) => `${quote(text)} is not ${what}`;
  return z.string({ error: ({ input }) => message(input) }).transform((text, ctx): T => {
    const value = read(text);
    if (value !== undefined) return value;
    ctx.addIssue({ code: 'custom', message: message(text) });
    return z.NEVER;
  });
}

/** How long, and up to what size, a journal is kept unless the file says otherwise. */
export const journalKeepDefaultMs = 30 * 86_400_000;
export const journalMaxDefaultOctets = 10 * 1024 ** 3;

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** "500ms", "5s", "1m", "30d" in milliseconds. A bare number has no unit and is refused. */
const duration = parsed((text) => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * units[match[2] as keyof typeof units];
}, 'a time such as 5s or 500ms');

const endpoint = parsed(parseEndpoint, 'an address and port such as 127.0.0.1:2525 or [::1]:2525, or unix:/path');
const tcp = endpoint.transform((value, ctx): TcpEndpoint => {
  if (value.kind === 'tcp') return value;
  ctx.addIssue({ code: 'custom', message: `${quote(printEndpoint(value))} must be an address and a port here` });
  return z.NEVER;
});

const ipText = parsed(parseIp, 'an IP address');

const sizeUnits = { '': 1, k: 1_024, M: 1_024 ** 2, G: 1_024 ** 3 } as const;

/** "10485760", "50M", "10GB": octets. */
function size(example: string, least: number) {
  return z.union([z.number().int(), z.string()]).transform((value, ctx): number => {
    const [, digits, unit = ''] = /^(\d{1,12})(?:([kMG]?)B?)$/.exec(String(value)) ?? [];
    const octets = Number(digits) * sizeUnits[unit as keyof typeof sizeUnits];
    if (octets >= least) return octets;
    const message = `${quote(String(value))} is not a size such as ${example}, of at least ${least / 1_024}k`;
    ctx.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

const count = z.number().int().min(1, 'at least 1');

/** "0660", written as text or not: a bare 0660 is a number to YAML. */
const socketMode = z.union([z.string(), z.number()]).transform((value, ctx): number => {
  const text = String(value).padStart(4, '0');
  if (/^0[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  ctx.addIssue({ code: 'custom', message: `${quote(String(value))} is not a mode such as 0660` });
  return z.NEVER;
});

const account = z.union([z.string().min(1), z.number().int().min(0)]).transform(String);

const backendMap = closedMap({
  servers: z.union([endpoint.transform((one) => [one]), z.array(endpoint).min(1, 'a backend needs a server')]),
  protocol: z.enum(backendProtocols).optional(),
  identify: z.enum(identifyWays).optional(),
  tls: z.enum(tlsLevels).optional(),
  tls_name: parsed(hostName, 'a host name').optional(),
  tls_ca: z.string().optional(),
}).check(wholeMap(checkBackendTls));

function checkBackendTls({ tls, tls_name, tls_ca }: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  for (const [key, value] of Object.entries({ tls_name, tls_ca }))
    if (value !== undefined && tls !== 'verify')
      ctx.addIssue({ code: 'custom', path: [key], message: `"${key}" says nothing without "tls: verify"` });
}

function checkSocket({ listen, socket }: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  const place = listen as Endpoint | undefined;
  if (socket !== undefined && place?.kind === 'tcp')
    ctx.addIssue({
      code: 'custom',
      path: ['socket'],
      message: '"socket" is for a UNIX socket, and this door has an address',
    });
}

/** A place alone is a server with nothing else to say about it. */
const backend = z.unknown().transform((value, ctx): z.output<typeof backendMap> => {
  const read = typeof value === 'string' ? endpoint.safeParse(value) : backendMap.safeParse(value);
  if (!read.success) {
    for (const issue of read.error.issues) ctx.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
    return z.NEVER;
  }
  return 'kind' in read.data ? { servers: [read.data] } : read.data;
});

const smtpDoor = closedMap({
  kind: z.literal('smtp'),
  listen: tcp,
  backend,
  proxy: z.array(ipText).optional(),
  xclient: z.array(ipText).optional(),
  greeting_delay: duration
    .refine(
      (ms) => ms <= greetingDelayMaxMs,
      `clients do not wait longer than ${greetingDelayMaxMs / 1_000}s for a greeting`,
    )
    .optional(),
  bare_newline: z.enum(bareNewlineWays).optional(),
  tls: closedMap({ certificate: z.string(), key: z.string(), ask_clients: z.boolean().optional() }).optional(),
  received: z.boolean().optional(),
  limits: closedMap({
    connections: count.optional(),
    per_address: count.optional(),
    per_network: count.optional(),
    recipients: count.max(recipientsMax).optional(),
    message: size('50M', messageOctetsLeast).optional(),
  }).optional(),
  expect_private_clients: z.boolean().optional(),
});

/** A door at which a mail server asks. */
function askedDoor<Kind extends 'policy' | 'milter'>(kind: Kind) {
  return closedMap({
    kind: z.literal(kind),
    listen: endpoint,
    socket: closedMap({
      mode: socketMode.optional(),
      owner: account.optional(),
      group: account.optional(),
    }).optional(),
    expect_private_clients: z.boolean().optional(),
  }).check(wholeMap(checkSocket));
}

/** Ports above 1024 to which no browser connects, since other protocols live there (Fetch standard, "bad port"). */
const badPorts: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Who reaches it may see every client of the server, and needs but a token: not from another machine. */
const nearby = endpoint.transform((value, ctx): Endpoint => {
  const ip = value.kind === 'tcp' ? parseIp(value.host) : undefined;
  if (value.kind === 'tcp' && badPorts.has(value.port)) {
    ctx.addIssue({ code: 'custom', message: `no browser connects to port ${value.port}: take another, such as 10047` });
    return z.NEVER;
  }
  if (value.kind === 'unix') return value;
  if (ip !== undefined && addressSpace(ip) === 'loopback') return value;
  ctx.addIssue({
    code: 'custom',
    message: `${quote(printEndpoint(value))} can be reached from elsewhere: the console is for 127.0.0.1, [::1] or unix:/path; ssh -L brings it nearer`,
  });
  return z.NEVER;
});

const door = z.discriminatedUnion('kind', [smtpDoor, askedDoor('policy'), askedDoor('milter')]);

const configSchema = closedMap({
  name: parsed(hostName, 'a host name').optional(),
  doors: z.array(door).min(1, 'without a door nobody can come in'),
  dns: closedMap({
    servers: z
      .array(parsed(parseServer, 'the address of a DNS server such as 127.0.0.1 or 127.0.0.1:5353'))
      .min(1, 'name a server, or leave "servers" out for /etc/resolv.conf')
      .optional(),
    timeout: duration.refine((ms) => ms >= 100 && ms <= 60_000, 'a DNS timeout lies between 100ms and 1m').optional(),
    zone: z.string().optional(),
    outage: z.enum(outageWords).optional(),
  })
    .refine((dns) => dns.servers === undefined || dns.zone === undefined, '"servers" and "zone" exclude each other')
    .optional(),
  policy: z.string().optional(),
  console: closedMap({
    listen: nearby,
    token_file: z.string().min(1, 'a file, or leave it out').optional(),
    edit: z.boolean().optional(),
  }).optional(),
  journal: closedMap({
    dir: z.string().min(1, 'a journal needs a folder'),
    keep: duration.refine((ms) => ms >= journalKeepLeastMs, 'a journal is kept for 1h at least').optional(),
    max: size('10GB', journalOctetsLeast).optional(),
    envelope: z.enum(envelopes).optional(),
  }).optional(),
  log: closedMap({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']) }).optional(),
}).check(wholeMap(checkDoors));

function checkDoors({ doors }: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  const seen = new Set<string>();
  (Array.isArray(doors) ? doors : []).forEach((door: { listen?: Endpoint } | undefined, i) => {
    const listen = door?.listen;
    if (listen?.kind === undefined || (listen.kind === 'tcp' && listen.port === 0)) return;
    const where = printEndpoint(listen);
    if (seen.has(where))
      ctx.addIssue({
        code: 'custom',
        path: ['doors', i, 'listen'],
        message: `another door listens on ${where} already`,
      });
    seen.add(where);
  });
}
