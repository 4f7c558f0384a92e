// Evidence in words. `lookedUp` is the short form for a reply ("192.0.2.9 -> mail.example -> 192.0.2.8"); `fields` are
// what a rule's text may name; `questions` is the long form, a line for each question asked. Foreign names come out
// escaped and shortened, whatever they hold.

import { type DnsAnswer, outcomeWord } from './answer.ts';
import { candidateNames, type Evidence } from './evidence.ts';
import type { Findings } from './findings.ts';
import { isIpv4, reverseName } from './ip.ts';
import { nameShownOctetsMax } from './limits.ts';
import { printable, printableName } from './name.ts';
import type { TemplateField } from './policy.ts';

const shownMax = 3;

export function lookedUp(evidence: Evidence): string {
  const { client, ptr, forward } = evidence;
  const ptrWord = outcomeWord(ptr);
  if (ptrWord !== undefined) return `PTR ${reverseName(client.ip)}: ${ptrWord}`;
  if (forward.length === 0) return `PTR ${client.ip}: ${list(ptr.kind === 'records' ? ptr.records.map(shown) : [])}`;
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
  const { client, ptr, forward } = evidence;
  const type = isIpv4(client.ip) ? 'A' : 'AAAA';
  const lines: QuestionLine[] = [
    { question: `PTR ${reverseName(client.ip)}`, answer: outcome(ptr, Infinity), note: '' },
  ];
  for (const { name, addresses } of forward) {
    const match = addresses.kind === 'records' && addresses.records.includes(client.ip);
    lines.push({
      question: `${type} ${name}`,
      answer: outcome(addresses, Infinity),
      note: match ? 'confirms the client' : '',
    });
  }
  const asked = new Set(forward.map(({ name }) => name));
  for (const name of candidateNames(ptr).filter((candidate) => !asked.has(candidate))) {
    lines.push({ question: `${type} ${name}`, answer: 'not asked', note: '' });
  }
  return lines;
}

function outcome(answer: DnsAnswer<string>, most = shownMax): string {
  if (answer.kind !== 'records') return outcomeWord(answer) ?? '';
  return list(answer.records.map(shown), ', ', most);
}

function shown(name: string): string {
  return printableName(name, nameShownOctetsMax);
}

function list(items: readonly string[], between = ', ', most = shownMax): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(between)}${between}+${rest} more` : items.join(between);
}
