// A small DNS in a file, for demos, stories and `--zone`: a map of address → names, name → addresses, or one word for an
// outcome. What is absent is NXDOMAIN. Questions about it are answered like a resolver's: CNAMEs are followed, a name
// without records of the type asked for is NODATA.
//
//   192.0.2.7: [broken.example, mx.example]
//   mx.example: [192.0.2.7, "2001:db8::7"]
//   broken.example: servfail
//   9.2.0.192.in-addr.arpa: { cname: 9.0-63.customer.example }
//   half.example: { a: 192.0.2.7, aaaa: servfail }
//   bogus.example: { error: servfail, ede: 6, text: what the server adds (RFC 8914) }

import { z } from 'zod';
import { type DnsAnswer, dnsError, dnsErrors, type ExtendedError, type RecordType } from './answer.ts';
import { closedMap, readDocument, wholeMap } from './document.ts';
import { isIpv4, parseIp, reverseName } from './ip.ts';
import { cnameChainMax } from './limits.ts';
import { printable } from './name.ts';
import { type Checked, nearest, quote } from './problem.ts';

const outcomes = ['nxdomain', 'nodata', ...dnsErrors] as const;
type Outcome = (typeof outcomes)[number];

type Held =
  | { readonly kind: 'outcome'; readonly outcome: Outcome; readonly ede?: readonly ExtendedError[] }
  | { readonly kind: 'records'; readonly records: readonly string[] };
type Entry =
  | Held
  | { readonly kind: 'cname'; readonly target: string }
  /** What is absent is NODATA. */
  | ({ readonly kind: 'families' } & { readonly [Type in RecordType]?: Held });

/** Owner name (lower case, no final dot) → what it holds. */
export type Zone = ReadonlyMap<string, Entry>;

const zoneTtlS = 300;

export function readZone(text: string, file: string): Checked<Zone> {
  const checked = readDocument(text, file, zoneSchema, 'text');
  return checked.ok ? { ok: true, value: toZone(checked.value) } : checked;
}

// One word is an outcome or, with a dot or a colon in it, the only record.
const word = z.string().superRefine((text, ctx) => {
  if (/[.:]/.test(text) || (outcomes as readonly string[]).includes(text)) return;
  ctx.addIssue({
    code: 'custom',
    message: `unknown outcome ${quote(text)}`,
    params: { hint: nearest(text, outcomes) },
  });
});

const entry = z.union([z.array(z.string()).min(1, 'an empty list; write nodata for a name without records'), word]);

const codeMax = 65_535;
const edeCode = z
  .union([z.string(), z.number()])
  .refine((text) => /^\d{1,5}$/.test(String(text)) && Number(text) <= codeMax, `a number from 0 to ${codeMax}`);

/** An alias, addresses of which one family is another matter than the other, or a failure with the server's word on it. */
const parted = closedMap({
  cname: z.string().optional(),
  a: entry.optional(),
  aaaa: entry.optional(),
  error: z.enum(dnsErrors).optional(),
  ede: edeCode.optional(),
  text: z.string().optional(),
}).check(
  wholeMap((map, ctx) => {
    const keys = Object.keys(map).sort().join(' ');
    if (!/^(?:cname|a|aaaa|a aaaa|error|ede error|ede error text)$/.test(keys))
      ctx.addIssue({
        code: 'custom',
        message: 'write { cname: name }, { a: …, aaaa: … } or { error: …, ede: …, text: … }',
      });
  }),
);

/** The map itself; a story has one inside its own file. */
export const zoneSchema = z.record(z.string(), z.union([entry, parted])).superRefine((map, ctx) => {
  const seen = new Map<string, string>();
  for (const owner of Object.keys(map)) {
    const twin = seen.get(ownerOf(owner));
    if (twin !== undefined)
      ctx.addIssue({ code: 'custom', path: [owner], message: `${quote(owner)} and ${quote(twin)} are one name` });
    seen.set(ownerOf(owner), owner);
  }
});

export function toZone(map: z.output<typeof zoneSchema>): Zone {
  return new Map(Object.entries(map).map(([owner, value]): [string, Entry] => [ownerOf(owner), toEntry(value)]));
}

/** Answers as a resolver would: for PTR the records are names, for A and AAAA canonical addresses. */
export function askZone(zone: Zone, name: string, type: RecordType): DnsAnswer<string> {
  let owner = plainName(name);
  for (let hops = 0; hops <= cnameChainMax; hops++) {
    const entry = zone.get(owner);
    if (entry === undefined) return { kind: 'nxdomain', ttl: zoneTtlS };
    if (entry.kind !== 'cname') return answerOf(entry.kind === 'families' ? entry[type] : entry, type);
    owner = entry.target;
  }
  return dnsError('servfail');
}

function answerOf(held: Held | undefined, type: RecordType): DnsAnswer<string> {
  if (held === undefined) return { kind: 'nodata', ttl: zoneTtlS };
  if (held.kind === 'records') return recordsOf(held.records, type);
  return held.outcome === 'nxdomain' || held.outcome === 'nodata'
    ? { kind: held.outcome, ttl: zoneTtlS }
    : { ...dnsError(held.outcome), ...(held.ede === undefined ? {} : { ede: held.ede }) };
}

function recordsOf(values: readonly string[], type: RecordType): DnsAnswer<string> {
  const records = values.flatMap((value) => {
    const ip = parseIp(value);
    const own = ip === undefined ? 'PTR' : isIpv4(ip) ? 'A' : 'AAAA';
    return own === type ? [ip ?? plainName(value)] : [];
  });
  return records.length > 0 ? { kind: 'records', records, ttl: zoneTtlS } : { kind: 'nodata', ttl: zoneTtlS };
}

function toEntry(value: z.output<typeof zoneSchema>[string]): Entry {
  if (Array.isArray(value) || typeof value === 'string') return toHeld(value);
  if (value.cname !== undefined) return { kind: 'cname', target: plainName(value.cname) };
  if (value.error !== undefined) {
    const said =
      value.ede === undefined ? {} : { ede: [{ code: Number(value.ede), text: printable(value.text ?? '') }] };
    return { kind: 'outcome', outcome: value.error, ...said };
  }
  return {
    kind: 'families',
    ...(value.a === undefined ? {} : { A: toHeld(value.a) }),
    ...(value.aaaa === undefined ? {} : { AAAA: toHeld(value.aaaa) }),
  };
}

function toHeld(value: z.output<typeof entry>): Held {
  if (typeof value !== 'string') return { kind: 'records', records: value };
  const outcome = outcomes.find((word) => word === value);
  return outcome === undefined ? { kind: 'records', records: [value] } : { kind: 'outcome', outcome };
}

/** Where a key's records live: an address stands for its reverse name. */
function ownerOf(key: string): string {
  const ip = parseIp(key);
  return ip === undefined ? plainName(key) : reverseName(ip);
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
