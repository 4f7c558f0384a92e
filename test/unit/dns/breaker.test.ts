import { expect, test } from '@jest/globals';
import { type DnsAnswer, dnsError } from '../../../src/core/answer.ts';
import { breaker } from '../../../src/dns/breaker.ts';

const good: DnsAnswer<string> = { kind: 'nxdomain', ttl: 60 };

function setUp() {
  let clock = 1_000_000;
  let answer: DnsAnswer<string> = good;
  let asked = 0;
  const changes: [boolean, number, number][] = [];
  const resolver = breaker(
    {
      lookup: async () => {
        asked++;
        return answer;
      },
    },
    { now: () => clock, onChange: (...change) => changes.push(change) },
  );
  let n = 0;
  return {
    changes,
    asked: () => asked,
    wait: (s: number) => {
      clock += s * 1000;
    },
    now: (next: DnsAnswer<string>) => {
      answer = next;
    },
    /** So many questions, each about a name of an owner of its own. */
    look: async (times = 1, name = () => `mx.owner-${n++}.example${n}`) => {
      let last: DnsAnswer<string> = good;
      for (let i = 0; i < times; i++) last = await resolver.lookup(name(), 'A');
      return last;
    },
  };
}

test.each([dnsError('timeout'), dnsError('network'), dnsError('servfail'), dnsError('refused')])(
  'opens when most of twenty lookups fail: %j',
  async (failure) => {
    const { look, now, changes, asked } = setUp();
    await look(9);
    now(failure);
    await look(10);
    expect(changes).toEqual([]);
    await look(1);
    expect(changes).toEqual([[true, 20, 11]]);
    expect(await look(5)).toEqual(dnsError('outage'));
    expect(asked()).toBe(20);
  },
);

test('half is not most, and a few are nothing', async () => {
  const few = setUp();
  few.now(dnsError('timeout'));
  await few.look(19);
  expect(few.changes).toEqual([]);

  const half = setUp();
  for (let i = 0; i < 200; i++) {
    half.now(i % 2 === 0 ? good : dnsError('timeout'));
    await half.look();
  }
  expect(half.changes).toEqual([]);
});

test('one broken zone counts once, whoever asks about it and how often', async () => {
  const { look, now, changes } = setUp();
  now(dnsError('servfail'));
  let host = 0;
  await look(500, () => `${host++ % 256}.${host % 256}.51.198.in-addr.arpa`);
  await look(500, () => `h${host++}.broken.example`);
  expect(changes).toEqual([]);
  // A resolver that is silent says so about every zone.
  now(dnsError('timeout'));
  await look(20, () => `h${host++}.broken.example`);
  expect(changes[0]?.[0]).toBe(true);
});

test('failures long ago do not count', async () => {
  const { look, now, changes, wait } = setUp();
  now(dnsError('timeout'));
  await look(19);
  wait(11);
  await look(19);
  expect(changes).toEqual([]);
});

test('while it is open one question a second goes out; three good ones close it, and it is said once each time', async () => {
  const { look, now, changes, wait, asked } = setUp();
  now(dnsError('timeout'));
  await look(40);
  expect([changes.length, asked()]).toEqual([1, 20]);
  for (let i = 0; i < 10; i++) {
    wait(1.001);
    await look(50);
  }
  expect([changes.length, asked()]).toEqual([1, 30]);
  now(good);
  for (let i = 0; i < 2; i++) {
    wait(1.001);
    await look();
  }
  now(dnsError('timeout')); // a relapse begins the count anew
  wait(1.001);
  await look();
  now(good);
  for (let i = 0; i < 3; i++) {
    wait(1.001);
    await look(3);
  }
  expect(changes.map(([open]) => open)).toEqual([true, false]);
  expect(await look()).toEqual(good);
});

test('the resolver is down for a minute at 500 lookups a second: open within 10 s, hardly asked, back within 30 s', async () => {
  const { look, now, changes, wait, asked } = setUp();
  const seconds = async (n: number) => {
    for (let i = 0; i < n * 500; i++) {
      await look();
      wait(1 / 500);
    }
  };
  await seconds(20);
  now(dnsError('timeout'));
  await seconds(10);
  expect(changes.map(([open]) => open)).toEqual([true]);
  const before = asked();
  await seconds(50);
  expect(asked() - before).toBeLessThanOrEqual(51);
  now(good);
  await seconds(30);
  expect(changes.map(([open]) => open)).toEqual([true, false]);
  expect(await look()).toEqual(good);
});
