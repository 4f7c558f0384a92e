import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from 'dns-packet';
import type { DnsAnswer } from '../../../src/core/answer.ts';
import { readResolvConf } from '../../../src/dns/resolv-conf.ts';
import { stubResolver } from '../../../src/dns/stub.ts';
import { type Behaviour, type DnsServer, openDnsServer } from '../../support/dns-server.ts';
import { ipOf } from '../../support/evidence.ts';

const open: DnsServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
async function serve(behave: Behaviour): Promise<DnsServer> {
  const server = await openDnsServer(behave);
  open.push(server);
  return server;
}
const ask = (servers: readonly DnsServer[], timeoutMs = 2_000): Promise<DnsAnswer<string>> =>
  stubResolver(
    servers.map(({ server }) => server),
    timeoutMs,
  ).lookup('mx.example', 'A');
const good = { answers: [{ name: 'mx.example', type: 'A' as const, ttl: 60, data: '192.0.2.7' }] };
const records = { kind: 'records', records: ['192.0.2.7'], ttl: 60 };

describe('over sockets', () => {
  test('an answer', async () => expect(await ask([await serve(() => [good])])).toEqual(records));

  test('forged packets before the real one are ignored', async () => {
    const forged = encode({
      type: 'response',
      id: 1,
      questions: [{ name: 'mx.example', type: 'A' }],
      answers: good.answers,
    });
    expect(await ask([await serve(({ id }) => [...(id === 1 ? [] : [forged]), Buffer.from('garbage'), good])])).toEqual(
      records,
    );
  });

  test('a cut answer is asked for over TCP', async () => {
    const server = await serve(({ via }) => [via === 'udp' ? { flags: 0x0380 } : good]);
    expect(await ask([server])).toEqual(records);
    expect(server.asked.map(({ via }) => via)).toEqual(['udp', 'tcp']);
  });

  test('cut again over TCP is malformed', async () => {
    expect(await ask([await serve(() => [{ flags: 0x0380 }])])).toEqual({ kind: 'error', code: 'malformed' });
  });

  test('silence is a timeout, after the question was asked twice with different ids', async () => {
    const server = await serve(() => []);
    expect(await ask([server], 300)).toEqual({ kind: 'error', code: 'timeout' });
    expect(server.asked).toHaveLength(2);
    expect(new Set(server.asked.map(({ id }) => id)).size).toBe(2);
  });

  test('nobody there is a network error', async () => {
    const server = await serve(() => [good]);
    await open.splice(0)[0]?.close();
    expect(await ask([server])).toEqual({ kind: 'error', code: 'network' });
  });

  test('SERVFAIL and REFUSED are told apart, and asked once', async () => {
    const broken = await serve(() => [{ flags: 0x0182 }]);
    expect(await ask([broken])).toEqual({ kind: 'error', code: 'servfail' });
    expect(broken.asked).toHaveLength(1);
    expect(await ask([await serve(() => [{ flags: 0x0185 }])])).toEqual({ kind: 'error', code: 'refused' });
  });

  test('the next server is asked when one fails or is silent', async () => {
    const broken = await serve(() => [{ flags: 0x0182 }]);
    const silent = await serve(() => []);
    const fine = await serve(() => [good]);
    expect(await ask([broken, fine])).toEqual(records);
    expect(await ask([silent, fine], 800)).toEqual(records);
  });

  test('NXDOMAIN is an answer: nobody else is asked', async () => {
    const says = await serve(() => [{ flags: 0x0183 }]);
    const other = await serve(() => [good]);
    expect(await ask([says, other])).toEqual({ kind: 'nxdomain', ttl: 60 });
    expect(other.asked).toHaveLength(0);
  });
});

test('resolv.conf: the first three servers, comments and nonsense passed over', () => {
  const text =
    '# nameserver 192.0.2.1\nsearch example\nnameserver 192.0.2.2\n nameserver 2001:db8::3%eth0 # x\nnameserver x\nnameserver 192.0.2.4\nnameserver 192.0.2.5\n';
  expect(readResolvConf(text)).toEqual(
    ['192.0.2.2', '2001:db8::3', '192.0.2.4'].map((ip) => ({ ip: ipOf(ip), port: 53 })),
  );
  expect(readResolvConf('')).toEqual([{ ip: '127.0.0.1', port: 53 }]);
});
