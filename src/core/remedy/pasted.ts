// A refusal that somebody pasted, read back into evidence: the inverse of `lookedUp` in explain.ts, which stands in brackets in
// every refusal of ours. Mail servers fold such texts and put words of their own around them. What the short text left out
// ("+2 more", the other family) is left out here. undefined: there is no such bracket in it.

import { type DnsAnswer, dnsError, dnsErrors, outcomeWord } from '../answer.ts';
import type { Evidence, Forward } from '../evidence.ts';
import { type Ip, parseIp, reverseName } from '../ip.ts';
import { claimedName, hostName } from '../name.ts';

const ttl = 0;

export function readRefusal(pasted: string): Evidence | undefined {
  const text = pasted.replace(/\s+/g, ' ');
  const id = /\(ref ([a-z0-9]{1,40})\)/.exec(text)?.[1] ?? '';
  // A bounce may quote more than one; the first that makes sense is the one that is asked about.
  for (const [, words = ''] of text.matchAll(/\[([^[\]]+)\]/g)) {
    const read = readReverse(words) ?? readForward(words);
    if (read === undefined) continue;
    const { ip, ...answers } = read;
    return { v: 1, id, at: '', door: 'check', client: { ip, stage: 'rcpt', authenticated: false }, ...answers };
  }
  return undefined;
}

type Read = Pick<Evidence, 'ptr' | 'forward'> & { readonly ip: Ip };

/** "PTR 7.2.0.192.in-addr.arpa: NXDOMAIN" or "PTR 192.0.2.7: localhost (localhost)". */
function readReverse(words: string): Read | undefined {
  const [, asked = '', came = ''] = /^PTR (\S+): (.+)$/.exec(words) ?? [];
  const ip = parseIp(asked) ?? addressOf(asked);
  if (ip === undefined) return undefined;
  const answer = noRecords(came);
  if (answer !== undefined) return { ip, ptr: answer, forward: [] };
  const names = [...came.matchAll(/(\S+) \([a-z-]+\)/g)].map(([, name = '']) => claimedName(name));
  return names.length === 0 ? undefined : { ip, ptr: { kind: 'records', records: names, ttl }, forward: [] };
}

/** "192.0.2.7 -> mail.example -> 192.0.2.8; 192.0.2.7 -> …", as many as are shown. */
function readForward(words: string): Read | undefined {
  const read = words.split('; ').flatMap((part) => readLine(part) ?? []);
  const [first] = read;
  if (first === undefined) return undefined;
  const forward = read.map(({ entry }) => entry);
  return { ip: first.ip, ptr: { kind: 'records', records: forward.map(({ name }) => name), ttl }, forward };
}

function readLine(part: string): { readonly ip: Ip; readonly entry: Forward } | undefined {
  const [from = '', to = '', came = ''] = part.trim().split(' -> ');
  const [ip, name] = [parseIp(from), hostName(to)];
  if (ip === undefined || name === undefined) return undefined;
  const addresses = noRecords(came) ?? addressesOf(came);
  return addresses === undefined ? undefined : { ip, entry: { name, addresses } };
}

function addressesOf(came: string): DnsAnswer<Ip> | undefined {
  const records = came.split(', ').flatMap((text) => parseIp(text) ?? []);
  return records.length === 0 ? undefined : { kind: 'records', records, ttl };
}

/** The answer that goes by this word. */
function noRecords(word: string): DnsAnswer<never> | undefined {
  const answers: readonly DnsAnswer<never>[] = [
    { kind: 'nxdomain', ttl },
    { kind: 'nodata', ttl },
    ...dnsErrors.map(dnsError),
  ];
  return answers.find((answer) => outcomeWord(answer) === word);
}

/** The address that a reverse name stands for. */
function addressOf(name: string): Ip | undefined {
  const four = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/i.exec(name);
  const nibbles = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i.exec(name)?.[1]?.split('.').filter(Boolean).reverse().join('');
  const ip = parseIp(four?.slice(1).reverse().join('.') ?? (nibbles?.match(/.{4}/g) ?? []).join(':'));
  return ip !== undefined && reverseName(ip) === name.toLowerCase() ? ip : undefined;
}
