import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from 'dns-packet';
import type { DnsAnswer } from '../../../src/core/answer.ts';
import { readResolvConf } from '../../../src/dns/resolv-conf.ts';
import { stubResolver } from '../../../src/dns/stub.ts';
import { type Behaviour, type DnsServer, openDnsServer } from '../../support/dns-server.ts';
import { ipOf } from '../../support/evidence.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
async function serve(behave: Behaviour): Promise<DnsServer> {
  const server = await openDnsServer(behave);
  open.push(server);
  return server;
}
const ask = async (servers: readonly DnsServer[], timeoutMs = 2_000): Promise<DnsAnswer<string>> => {
  const stub = stubResolver(() => servers.map(({ server }) => server), timeoutMs);
  open.push({ close: async () => stub.close() });
  return stub.lookup('mx.example', 'A');
};
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

  test('a lost packet costs a second, not half of the time there is', async () => {
    let lost = false;
    const server = await serve(() => {
      if (lost) return [good];
      lost = true;
      return [];
    });
    // Half of this would be longer than the test may take.
    expect(await ask([server], 120_000)).toEqual(records);
    expect(server.asked).toHaveLength(2);
  });

  test('nobody there is a network error', async () => {
    const server = await serve(() => [good]);
    await server.close();
    open.pop();
    expect(await ask([server])).toEqual({ kind: 'error', code: 'network' });
  });

  test('no way there at all is a network error too, time after time', async () => {
    // A link-local address without its link: refused before anything is sent.
    const stub = stubResolver(() => [{ ip: ipOf('fe80::1'), port: 53 }], 2_000);
    open.push({ close: async () => stub.close() });
    for (let i = 0; i < 3; i++)
      expect(await stub.lookup('mx.example', 'A')).toEqual({ kind: 'error', code: 'network' });
  });

  test('ports are given up for new ones, and nothing is lost by it', async () => {
    const server = await serve(() => [good]);
    const stub = stubResolver(() => [server.server], 5_000);
    open.push({ close: async () => stub.close() });
    // More questions than all its ports take, no more at once than the server's buffer holds.
    for (let i = 0; i < 90; i++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => stub.lookup('mx.example', 'A')));
      expect(answers.every(({ kind }) => kind === 'records')).toBe(true);
    }
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

describe('servers of the world', () => {
  test('one that changes the letter case is asked over TCP', async () => {
    const server = await serve(({ name, via }) => [
      via === 'udp' ? { ...good, questions: [{ name: name.toLowerCase(), type: 'A' }] } : good,
    ]);
    // A name of letters comes out in lower case once in a million questions.
    const stub = stubResolver(() => [server.server], 2_000);
    open.push({ close: async () => stub.close() });
    expect(await stub.lookup('mx.a-long-name-of-many-letters.example', 'A')).toMatchObject({ kind: 'nodata' });
    expect(server.asked.map(({ via }) => via)).toEqual(['udp', 'tcp']);
  });

  test('one that knows no EDNS is asked without', async () => {
    let asked = 0;
    const server = await serve(() => [asked++ === 0 ? { flags: 0x0181 } : good]);
    expect(await ask([server])).toEqual(records);
  });

  test('one that is silent is asked last from then on, until it answers again', async () => {
    let isSilent = true;
    const moody = await serve(() => (isSilent ? [] : [good]));
    const fine = await serve(() => [good]);
    const stub = stubResolver(() => [moody.server, fine.server], 800);
    open.push({ close: async () => stub.close() });
    await stub.lookup('mx.example', 'A');
    await stub.lookup('mx.example', 'A');
    expect([moody.asked.length, fine.asked.length]).toEqual([1, 2]);
    isSilent = false;
    await fine.close();
    open.splice(open.indexOf(fine), 1);
    expect(await stub.lookup('mx.example', 'A')).toEqual(records);
  });

  test('the list of servers may change under way', async () => {
    const [one, two] = [await serve(() => [good]), await serve(() => [good])];
    let current = one;
    const stub = stubResolver(() => [current.server], 800);
    open.push({ close: async () => stub.close() });
    await stub.lookup('mx.example', 'A');
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length;
    const before = sockets();
    current = two;
    await stub.lookup('mx.example', 'A');
    expect([one.asked.length, two.asked.length]).toEqual([1, 1]);
    // The port towards the old server is closed in exchange for one towards the new.
    expect(sockets()).toBe(before);
    current = one;
    await stub.lookup('mx.example', 'A');
    expect(one.asked.length).toBe(2);
  });

  test('a thousand questions go out, the others wait in line, and who waited too long is told so', async () => {
    const silent = await serve(() => []);
    const stub = stubResolver(() => [silent.server], 600);
    open.push({ close: async () => stub.close() });
    const asking = Array.from({ length: 1_500 }, (_, i) => stub.lookup(`n${i}.example`, 'A'));
    const asked = () => new Set(silent.asked.map(({ name }) => name.toLowerCase())).size;
    // Counted at the first answer: from then on a place is free, and who waits in line may still be sent.
    const askedAtOnce = Promise.race(asking).then(asked);
    expect(new Set((await Promise.all(asking)).map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"kind":"error","code":"timeout"}']),
    );
    expect(await askedAtOnce).toBeGreaterThan(0);
    expect(await askedAtOnce).toBeLessThanOrEqual(1_000);
  });

  test('a resolver that is closed answers everyone in line, however many, and a bug reaches who asked', async () => {
    const silent = await serve(() => []);
    const stub = stubResolver(() => [silent.server], 60_000);
    const asking = Array.from({ length: 15_000 }, (_, i) => stub.lookup(`n${i}.example`, 'A'));
    stub.close();
    expect(new Set((await Promise.all(asking)).map(({ kind }) => kind))).toEqual(new Set(['error']));
    const other = stubResolver(() => [silent.server], 100);
    await expect(other.lookup('no..name', 'A')).rejects.toThrow(RangeError);
    other.close();
  });

  test('what is in flight when the resolver is closed is answered', async () => {
    const silent = await serve(() => []);
    const stub = stubResolver(() => [silent.server], 60_000);
    const asking = stub.lookup('mx.example', 'A');
    await new Promise((resolve) => setTimeout(resolve, 20));
    stub.close();
    expect(await asking).toMatchObject({ kind: 'error' });
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
