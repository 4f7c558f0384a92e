// The service as an operator runs it, and what strangers can make it hold: memory under floods and stalled backends, ten
// thousand idle clients, endless commands; and a reload with mistakes. Memory is the resident set as Linux tells it, at its peak.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';
import { play } from '../../src/demo/player.ts';
import { cli, freePort, listensOn, type Running, run, start, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openSink, type Sink } from '../support/sink.ts';
import { cleanUp, dial, part, type Typist } from '../support/smtp-set.ts';

const mb = 1024 * 1024;
const envelope = 'EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n';
const accept = 'rules: []\notherwise: accept\n';

/** Raises the limit on open files as far as it may go. */
const withFiles = ['-c', 'ulimit -n "$(ulimit -Hn)" && exec "$0" "$@"', process.execPath] as const;

interface Service {
  readonly smtp: TcpEndpoint;
  readonly running: Running;
  readonly policyFile: string;
  /** Octets now, and at the most since forgetPeak. */
  memory(): { readonly now: number; readonly peak: number };
  forgetPeak(): void;
}

async function serve(folder: string, sink: Sink): Promise<Service> {
  const port = await freePort();
  const [file, policyFile] = [join(folder, 'iprevd.yaml'), join(folder, 'policy.yaml')];
  writeFileSync(policyFile, accept);
  writeFileSync(join(folder, 'zone.yaml'), '192.0.2.1: nxdomain\n');
  writeFileSync(
    file,
    `name: mx.test.example
doors:
  - kind: smtp
    listen: 127.0.0.1:${port}
    backend: 127.0.0.1:${sink.endpoint.port}
    limits: { connections: 12000, per_address: 12000, per_network: 12000 }
    expect_private_clients: true
dns: { zone: zone.yaml }
policy: policy.yaml
`,
  );
  const running = start('sh', [...withFiles, cli, 'serve', '--config', file]);
  try {
    await until('iprevd listens', () => running.output().includes('"listening"') && listensOn(port));
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  const proc = `/proc/${running.child.pid}`;
  const field = (status: string, name: string): number =>
    1_024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return {
    smtp: { kind: 'tcp', host: '127.0.0.1', port },
    running,
    policyFile,
    memory: () => {
      const status = readFileSync(`${proc}/status`, 'latin1');
      return { now: field(status, 'VmRSS'), peak: field(status, 'VmHWM') };
    },
    forgetPeak: () => writeFileSync(`${proc}/clear_refs`, '5'),
  };
}

describeWith(['prlimit'], 'what strangers can make the service hold', () => {
  const folder = temporaryFolder();
  let sink: Sink;
  let service: Service;

  beforeAll(async () => {
    sink = await openSink();
    service = await serve(folder.path, sink);
    await message('Subject: warm\r\n\r\nup\r\n'); // what the first message loads is not what a flood costs
  });
  afterAll(async () => {
    await sink.close();
    await service.running.stop();
    folder.remove();
  });
  afterEach(() => {
    sink.resume(); // a connection that is kept for the next client must answer it
    expect(service.running.child.exitCode).toBeNull();
  });

  const greeted = async (): Promise<Typist> => {
    const client = dial(service.smtp);
    await client.hear(/^220 /);
    return client;
  };
  /** A client whose content may come. */
  const inData = async (): Promise<Typist> => {
    const client = await greeted();
    client.say(envelope);
    await client.hear(/^354 /m);
    return client;
  };
  async function message(content: string | Buffer): Promise<string> {
    const client = await inData();
    client.say(content);
    client.say('.\r\n');
    await client.hear(/^354 .*\r\n\d{3} /m);
    return client.codes().at(-1) ?? '';
  }
  /** How much more than before the work began it had at the most. */
  const growth = async (work: () => Promise<void>): Promise<number> => {
    service.forgetPeak();
    const before = service.memory().now;
    await work();
    return service.memory().peak - before;
  };
  /** Says it again and again, the next one when the last has gone; how many octets have. */
  const pour = ({ socket }: Typist, piece: Buffer, times: number): (() => number) => {
    let gone = 0;
    const next = (): void => {
      if (gone === times) return;
      socket.write(piece, (error) => {
        if (error) return;
        gone++;
        next();
      });
    };
    next();
    return () => gone * piece.length;
  };
  /** Waits until nothing more is taken; how much was. */
  const rest = async (taken: () => number): Promise<number> => {
    let [before, still] = [-1, 0];
    await until('nothing more is taken', () => {
      still = taken() === before ? still + 1 : 0;
      before = taken();
      return still === 25; // half a second
    });
    return before;
  };

  const dots = Buffer.from('..\r\n'.repeat(5 * mb));
  const someDots = dots.subarray(0, mb / 16);

  test('20 MB of dots: passed on as they are, in less than 50 MB', async () => {
    const before = sink.messages.length;
    let code = '';
    const more = await growth(async () => {
      code = await message(dots);
    });
    expect(code).toBe('250');
    const wire = sink.messages[before]?.wire ?? Buffer.alloc(0);
    expect(wire.subarray(wire.indexOf('\r\n') + 2).equals(dots)).toBe(true);
    expect(more).toBeLessThan(50 * mb);
  });

  test('the same with a backend that reads no more: the client is paused', async () => {
    const client = await inData();
    sink.pause();
    let taken = 0;
    const more = await growth(async () => {
      taken = await rest(pour(client, someDots, dots.length / someDots.length));
    });
    expect(taken).toBeLessThan(dots.length);
    expect(more).toBeLessThan(50 * mb);
    client.socket.destroy();
  });

  test('a line without end, and a backend that reads no more: the client is paused', async () => {
    const client = await inData();
    sink.pause();
    let taken = 0;
    const more = await growth(async () => {
      // A gigabyte, if somebody took it.
      taken = await rest(pour(client, Buffer.alloc(mb / 16, 'x'), 16 * 1_024));
    });
    expect(taken).toBeLessThan(32 * mb);
    expect(more).toBeLessThan(50 * mb);
    client.socket.destroy();
  });

  test('a header field without end that claims to be ours is dropped, not kept', async () => {
    const client = await inData();
    const more = await growth(async () => {
      client.say('Authentication-Results: ');
      client.say(Buffer.alloc(40 * mb, 'x'));
      client.say('\r\n\r\nx\r\n.\r\n');
      await client.hear(/^354 .*\r\n\d{3} /m);
    });
    expect(client.codes().at(-1)).toBe('250');
    expect(sink.messages.at(-1)?.wire.length).toBeLessThan(1_000);
    expect(more).toBeLessThan(50 * mb);
  });

  test.each([
    ['NOOP', 'NOOP\r\n', 100, '250'],
    ['RSET', 'RSET\r\n', 100, '250'],
    ['bad MAIL', 'MAIL FROM:<\r\n', 20, '503'],
    ['bad RCPT', 'RCPT TO:<\r\n', 20, '503'],
  ])('100,000 %s in one go: disconnected at the limit', async (_, line, limit, code) => {
    const client = await greeted();
    const more = await growth(async () => {
      client.say(line.repeat(100_000));
      await until('it is disconnected', client.closed);
    });
    expect(client.codes()).toEqual(['220', ...Array(limit).fill(code), '421']);
    expect(more).toBeLessThan(50 * mb);
  });

  test('64 clients with 25 MB each, and a backend that is dead: bounded, and 4xx in the end', async () => {
    const clients: Typist[] = [];
    for (let i = 0; i < 64; i++) clients.push(await inData());
    sink.pause();
    let taken = 0;
    const piece = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(1_024));
    const times = (25 * mb) / piece.length;
    const more = await growth(async () => {
      const poured = clients.map((client) => pour(client, piece, times));
      taken = await rest(() => poured.reduce((sum, gone) => sum + gone(), 0));
    });
    expect(taken).toBeLessThan((64 * 25 * mb) / 2);
    expect(more).toBeLessThan(100 * mb);
    await sink.close();
    const answered = ({ codes }: Typist): boolean => codes().length === 6;
    for (const client of clients) await until('it is read to its end', () => client.socket.writableLength === 0);
    for (const client of clients) client.say('.\r\n');
    await until('all have heard', () => clients.every(answered));
    expect(new Set(clients.map(({ codes }) => codes().at(-1)))).toEqual(new Set(['451']));
    expect(service.memory().peak).toBeLessThan(400 * mb);
  });
});

