// Each reason has its remedy, says who must act, and says what was asked and what came back.

import { describe, expect, test } from '@jest/globals';
import type { DnsAnswer } from '../../../../src/core/answer.ts';
import type { Evidence } from '../../../../src/core/evidence.ts';
import { assess } from '../../../../src/core/findings.ts';
import { iprev, iprevReasons, temperrorReasons } from '../../../../src/core/iprev.ts';
import { claimedName, type HostName } from '../../../../src/core/name.ts';
import { exampleOf, remedyReasons } from '../../../../src/core/remedy/example.ts';
import { remedyLines, wrap } from '../../../../src/core/remedy/print.ts';
import { type Remedy, type RemedyReason, remedies } from '../../../../src/core/remedy/remedy.ts';
import { type Answer, evidenceOf, ipOf } from '../../../support/evidence.ts';

const four = { ip: ipOf('192.0.2.7'), name: 'mail.sender.example' as HostName };
const six = { ...four, ip: ipOf('2001:db8::7') };
const of = (evidence: Evidence): readonly Remedy[] => remedies(evidence, assess(evidence));
const theOne = (evidence: Evidence): Remedy => {
  const [remedy, ...others] = of(evidence);
  expect(others).toEqual([]);
  return remedy as Remedy;
};
const linesOf = ({ ways }: Remedy): readonly (readonly string[])[] =>
  ways.map(({ records }) => records.map(({ line }) => line));

describe.each(remedyReasons)('%s', (reason: RemedyReason) => {
  test.each([four, six])('has a remedy for $ip', (example) => {
    const evidence = exampleOf(reason, example);
    const found = of(evidence).filter((remedy) => remedy.reason === reason);
    expect(found).toHaveLength(1);
    const [{ says, owner, ways, verify } = {} as Remedy] = found;
    // What was looked up, or what was said, and who must act.
    expect(says).toMatch(/PTR |HELO|A+ mail\.sender\.example|template/);
    expect(says.length).toBeGreaterThan(150);
    expect(owner).toMatch(/owner|operator|receiver/);
    expect(verify.length).toBeGreaterThan(0);
    for (const way of ways) expect([way.records.length > 0, way.nsupdate.at(-1)]).toEqual([true, 'send']);
  });
});

test('the list is closed: every reason of iprev but "confirmed", and each is what its example comes to', () => {
  for (const reason of iprevReasons.filter((one) => one !== 'confirmed')) {
    expect(remedyReasons).toContain(reason);
    expect(iprev(exampleOf(reason, four)).reason).toBe(reason);
    expect(iprev(exampleOf(reason, six)).reason).toBe(reason);
  }
  expect(new Set(remedyReasons).size).toBe(remedyReasons.length);
});

test('a host in order needs none', () => {
  const forward = { 'mx.example': ['192.0.2.7'] };
  expect(of(evidenceOf({ ptr: ['mx.example'], forward }))).toEqual([]);
  expect(of(evidenceOf({ ptr: ['mx.example'], forward, client: { helo: '[192.0.2.7]' } }))).toEqual([]);
});

test('behind a NAT or proxy the address is not the one to mend', () => {
  expect(of({ ...evidenceOf({ ptr: 'nxdomain' }), masked: 'one-address' })).toEqual([]);
});

test('a failed lookup asks for no record, of whomever it is about', () => {
  for (const reason of [...temperrorReasons, 'helo-temperror'] as const)
    expect(of(exampleOf(reason, four)).find((one) => one.reason === reason)?.ways).toEqual([]);
  expect(theOne(exampleOf('ptr-outage', four))).toMatchObject({ owner: 'receiver' });
  expect(theOne(exampleOf('ptr-network', four)).says).toContain('The sender has nothing to mend');
  expect(theOne(exampleOf('forward-servfail', four)).says).toContain(
    'Who runs the DNS of sender.example must see to it',
  );
});

test('no PTR record: the record, the name that leads back, and the alias of RFC 2317', () => {
  expect(linesOf(theOne(exampleOf('no-ptr', four)))).toEqual([
    ['7.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.org.', 'mail.example.org. 3600 IN A 192.0.2.7'],
    [
      '0-7.2.0.192.in-addr.arpa. 3600 IN NS ns1.example.org.',
      '7.2.0.192.in-addr.arpa. 3600 IN CNAME 7.0-7.2.0.192.in-addr.arpa.',
      '7.0-7.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.org.',
      'mail.example.org. 3600 IN A 192.0.2.7',
    ],
  ]);
  // The block of eight is the one that the address lies in.
  const last = theOne(exampleOf('no-ptr', { ...four, ip: ipOf('192.0.2.255') }));
  expect(linesOf(last)[1]?.[1]).toBe('255.2.0.192.in-addr.arpa. 3600 IN CNAME 255.248-255.2.0.192.in-addr.arpa.');
});

