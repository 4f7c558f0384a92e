import { describe, expect, test } from '@jest/globals';
import { mismatches } from '../../../src/core/policy-tests.ts';
import { printProblem } from '../../../src/core/problem.ts';
import { readPolicy } from '../../../src/core/schema.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { askZone } from '../../../src/core/zone.ts';
import { policyOf } from '../../support/doors.ts';

const rules = 'rules: [{ id: no-ptr, when: { reason: no-ptr }, reject: "no" }]\notherwise: accept\n';
const testsOf = (text: string) => policyOf(`${rules}tests:\n${text}`).tests ?? [];

describe('a test as it is written', () => {
  test('with nothing but what it needs', () => {
    expect(testsOf('  - { name: one, client: { ip: "::FFFF:192.0.2.7" }, expect: reject }')).toEqual([
      {
        name: 'one',
        client: { ip: '192.0.2.7', stage: 'rcpt', authenticated: false },
        door: 'check',
        zone: new Map(),
        expect: { action: 'reject' },
      },
    ]);
  });

  test('with everything', () => {
    const [one] = testsOf(`
  - name: all
    our_name: MX.Test.example
    client: { ip: 2001:db8::7, helo: no, sender: "", recipient: c@d.example, authenticated: true, early: true, door: smtp,
              port: 25, at: 2026-12-01T18:30+01:00, server_ip: 2001:db8::25,
              certificate: { names: [mx.example] } }
    zone: { 2001:db8::7: [mx.example, "1.10"], mx.example: { cname: "10" }, half.example: { a: 192.0.2.7, aaaa: servfail } }
    expect: { action: reject, rule: no-ptr, tags: [], code: 550, reply: 5.7.25 }`);
    expect(one).toMatchObject({
      client: {
        ip: '2001:db8::7',
        helo: 'no',
        sender: '',
        recipient: 'c@d.example',
        authenticated: true,
        early: true,
        serverPort: 25,
        serverIp: '2001:db8::25',
        tls: { certificate: { verified: true, names: ['mx.example'] } },
      },
      door: 'smtp',
      at: Date.parse('2026-12-01T17:30:00Z'),
      ourName: 'mx.test.example',
      expect: { action: 'reject', rule: 'no-ptr', tags: [], code: 550, reply: '5.7.25' },
    });
    const reverse = `7.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`;
    expect(one && askZone(one.zone, 'half.example', 'A')).toMatchObject({ records: ['192.0.2.7'] });
    expect(one && askZone(one.zone, 'half.example', 'AAAA')).toEqual({ kind: 'error', code: 'servfail' });
    expect(one && askZone(one.zone, 'half.example', 'PTR')).toMatchObject({ kind: 'nodata' });
    expect(one && askZone(one.zone, reverse, 'PTR')).toMatchObject({ records: ['mx.example', '1.10'] });
  });

  test('a client that waits for its greeting is like one of whom nothing is said', () => {
    const [waits] = testsOf('  - { name: one, client: { ip: 192.0.2.7, early: false }, expect: reject }');
    expect(waits?.client).not.toHaveProperty('early');
  });

  test('a day is the moment at which it begins', () => {
    const [one] = testsOf('  - { name: one, client: { ip: 192.0.2.7, at: 2026-12-01 }, expect: reject }');
    expect(one?.at).toBe(Date.parse('2026-12-01T00:00:00Z'));
  });

  test('none are none', () => {
    expect(policyOf(rules)).not.toHaveProperty('tests');
  });
});

