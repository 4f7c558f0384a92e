// Whom an audit is about: only what was named, with the place of each mistake.

import { expect, test } from '@jest/globals';
import {
  type AuditedHost,
  gathered,
  looksLikeAddress,
  readHostFile,
  readHosts,
} from '../../../../src/core/audit/hosts.ts';
import { auditAddressesMax } from '../../../../src/core/limits.ts';
import { type Checked, printProblem } from '../../../../src/core/problem.ts';

const shown = (read: Checked<readonly AuditedHost[]>): readonly string[] =>
  read.ok
    ? read.value.map(({ ip, helo }) => (helo === undefined ? ip : `${ip} ${helo}`))
    : read.problems.map(printProblem);

test.each([
  ['192.0.2.7', ['192.0.2.7']],
  ['192.0.2.252/30', ['192.0.2.252', '192.0.2.253', '192.0.2.254', '192.0.2.255']],
  ['2001:db8::fffe/127', ['2001:db8::fffe', '2001:db8::ffff']],
  ['2001:DB8::ff/128', ['2001:db8::ff']],
])('%s', (text, hosts) => {
  expect(shown(readHosts(text, 'x'))).toEqual(hosts);
});

test('the largest ranges, and what is larger', () => {
  for (const range of ['192.0.0.0/20', '2001:db8::/116']) {
    const read = readHosts(range, 'x');
    expect(read.ok && new Set(read.value.map(({ ip }) => ip)).size).toBe(auditAddressesMax);
  }
  expect(shown(readHosts('10.0.0.0/19', 'x'))).toEqual([
    'x: "10.0.0.0/19" has more than 4096 addresses (a range may be /20 at most; name the servers that send, in a file)',
  ]);
  for (const range of ['2001:db8::/115', '2001:db8::/32', '::/0', '0.0.0.0/0'])
    expect(shown(readHosts(range, 'x'))[0]).toContain('has more than 4096 addresses');
});

test('a range with host bits says which was meant; nonsense says what would be right', () => {
  expect(shown(readHosts('192.0.2.7/28', 'x'))).toEqual(['x: "192.0.2.7/28" is no range (did you mean 192.0.2.0/28?)']);
  for (const text of ['300.0.2.7', '192.0.2.0/33', '192.0.2', '2001:db8::/129', ':'])
    expect(shown(readHosts(text, 'x'))[0]).toContain('is neither an address nor a range');
});

test('a file: comments, HELO names, ranges, each line once', () => {
  const text =
    '# ours\n192.0.2.7 mx.example # the first\r\n\n  2001:db8::7\n192.0.2.8/31\n192.0.2.7   mx.example\n192.0.2.7 other.example\n';
  expect(shown(readHostFile(text, 'f'))).toEqual([
    '192.0.2.7 mx.example',
    '2001:db8::7',
    '192.0.2.8',
    '192.0.2.9',
    '192.0.2.7 other.example',
  ]);
});

test('every mistake of a file comes with its place', () => {
  expect(
    shown(readHostFile('192.0.2.7\n  mx.example 192.0.2.7\n192.0.2.7 a b\n192.0.2.0/30 mx.example\nx\u0007\n', 'f')),
  ).toEqual([
    'f:2:3: "mx.example" is neither an address nor a range (write 192.0.2.7, 192.0.2.0/28 or 2001:db8::/120)',
    'f:3:13: "b" is one word too many (a line is an address and, if you know it, the name in HELO)',
    'f:4:14: a whole range has no HELO name (a line is an address and, if you know it, the name in HELO)',
    'f:5:1: "x\\x07" is neither an address nor a range (write 192.0.2.7, 192.0.2.0/28 or 2001:db8::/120)',
  ]);
  expect(shown(readHostFile('# nobody\n', 'f'))).toEqual(['f: no address in it']);
  expect(shown(readHostFile('192.0.0.0/20\n198.51.100.1\n', 'f'))[0]).toContain('more than 4096 addresses in all');
  expect(shown(readHostFile('#'.repeat(5_000_000), 'f'))[0]).toContain('larger than');
});

test('nothing named is a mistake, and a file is told from an address', () => {
  expect(shown(gathered([], 'x'))).toEqual(['x: no address in it']);
  expect(['192.0.2.7', '192.0.2.0/28', '300.1.1.1', '::1', '2001:db8::/120', '1.2'].map(looksLikeAddress)).toEqual(
    Array(6).fill(true),
  );
  expect(['-', 'hosts', 'hosts.txt', './1.2', 'a/b', 'cafe', '/etc/hosts'].map(looksLikeAddress)).toEqual(
    Array(7).fill(false),
  );
});
