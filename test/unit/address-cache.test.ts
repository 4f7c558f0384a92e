import { describe, expect, test } from '@jest/globals';
import { type AddressCacheOptions, addressCache } from '../../src/address-cache.ts';
import { dnsError } from '../../src/core/answer.ts';
import { type Ip, networkPrefix } from '../../src/core/ip.ts';
import { addressesWholeMax } from '../../src/core/limits.ts';
import type { Answers } from '../../src/gather.ts';
import { networkQuota } from '../../src/network-quota.ts';
import { evidenceOf, type Given, ipOf } from '../support/evidence.ts';

const ip = ipOf('192.0.2.7');
const answersOf = (given: Given, ttl = 100): Answers => {
  const { ptr, forward } = evidenceOf(given);
  const withTtl = <T extends { kind: string }>(answer: T): T => (answer.kind === 'error' ? answer : { ...answer, ttl });
  return { ptr: withTtl(ptr), forward: forward.map((entry) => ({ ...entry, addresses: withTtl(entry.addresses) })) };
};
const confirmed = answersOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7'] } });
const mismatch = answersOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.8'] } });
const servfail: Answers = { ptr: dnsError('servfail'), forward: [] };

function setUp(first: Answers, bounds: AddressCacheOptions = {}) {
  let clock = 1_000;
  let answers = first;
  let asked = 0;
  const cache = addressCache(
    async () => {
      asked++;
      return answers;
    },
    { now: () => clock, ...bounds },
  );
  return {
    cache,
    look: (address: Ip = ip) => cache.gather(address),
    asked: () => asked,
    wait: (s: number) => {
      clock += s * 1000;
    },
    now: (next: Answers) => {
      answers = next;
    },
  };
}

describe('how long an address is known', () => {
  test.each([
    ['the shortest of its answers', { ...confirmed, ptr: { ...confirmed.ptr, ttl: 7 } } as Answers, 7],
    [
      'a forward answer',
      { ...confirmed, forward: answersOf({ ptr: 'nodata', forward: { 'mx.example': ['192.0.2.7'] } }, 5).forward },
      5,
    ],
    ['no PTR', answersOf({ ptr: 'nxdomain' }, 60), 60],
    ['at most a day', answersOf({ ptr: 'nxdomain' }, 10_000_000), 86_400],
    [
      'a failed sibling of a match does not count',
      {
        ...confirmed,
        forward: [...confirmed.forward, { name: 'b.example' as never, addresses: dnsError('servfail') }],
      },
      100,
    ],
  ])('%s', async (_, answers, ttl) => {
    const { look, asked, wait } = setUp(answers);
    await look();
    wait(ttl - 0.001);
    expect(await look()).toEqual(answers);
    expect(asked()).toBe(1);
    wait(0.002);
    await look();
    expect(asked()).toBe(2);
  });

  test('TTL 0 is for a second, which a burst of sessions shares', async () => {
    const { look, asked, wait } = setUp(answersOf({ ptr: 'nxdomain' }, 0));
    await Promise.all([look(), look(), look()]);
    wait(0.999);
    await look();
    expect(asked()).toBe(1);
    wait(0.002);
    await look();
    expect(asked()).toBe(2);
  });

  test('a failure is remembered for 1 s, then 2, 4 … 30 s (RFC 9520)', async () => {
    const { look, asked, wait } = setUp(servfail);
    for (const [i, s] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      await look();
      wait(s - 0.001);
      await look();
      expect(asked()).toBe(i + 1);
      wait(0.002);
    }
  });
});

test('what was not asked, because the breaker was open, is asked again after a second each time', async () => {
  const { look, asked, wait } = setUp({ ptr: dnsError('outage'), forward: [] });
  for (let i = 1; i <= 5; i++) {
    await look();
    expect(asked()).toBe(i);
    wait(1.001);
  }
});

describe('when the DNS is in trouble', () => {
  test('who was confirmed stays so, marked as stale, and the DNS is asked every 30 s', async () => {
    const { look, asked, wait, now } = setUp(confirmed);
    await look();
    now(servfail);
    wait(101);
    expect(await look()).toEqual({ ...confirmed, stale: true });
    wait(29);
    expect(await look()).toEqual({ ...confirmed, stale: true });
    expect(asked()).toBe(2);
    wait(2);
    await look();
    expect(asked()).toBe(3);
    now(mismatch);
    wait(31);
    expect(await look()).toEqual(mismatch);
  });

  test('for a day and no longer', async () => {
    const { look, wait, now } = setUp(confirmed);
    await look();
    now(servfail);
    wait(100 + 86_401);
    expect(await look()).toEqual(servfail);
  });

  test('a mismatch does not go stale', async () => {
    const { look, wait, now } = setUp(mismatch);
    await look();
    now(servfail);
    wait(101);
    expect(await look()).toEqual(servfail);
  });
});

test('a busy client is looked up again before its time is over, and does not wait', async () => {
  const { look, asked, wait, now } = setUp(confirmed);
  for (let i = 0; i < 4; i++) await look();
  now(mismatch);
  wait(89);
  await look();
  expect(asked()).toBe(1);
  wait(2);
  expect(await look()).toEqual(confirmed);
  await Promise.resolve();
  expect(asked()).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(await look()).toEqual(mismatch);
});