/** Opens so many connections, waits for each greeting, says so, and stays. */
const idlers = `
  import { connect } from 'node:net';
  const [port, count] = process.argv.slice(1).map(Number);
  const open = (i) => new Promise((greeted, failed) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.' + (2 + i % 200) });
    socket.once('data', (octets) => octets.toString().startsWith('220 ') ? greeted() : failed(new Error(octets.toString())));
    socket.once('error', failed);
  });
  for (let i = 0; i < count; i += 100) await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, k) => open(i + k)));
  console.log('all are greeted');
  setTimeout(() => {}, 60_000);`;

describeWith(['prlimit'], 'idle clients', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  test('ten thousand: the next one is greeted and served, in less than 300 MB', async () => {
    const open = await run('sh', ['-c', 'ulimit -Hn']);
    const files = open.output.trim() === 'unlimited' ? Number.POSITIVE_INFINITY : Number(open.output);
    const count = Math.min(10_000, files - 500);
    expect(count).toBeGreaterThanOrEqual(4_000);
    const sink = await openSink();
    const service = await serve(folder.path, sink);
    const holder = start('sh', [
      ...withFiles,
      '--input-type=module',
      '-e',
      idlers,
      String(service.smtp.port),
      String(count),
    ]);
    try {
      for (let i = 0; i < 6 && !holder.output().includes('all are greeted'); i++)
        await until('all are greeted', () => /all are greeted|Error/.test(holder.output())).catch(() => {});
      expect(holder.output()).toBe('all are greeted\n');
      const played = await play(part(service, { proxied: false, from: '127.0.0.1' }));
      expect(played.dot).toMatch(/^250 /);
      expect(service.memory().peak).toBeLessThan(300 * mb);
    } finally {
      await holder.stop('SIGKILL');
      await sink.close();
      await service.running.stop();
    }
  });
});

