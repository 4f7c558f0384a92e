// The tests inside a policy file: who comes, what the DNS says, and what the policy must say then. They are read with the rules,
// so that a mistake in one is a Problem with its place; commands/policy-test.ts runs them. What a test does not say is as in
// `iprevd check`: at RCPT, not logged in, silent until it was greeted, and a name that its zone does not hold does not exist.

import { z } from 'zod';
import { type Client, type DoorKind, doorKinds } from './client.ts';
import { closedMap, wholeMap } from './document.ts';
import { type Ip, parseIp } from './ip.ts';
import { nearest, quote } from './problem.ts';
import { type Action, actions, refuses, type Verdict } from './verdict.ts';
import { toZone, type Zone, zoneSchema } from './zone.ts';

export interface PolicyTest {
  readonly name: string;
  readonly client: Client;
  readonly door: DoorKind | 'check';
  /** When the client comes, in milliseconds since 1970; absent: now. */
  readonly at?: number;
  /** Our own name, in lower case; absent: nobody told. */
  readonly ourName?: string;
  readonly zone: Zone;
  readonly expect: Expectation;
}

/** What must be so; nothing is said about what is absent. At least one is present. */
export interface Expectation {
  readonly action?: Action;
  /** Who decided, or for `tag` the first rule that tagged. */
  readonly rule?: string;
  /** All of them, in any order. */
  readonly tags?: readonly string[];
  /** Of the reply. */
  readonly code?: number;
  /** Stands somewhere in the reply, its codes included; letters in any case. */
  readonly reply?: string;
}

/** One thing that is not as it must be, in words. */
export interface Mismatch {
  readonly what: keyof Expectation;
  readonly expected: string;
  readonly came: string;
}

/** [] if the verdict is as expected. */
export function mismatches(expect: Expectation, verdict: Verdict): readonly Mismatch[] {
  const reply = refuses(verdict) ? verdict.reply : undefined;
  const said = reply === undefined ? 'none' : `${reply.code} ${reply.enhanced} ${reply.text}`;
  const found: Mismatch[] = [];
  const differs = (what: keyof Expectation, expected: string, came: string) => found.push({ what, expected, came });
  if (expect.action !== undefined && expect.action !== verdict.action) differs('action', expect.action, verdict.action);
  if (expect.rule !== undefined && expect.rule !== verdict.rule) differs('rule', expect.rule, verdict.rule);
  if (expect.tags !== undefined && !sameWords(expect.tags, verdict.tags))
    differs('tags', listed(expect.tags), listed(verdict.tags));
  if (expect.code !== undefined && expect.code !== reply?.code)
    differs('code', String(expect.code), reply === undefined ? 'none' : String(reply.code));
  if (expect.reply !== undefined && (reply === undefined || !said.toLowerCase().includes(expect.reply.toLowerCase())))
    differs('reply', quote(expect.reply), said);
  return found;
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return [...new Set(a)].sort().join(' ') === [...new Set(b)].sort().join(' ');
}

function listed(tags: readonly string[]): string {
  return tags.length === 0 ? 'none' : tags.join(', ');
}

const address = z.string().transform((text, ctx): Ip => {
  const ip = parseIp(text);
  if (ip !== undefined) return ip;
  ctx.addIssue({ code: 'custom', message: `${quote(text)} is not an address` });
  return z.NEVER;
});

/** "2026-12-31T18:00Z", or a day for the moment at which it begins in UTC. */
const moment = z.string().transform((text, ctx): number => {
  const [, day, time = 'T00:00Z'] =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? [];
  const at = Date.parse(`${day}${time}`);
  // Date.parse takes the 31st of February for the 3rd of March.
  const real = day !== undefined && !Number.isNaN(at) && new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  if (real) return at;
  ctx.addIssue({ code: 'custom', message: `${quote(text)} is not a time such as 2026-12-31T18:00Z` });
  return z.NEVER;
});

/**
 * In a zone file 1.10 and 0x10 are text; here YAML has made numbers of them before anybody could ask what was written. As an
 * owner they name nothing that is ever looked up, as a record they are only meant in quotes.
 */
