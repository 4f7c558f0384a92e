import { describe, expect, test } from '@jest/globals';
import { type AlignmentLevel, type AlignmentPair, alignment } from '../../../src/core/alignment.ts';
import type { Client } from '../../../src/core/client.ts';
import { assess } from '../../../src/core/findings.ts';
import { evidenceOf } from '../../support/evidence.ts';

interface Case {
  readonly ptr?: readonly string[];
  /** Those that lead back; all of them if left out. */
  readonly confirmed?: readonly string[];
  readonly helo?: string;
  readonly sender?: string;
  readonly certificate?: { readonly verified: boolean; readonly names: readonly string[] };
}

function found({ ptr, confirmed = ptr ?? [], helo, sender, certificate }: Case) {
  const client: Partial<Client> = {
    ...(helo === undefined ? {} : { helo }),
    ...(sender === undefined ? {} : { sender }),
    ...(certificate === undefined ? {} : { tls: { protocol: 'TLSv1.3', certificate } }),
  };
  const address = (name: string) => [confirmed.includes(name) ? '192.0.2.7' : '192.0.2.8'];
  const forward = Object.fromEntries((ptr ?? []).map((name) => [name, address(name)]));
  const evidence = evidenceOf({ ptr: ptr ?? 'nxdomain', forward, client });
  return alignment(evidence, assess(evidence));
}

const level = (given: Case, pair: AlignmentPair): AlignmentLevel => found(given)[pair].level;

describe('HELO and PTR', () => {
  test.each<[string, Case, AlignmentLevel]>([
    ['the same name', { helo: 'MX.a.example.', ptr: ['mx.a.example'] }, 'exact'],
    ['another host of the same domain', { helo: 'out.a.example', ptr: ['mx.a.example'] }, 'organisation'],
    ['the domain itself', { helo: 'a.example', ptr: ['mx.a.example'] }, 'organisation'],
    ['another domain', { helo: 'mx.b.example', ptr: ['mx.a.example'] }, 'none'],
    ['two domains below a suffix of a country', { helo: 'mx.a.co.uk', ptr: ['mx.b.co.uk'] }, 'none'],
    ['one domain there', { helo: 'mx.a.co.uk', ptr: ['out.a.co.uk'] }, 'organisation'],
    [
      'two tenants of a cloud',
      { helo: 'ec2-1.eu-west-1.compute.amazonaws.com', ptr: ['ec2-2.eu-west-1.compute.amazonaws.com'] },
      'none',
    ],
    ['two pages of one host', { helo: 'a.github.io', ptr: ['b.github.io'] }, 'none'],
    ['a suffix in HELO', { helo: 'co.uk', ptr: ['mx.a.co.uk'] }, 'unknown'],
    ['a suffix as PTR', { helo: 'mx.a.co.uk', ptr: ['co.uk'] }, 'unknown'],
    ['a name without a dot', { helo: 'laptop', ptr: ['mx.a.example'] }, 'unknown'],
    ['no PTR', { helo: 'mx.a.example' }, 'unknown'],
    ['no HELO', { ptr: ['mx.a.example'] }, 'unknown'],
    ['a literal', { helo: '[192.0.2.7]', ptr: ['mx.a.example'] }, 'unknown'],
    ['a PTR that is no host name', { helo: 'mx.a.example', ptr: ['a b.example'] }, 'unknown'],
    ['a name that ends like the other', { helo: 'mx.xa.example', ptr: ['mx.a.example'] }, 'none'],
  ])('%s', (_, given, expected) => expect(level(given, 'helo-ptr')).toBe(expected));

  test('a name that nothing confirms is a claim, however well it fits', () => {
    const ptr = ['mx.a.example'];
    expect(level({ helo: 'mx.a.example', ptr, confirmed: [] }, 'helo-ptr')).toBe('claimed');
    expect(level({ helo: 'out.a.example', ptr, confirmed: [] }, 'helo-ptr')).toBe('claimed');
    expect(level({ helo: 'mx.b.example', ptr, confirmed: [] }, 'helo-ptr')).toBe('none');
  });

  test('of several names the best counts, and a confirmed one before a claim', () => {
    const ptr = ['mx.a.example', 'mx.b.example', 'x.other.example'];
    expect(found({ helo: 'mx.b.example', ptr, confirmed: ['mx.a.example'] })['helo-ptr']).toEqual({
      level: 'claimed',
      names: ['mx.b.example', 'mx.b.example'],
    });
    expect(found({ helo: 'www.other.example', ptr })['helo-ptr']).toEqual({
      level: 'organisation',
      names: ['www.other.example', 'x.other.example'],
    });
    expect(level({ helo: 'mx.b.example', ptr }, 'helo-ptr')).toBe('exact');
  });
});