describe('mistakes in a test', () => {
  const problems = (text: string): readonly string[] => {
    const checked = readPolicy(`${rules}tests:\n  - ${text}\n`, 'p.yaml');
    return checked.ok ? [] : checked.problems.map((problem) => printProblem(problem).replace('p.yaml:4:', ''));
  };
  const client = 'client: { ip: 192.0.2.7 }';

  test.each([
    [`{ name: x, ${client} }`, '5: "expect" is missing'],
    [`{ ${client}, expect: reject }`, '5: "name" is missing'],
    ['{ name: x, client: { helo: a }, expect: reject }', '24: "ip" is missing'],
    ['{ name: x, client: { ip: 300.0.2.7 }, expect: reject }', '30: "300.0.2.7" is not an address'],
    [`{ name: x, ${client}, expect: rejct }`, '51: unknown word "rejct" (did you mean "reject"?)'],
    [`{ name: x, ${client}, expect: {} }`, '51: this map is empty (write expect: reject)'],
    [`{ name: x, ${client}, expect: { acton: tag } }`, '53: unknown key "acton" (did you mean "action"?)'],
    [`{ name: x, ${client}, expect: { rule: no-prt } }`, '59: there is no rule "no-prt" (did you mean "no-ptr"?)'],
    [`{ name: x, ${client}, expect: { code: 250 } }`, '59: a refusal has a code from 400 to 599'],
    [
      '{ name: x, client: { ip: 192.0.2.7, at: 2026-02-31 }, expect: tag }',
      '45: "2026-02-31" is not a time such as 2026-12-31T18:00Z',
    ],
    [
      '{ name: x, client: { ip: 192.0.2.7, at: 2026-02-31T00:00Z }, expect: tag }',
      '45: "2026-02-31T00:00Z" is not a time such as 2026-12-31T18:00Z',
    ],
    [
      '{ name: x, client: { ip: 192.0.2.7, door: smpt }, expect: tag }',
      '47: unknown word "smpt" (did you mean "smtp"?)',
    ],
    ['{ name: x, client: { ip: 192.0.2.7, port: 0 }, expect: tag }', '47: a port is a number from 1 to 65535'],
  ])('%s', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });

  // A zone file is read as text; in a policy YAML has made numbers of some words before anybody could ask.
  test.each([
    ['{ 1.10: mx.example }', '"1.1" is no owner of records (write an address or a name: 192.0.2.7, mx.example)'],
    ['{ 0x10: mx.example }', '"16" is no owner of records (write an address or a name: 192.0.2.7, mx.example)'],
    ['{ ~: mx.example }', '"" is no owner of records (write an address or a name: 192.0.2.7, mx.example)'],
    ['{ 192.0.2.7: 1.10 }', 'YAML reads a number here, "1.1" (write it in quotes)'],
    ['{ 192.0.2.7: [mx.example, 1.10] }', 'YAML reads a number here, "1.1" (write it in quotes)'],
    ['{ 192.0.2.7: { cname: 1.10 } }', 'YAML reads a number here, "1.1" (write it in quotes)'],
    ['{ 192.0.2.7: true }', 'YAML reads a boolean here, "true" (write it in quotes)'],
    ['{ 192.0.2.7: }', 'nothing stands here (a name without records is nodata, a missing one nxdomain)'],
    ['{ 192.0.2.7: nxdomian }', 'unknown outcome "nxdomian" (did you mean "nxdomain"?)'],
    [
      '{ 192.0.2.7: no }',
      'unknown outcome "no" (known here: nxdomain, nodata, servfail, refused, timeout, network, malformed, outage)',
    ],
    ['[a]', 'expected a map, found "["a"]"'],
  ])('zone: %s', (zone, expected) => {
    const found = problems(`{ name: x, ${client}, expect: tag, zone: ${zone} }`);
    expect(found.map((line) => line.replace(/^\d+: /, ''))).toEqual([expected]);
  });

  test('words that are no numbers stay what they are', () => {
    const text = `{ name: x, ${client}, expect: tag, zone: { no: [192.0.2.7], true: a.example, 192.0.2.7: [no, "1.10"] } }`;
    const checked = readPolicy(`${rules}tests:\n  - ${text}\n`, 'p.yaml');
    expect(checked.ok && [...(checked.value.tests?.[0]?.zone.keys() ?? [])]).toEqual([
      'no',
      'true',
      '7.2.0.192.in-addr.arpa',
    ]);
  });

  test('they come with those of the rules', () => {
    const checked = readPolicy('rules: [{ id: x, tga: y }]\ntests: [{ name: one, expect: tag }]\n', 'p.yaml');
    expect(checked.ok ? [] : checked.problems.map(printProblem)).toEqual([
      'p.yaml:1:18: unknown key "tga" (did you mean "tag"?)',
      'p.yaml:1:1: "otherwise" is missing',
      'p.yaml:2:9: "client" is missing',
    ]);
  });
});

describe('what came against what was expected', () => {
  const tagged: Verdict = { action: 'tag', rule: 'a', tags: ['x', 'y'], score: 0 };
  const reply = { code: 550, enhanced: '5.7.25', text: 'No PTR (ref test)' };
  const refused: Verdict = { action: 'reject', rule: 'r', reply, tags: [], score: 0 };

  test('as it must be', () => {
    expect(mismatches({ action: 'tag', rule: 'a', tags: ['y', 'x'] }, tagged)).toEqual([]);
    expect(mismatches({ action: 'reject', tags: [], code: 550, reply: '5.7.25 no ptr' }, refused)).toEqual([]);
  });

  test('or not', () => {
    expect(mismatches({ action: 'reject', rule: 'b', tags: ['x'], code: 550, reply: 'no' }, tagged)).toEqual([
      { what: 'action', expected: 'reject', came: 'tag' },
      { what: 'rule', expected: 'b', came: 'a' },
      { what: 'tags', expected: 'x', came: 'x, y' },
      { what: 'code', expected: '550', came: 'none' },
      { what: 'reply', expected: '"no"', came: 'none' },
    ]);
    expect(mismatches({ tags: ['x'], code: 554, reply: 'yes' }, refused)).toEqual([
      { what: 'tags', expected: 'x', came: 'none' },
      { what: 'code', expected: '554', came: '550' },
      { what: 'reply', expected: '"yes"', came: '550 5.7.25 No PTR (ref test)' },
    ]);
  });
});
