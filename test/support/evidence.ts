// Evidence in a few words, for tables of cases.

import type { DnsAnswer } from '../../src/core/answer.ts';
import { dnsError } from '../../src/core/answer.ts';
import type { Client } from '../../src/core/client.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { type Ip, parseIp } from '../../src/core/ip.ts';
import { type ClaimedName, claimedName, type HostName } from '../../src/core/name.ts';

/** "nxdomain", "nodata", an error code, or the records. */
export type Word = 'nxdomain' | 'nodata' | 'servfail' | 'refused' | 'timeout' | 'network' | 'malformed' | 'outage';
export type Answer = Word | readonly string[];

export function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`no address: ${text}`);
  return ip;
}

export function answerOf<T extends string>(answer: Answer, read: (text: string) => T): DnsAnswer<T> {
  if (typeof answer !== 'string') return { kind: 'records', records: answer.map(read), ttl: 300 };
  return answer === 'nxdomain' || answer === 'nodata' ? { kind: answer, ttl: 300 } : dnsError(answer);
}

export interface Given {
  readonly ip?: string;
  readonly ptr: Answer;
  readonly forward?: Readonly<Record<string, Answer>>;
  /** Answers of the other family. */
  readonly other?: Readonly<Record<string, Answer>>;
  readonly client?: Partial<Client>;
}

export function evidenceOf({ ip = '192.0.2.7', ptr, forward = {}, other = {}, client = {} }: Given): Evidence {
  return {
    v: 1,
    id: 'testref',
    at: '2026-11-21T00:00:00.000Z',
    door: 'check',
    client: { ip: ipOf(ip), stage: 'rcpt', authenticated: false, ...client },
    ptr: answerOf<ClaimedName>(ptr, claimedName),
    forward: Object.entries(forward).map(([name, answer]) => {
      const others = other[name];
      const addresses = answerOf<Ip>(answer, ipOf);
      return {
        name: name as HostName,
        addresses,
        ...(others === undefined ? {} : { other: answerOf<Ip>(others, ipOf) }),
      };
    }),
  };
}
