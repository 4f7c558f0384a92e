// Evidence in words. `lookedUp` is the short form for a reply ("192.0.2.9 -> mail.example -> 192.0.2.8"); `fields` are
// what a rule's text may name; `questions` is the long form, a line for each question asked. Foreign names come out
// escaped and shortened, whatever they hold.

import { type Aligned, type Alignment, type AlignmentPair, alignmentPairs } from './alignment.ts';
import { type DnsAnswer, outcomeWord, type Remarks } from './answer.ts';
import { candidateNames, confirms, type Evidence, type Forward } from './evidence.ts';
import type { Findings } from './findings.ts';
import type { Helo } from './helo.ts';
import { type Ip, isIpv4, reverseName } from './ip.ts';
import { nameShownOctetsMax } from './limits.ts';
import { hostName, nameClass, printable, printableName } from './name.ts';
import { classify } from './naming/classify.ts';
import { signWords } from './naming/sign-words.ts';
import type { TemplateField } from './policy.ts';

const shownMax = 3;

export function lookedUp(evidence: Evidence): string {
  const { client, ptr, forward } = evidence;
  const ptrWord = outcomeWord(ptr);
  if (ptrWord !== undefined) return `PTR ${reverseName(client.ip)}: ${ptrWord}`;
  if (forward.length === 0)
    return `PTR ${client.ip}: ${list(ptr.kind === 'records' ? ptr.records.map(withClass) : [])}`;
  return list(
    forward.map(({ name, addresses }) => `${client.ip} -> ${shown(name)} -> ${outcome(addresses)}`),
    '; ',
  );
}

export function fields(evidence: Evidence, findings: Findings): Record<TemplateField, string> {
  const claimed = evidence.ptr.kind === 'records' ? evidence.ptr.records[0] : undefined;
  return {
    ip: evidence.client.ip,
    ptr: claimed === undefined ? 'no name' : shown(claimed),
    name: findings.iprev.result === 'pass' ? shown(findings.iprev.name) : 'unconfirmed',
    iprev: findings.iprev.result,
    reason: findings.iprev.reason,
    helo: evidence.client.helo === undefined ? 'no HELO' : printable(evidence.client.helo, nameShownOctetsMax),
  };
}

/** Replaces {field}; the loader has refused any other name in braces. */
export function fill(template: string, values: Record<TemplateField, string>): string {
  return template.replace(/\{([a-z]+)\}/g, (whole, name: string) => values[name as TemplateField] ?? whole);
}

/** What was asked and what came back. `note` is a remark on what the answer means, or ''. */
export interface QuestionLine {
  readonly question: string;
  readonly answer: string;
  readonly note: string;
}

export function questions(evidence: Evidence): readonly QuestionLine[] {
  const { client, ptr, forward, helo } = evidence;
  const claims = ptr.kind === 'records' ? ptr.records : [];
  const asked = new Set(forward.map(({ name }) => name));
  return [
    { question: `PTR ${reverseName(client.ip)}`, answer: outcome(ptr, Number.POSITIVE_INFINITY), note: said(ptr) },
    ...claims
      .filter((name) => hostName(name) === undefined)
      .map((name) => ({ question: `  ${shown(name)}`, answer: 'not asked', note: `no host name: ${nameClass(name)}` })),
    ...forward.flatMap((entry) => forwardLines(entry, client.ip, 'confirms the client')),
    ...candidateNames(ptr)
      .filter((name) => !asked.has(name))
      .map((name) => ({ question: `${familyTypes(client.ip)[0]} ${name}`, answer: 'not asked', note: '' })),
    ...(helo === undefined ? [] : forwardLines(helo, client.ip, "HELO, has the client's address")),
  ];
}

