// The conditions of the policy file, from YAML to a Condition. One key in a map is one predicate; several are all meant; a list
// is any of its members. Whatever is wrong is a Problem with its place; nothing behind this file has to check again.

import { z } from 'zod';
import { addressFault } from './address-list.ts';
import { type AlignmentLevel, type AlignmentPair, alignmentLevels, alignmentPairs } from './alignment.ts';
import { doorKinds } from './client.ts';
import { certificateWords } from './client-certificate.ts';
import type { Condition, NamingCondition } from './condition.ts';
import { closedMap, wholeMap } from './document.ts';
import { heloDnsWords, heloForms } from './helo.ts';
import { type Cidr, parseCidr } from './ip.ts';
import { iprevReasons, iprevResults } from './iprev.ts';
import { ptrNamesReadMax } from './limits.ts';
import { hostName } from './name.ts';
import type { List, NameTest, OpenList } from './name-test.ts';
import { namingLabels } from './naming/classify.ts';
import { askedKinds, askedTiers } from './naming.ts';
import { type BadPattern, type Pattern, readGlob, readPattern } from './pattern.ts';
import { quote } from './problem.ts';
import { isTimeZone, type TimeWindow, type Weekday, weekdays } from './time-window.ts';

/** One of them, or a list of at least one. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z.union([item.transform((value) => [value]), z.array(item).min(1, 'an empty list holds for nobody')]);
}

const cidr = z.string().transform((text, ctx): Cidr => {
  const range = parseCidr(text);
  if (range !== undefined) return range;
  const { what, hint } = addressFault(text);
  ctx.addIssue({ code: 'custom', message: what, ...(hint === undefined ? {} : { params: { hint } }) });
  return z.NEVER;
});

const listFile = z.string().min(1, 'a list needs a file');

const domain = z.string().transform((text, ctx): string => {
  const name = hostName(text.replace(/^\./, '').replace(/\.$/, ''));
  if (name !== undefined) return name;
  ctx.addIssue({ code: 'custom', message: `${quote(text)} is not a domain` });
  return z.NEVER;
});

function pattern(read: (source: string) => Pattern | BadPattern) {
  return z.string().transform((text, ctx): Pattern => {
    const made = read(text);
    if (!('wrong' in made)) return made;
    const params = made.hint === undefined ? {} : { params: { hint: made.hint } };
    ctx.addIssue({ code: 'custom', message: `${quote(text)}: ${made.wrong}`, ...params });
    return z.NEVER;
  });
}

const exact = z.string().transform((text, ctx): string => {
  if (!/[*?]/.test(text)) return text.toLowerCase().replace(/(?<=[^.])\.$/, '');
  ctx.addIssue({
    code: 'custom',
    message: `${quote(text)} is meant as it is written`,
    params: { hint: `for a pattern write { glob: ${quote(text)} }` },
  });
  return z.NEVER;
});

function exactly(values: readonly string[]): NameTest[] {
  return values.map((value) => ({ kind: 'exact', value }));
}

/** A name or address: exactly this, or a map that says how it is meant. */
function nameTests(openList: OpenList) {
  const map = closedMap({
    under: oneOrMore(domain).optional(),
    glob: oneOrMore(pattern(readGlob)).optional(),
    matches: oneOrMore(pattern(readPattern)).optional(),
    list: oneOrMore(listFile).optional(),
  })
    .check(wholeMap(notEmpty('write { under: example.com }, { glob: … }, { matches: … } or { list: FILE }')))
    .transform(({ under = [], glob = [], matches = [], list = [] }): NameTest[] => [
      ...under.map((text): NameTest => ({ kind: 'under', domain: text })),
      ...glob.map((made): NameTest => ({ kind: 'glob', pattern: made })),
      ...matches.map((made): NameTest => ({ kind: 'matches', pattern: made })),
      ...list.map((path): NameTest => ({ kind: 'list', list: openList(path, 'domains') })),
    ]);
  const item = z.union([exact.transform((text) => exactly([text])), map]);
  return z.union([
    item,
    z
      .array(item)
      .min(1, 'an empty list holds for nobody')
      .transform((all) => all.flat()),
  ]);
}