describe('the certificate', () => {
  const given = { ptr: ['mx.a.example'], helo: 'mx.a.example' };
  const both = (names: readonly string[], verified = true): readonly AlignmentLevel[] => {
    const all = found({ ...given, certificate: { verified, names } });
    return [all['certificate-ptr'].level, all['certificate-helo'].level];
  };

  test.each<[string, readonly string[], AlignmentLevel]>([
    ['the name', ['mx.a.example'], 'exact'],
    ['one of several', ['www.b.example', 'MX.A.example'], 'exact'],
    ['a wildcard for one label', ['*.a.example'], 'exact'],
    ['a wildcard for two labels', ['*.example.net', '*.b.a.example'], 'organisation'],
    ['the domain', ['a.example'], 'organisation'],
    ['another', ['mx.b.example'], 'none'],
    ['a wildcard below a suffix', ['*.example'], 'unknown'],
    ['a wildcard that is part of a label', ['m*.a.example'], 'unknown'],
    ['a wildcard that is no left-most label', ['mx.*.example'], 'unknown'],
    ['a person', ['Jane Doe'], 'unknown'],
    ['an octet that no name has', ['mx.a.example\0.b.example'], 'unknown'],
    ['nothing', [], 'unknown'],
  ])('with %s', (_, names, expected) => expect(both(names)).toEqual([expected, expected]));

  test('that nobody trusts says nothing but a claim', () => {
    expect(both(['mx.a.example'], false)).toEqual(['claimed', 'claimed']);
    expect(both(['*.a.example'], false)).toEqual(['claimed', 'claimed']);
    expect(both(['mx.b.example'], false)).toEqual(['none', 'none']);
  });

  test('beside a PTR name that nothing confirms bears out HELO, not the PTR name', () => {
    const certificate = { verified: true, names: ['mx.a.example'] };
    const all = found({ ...given, confirmed: [], certificate });
    expect([all['certificate-ptr'].level, all['certificate-helo'].level]).toEqual(['claimed', 'exact']);
  });
});

test.each<[string | undefined, AlignmentLevel]>([
  ['a@mx.a.example', 'exact'],
  ['a@a.example', 'organisation'],
  ['"x@y"@News.A.example', 'organisation'],
  ['a@b.example', 'unknown'], // a shared sender
  ['', 'unknown'],
  ['a', 'unknown'],
  ['a@[192.0.2.7]', 'unknown'],
  [undefined, 'unknown'],
])('sender %j is %s', (sender, expected) => {
  expect(level({ ptr: ['mx.a.example'], ...(sender === undefined ? {} : { sender }) }, 'sender-ptr')).toBe(expected);
});

test('a hundred names are held against ten, and what comes out is JSON', () => {
  const ptr = Array.from({ length: 100 }, (_, i) => `n${i}.example`);
  const names = Array.from({ length: 10 }, (_, i) => `*.c${i}.example`);
  const all = found({ ptr, helo: 'mx.a.example', certificate: { verified: true, names } });
  expect(all['certificate-ptr'].level).toBe('none');
  expect(JSON.parse(JSON.stringify(all))).toEqual(all);
});
