// Random policies and random evidence, for the properties.

import fc from 'fast-check';
import { alignmentLevels, alignmentPairs } from '../../src/core/alignment.ts';
import { type DnsAnswer, dnsError, dnsErrors } from '../../src/core/answer.ts';
import { stages, type Tls } from '../../src/core/client.ts';
import { certificateWords } from '../../src/core/client-certificate.ts';
import type { Condition } from '../../src/core/condition.ts';
import type { Evidence, Forward } from '../../src/core/evidence.ts';
import { heloDnsWords, heloForms } from '../../src/core/helo.ts';
import type { Ip } from '../../src/core/ip.ts';
import { iprevReasons, iprevResults } from '../../src/core/iprev.ts';
import { type ClaimedName, claimedName, type HostName, hostName } from '../../src/core/name.ts';
import type { NameTest } from '../../src/core/name-test.ts';
import { namingLabels } from '../../src/core/naming/classify.ts';
import { exampleNames } from '../../src/core/naming/examples.ts';
import { askedKinds, askedTiers } from '../../src/core/naming.ts';
import { readGlob, readPattern } from '../../src/core/pattern.ts';
import { type Actions, outageActions, type Policy, type Refusal } from '../../src/core/policy.ts';
import { weekdays } from '../../src/core/time-window.ts';
import { evidenceOf, ipOf } from './evidence.ts';

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 4 });

const people = ['a@b.example', 'postmaster@test.example', 'a@mx.example', ''];
/** Exactly one of these, or something that one of them is below, or like. */
function tests(values: readonly string[]): fc.Arbitrary<NameTest[]> {
  const [glob, matches] = [readGlob('*x*'), readPattern('^(mx|n\\d)')];
  if ('wrong' in glob || 'wrong' in matches) throw new Error('a pattern that cannot be read');
  return fc.oneof(
    some(values).map((chosen) => chosen.map((value): NameTest => ({ kind: 'exact', value }))),
    fc.constantFrom<NameTest[]>(
      [{ kind: 'under', domain: 'example' }],
      [{ kind: 'under', domain: 'isp.example' }],
      [{ kind: 'glob', pattern: glob }],
      [{ kind: 'matches', pattern: matches }],
      [{ kind: 'list', list: { path: 'list', kind: 'domains', has: (name) => name === 'y.example' } }],
    ),
  );
}
/** What asks for the names that stand for a client. */
const identityLeaf: fc.Arbitrary<Condition> = fc.oneof(
  some(heloDnsWords).map((words): Condition => ({ kind: 'helo_dns', words })),
  fc
    .tuple(fc.constantFrom(...alignmentPairs), some(alignmentLevels))
    .map(([pair, levels]): Condition => ({ kind: 'alignment', pair, levels })),
  some(certificateWords).map((words): Condition => ({ kind: 'certificate', words })),
  some(heloForms).map((forms): Condition => ({ kind: 'helo_is', forms })),
);
export const namingConditions: fc.Arbitrary<Condition> = fc.oneof(
  some(namingLabels).map((labels): Condition => ({ kind: 'naming', labels })),
  some(askedKinds).map((kinds): Condition => ({ kind: 'naming', kinds })),
  fc
    .tuple(some(askedKinds), some(askedTiers))
    .map(([kinds, tiers]): Condition => ({ kind: 'naming', labels: ['generic'], kinds, tiers })),
);
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  { arbitrary: identityLeaf, weight: 4 },
  some(iprevResults).map((results): Condition => ({ kind: 'iprev', results })),
  some(iprevReasons).map((reasons): Condition => ({ kind: 'reason', reasons })),
  namingConditions,
  some(['192.0.2.0', '203.0.113.0']).map(
    (nets): Condition => ({ kind: 'client_ip', ranges: nets.map((net) => ({ base: ipOf(net), bits: 24 })), lists: [] }),
  ),
  fc
    .tuple(fc.constantFrom('helo', 'sender', 'recipient'), tests(people))
    .map(([kind, of]): Condition => ({ kind, tests: of })),
  fc
    .tuple(
      fc.constantFrom('ptr', 'verified_name'),
      tests(['mx.example', 'x.example', 'n3.example', '192-0-2-7.isp.example']),
    )
    .map(([kind, of]): Condition => ({ kind, tests: of })),
  fc.constant<Condition>({
    kind: 'client_ip',
    ranges: [],
    lists: [{ path: 'list', kind: 'addresses', has: (address) => address === '192.0.2.7' }],
  }),
  fc
    .tuple(fc.nat(3), fc.nat(12))
    .map(([atLeast, more]): Condition => ({ kind: 'names', atLeast, atMost: atLeast + more })),
  fc.boolean().map((is): Condition => ({ kind: 'authenticated', is })),
  fc.boolean().map((is): Condition => ({ kind: 'early_talker', is })),
  fc.constantFrom('check' as const, 'smtp' as const).map((door): Condition => ({ kind: 'door', doors: [door] })),
  fc.constant<Condition>({ kind: 'port', ports: [25] }),
  fc.integer({ min: -2, max: 4 }).map((atLeast): Condition => ({ kind: 'score', atLeast })),
  fc
    .constantFrom(weekdays, weekdays.slice(0, 3))
    .map((days): Condition => ({ kind: 'time', windows: [{ days, from: 60, until: 1_000, zone: 'UTC' }] })),
);
/** Conditions of such leaves, in one another. */
const conditionsOf = (leaves: fc.Arbitrary<Condition>): fc.Arbitrary<Condition> =>
  fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaves,
      fc
        .tuple(fc.constantFrom('all', 'any'), fc.array(tie('condition'), { maxLength: 3 }))
        .map(([kind, of]): Condition => ({ kind, of })),
      tie('condition').map((of): Condition => ({ kind: 'not', of })),
    ),
  })).condition;

