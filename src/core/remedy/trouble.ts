// Remedies for lookups that failed: nobody could tell, so no record mends them, and nothing is held against the sender for good.
// SERVFAIL, silence and nonsense are the zone's to mend; no way to our resolver, and its refusal to serve us, are our own.

import type { DnsError, Remarks } from '../answer.ts';
import type { Advice, Owner } from './advice.ts';
import { saysDnssec, serverWord } from './server-word.ts';

/** What was asked, and whose servers should have told. */
export interface Asked {
  /** "PTR 7.2.0.192.in-addr.arpa" */
  readonly question: string;
  /** How dig is told to ask it: "-x 192.0.2.7". */
  readonly dig: string;
  /** "the reverse zone of 192.0.2.7" */
  readonly zone: string;
}

export function trouble(code: DnsError, asked: Asked, answer: Remarks): Advice {
  const { owner, came, act } = outcomes[code];
  const says = [
    `${asked.question} ${came(answer)}`,
    serverWord(answer),
    act(asked, answer),
    owner === 'receiver'
      ? 'The sender has nothing to mend, and should try again.'
      : 'Until then nobody can tell, and mail is put off at most, not refused for good.',
  ];
  return { owner, says: says.filter((text) => text !== '').join(' '), ways: [], verify: verify(owner, asked, answer) };
}

interface Outcome {
  readonly owner: Owner;
  readonly came: (answer: Remarks) => string;
  readonly act: (asked: Asked, answer: Remarks) => string;
}

const outcomes = {
  servfail: {
    owner: 'zone operator',
    came: (answer) =>
      saysDnssec(answer)
        ? 'was looked up, and the resolver answered SERVFAIL: it got an answer that it may not believe.'
        : 'was looked up, and the resolver answered SERVFAIL: it got no answer from the name servers of the zone that it can use.',
    act: ({ zone }, answer) =>
      `Who runs the DNS of ${zone} must see to it${saysDnssec(answer) ? '.' : ': are all its name servers up, do they serve the zone, do its DNSSEC signatures hold?'}`,
  },
  refused: {
    owner: 'receiver',
    came: () =>
      'was looked up, and the DNS server that was asked answered REFUSED: it does not serve us, or not for this zone.',
    act: () => 'Who runs the receiving side must name a resolver that does.',
  },
  timeout: {
    owner: 'zone operator',
    came: () =>
      'was looked up, and no answer came in time: most often the name servers of the zone are down or cut off.',
    act: ({ zone }) =>
      `Who runs the DNS of ${zone} must see to it; if other zones are silent as well, it is the resolver of the receiving side.`,
  },
  network: {
    owner: 'receiver',
    came: () => 'was looked up, and the resolver could not be reached at all.',
    act: () => 'Who runs the receiving side must see to its own network and resolver.',
  },
  malformed: {
    owner: 'zone operator',
    came: () =>
      'was looked up, and what came back makes no sense: cut off, a chain of aliases without end, or no answer to the question.',
    act: ({ zone }) => `Who runs the DNS of ${zone} must see to it.`,
  },
  outage: {
    owner: 'receiver',
    came: () => 'was not even looked up, because most lookups of the receiving side fail at the moment.',
    act: () => 'Who runs it must see to its resolver.',
  },
} as const satisfies Record<DnsError, Outcome>;

function verify(owner: Owner, { dig }: Asked, answer: Remarks): readonly string[] {
  if (owner === 'receiver') return [`dig ${dig}`];
  return saysDnssec(answer) ? [`dig ${dig}`, `dig +cdflag ${dig}`] : [`dig ${dig}`, `dig +trace ${dig}`];
}
