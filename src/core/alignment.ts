// Do the names that stand for a client belong together: what it says in HELO, what its PTR records say, what stands in its
// certificate, and the domain of the sender? A finding, no verdict: that they do is a good sign, that they do not is how many
// honest senders are (RFC 5321 s4.1.4). Found when somebody asks, since it takes longer than the other findings. Throws nothing.

import { getDomain } from 'tldts';
import { type CertificateName, certificateFits, certificateNames } from './client-certificate.ts';
import { candidateNames, type Evidence } from './evidence.ts';
import type { Findings } from './findings.ts';
import { type HostName, hostName } from './name.ts';

export const alignmentPairs = [
  'helo-ptr', // HELO and the PTR names
  'certificate-ptr', // the names of the client's certificate and the PTR names
  'certificate-helo', // the names of the client's certificate and HELO
  'sender-ptr', // the domain of the envelope sender and the PTR names
] as const;
export type AlignmentPair = (typeof alignmentPairs)[number];

/** The best first. */
export const alignmentLevels = [
  'exact', // one and the same name; or a wildcard of the certificate that stands for it
  'organisation', // both below one domain that somebody registered
  'claimed', // one of these, but for a PTR name that nothing confirms or a certificate that nobody trusts: somebody's word
  'none', // of different organisations; never said of the sender, who may send through anybody
  'unknown', // one of them is missing, or is a public suffix, below which everybody is somebody else
] as const;
export type AlignmentLevel = (typeof alignmentLevels)[number];

export interface Aligned {
  readonly level: AlignmentLevel;
  /** The names that came closest, in the order of the pair; absent: one side has none. */
  readonly names?: readonly [string, string];
}

export type Alignment = Readonly<Record<AlignmentPair, Aligned>>;

export function alignment(evidence: Evidence, findings: Findings): Alignment {
  const confirmed = confirmedNames(findings);
  return Object.fromEntries(
    alignmentPairs.map((pair) => [pair, aligned(pair, evidence, findings, confirmed)]),
  ) as unknown as Alignment;
}

/** `confirmed`: the PTR names that count as confirmed; any other is only claimed. */
export function aligned(
  pair: AlignmentPair,
  evidence: Evidence,
  findings: Findings,
  confirmed: readonly HostName[] = confirmedNames(findings),
): Aligned {
  const [one, other] = sidesOf[pair];
  const lefts = namesOf(one, evidence, findings, confirmed);
  const rights = namesOf(other, evidence, findings, confirmed);
  const tenantOf = tenants();
  let best: Aligned = { level: 'unknown' };
  for (const left of lefts)
    for (const right of rights) {
      const level = levelOf(left, right, tenantOf);
      if (best.names === undefined || rank[level] < rank[best.level])
        best = { level, names: [left.shown, right.shown] };
      if (level === 'exact') return best;
    }
  // Whoever sends through a provider has another name than its servers.
  return one === 'sender' && best.level === 'none' ? { ...best, level: 'unknown' } : best;
}

/** What the pair might come to if these PTR names are open (soften.ts), and what it comes to where none is. */
export function possibleLevels(
  pair: AlignmentPair,
  evidence: Evidence,
  findings: Findings,
  open: ReadonlySet<HostName> | 'any' | undefined,
): readonly AlignmentLevel[] {
  if (open === undefined || !pair.endsWith('-ptr')) return [aligned(pair, evidence, findings).level];
  const confirmed = confirmedNames(findings).filter((name) => open === 'any' || !open.has(name));
  // The best of several open names decides, so each of them alone shows everything.
  if (open !== 'any') return [...open].map((name) => aligned(pair, evidence, findings, [...confirmed, name]).level);
  const [side] = sidesOf[pair];
  if (candidateNames(evidence.ptr).length === 0 || namesOf(side, evidence, findings, []).length === 0)
    return ['unknown'];
  return findings.iprev.result === 'pass' ? alignmentLevels : ['claimed', 'none', 'unknown'];
}

const rank = Object.fromEntries(alignmentLevels.map((level, i) => [level, i])) as Record<AlignmentLevel, number>;

const sidesOf = Object.fromEntries(alignmentPairs.map((pair) => [pair, pair.split('-')])) as unknown as Readonly<
  Record<AlignmentPair, readonly [Side, Side]>
>;

type Side = 'helo' | 'ptr' | 'certificate' | 'sender';

interface Name extends CertificateName {
  /** More than somebody's word. HELO and sender are words that the other side has to bear out. */
  readonly proven: boolean;
  readonly shown: string;
}

function confirmedNames({ iprev }: Findings): readonly HostName[] {
  return iprev.result === 'pass' ? iprev.names : [];
}

function namesOf(
  side: Side,
  { client, ptr }: Evidence,
  { helo }: Findings,
  confirmed: readonly HostName[],
): readonly Name[] {
  switch (side) {
    case 'helo':
      return helo.name === undefined ? [] : [plain(helo.name, true)];
    case 'ptr':
      return candidateNames(ptr).map((name) => plain(name, confirmed.includes(name)));
    case 'certificate': {
      const proven = client.tls?.certificate?.verified === true;
      return certificateNames(client).map(({ name, wildcard }) => ({
        name,
        wildcard,
        proven,
        shown: wildcard ? `*.${name}` : name,
      }));
    }
    case 'sender': {
      const at = client.sender?.lastIndexOf('@') ?? -1;
      const domain = at < 0 ? undefined : hostName(client.sender?.slice(at + 1) ?? '');
      return domain === undefined ? [] : [plain(domain, true)];
    }
  }
}

function plain(name: HostName, proven: boolean): Name {
  return { name, wildcard: false, proven, shown: name };
}

function levelOf(a: Name, b: Name, tenantOf: TenantOf): AlignmentLevel {
  const proven = a.proven && b.proven;
  if (isSame(a, b, tenantOf)) return proven ? 'exact' : 'claimed';
  const [one, other] = [tenantOf(a.name), tenantOf(b.name)];
  if (one === undefined || other === undefined) return 'unknown';
  return one !== other ? 'none' : proven ? 'organisation' : 'claimed';
}

/** A wildcard below a public suffix would be everybody's name. */
function isSame(a: Name, b: Name, tenantOf: TenantOf): boolean {
  if (!a.wildcard) return a.name === b.name;
  return certificateFits(a, b.name) && tenantOf(a.name) !== undefined;
}

type TenantOf = (name: HostName) => string | undefined;

/**
 * The domain that somebody registered, or was given by a company that lists itself as a public suffix: two customers of
 * compute.amazonaws.com or github.io are not one organisation, and taking them for one would be a good sign for a stranger.
 * Each name is looked at once, however many there are to hold against it.
 */
function tenants(): TenantOf {
  // Made when the first is looked at: names that are the same need none.
  let known: Map<HostName, string | null> | undefined;
  return (name) => {
    known ??= new Map();
    let found = known.get(name);
    if (found === undefined) known.set(name, (found = getDomain(name, options)));
    return found ?? undefined;
  };
}

const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false, detectIp: false };
