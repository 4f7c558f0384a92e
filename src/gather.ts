// Asks the DNS about one client and returns the answers as Evidence, judging nothing. The PTR question first, then the
// names it gave, all at once, and all are waited for: a policy may ask for any of them. The name in HELO is asked about on its own.
// What is not answered by the deadline counts as a timeout. Rejects only if the resolver breaks its word and does.

import { type DnsAnswer, dnsError, type Soon } from './core/answer.ts';
import { candidateNames, type Evidence, type Forward } from './core/evidence.ts';
import { heloName } from './core/helo.ts';
import { type Ip, isIpv4, reverseName } from './core/ip.ts';
import { namesMax } from './core/limits.ts';
import { type ClaimedName, claimedName, type HostName } from './core/name.ts';
import type { Resolver } from './dns/resolver.ts';

/** What the DNS says about an address: the part of the evidence that takes time. */
export type Answers = Pick<Evidence, 'ptr' | 'forward' | 'stale'>;
export type Gather = (ip: Ip) => Soon<Answers>;
/** The address records of a HELO name, or undefined: it is no host name, and there is nothing to ask. */
export type GatherHelo = (helo: string, ip: Ip) => Soon<Forward | undefined>;

/** `deadlineMs` bounds the whole, whatever the resolver does. */
export function gatherer(resolver: Resolver, deadlineMs: number): Gather {
  return async (ip) => {
    const deadline = deadlineIn(deadlineMs);
    try {
      const ptr = await Promise.race([askPtr(resolver, ip), deadline.passed]);
      if (ptr === 'passed') return { ptr: dnsError('timeout'), forward: [] };
      return { ptr, forward: await askForward(resolver, ip, candidateNames(ptr).slice(0, namesMax), deadline.passed) };
    } finally {
      deadline.clear();
    }
  };
}

/** `deadlineMs` bounds the whole, whatever the resolver does. */
export function heloGatherer(resolver: Resolver, deadlineMs: number): GatherHelo {
  const ask = async (name: HostName, ip: Ip, first: Soon<DnsAnswer<string>>): Promise<Forward | undefined> => {
    const deadline = deadlineIn(deadlineMs);
    const [own] = families(ip);
    const lookup: Resolver['lookup'] = (_, type) => (type === own ? first : resolver.lookup(name, type));
    try {
      const [forward] = await askForward({ lookup }, ip, [name], deadline.passed);
      return forward;
    } finally {
      deadline.clear();
    }
  };
  return (helo, ip) => {
    const name = heloName(helo);
    if (name === undefined) return undefined;
    const [own] = families(ip);
    const first = resolver.lookup(name, own);
    // Only after NODATA there is more to ask.
    return first instanceof Promise || first.kind === 'nodata'
      ? ask(name, ip, first)
      : { name, addresses: asAddresses(first) };
  };
}

async function askPtr(resolver: Resolver, ip: Ip): Promise<DnsAnswer<ClaimedName>> {
  const answer = await resolver.lookup(reverseName(ip), 'PTR');
  return answer.kind === 'records' ? { ...answer, records: answer.records.map(claimedName) } : answer;
}

/** RFC 8601 s3 allows any order, so all names are asked together; the client's own family is the one that can match. */
async function askForward(
  resolver: Resolver,
  ip: Ip,
  names: readonly HostName[],
  passed: Promise<'passed'>,
): Promise<readonly Forward[]> {
  const [own, other] = families(ip);
  const got = await askAll(resolver, names, own, passed);
  const forward = names.map((name): Forward => ({ name, addresses: got.get(name) ?? dnsError('timeout') }));
  // Nothing can confirm any more; whether a name stands in the other family is for whoever must mend it. NXDOMAIN holds
  // for every type (RFC 8020), so only NODATA is worth the question.
  if (!forward.every(({ addresses: { kind } }) => kind === 'nodata' || kind === 'nxdomain')) return forward;
  const rest = forward.filter(({ addresses: { kind } }) => kind === 'nodata').map(({ name }) => name);
  const others = await askAll(resolver, rest, other, passed);
  return forward.map((entry) =>
    rest.includes(entry.name) ? { ...entry, other: others.get(entry.name) ?? dnsError('timeout') } : entry,
  );
}

/** The client's own first. */
function families(ip: Ip): readonly ['A' | 'AAAA', 'A' | 'AAAA'] {
  return isIpv4(ip) ? ['A', 'AAAA'] : ['AAAA', 'A'];
}

/** The answers that came before time was up. */
async function askAll(
  resolver: Resolver,
  names: readonly HostName[],
  type: 'A' | 'AAAA',
  passed: Promise<'passed'>,
): Promise<ReadonlyMap<HostName, DnsAnswer<Ip>>> {
  const got = new Map<HostName, DnsAnswer<Ip>>();
  await new Promise<void>((done, fail) => {
    if (names.length === 0) done();
    for (const name of names) {
      Promise.resolve(resolver.lookup(name, type)).then((answer) => {
        got.set(name, asAddresses(answer));
        if (got.size === names.length) done();
      }, fail);
    }
    void passed.then(() => done());
  });
  return new Map(got); // what comes later is too late
}

/** What a resolver promises of A and AAAA. The answer itself: it is shared by all sessions that it is about. */
function asAddresses(answer: DnsAnswer<string>): DnsAnswer<Ip> {
  return answer as DnsAnswer<Ip>;
}

function deadlineIn(ms: number): { passed: Promise<'passed'>; clear: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<'passed'>((resolve) => {
    timer = setTimeout(() => resolve('passed'), ms);
  });
  return { passed, clear: () => clearTimeout(timer) };
}