test('IPv6 has its nibbles, and needs no alias', () => {
  const remedy = theOne(exampleOf('no-ptr', { ...six, own: 'mx.sender.example' as HostName }));
  const owner = `7.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa.`;
  expect(remedy.ways).toEqual([
    {
      owner: 'address owner',
      says: expect.stringContaining('mx.sender.example leads back already'),
      records: [{ zone: `${'0.'.repeat(8)}8.b.d.0.1.0.0.2.ip6.arpa`, line: `${owner} 3600 IN PTR mx.sender.example.` }],
      nsupdate: [`update add ${owner} 3600 PTR mx.sender.example.`, 'send'],
    },
  ]);
});

test('mismatch: either the name gets the address, or the address another name', () => {
  const { ways, owner } = theOne(exampleOf('mismatch', four));
  expect(owner).toBe('domain owner');
  expect(ways.map(({ nsupdate }) => nsupdate)).toEqual([
    ['update add mail.sender.example. 3600 A 192.0.2.7', 'send'],
    [
      'update delete 7.2.0.192.in-addr.arpa. PTR',
      'update add 7.2.0.192.in-addr.arpa. 3600 PTR mail.example.org.',
      'send',
      'update add mail.example.org. 3600 A 192.0.2.7',
      'send',
    ],
  ]);
  // Where HELO leads back, one PTR record is enough, and comes first.
  const known = theOne(exampleOf('mismatch', { ...four, own: 'mx.sender.example' as HostName }));
  expect(known.owner).toBe('address owner');
  expect(linesOf(known)[0]).toEqual(['7.2.0.192.in-addr.arpa. 3600 IN PTR mx.sender.example.']);
});

test("a provider's template is nobody's to add an address to, nor a name to be given", () => {
  const name = '192-0-2-7.dyn.isp.example';
  const stale = of(evidenceOf({ ptr: [name], forward: { [name]: 'nxdomain' } }));
  expect(stale.map(({ reason, ways }) => [reason, ways.length])).toEqual([
    ['stale', 1],
    ['generic-name', 0],
  ]);
  expect(JSON.stringify(stale.map(({ ways }) => ways))).not.toContain('dyn.isp.example');
  const said: Evidence = {
    ...evidenceOf({ ptr: 'nxdomain', client: { helo: name } }),
    helo: { name: name as HostName, addresses: { kind: 'records', records: [four.ip], ttl: 1 } },
  };
  expect(JSON.stringify(theOne(said).ways)).not.toContain('dyn.isp.example');
});

test('a HELO name that only claims to be the client is not proposed for its PTR record', () => {
  const claims: Evidence = {
    ...evidenceOf({ ptr: 'nxdomain', client: { helo: 'bank.example' } }),
    helo: { name: 'bank.example' as HostName, addresses: { kind: 'records', records: [ipOf('192.0.2.66')], ttl: 1 } },
  };
  const reverse = of(claims).find(({ reason }) => reason === 'no-ptr');
  expect(JSON.stringify(reverse)).not.toContain('bank.example');
});

test("the server's own word on why is repeated, and what it means", () => {
  const failed = (ede: { code: number; text: string }[]) => {
    const ptr: DnsAnswer<never> = { kind: 'error', code: 'servfail', ede };
    return theOne({ ...evidenceOf({ ptr: 'servfail' }), ptr });
  };
  const bogus = failed([{ code: 6, text: 'validation failure' }]);
  expect(bogus.says).toContain('extended error 6, DNSSEC bogus, "validation failure". The zone is signed');
  expect(bogus.verify).toContain('dig +cdflag -x 192.0.2.7');
  expect(failed([{ code: 22, text: '' }]).says).toContain(
    'extended error 22, no reachable authority. The name servers',
  );
  expect(failed([{ code: 49152, text: 'say "x"' }]).says).toContain('extended error 49152, "say \\x22x\\x22".');
  expect(failed([]).says).not.toContain('extended');
});

test.each<[string, Answer]>([
  ['a blank', ['update delete example.org. A']],
  ['a line end', [String(claimedName('x\\010update delete example.org. A'))]],
  ['a comment and a record', ['; x\nexample. 0 IN A 192.0.2.66']],
  ['a directive', ['$include /etc/passwd']],
])('%s in a PTR record is shown as one word, and is in no record', (_, ptr) => {
  const remedy = theOne(evidenceOf({ ptr }));
  expect(remedy.reason).toBe('ptr-invalid');
  expect(linesOf(remedy)).toEqual([
    ['7.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.org.', 'mail.example.org. 3600 IN A 192.0.2.7'],
  ]);
  const lines = remedyLines([remedy], 40);
  expect(lines.join('\n')).not.toMatch(/^\s*(?:update delete example|example|\$include|; x)/im);
});

test('no line of prose is longer than the width, unless one word is', () => {
  for (const reason of remedyReasons)
    for (const line of remedyLines(of(exampleOf(reason, four)), 71))
      if (!line.startsWith('  ')) expect([line, line.length <= 71]).toEqual([line, true]);
  expect(wrap('aa "b c d e" f', 6)).toEqual(['aa', '"b c d e"', 'f']);
  expect(wrap('a "b c', 4)).toEqual(['a "b', 'c']);
  expect(wrap('', 4)).toEqual([]);
});