const refusal: fc.Arbitrary<Refusal> = fc
  .constantFrom<[number, string]>([550, '5.7.25'], [554, '5.7.1'], [450, '4.7.25'], [421, '4.7.0'])
  .map(([code, enhanced]) => ({ code, enhanced, text: '{ip} {ptr} {helo}' }));
const actions: fc.Arbitrary<Actions> = fc.oneof(
  fc.constantFrom('weak', 'odd').map((tag) => ({ tag })),
  fc.constant({ decision: 'accept' as const }),
  refusal.map((decision) => ({ decision })),
  refusal.map((decision) => ({ tag: 'both', decision })),
  fc.constantFrom(1, 2, -3).map((score) => ({ score })),
  fc.constantFrom({ hold: true as const }, { field: { name: 'X-Name', value: '{ptr}' } }),
);
// A little before and after the time of the evidence.
const dates = fc.option(fc.constantFrom(Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-30T00:00:00Z')), {
  nil: undefined,
});
const exceptionsOf = (conditions: fc.Arbitrary<Condition>) =>
  fc.array(
    fc
      .record({ when: conditions, until: dates })
      .map(({ when, until }) => ({ when, why: 'it is known', ...(until === undefined ? {} : { until }) })),
    { maxLength: 2 },
  );

const policiesOf = (conditions: fc.Arbitrary<Condition>): fc.Arbitrary<Policy> =>
  fc
    .record({
      rules: fc.array(
        fc.record({
          when: conditions,
          except: exceptionsOf(conditions),
          mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'monitor' as const, 'off' as const),
          percent: fc.constantFrom(100, 100, 50, 0),
          until: dates,
          actions,
        }),
        { maxLength: 5 },
      ),
      otherwise: actions,
      announce: fc.constantFrom('rcpt' as const, ...stages),
      postmaster: fc.constantFrom('accept' as const, 'judge' as const),
      authenticated: fc.constantFrom('accept' as const, 'judge' as const),
      outage: fc.option(fc.constantFrom(...Object.values(outageActions)), { nil: undefined }),
    })
    .map(({ rules, outage, ...policy }) => ({
      ...policy,
      rules: rules.map(({ until, ...rule }, i) => ({
        id: `r${i}`,
        ...rule,
        ...(until === undefined ? {} : { until }),
      })),
      ...(outage === undefined ? {} : { outage }),
    }));

