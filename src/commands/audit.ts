// `iprevd audit`: the outbound addresses of one's own servers, each looked up and judged, with what mends what is wrong. A table
// for a person, tab-separated lines for a pipe, JSON for a program. Nothing is looked up but the addresses that were named, the
// names that their PTR records and HELO say, and of confirmed names the addresses of the other family.

import {
  type Audited,
  type AuditResult,
  audited,
  byReason,
  type FamilyCount,
  families,
  notNamed,
  type OtherFamily,
  worst,
} from '../core/audit/audit.ts';
import type { AuditedHost } from '../core/audit/hosts.ts';
import type { Ip } from '../core/ip.ts';
import { isIpv4, parseIp } from '../core/ip.ts';
import { auditAtOnceMax } from '../core/limits.ts';
import { printable, printableName } from '../core/name.ts';
import { remedyLines, wrap, zoneLines } from '../core/remedy/print.ts';
import type { Remedy, RemedyReason } from '../core/remedy/remedy.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Gather, GatherHelo } from '../gather.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';

export const auditForms = ['table', 'tsv', 'json'] as const;
export type AuditForm = (typeof auditForms)[number];

export interface AuditParts {
  readonly hosts: readonly AuditedHost[];
  readonly allowed: ReadonlySet<RemedyReason>;
  readonly gather: Gather;
  readonly gatherHelo: GatherHelo;
  readonly resolver: Resolver;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly form: AuditForm;
  /** Called as each host is done. */
  readonly progress: (done: number, of: number) => void;
}

/** Prints what was found and returns the worst of it. */
export async function audit(terminal: Terminal, parts: AuditParts): Promise<AuditResult> {
  const { hosts, form } = parts;
  const looked = await lookAll(parts);
  const found = looked.map(({ host }) => host);
  const also = notNamed(
    looked.flatMap(({ other }) => other),
    new Set(hosts.map(({ ip }) => ip)),
  );
  if (form === 'json') terminal.out(`${JSON.stringify(toJson(found, also), null, 2)}\n`);
  else if (form === 'tsv') terminal.out(tsv(found));
  else terminal.out(describe(terminal, found, also));
  return worst(found.map(({ result }) => result));
}

interface Looked {
  readonly host: Audited;
  readonly other: readonly OtherFamily[];
}

async function lookAll(parts: AuditParts): Promise<readonly Looked[]> {
  const { hosts, progress } = parts;
  const looked: Looked[] = [];
  const left = hosts.entries();
  let done = 0;
  const worker = async (): Promise<void> => {
    for (const [i, host] of left) {
      looked[i] = await look(host, parts);
      progress(++done, hosts.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(auditAtOnceMax, hosts.length) }, worker));
  return looked;
}

async function look({ ip, helo }: AuditedHost, parts: AuditParts): Promise<Looked> {
  const { gather, gatherHelo, resolver, allowed, now } = parts;
  const at = new Date(now()).toISOString();
  const [answers, asked] = await Promise.all([gather(ip), helo === undefined ? undefined : gatherHelo(helo, ip)]);
  const client = { ip, stage: 'rcpt', authenticated: false, ...(helo === undefined ? {} : { helo }) } as const;
  const more = asked === undefined ? {} : { helo: asked };
  const host = audited({ v: 1, id: '', at, door: 'check', client, ...answers, ...more }, allowed);
  const { iprev } = host.findings;
  const names = iprev.result === 'pass' ? iprev.names : [];
  const other = await Promise.all(
    names.map(async (name) => {
      const answer = await resolver.lookup(name, isIpv4(ip) ? 'AAAA' : 'A');
      const addresses = answer.kind === 'records' ? answer.records.map(parseIp).filter((one) => one !== undefined) : [];
      return { name, addresses };
    }),
  );
  return { host, other };
}

function toJson(hosts: readonly Audited[], also: readonly OtherFamily[]): unknown {
  return {
    hosts: hosts.map(({ evidence, findings, result, remedies }) => ({
      ip: evidence.client.ip,
      helo: evidence.client.helo,
      result,
      findings,
      evidence,
      remedies,
    })),
    families: families(hosts),
    not_named: also,
  };
}