/** Addresses, or files of them. */
export function addressesSchema(openList: OpenList) {
  interface Addresses {
    readonly ranges: readonly Cidr[];
    readonly lists: readonly List[];
  }
  const map = closedMap({ list: oneOrMore(listFile) }).transform(
    ({ list }): Addresses => ({ ranges: [], lists: list.map((path) => openList(path, 'addresses')) }),
  );
  const item = z.union([cidr.transform((range): Addresses => ({ ranges: [range], lists: [] })), map]);
  const joined = (all: readonly Addresses[]): Addresses => ({
    ranges: all.flatMap(({ ranges }) => ranges),
    lists: all.flatMap(({ lists }) => lists),
  });
  return z.union([item, z.array(item).min(1, 'an empty list holds for nobody').transform(joined)]);
}

const count = z.int().min(0).max(ptrNamesReadMax);
const names = z.union([
  count.transform((n) => ({ atLeast: n, atMost: n })),
  closedMap({ at_least: count.optional(), at_most: count.optional() })
    .check(wholeMap(notEmpty('write { at_least: 2 }')))
    .transform(({ at_least = 0, at_most = ptrNamesReadMax }) => ({ atLeast: at_least, atMost: at_most })),
]);

const together = closedMap({
  pair: oneOrMore(z.enum(alignmentPairs)),
  level: oneOrMore(z.enum(alignmentLevels)).optional(),
})
  .check(
    wholeMap((map, ctx) => {
      const has = (key: string, word: string) => [map[key]].flat().includes(word);
      if (has('pair', 'sender-ptr') && has('level', 'none'))
        ctx.addIssue({
          code: 'custom',
          message: 'a sender is never "none": who sends through a provider has another name than its servers',
          params: { hint: 'what can be said is { pair: sender-ptr, level: [exact, organisation] }' },
        });
    }),
  )
  .transform(({ pair, level }): Condition => {
    const levels: readonly AlignmentLevel[] = level ?? ['exact', 'organisation'];
    return anyOf(pair.map((one: AlignmentPair) => ({ kind: 'alignment', pair: one, levels })));
  });

function anyOf(of: readonly Condition[]): Condition {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: 'any', of };
}

const clock = z.string().transform((text, ctx): number => {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hour !== undefined) return Number(hour) * 60 + Number(minute);
  ctx.addIssue({ code: 'custom', message: `${quote(text)} is not a time of day such as "08:00"` });
  return z.NEVER;
});

const zone = z
  .string()
  .refine(isTimeZone, { error: ({ input }) => `${quote(input)} is no time zone such as Europe/Berlin` });

const window = closedMap({
  days: oneOrMore(z.enum(weekdays)).optional(),
  from: clock.optional(),
  until: clock.optional(),
  zone: zone.optional(),
})
  .check(wholeMap(notEmpty('write { days: [mon, tue], from: "08:00", until: "18:00", zone: Europe/Berlin }')))
  .transform(
    (map): TimeWindow => ({
      days: (map.days as Weekday[] | undefined) ?? weekdays,
      from: map.from ?? 0,
      until: map.until ?? 0,
      zone: map.zone ?? 'UTC',
    }),
  );

