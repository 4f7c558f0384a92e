// `iprevd remedy`: what to do about a refusal, without asking anybody: from the line that came back, or from a reason. For a
// person by default, as JSON for a program, or all of them as one page.

import type { Evidence } from '../core/evidence.ts';
import { assess } from '../core/findings.ts';
import type { Ip } from '../core/ip.ts';
import { type HostName, hostName } from '../core/name.ts';
import { type Checked, nearest, quote } from '../core/problem.ts';
import { exampleOf, remedyReasons } from '../core/remedy/example.ts';
import { readRefusal } from '../core/remedy/pasted.ts';
import { remedyLines } from '../core/remedy/print.ts';
import { type Remedy, type RemedyReason, remedies } from '../core/remedy/remedy.ts';
import type { Terminal } from '../terminal.ts';

export interface RemedyParts {
  /** The words of the command line: a refusal, or one reason. */
  readonly words: readonly string[];
  /** For a reason: the address it is about; a reserved one without. */
  readonly ip?: Ip;
  /** The server's own name, which leads back to it already. */
  readonly name?: HostName;
  readonly json: boolean;
}

/** The remedies were printed, or what is asked for is nothing that we know. */
export function showRemedy(terminal: Terminal, { words, ip, name, json }: RemedyParts): Checked<readonly Remedy[]> {
  const read = evidenceFor(words.join(' '), ip, name);
  if (!read.ok) return read;
  const { evidence, reason } = read.value;
  const all = remedies(evidence, assess(evidence));
  const found = reason === undefined ? all : all.filter((remedy) => remedy.reason === reason);
  terminal.out(json ? `${JSON.stringify(found, null, 2)}\n` : `${remedyLines(found, 80).join('\n')}\n`);
  return { ok: true, value: found };
}

interface Asked {
  readonly evidence: Evidence;
  /** Only what mends this; absent: all that is found. */
  readonly reason?: RemedyReason;
}

function evidenceFor(text: string, ip: Ip | undefined, name: HostName | undefined): Checked<Asked> {
  const reason = remedyReasons.find((one) => one === text.trim());
  if (reason !== undefined) {
    const example = { ip: ip ?? ('192.0.2.7' as Ip), name: exampleName };
    return {
      ok: true,
      value: { evidence: exampleOf(reason, name === undefined ? example : { ...example, own: name }), reason },
    };
  }
  const evidence = readRefusal(text);
  if (evidence === undefined) return { ok: false, problems: [notFound(text)] };
  if (ip !== undefined && ip !== evidence.client.ip)
    return { ok: false, problems: [{ where: '--ip', what: `the refusal is about ${evidence.client.ip}, not ${ip}` }] };
  if (name === undefined) return { ok: true, value: { evidence } };
  const { client } = evidence;
  const addresses = { kind: 'records', records: [client.ip], ttl: 0 } as const;
  return {
    ok: true,
    value: { evidence: { ...evidence, client: { ...client, helo: name }, helo: { name, addresses } } },
  };
}

const exampleName = hostName('mail.sender.example') as HostName;

function notFound(text: string): { where: string; what: string; hint: string } {
  return text.trim().includes(' ')
    ? {
        where: quote(text),
        what: 'this is no refusal of iprevd',
        hint: 'paste it whole, with the part in brackets: [PTR 7.2.0.192.in-addr.arpa: NXDOMAIN]',
      }
    : { where: quote(text), what: 'unknown reason', hint: nearest(text, remedyReasons) };
}
