import { expect, test } from '@jest/globals';
import type { DnsAnswer } from '../../../src/core/answer.ts';
import { dnsError } from '../../../src/core/answer.ts';
import { cached } from '../../../src/dns/cache.ts';

function setUp(answer: () => DnsAnswer<string>, entriesMax?: number) {
  let clockMs = 1_000;
  const asked: string[] = [];
  const resolver = cached(
    {
      lookup: async (name, type) => {
        asked.push(`${type} ${name}`);
        return answer();
      },
    },
    { now: () => clockMs, ...(entriesMax === undefined ? {} : { entriesMax }) },
  );
  return {
    asked,
    look: (name = 'mx.example') => resolver.lookup(name, 'A'),
    wait: (s: number) => {
      clockMs += s * 1000;
    },
  };
}
const records = (ttl: number): DnsAnswer<string> => ({ kind: 'records', records: ['192.0.2.7'], ttl });

test.each([
  ['records', records(10), 10],
  ['NODATA', { kind: 'nodata', ttl: 7 } as const, 7],
  ['NXDOMAIN', { kind: 'nxdomain', ttl: 3 } as const, 3],
  ['a failure', dnsError('servfail'), 1],
  ['a week', records(604_800), 86_400],
])('%s is kept for its own TTL and no longer', async (_, answer, ttl) => {
  const { asked, look, wait } = setUp(() => answer);
  await look();
  wait(ttl - 0.001);
  expect(await look()).toEqual(answer);
  expect(asked).toHaveLength(1);
  wait(0.002);
  await look();
  expect(asked).toHaveLength(2);
});

test('TTL 0 is not kept', async () => {
  const { asked, look } = setUp(() => records(0));
  await look();
  await look();
  expect(asked).toHaveLength(2);
});

test('equal questions in flight are asked once, in any case', async () => {
  const { asked, look } = setUp(() => records(0));
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => look(i % 2 ? 'MX.example' : 'mx.example')));
  expect(asked).toHaveLength(1);
  expect(new Set(answers).size).toBe(1);
});

test('names and types are apart, and the least recently used goes first', async () => {
  const { asked, look } = setUp(() => records(60), 2);
  for (const name of ['a.example', 'b.example', 'a.example', 'c.example', 'a.example']) await look(name);
  expect(asked).toEqual(['A a.example', 'A b.example', 'A c.example']);
  await look('b.example');
  expect(asked).toHaveLength(4);
});