test('one /64 that rotates through a hundred thousand addresses costs the others nothing', async () => {
  const { cache, look, asked } = setUp(answersOf({ ptr: 'nxdomain' }, 3_600), { addressesMax: 10_000 });
  const honest = Array.from({ length: 5_000 }, (_, i) => ipOf(`10.${i >> 8}.${i & 255}.1`));
  for (const address of honest) await look(address);
  for (let i = 0; i < 100_000; i++)
    await look(ipOf(`2001:db8:0:1:${(i >> 16).toString(16)}::${(i & 0xffff).toString(16)}`));
  expect(cache.size).toBeLessThanOrEqual(5_000 + 1_024);
  const before = asked();
  for (const address of honest) await look(address);
  expect(asked() - before).toBeLessThan(5_000 * 0.05);
});

test('what is kept comes back as it was, whatever its shape', async () => {
  const shapes: Answers[] = [
    confirmed,
    mismatch,
    { ...confirmed, ptr: { ...confirmed.ptr, ad: true } },
    {
      ...confirmed,
      forward: confirmed.forward.map((entry) => ({ ...entry, addresses: { ...entry.addresses, ede: [] } })),
    },
    answersOf({ ptr: ['mx.example'], forward: { 'mx.example': ['192.0.2.7', '192.0.2.8'] } }),
    answersOf({ ptr: ['mx.example', 'b.example'], forward: { 'mx.example': ['192.0.2.7'] } }),
    answersOf({ ptr: ['mx.example', 'a b'], forward: { 'mx.example': ['192.0.2.7'] } }),
    answersOf({ ptr: ['mx.example'], forward: { 'mx.example': 'nodata' } }),
    answersOf({ ptr: 'nodata' }),
  ];
  for (const answers of shapes) {
    const { look, asked } = setUp(answers);
    await look();
    expect(await look()).toEqual(answers);
    expect(asked()).toBe(1);
  }
});

test('answers of a hundred long names push each other out by their octets, not the memory', async () => {
  const name = (i: number) => `${'a'.repeat(60)}.${'b'.repeat(60)}.n${i}.example`;
  const large = answersOf({ ptr: Array.from({ length: 100 }, (_, i) => name(i)), forward: {} }, 3_600);
  const { cache, look } = setUp(large, { octetsMax: 1_000_000 });
  for (let i = 0; i < 1_000; i++) await look(ipOf(`10.${i >> 8}.${i & 255}.1`));
  expect(cache.size).toBeGreaterThan(40);
  expect(cache.size).toBeLessThan(70);
});

test('what is over is swept, and its network may come again', async () => {
  const { cache, look, wait } = setUp(answersOf({ ptr: 'nxdomain' }, 10));
  for (let i = 0; i < 1_024; i++) await look(ipOf(`2001:db8::${i.toString(16)}`));
  wait(11);
  for (let i = 0; i < 1_024; i++) await look(ipOf(`2001:db8::f:${i.toString(16)}`));
  expect(cache.size).toBeGreaterThan(500);
  expect(cache.get(ipOf('2001:db8::f:3ff'))).toBeDefined();
});

test('get and flush', async () => {
  const { cache, look } = setUp(confirmed);
  await look();
  expect(cache.get(ip)).toMatchObject({ answers: confirmed, until: 101_000 });
  expect(cache.get(ipOf('192.0.2.8'))).toBeUndefined();
  expect([cache.flush(ipOf('192.0.2.8')), cache.flush(ip), cache.size]).toEqual([0, 1, 0]);
  await look();
  await look(ipOf('192.0.2.9'));
  expect([cache.flush(), cache.size]).toEqual([2, 0]);
});

test('a quota is for the network, and given back', () => {
  const quota = networkQuota(2, 7);
  const enter = (address: string) => quota.enter(ipOf(address));
  expect([enter('192.0.2.1'), enter('192.0.2.2'), enter('192.0.2.3'), enter('192.0.3.1')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  quota.leave(ipOf('192.0.2.1'));
  expect([enter('192.0.2.3'), enter('192.0.2.4')]).toEqual([true, false]);
  expect([enter('2001:db8::1'), enter('2001:db8:0:0:ffff::1'), enter('2001:db8::3'), enter('2001:db8:0:1::1')]).toEqual(
    [true, true, false, true],
  );
});

test.each([
  ['192.0.2.7', '192.0.2'],
  ['2001:db8::7', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8:1::6', '2001:db8:1:0'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['1:2:3:4::', '1:2:3:4'],
])('the network of %s is %s', (address, network) => expect(networkPrefix(ipOf(address))).toBe(network));

test('sessions of a busy client share its answers, and only those of so many clients stand ready', async () => {
  const addresses = Array.from({ length: addressesWholeMax + 1 }, (_, i) => ipOf(`10.${i >> 8}.${i & 255}.1`));
  const named = (address: Ip) => answersOf({ ip: address, ptr: ['mx.example'], forward: { 'mx.example': [address] } });
  const all = addressCache(async (address) => named(address));
  for (const address of addresses) await all.gather(address);
  const [first, second] = addresses as [Ip, Ip];
  const thrice = (address: Ip) => [all.gather(address), all.gather(address), all.gather(address)] as const;
  for (const address of addresses) {
    const [once, twice, again] = thrice(address);
    expect(again).toBe(twice);
    expect(again).toEqual(named(address));
    expect(once).toEqual(again);
  }
  // The first had to make room for the last.
  expect(all.gather(second)).toBe(all.gather(second));
  expect(all.gather(first)).not.toBe(all.gather(first));
});
