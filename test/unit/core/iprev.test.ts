// Section by section: what each combination of answers means (RFC 8601 s2.7.3 and s3).

import { expect, test } from '@jest/globals';
import {
  failReasons,
  type Iprev,
  iprev,
  iprevReasons,
  passReasons,
  permerrorReasons,
  temperrorReasons,
} from '../../../src/core/iprev.ts';
import { type Answer, evidenceOf } from '../../support/evidence.ts';

const crowd = Array.from({ length: 11 }, (_, i) => (i < 10 ? `n${i}.example` : 'o.example'));
const crowdIs = (answer: Answer, ten: Answer = answer) =>
  Object.fromEntries(crowd.slice(0, 10).map((name, i) => [name, i === 9 ? ten : answer]));

const cases: [string, Answer, Record<string, Answer>, string, Record<string, Answer>?][] = [
  ['no such reverse name', 'nxdomain', {}, 'permerror no-ptr'],
  ['reverse name without PTR', 'nodata', {}, 'permerror ptr-empty'],
  ['only odd names', ['a b.example', '192.0.2.7', ''], {}, 'permerror ptr-invalid'],
  ['one name, confirmed', ['mx.example'], { 'mx.example': ['192.0.2.8', '192.0.2.7'] }, 'pass confirmed mx.example'],
  [
    'an odd name beside a good one',
    ['a b', 'mx.example'],
    { 'mx.example': ['192.0.2.7'] },
    'pass confirmed mx.example',
  ],
  [
    'second of two',
    ['a.example', 'b.example'],
    { 'a.example': 'servfail', 'b.example': ['192.0.2.7'] },
    'pass confirmed b.example',
  ],
  ['mismatch', ['mx.example'], { 'mx.example': ['192.0.2.8'] }, 'fail mismatch'],
  [
    'other family alone',
    ['a.example'],
    { 'a.example': 'nodata' },
    'fail other-family',
    { 'a.example': ['2001:db8::7'] },
  ],
  ['no address in any family', ['a.example'], { 'a.example': 'nodata' }, 'fail stale', { 'a.example': 'nodata' }],
  [
    'other family failed: a fail all the same',
    ['a.example'],
    { 'a.example': 'nodata' },
    'fail stale',
    { 'a.example': 'servfail' },
  ],
  ['stale: NXDOMAIN', ['mx.example'], { 'mx.example': 'nxdomain' }, 'fail stale'],
  ['stale: NODATA', ['mx.example'], { 'mx.example': 'nodata' }, 'fail stale'],
  [
    'one gone, one elsewhere',
    ['a.example', 'b.example'],
    { 'a.example': 'nxdomain', 'b.example': ['192.0.2.8'] },
    'fail mismatch',
  ],
  [
    'no match, one failed',
    ['a.example', 'b.example'],
    { 'a.example': ['192.0.2.8'], 'b.example': 'timeout' },
    'temperror forward-timeout',
  ],
  [
    'gone and failed',
    ['a.example', 'b.example'],
    { 'a.example': 'nxdomain', 'b.example': 'refused' },
    'temperror forward-refused',
  ],
  [
    'a name nobody asked about',
    ['a.example', 'b.example'],
    { 'a.example': ['192.0.2.8'] },
    'temperror forward-timeout',
  ],
  ['eleven names, none of ten', crowd, crowdIs(['192.0.2.8']), 'permerror too-many-names'],
  ['eleven names, the tenth matches', crowd, crowdIs(['192.0.2.8'], ['192.0.2.7']), 'pass confirmed n9.example'],
  ['eleven names, the tenth failed', crowd, crowdIs(['192.0.2.8'], 'servfail'), 'temperror forward-servfail'],
  ['ten names twice are ten', [...crowd.slice(0, 10), ...crowd.slice(0, 10)], crowdIs(['192.0.2.8']), 'fail mismatch'],
  ...(['servfail', 'refused', 'timeout', 'network', 'malformed', 'outage'] as const).flatMap(
    (code): [string, Answer, Record<string, Answer>, string][] => [
      [`PTR ${code}`, code, {}, `temperror ptr-${code}`],
      [`forward ${code}`, ['mx.example'], { 'mx.example': code }, `temperror forward-${code}`],
    ],
  ),
];

const words = (result: Iprev): string =>
  [result.result, result.reason, ...('name' in result ? [result.name] : [])].join(' ');

test.each(cases)('%s', (_, ptr, forward, expected, other = {}) => {
  expect(words(iprev(evidenceOf({ ptr, forward, other })))).toBe(expected);
});

test('every name that confirms counts, in the order of the alphabet, whatever order the DNS gave', () => {
  const both = { 'b.example': ['192.0.2.7'], 'a.example': ['192.0.2.7'], 'c.example': 'servfail' as const };
  for (const ptr of [
    ['c.example', 'b.example', 'a.example'],
    ['b.example', 'A.example', 'c.example'],
  ]) {
    const forward = Object.fromEntries(Object.entries(both).sort());
    expect(iprev(evidenceOf({ ptr, forward }))).toMatchObject({ name: 'a.example', names: ['a.example', 'b.example'] });
  }
});

test('the table above reaches every reason there is', () => {
  const reached = new Set(cases.map(([, , , expected]) => expected.split(' ')[1]));
  expect([...reached].sort()).toEqual([...iprevReasons].sort());
  expect(iprevReasons).toHaveLength(
    passReasons.length + failReasons.length + permerrorReasons.length + temperrorReasons.length,
  );
});

test('IPv6 spellings are one address', () => {
  const evidence = evidenceOf({
    ip: '2001:db8::7',
    ptr: ['six.example'],
    forward: { 'six.example': ['2001:DB8:0::0:7'] },
  });
  expect(iprev(evidence).result).toBe('pass');
});