/** "fqdn: mx.example has the client's address". */
export function heloWords({ form, dns, name, address, reason }: Helo): string {
  const said = {
    client: "has the client's address",
    elsewhere: "has other addresses than the client's",
    'other-family': "has addresses, none of the client's family",
    nowhere: 'has no address',
    temperror: `could not be looked up (${reason})`,
    'not-asked': 'was not looked up',
  }[dns];
  if (name !== undefined) return `${form}: ${shown(name)} ${said}`;
  return address === undefined ? form : `${form}: ${address}`;
}

/** A line for each pair of which something can be said: "helo-ptr  organisation  mail.example.com, mx.example.com". */
export function alignmentLines(alignment: Alignment): readonly string[] {
  const told = alignmentPairs.filter((pair) => alignment[pair].level !== 'unknown');
  const width = Math.max(0, ...told.map((pair) => pair.length));
  return told.map((pair) => `${pair.padEnd(width)}  ${alignmentWords(pair, alignment[pair])}`);
}

function alignmentWords(pair: AlignmentPair, { level, names = ['', ''] }: Aligned): string {
  const both = names[0] === names[1] ? shown(names[0]) : names.map(shown).join(', ');
  const remark = level !== 'claimed' ? '' : pair === 'certificate-helo' ? ' (not verified)' : ' (not confirmed)';
  return `${level}  ${both}${remark}`;
}

/** `match`: what it means if one of the addresses is the client's. */
function forwardLines({ name, addresses, other }: Forward, ip: Ip, match: string): readonly QuestionLine[] {
  const [own, others] = familyTypes(ip);
  const line = (type: string, answer: DnsAnswer<Ip>, note: string): QuestionLine => ({
    question: `${type} ${name}`,
    answer: outcome(answer, Number.POSITIVE_INFINITY),
    note,
  });
  return [
    line(own, addresses, confirms(addresses, ip) ? match : said(addresses)),
    ...(other === undefined ? [] : [line(others, other, said(other))]),
  ];
}

/** The record types of the client's own family and of the other. */
function familyTypes(ip: Ip): readonly [string, string] {
  return isIpv4(ip) ? ['A', 'AAAA'] : ['AAAA', 'A'];
}

/** What the server said beside its answer, or ''. */
function said({ ede = [] }: Remarks): string {
  return ede.map(({ code, text }) => `server says: ${text === '' ? `extended error ${code}` : text}`).join('; ');
}

const signsShownMax = 4;

/** "generic, access, certain: "192-0-2-7" is the client's address; ..., but "mail" is a word for mail". The heaviest signs only. */
export function namingText({ label, kind, tier, name }: Findings['naming'], ip: Ip): string {
  const words = [label, ...(kind === undefined ? [] : [kind]), ...(tier === 'none' ? [] : [tier])].join(', ');
  const { evidence } = name === undefined ? { evidence: [] } : classify(name, ip);
  const told = [...evidence]
    .filter(({ weight }) => weight !== 0 && (label === 'generic' || label === 'unknown' || weight < 0))
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .slice(0, signsShownMax);
  const said = (is: (weight: number) => boolean) =>
    told
      .filter(({ weight }) => is(weight))
      .map(({ id, text }) => `"${shown(text)}" ${signWords[id]}`)
      .join(', ');
  const sides = [said((weight) => weight > 0), said((weight) => weight < 0)].filter((side) => side !== '');
  const reasons = sides.join('; but ') || (name === undefined ? 'there is no name' : `nothing in ${shown(name)} tells`);
  return `${words}: ${reasons}`;
}

function outcome(answer: DnsAnswer<string>, most = shownMax): string {
  if (answer.kind !== 'records') return outcomeWord(answer) ?? '';
  return list(answer.records.map(shown), ', ', most);
}

function shown(name: string): string {
  return printableName(name, nameShownOctetsMax);
}

/** A name, and what it is if it is no host name. */
function withClass(name: string): string {
  return hostName(name) === undefined ? `${shown(name) || '.'} (${nameClass(name)})` : shown(name);
}

function list(items: readonly string[], between = ', ', most = shownMax): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(between)}${between}+${rest} more` : items.join(between);
}