const zone = z.preprocess((map, ctx) => {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return map;
  const fault = (path: (string | number)[], message: string, hint: string): void => {
    ctx.issues.push({ code: 'custom', path, message, params: { hint }, input: map });
  };
  const record = (path: (string | number)[], value: unknown): void => {
    if (typeof value === 'number' || typeof value === 'boolean')
      fault(path, `YAML reads a ${typeof value} here, ${quote(value)}`, 'write it in quotes');
    else if (value === null)
      fault(path, 'nothing stands here', 'a name without records is nodata, a missing one nxdomain');
  };
  for (const [owner, value] of Object.entries(map)) {
    if (owner.trim() === '' || !Number.isNaN(Number(owner)))
      fault([owner], `${quote(owner)} is no owner of records`, 'write an address or a name: 192.0.2.7, mx.example');
    else if (Array.isArray(value)) for (const [i, item] of value.entries()) record([owner, i], item);
    else if (typeof value === 'object' && value !== null)
      for (const [key, part] of Object.entries(value)) record([owner, key], part);
    else record([owner], value);
  }
  return map;
}, zoneSchema);

const expectation = closedMap({
  action: z.enum(actions).optional(),
  rule: z.string().optional(),
  tags: z.array(z.string()).optional(),
  code: z
    .int()
    .min(400, 'a refusal has a code from 400 to 599')
    .max(599, 'a refusal has a code from 400 to 599')
    .optional(),
  reply: z.string().min(1, 'part of the reply, not nothing').optional(),
})
  .check(
    wholeMap((map, ctx) => {
      if (Object.keys(map).length > 0) return;
      ctx.addIssue({ code: 'custom', message: 'this map is empty', params: { hint: 'write expect: reject' } });
    }),
  )
  .transform(
    ({ action, rule, tags, code, reply }): Expectation => ({
      ...(action === undefined ? {} : { action }),
      ...(rule === undefined ? {} : { rule }),
      ...(tags === undefined ? {} : { tags }),
      ...(code === undefined ? {} : { code }),
      ...(reply === undefined ? {} : { reply }),
    }),
  );

const portWords = 'a port is a number from 1 to 65535';

/** What stands under `tests`, one item of it. */
export const policyTestSchema = closedMap({
  name: z.string().min(1, 'a test needs a name'),
  client: closedMap({
    ip: address,
    helo: z.string().optional(),
    sender: z.string().optional(),
    recipient: z.string().optional(),
    authenticated: z.boolean().optional(),
    early: z.boolean().optional(),
    certificate: closedMap({ names: z.array(z.string()), verified: z.boolean().default(true) }).optional(),
    server_ip: address.optional(),
    door: z.enum([...doorKinds, 'check']).optional(),
    port: z.int(portWords).min(1, portWords).max(65_535, portWords).optional(),
    at: moment.optional(),
  }),
  zone: zone.optional(),
  our_name: z.string().optional(),
  expect: z.union([expectation, z.enum(actions).transform((action): Expectation => ({ action }))]),
}).transform(({ name, client, zone, our_name, expect }): PolicyTest => {
  const { ip, helo, sender, recipient, authenticated, early, certificate, server_ip, door, port, at } = client;
  return {
    name,
    client: {
      ip,
      stage: 'rcpt',
      authenticated: authenticated ?? false,
      ...(helo === undefined ? {} : { helo }),
      ...(sender === undefined ? {} : { sender }),
      ...(recipient === undefined ? {} : { recipient }),
      ...(early ? { early } : {}),
      ...(certificate === undefined ? {} : { tls: { protocol: 'TLSv1.3', certificate } }),
      ...(server_ip === undefined ? {} : { serverIp: server_ip }),
      ...(port === undefined ? {} : { serverPort: port }),
    },
    door: door ?? 'check',
    ...(at === undefined ? {} : { at }),
    ...(our_name === undefined ? {} : { ourName: our_name.toLowerCase() }),
    zone: toZone(zone ?? {}),
    expect,
  };
});

/**
 * A test that expects a rule which is not there would fail for ever. `tests` as they are under the key, right or wrong; `known`:
 * every name that may decide.
 */
export function checkTestedRules(
  tests: unknown,
  known: readonly string[],
  fault: (path: (string | number)[], message: string, hint?: string) => void,
): void {
  if (!Array.isArray(tests)) return;
  tests.forEach((test: { readonly expect?: { readonly rule?: unknown } | null } | null | undefined, i) => {
    const rule = test?.expect?.rule;
    if (typeof rule !== 'string' || known.includes(rule)) return;
    fault(['tests', i, 'expect', 'rule'], `there is no rule ${quote(rule)}`, nearest(rule, known));
  });
}