function notEmpty(hint: string) {
  return (map: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void => {
    if (Object.keys(map).length === 0) ctx.addIssue({ code: 'custom', message: 'this map is empty', params: { hint } });
  };
}

/** Labels, or a map of what the name looks like: all of it must fit. */
const naming = z.union([
  oneOrMore(z.enum(namingLabels)).transform((labels): Asked => ({ labels })),
  closedMap({
    label: oneOrMore(z.enum(namingLabels)).optional(),
    kind: oneOrMore(z.enum(askedKinds)).optional(),
    tier: oneOrMore(z.enum(askedTiers)).optional(),
  })
    .check(wholeMap(notEmpty('write { label: generic }, { kind: access } or { tier: certain }')))
    .transform(
      ({ label, kind, tier }): Asked => ({
        ...(label === undefined ? {} : { labels: label }),
        ...(kind === undefined ? {} : { kinds: kind }),
        ...(tier === undefined ? {} : { tiers: tier }),
      }),
    ),
]);
type Asked = Omit<NamingCondition, 'kind'>;

/** `openList` is called once for each place that names a file. */
export function conditionSchema(openList: OpenList): z.ZodType<Condition> {
  const test = nameTests(openList);
  const predicates = closedMap({
    iprev: oneOrMore(z.enum(iprevResults)).optional(),
    reason: oneOrMore(z.enum(iprevReasons)).optional(),
    client_ip: addressesSchema(openList).optional(),
    ptr: test.optional(),
    verified_name: test.optional(),
    names: names.optional(),
    naming: naming.optional(),
    helo: test.optional(),
    helo_is: oneOrMore(z.enum(heloForms)).optional(),
    helo_dns: oneOrMore(z.enum(heloDnsWords)).optional(),
    alignment: together.optional(),
    certificate: oneOrMore(z.enum(certificateWords)).optional(),
    sender: test.optional(),
    recipient: test.optional(),
    authenticated: z.boolean().optional(),
    early_talker: z.boolean().optional(),
    door: oneOrMore(z.enum([...doorKinds, 'check'])).optional(),
    port: oneOrMore(z.int().min(1).max(65_535)).optional(),
    score: closedMap({ at_least: z.number() }).optional(),
    time: oneOrMore(window).optional(),
    get all() {
      return z.array(condition).min(1, '"all" needs a condition').optional();
    },
    get any() {
      return z.array(condition).min(1, '"any" needs a condition').optional();
    },
    get not() {
      return condition.optional();
    },
  }).check(
    wholeMap((map, ctx) => {
      if (Object.keys(map).length === 0)
        ctx.addIssue({
          code: 'custom',
          message: 'a condition cannot be empty; leave "when" out for a rule that always holds',
        });
    }),
  );

  const toCondition = (map: z.output<typeof predicates>): Condition => {
    const of: Condition[] = [];
    if (map.iprev) of.push({ kind: 'iprev', results: map.iprev });
    if (map.reason) of.push({ kind: 'reason', reasons: map.reason });
    if (map.client_ip) of.push({ kind: 'client_ip', ...map.client_ip });
    for (const kind of ['ptr', 'verified_name', 'helo', 'sender', 'recipient'] as const) {
      const tests = map[kind];
      if (tests) of.push({ kind, tests });
    }
    if (map.names) of.push({ kind: 'names', ...map.names });
    if (map.naming) of.push({ kind: 'naming', ...map.naming });
    if (map.helo_is) of.push({ kind: 'helo_is', forms: map.helo_is });
    if (map.helo_dns) of.push({ kind: 'helo_dns', words: map.helo_dns });
    if (map.alignment) of.push(map.alignment);
    if (map.certificate) of.push({ kind: 'certificate', words: map.certificate });
    if (map.authenticated !== undefined) of.push({ kind: 'authenticated', is: map.authenticated });
    if (map.early_talker !== undefined) of.push({ kind: 'early_talker', is: map.early_talker });
    if (map.door) of.push({ kind: 'door', doors: map.door });
    if (map.port) of.push({ kind: 'port', ports: map.port });
    if (map.score) of.push({ kind: 'score', atLeast: map.score.at_least });
    if (map.time) of.push({ kind: 'time', windows: map.time });
    if (map.all) of.push({ kind: 'all', of: map.all });
    if (map.any) of.push({ kind: 'any', of: map.any });
    if (map.not) of.push({ kind: 'not', of: map.not });
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind: 'all', of };
  };

  const condition: z.ZodType<Condition> = z.lazy(() =>
    z.union([
      predicates.transform(toCondition),
      z
        .array(condition)
        .min(1, 'an empty list holds for nobody')
        .transform((of): Condition => ({ kind: 'any', of })),
    ]),
  );
  return condition;
}

/** How deep conditions stand in one another. */
export function depthOf(when: Condition): number {
  if (when.kind === 'not') return 1 + depthOf(when.of);
  return when.kind === 'all' || when.kind === 'any' ? 1 + Math.max(0, ...when.of.map(depthOf)) : 1;
}
