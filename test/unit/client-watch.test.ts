import { describe, expect, test } from '@jest/globals';
import { clientWatch, type Masked } from '../../src/client-watch.ts';
import { ipOf } from '../support/evidence.ts';

const hours = 3_600_000;

function setUp() {
  let clock = 0;
  const told: (string | undefined)[] = [];
  const watch = clientWatch({
    now: () => clock,
    onChange: (masked: Masked | undefined) => told.push(masked && `${masked.masking} ${masked.ip}`),
  });
  const see = (address: string, times = 1) => {
    let last: string | undefined;
    for (let i = 0; i < times; i++) last = watch.arrived(ipOf(address));
    return last;
  };
  return { watch, told, see, wait: (ms: number) => (clock += ms) };
}

describe('private space', () => {
  test.each(['172.18.0.1', '10.0.0.5', '192.168.1.1', '100.64.0.9', 'fd00::1', 'fe80::1'])('%s', (address) => {
    const { see, told, watch } = setUp();
    expect(see(address, 9)).toBeUndefined();
    expect(see(address)).toBe('private-space');
    see(address, 50);
    expect(told).toEqual([`private-space ${address}`]);
    expect(watch.masked).toEqual({ masking: 'private-space', ip: address });
  });

  test('a few public addresses beside it change nothing, and are believed', () => {
    const { see, told } = setUp();
    see('172.18.0.1', 20);
    expect([see('192.0.2.1'), see('192.0.2.2'), see('172.18.0.1')]).toEqual([undefined, undefined, 'private-space']);
    expect(told).toHaveLength(1);
  });

  test('it ends by itself when clients with addresses of their own come', () => {
    const { see, told, watch } = setUp();
    see('172.18.0.1', 20);
    for (const last of [1, 2, 3]) see(`192.0.2.${last}`);
    expect(told).toEqual(['private-space 172.18.0.1', undefined]);
    expect([watch.masked, see('172.18.0.1')]).toEqual([undefined, undefined]);
  });

  test('a private neighbour among the clients of the world is nothing', () => {
    const { see, told } = setUp();
    for (const last of [1, 2, 3]) see(`192.0.2.${last}`);
    expect(see('10.0.0.5', 1_000)).toBeUndefined();
    expect(told).toEqual([]);
  });
});

describe('one public address', () => {
  test('a hundred sessions, and next to nobody else', () => {
    const { see, told } = setUp();
    expect(see('203.0.113.5', 99)).toBeUndefined();
    see('192.0.2.1');
    see('192.0.2.2');
    expect([see('203.0.113.5'), see('192.0.2.1')]).toEqual(['one-address', undefined]);
    see('192.0.2.3');
    expect(told).toEqual(['one-address 203.0.113.5', undefined]);
  });

  test('whoever floods a door cannot hide: the others are still there', () => {
    const { see, told } = setUp();
    for (const last of [1, 2, 3]) see(`192.0.2.${last}`);
    expect(see('203.0.113.5', 100_000)).toBeUndefined();
    expect(told).toEqual([]);
  });
});

test('loopback is left alone', () => {
  const { see, told } = setUp();
  expect([see('127.0.0.1', 1_000), see('::1', 1_000)]).toEqual([undefined, undefined]);
  expect(told).toEqual([]);
});

test('whom nobody saw for a day is forgotten', () => {
  const { see, wait } = setUp();
  for (const last of [1, 2, 3]) see(`192.0.2.${last}`);
  wait(13 * hours);
  expect(see('172.18.0.1', 20)).toBeUndefined();
  wait(12 * hours);
  expect(see('172.18.0.1')).toBe('private-space');
});
