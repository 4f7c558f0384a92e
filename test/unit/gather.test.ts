import { describe, expect, test } from '@jest/globals';
import { type DnsAnswer, dnsError } from '../../src/core/answer.ts';
import { toZone } from '../../src/core/zone.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { gatherer, heloGatherer } from '../../src/gather.ts';
import { ipOf } from '../support/evidence.ts';
import { failNth } from '../support/faults.ts';

const client = ipOf('192.0.2.7');

test('asks for the PTR, then for all names in the family of the client, then for those in the other that have none', async () => {
  const zone = toZone({
    '2001:db8::7': ['a.example', 'b.example', 'c.example'],
    'a.example': ['192.0.2.7'],
    'c.example': 'nodata',
  });
  const resolver = failNth(zoneResolver(zone), 0);
  const answers = await gatherer(resolver, 1_000)(ipOf('2001:db8::7'));
  const [ptr, ...rest] = resolver.asked;
  expect(ptr).toMatch(/^PTR 7\.0\.0\./);
  expect(rest).toEqual(['AAAA a.example', 'AAAA b.example', 'AAAA c.example', 'A a.example', 'A c.example']);
  expect(answers.forward).toEqual([
    {
      name: 'a.example',
      addresses: { kind: 'nodata', ttl: 300 },
      other: { kind: 'records', records: ['192.0.2.7'], ttl: 300 },
    },
    { name: 'b.example', addresses: { kind: 'nxdomain', ttl: 300 } },
    expect.objectContaining({ name: 'c.example', addresses: { kind: 'nodata', ttl: 300 } }),
  ]);
});

test('the other family is not asked when a name stands in the own one, or could not be looked up', async () => {
  for (const b of [['192.0.2.8'], 'servfail'] as const) {
    const zone = toZone({ '192.0.2.7': ['a.example', 'b.example'], 'a.example': 'nodata', 'b.example': b as string });
    const resolver = failNth(zoneResolver(zone), 0);
    await gatherer(resolver, 1_000)(client);
    expect(resolver.asked.slice(1)).toEqual(['A a.example', 'A b.example']);
  }
});

test('an other family that does not answer in time is a timeout of its own', async () => {
  const zone = zoneResolver(toZone({ '192.0.2.7': ['a.example'], 'a.example': 'nodata' }));
  const resolver: Resolver = {
    lookup: (name, type) => (type === 'AAAA' ? new Promise(() => {}) : zone.lookup(name, type)),
  };
  expect((await gatherer(resolver, 50)(client)).forward).toEqual([
    { name: 'a.example', addresses: { kind: 'nodata', ttl: 300 }, other: dnsError('timeout') },
  ]);
});

test('of twelve names the first ten of the alphabet are asked about, whatever their order; odd ones are not', async () => {
  const names = ['1.2.3.4', 'a b', ...Array.from({ length: 12 }, (_, i) => `${'abcdefghijkl'[i]}.example`).reverse()];
  const resolver = failNth(zoneResolver(toZone({ '192.0.2.7': names })), 0);
  await gatherer(resolver, 1_000)(client);
  expect(resolver.asked.slice(1)).toEqual(
    names
      .slice(4)
      .reverse()
      .map((name) => `A ${name}`),
  );
});

test('a name that confirms does not end the wait for the others: a policy may ask for any of them', async () => {
  const zone = zoneResolver(toZone({ '192.0.2.7': ['slow.example', 'mx.example'], 'mx.example': ['192.0.2.7'] }));
  const resolver: Resolver = {
    lookup: (name, type) => (name === 'slow.example' ? new Promise(() => {}) : zone.lookup(name, type)),
  };
  expect((await gatherer(resolver, 50)(client)).forward).toEqual([
    { name: 'mx.example', addresses: { kind: 'records', records: ['192.0.2.7'], ttl: 300 } },
    { name: 'slow.example', addresses: dnsError('timeout') },
  ]);
});

test('what has not come by the deadline is a timeout', async () => {
  const zone = zoneResolver(toZone({ '192.0.2.7': ['slow.example', 'mx.example'], 'mx.example': ['192.0.2.8'] }));
  const slowName: Resolver = {
    lookup: (name, type) => (name === 'slow.example' ? new Promise(() => {}) : zone.lookup(name, type)),
  };
  expect((await gatherer(slowName, 50)(client)).forward).toEqual([
    { name: 'mx.example', addresses: { kind: 'records', records: ['192.0.2.8'], ttl: 300 } },
    { name: 'slow.example', addresses: dnsError('timeout') },
  ]);
  expect(await gatherer({ lookup: () => new Promise(() => {}) }, 50)(client)).toEqual({
    ptr: dnsError('timeout'),
    forward: [],
  });
});

describe('the name in HELO', () => {
  const zone = zoneResolver(toZone({ 'mx.example': ['192.0.2.7'], 'six.example': ['2001:db8::7'] }));
  test.each([
    ['mx.example', ['A mx.example']],
    ['SIX.example', ['A six.example', 'AAAA six.example']],
    ['gone.example', ['A gone.example']],
    ['[192.0.2.7]', []],
    ['192.0.2.7', []],
    ['localhost', []],
    ['a b', []],
  ])('%s: %j', async (helo, asked) => {
    const resolver = failNth(zone, 0);
    const answer = await heloGatherer(resolver, 1_000)(helo, client);
    expect(resolver.asked).toEqual(asked);
    expect(answer?.name).toBe(asked.length === 0 ? undefined : helo.toLowerCase());
  });

  test('is there at once where the answer is, and else as if it had come later', async () => {
    const asked: string[] = [];
    const answers: Readonly<Record<string, DnsAnswer<string>>> = {
      'A mx.example': { kind: 'records', records: ['192.0.2.7'], ttl: 9 },
      'A six.example': { kind: 'nodata', ttl: 9 },
      'AAAA six.example': { kind: 'records', records: ['2001:db8::7'], ttl: 9 },
    };
    const known: Resolver = {
      lookup: (name, type) => {
        asked.push(`${type} ${name}`);
        return answers[`${type} ${name}`] ?? dnsError('servfail');
      },
    };
    const gatherHelo = heloGatherer(known, 1_000);
    expect(gatherHelo('mx.example', client)).toEqual({ name: 'mx.example', addresses: answers['A mx.example'] });
    expect(gatherHelo('lost.example', client)).toEqual({ name: 'lost.example', addresses: dnsError('servfail') });
    expect(await gatherHelo('six.example', client)).toEqual({
      name: 'six.example',
      addresses: answers['A six.example'],
      other: answers['AAAA six.example'],
    });
    expect(asked).toEqual(['A mx.example', 'A lost.example', 'A six.example', 'AAAA six.example']);
  });

  test('is a timeout when nobody answers', async () => {
    const silent: Resolver = { lookup: () => new Promise(() => {}) };
    expect(await heloGatherer(silent, 50)('mx.example', client)).toEqual({
      name: 'mx.example',
      addresses: dnsError('timeout'),
    });
  });
});