export const policies = policiesOf(conditionsOf(leaf));
/** Few rules about the names of the client alone, that refuse for good or let it in: nothing else blurs what these come to. */
export const identityPolicies: fc.Arbitrary<Policy> = fc
  .record({
    rules: fc.array(
      fc.record({
        when: fc.oneof(
          identityLeaf,
          identityLeaf.map((of): Condition => ({ kind: 'not', of })),
        ),
        decision: fc.constantFrom('accept' as const, { code: 550, enhanced: '5.7.25', text: 'no' }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    decision: fc.constantFrom('accept' as const, { code: 554, enhanced: '5.7.1', text: 'no' }),
  })
  .map(({ rules, decision }) => ({
    rules: rules.map(({ when, decision }, i) => ({
      id: `r${i}`,
      when,
      except: [],
      mode: 'enforce',
      percent: 100,
      actions: { decision },
    })),
    otherwise: { decision },
    announce: 'rcpt',
    postmaster: 'judge',
    authenticated: 'judge',
  }));

const ip = '192.0.2.7';
// A good name, a generic one, one that is no host name, others, and one of every look that a rule can tell apart.
const claims = [
  ...['mx.example', '192-0-2-7.isp.example', 'a b.example', 'x.example', 'y.example'],
  ...exampleNames.map(({ host }) => `${host}.n.example`),
].map(claimedName);
export const failures: fc.Arbitrary<DnsAnswer<never>> = fc.constantFrom(...dnsErrors).map(dnsError);
const negatives: fc.Arbitrary<DnsAnswer<never>> = fc.constantFrom<DnsAnswer<never>>(
  { kind: 'nxdomain', ttl: 1 },
  { kind: 'nodata', ttl: 1 },
);

export const definitePtr: fc.Arbitrary<DnsAnswer<ClaimedName>> = fc.oneof(
  negatives,
  fc
    .uniqueArray(fc.constantFrom(...claims), { minLength: 1 })
    .map((records): DnsAnswer<ClaimedName> => ({ kind: 'records', records, ttl: 1 })),
  fc.constant<DnsAnswer<ClaimedName>>({
    kind: 'records',
    records: Array.from({ length: 12 }, (_, i) => claimedName(`n${i}.example`)),
    ttl: 1,
  }),
);
export const definiteAddresses: fc.Arbitrary<DnsAnswer<Ip>> = fc.oneof(
  negatives,
  fc.constantFrom<DnsAnswer<Ip>>(
    { kind: 'records', records: [ipOf(ip)], ttl: 1 },
    { kind: 'records', records: [ipOf('192.0.2.8')], ttl: 1 },
  ),
);

/** Address answers for every name that this PTR answer makes worth asking about; of the other family too where gather asks. */
export function forwardFor(
  ptr: DnsAnswer<ClaimedName>,
  addresses: fc.Arbitrary<DnsAnswer<Ip>>,
): fc.Arbitrary<Evidence['forward']> {
  const names =
    ptr.kind === 'records' ? ptr.records.map(hostName).filter((name): name is HostName => name !== undefined) : [];
  const entries = names
    .slice(0, 10)
    .map((name) =>
      fc.record({ own: addresses, other: addresses }).map(({ own, other }) => ({ name, addresses: own, other })),
    );
  return fc.tuple(...entries).map(withoutIdleQuestions);
}

/** gather asks for the other family only if nothing can confirm any more, and only where a name exists. */
export function withoutIdleQuestions(forward: Evidence['forward']): Evidence['forward'] {
  const nothing = forward.every(({ addresses: { kind } }) => kind === 'nodata' || kind === 'nxdomain');
  return forward.map(({ name, addresses, other }) =>
    nothing && addresses.kind === 'nodata' && other !== undefined ? { name, addresses, other } : { name, addresses },
  );
}

const certificates: fc.Arbitrary<{ tls?: Tls }> = fc.oneof(
  fc.constant({}),
  fc
    .record({ verified: fc.boolean(), name: fc.constantFrom('mx.example', '*.x.example', 'other.example', '') })
    .map(({ verified, name }) => ({ tls: { protocol: 'TLSv1.3', certificate: { verified, names: [name] } } })),
);

/** What was said in HELO, and what the DNS says of the name in it where there is one. */
function greetings(addresses: fc.Arbitrary<DnsAnswer<Ip>>): fc.Arbitrary<{ said: string; helo?: Forward }> {
  const names = ['mx.example', 'www.x.example', 'n3.example'] as HostName[];
  return fc.oneof(
    fc.constantFrom('[192.0.2.7]', 'localhost', '').map((said) => ({ said })),
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(...names)
        .chain((name) => heloAnswers(name, addresses).map((helo) => ({ said: name, helo }))),
    },
  );
}

export function heloAnswers(name: HostName, addresses: fc.Arbitrary<DnsAnswer<Ip>>): fc.Arbitrary<Forward> {
  return fc
    .record({ own: addresses, other: addresses })
    .map(({ own, other }) => ({ name, addresses: own, ...(own.kind === 'nodata' ? { other } : {}) }));
}

/** Clients at RCPT, with lookups of every outcome. */
export const evidences: fc.Arbitrary<Evidence> = fc.oneof(definitePtr, failures).chain((ptr) =>
  fc
    .record({
      forward: forwardFor(ptr, fc.oneof(definiteAddresses, failures)),
      sender: fc.constantFrom(...people),
      recipient: fc.constantFrom(...people),
      spoke: fc.constantFrom({}, { early: true as const }),
      tls: certificates,
      greeted: greetings(fc.oneof(definiteAddresses, failures)),
    })
    .map(({ forward, sender, recipient, spoke, tls, greeted: { said, helo } }) => ({
      ...evidenceOf({ ip, ptr: 'nxdomain', client: { helo: said, sender, recipient, ...spoke, ...tls } }),
      ptr,
      forward,
      ...(helo === undefined ? {} : { helo }),
    })),
);