describe('SIGHUP with mistakes in the files', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  test('the old policy stays in force, the log says where the mistake is, and nobody notices', async () => {
    const sink = await openSink();
    const service = await serve(folder.path, sink);
    cleanUp.push(
      () => sink.close(),
      async () => void (await service.running.stop()),
    );
    const write = (policy: string) => writeFileSync(service.policyFile, policy);
    const reload = async (what: string) => {
      const before = service.running.output().length;
      service.running.child.kill('SIGHUP');
      await until(what, () => service.running.output().slice(before).includes(what));
      return service.running.output().slice(before);
    };
    const deliver = async () => play(part(service, { proxied: false, from: '127.0.0.1' }));

    const running = dial(service.smtp);
    running.say('EHLO x\r\nMAIL FROM:<a@b.example>\r\n');
    await running.hear(/^220 [\s\S]*^250 [\s\S]*^250 /m);

    write('rules: [{ id: a, when: { iprv: pass }, tag: x }]\notherwise: accept\n');
    expect(await reload('the old one stays in force')).toMatch(/policy\.yaml:1:26: unknown key \\"iprv\\"/);
    expect((await deliver()).dot).toMatch(/^250 /);
    running.say('RCPT TO:<c@test.example>\r\nDATA\r\n');
    await running.hear(/^354 /m);

    write('rules: [');
    await reload('the old one stays in force');
    running.say('\r\nx\r\n.\r\n');
    await running.hear(/^250 2\.0\.0 kept\r\n$/m);
    expect((await deliver()).dot).toMatch(/^250 /);

    write('rules: []\notherwise: { reject: "nobody" }\n');
    await reload('policy is in force');
    expect((await deliver()).rcpt[0]).toMatch(/^550 5\.7\.25 nobody/);
    expect(service.running.child.exitCode).toBeNull();
  });
});