/** The columns of a host, foreign text escaped; '-' where there is nothing. */
function row({ evidence, findings, result, remedies }: Audited): readonly string[] {
  const { client, ptr } = evidence;
  const { iprev, naming, helo } = findings;
  const claims = ptr.kind === 'records' ? ptr.records : [];
  const name = iprev.result === 'pass' ? iprev.name : (claims[0] ?? '');
  return [
    client.ip,
    name === '' ? '-' : printableName(name),
    iprev.reason,
    naming.label,
    client.helo === undefined ? '-' : printable(client.helo),
    helo.form === 'absent' ? '-' : helo.dns === 'not-asked' ? helo.form : helo.dns,
    result,
    remedies.map(({ reason }) => reason).join(',') || '-',
  ];
}

const heads = ['address', 'name', 'iprev', 'naming', 'helo', 'helo is', 'result', 'why'] as const;

function tsv(hosts: readonly Audited[]): string {
  return [heads, ...hosts.map(row)].map((cells) => `${cells.join('\t')}\n`).join('');
}

const styles: Readonly<Record<AuditResult, Style>> = { fine: 'green', short: 'red', unsure: 'yellow' };
const resultColumn = heads.indexOf('result');

function describe(terminal: Terminal, hosts: readonly Audited[], also: readonly OtherFamily[]): string {
  // Why it falls short stands below, reason by reason.
  const rows = [heads, ...hosts.map(row)].map((cells) => cells.slice(0, resultColumn + 1));
  const widths = heads.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)));
  const lines = rows.map((cells, r) => {
    const result = hosts[r - 1]?.result;
    const last = cells[resultColumn] ?? '';
    const before = cells.slice(0, resultColumn).map((cell, i) => cell.padEnd(widths[i] ?? 0));
    return [...before, result === undefined ? last : paint(terminal, styles[result], last)].join('  ');
  });
  return [...lines, '', ...summary(hosts), ...mention(also), ...mending(terminal, hosts), ''].join('\n');
}

function summary(hosts: readonly Audited[]): readonly string[] {
  const { ipv4, ipv6 } = families(hosts);
  const line = (family: string, { addresses, fine, short, unsure }: FamilyCount): readonly string[] =>
    addresses === 0
      ? []
      : [
          `${family}: ${addresses} looked up, ${fine} fine, ${short} short of something, ${unsure} that nobody could tell of`,
        ];
  return [...line('IPv4', ipv4), ...line('IPv6', ipv6)];
}

function mention(also: readonly OtherFamily[]): readonly string[] {
  return also.flatMap(({ name, addresses }) =>
    wrap(
      `${name} also has ${addresses.join(', ')}, not named here and not looked at: if it sends from there, that address needs a name as well.`,
      80,
    ),
  );
}

/** The remedy of the first host, and the records of the others under it. */
function mending(terminal: Terminal, hosts: readonly Audited[]): readonly string[] {
  return [...byReason(hosts).values()].flatMap((group) => {
    const [first, ...others] = group;
    if (first === undefined) return [];
    const records = inZones(others);
    return [
      '',
      ...wrap(shortened(group.map(([ip]) => ip)), 80).map((line) => paint(terminal, 'bold', line)),
      ...remedyLines([first[1]], 80),
      ...(records.length === 0 ? [] : ['', 'The same records for the others:', ...records.map((line) => `  ${line}`)]),
    ];
  });
}

/** The first way of each, zone by zone. */
function inZones(group: readonly (readonly [Ip, Remedy])[]): readonly string[] {
  const records = group.flatMap(([, { ways }]) => ways[0]?.records ?? []);
  const zones = [...new Set(records.map(({ zone }) => zone))];
  return zoneLines(zones.flatMap((zone) => records.filter((record) => record.zone === zone)));
}

function shortened(ips: readonly Ip[]): string {
  const most = 8;
  return ips.length > most ? `${ips.slice(0, most).join(', ')} and ${ips.length - most} more` : ips.join(', ');
}
