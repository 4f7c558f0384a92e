// The front as an operator has it: swaks as the client, iprevd started by its own command, NSD and unbound as the DNS,
// smtp-sink as the mail server behind.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort, listensOn, type Running, run, start, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRealDns, type RealDns } from '../support/real-dns.ts';
import { type RealService, startRealService } from '../support/real-service.ts';

describeWith(['nsd', 'unbound', 'swaks', 'smtp-sink'], 'swaks → iprevd → smtp-sink, with NSD and unbound', () => {
  const folder = temporaryFolder();
  let dns: RealDns;
  let sink: Running;
  let service: RealService;

  beforeAll(async () => {
    dns = await openRealDns(folder.path);
    const sinkPort = await freePort();
    const asUser = process.getuid?.() === 0 ? ['-u', 'postfix'] : [];
    sink = start('smtp-sink', [...asUser, '-8', '-d', 'dump.%s', `127.0.0.1:${sinkPort}`, '100'], { cwd: folder.path });
    await until('smtp-sink listens', () => listensOn(sinkPort));
    const backend = `127.0.0.1:${sinkPort}`;
    service = await startRealService({ folder: folder.path, dnsServer: dns.resolver, policy: 'strict', backend });
  });
  afterAll(async () => {
    await service.running.stop();
    await sink.stop();
    await dns.close();
    folder.remove();
  });

  const swaks = (from: string, ...args: string[]) =>
    run('swaks', [
      ...[
        '--server',
        from.includes(':') ? '[::1]' : '127.0.0.1',
        '--port',
        String(service.smtpPort),
        '--timeout',
        '20',
      ],
      ...[
        '--local-interface',
        from,
        '--helo',
        'client.example',
        '--from',
        'a@client.example',
        '--to',
        'b@test.example',
      ],
      ...args,
    ]);
  const dumps = () => readdirSync(folder.path).filter((file) => file.startsWith('dump.'));

  test("a good client's message arrives byte for byte below our header", async () => {
    const message = [
      'From: a@client.example',
      'Authentication-Results: mx.test.example; iprev=pass policy.iprev=203.0.113.1',
      'Subject: dots, 8-bit and long lines',
      'Authentication-Results: other.example; spf=pass',
      '',
      '.one dot',
      '..two dots',
      '...',
      '.',
      'Grüße, 8-bit',
      'x'.repeat(900),
      '',
      'end',
    ];
    const file = join(folder.path, 'message');
    writeFileSync(file, `${message.join('\n')}\n`);
    const before = dumps();
    const { code, output } = await swaks('127.0.0.2', '--data', `@${file}`);
    expect(output).toContain('<-  250 2.0.0 Ok');
    expect(code).toBe(0);

    const dump = dumps().find((name) => !before.includes(name)) ?? '';
    const [, kept] = readFileSync(join(folder.path, dump), 'utf8').split(/^(?=Authentication-Results: mx\.test)/m);
    const forged = message[1] ?? '';
    const expected = [
      'Authentication-Results: mx.test.example; iprev=pass policy.iprev=127.0.0.2',
      ...message.filter((line) => line !== forged),
    ];
    // swaks ends its data with one line end more.
    expect((kept ?? '').trimEnd().split('\n')).toEqual(expected);
  });

  test.each([
    ['127.0.0.3', '550 5.7.25', 'no-ptr', 'NXDOMAIN'],
    ['127.0.0.4', '550 5.7.25', 'mismatch', '192.0.2.44'],
    ['127.0.0.5', '550 5.7.25', 'stale', 'old.gone.example -> NXDOMAIN'],
    ['127.0.0.7', '450 4.7.25', 'ptr-servfail', 'SERVFAIL'],
    ['127.0.0.9', '550 5.7.25', 'ptr-empty', 'no such record'],
    ['127.0.0.10', '450 4.7.25', 'forward-servfail', 'mail.half.example -> SERVFAIL'],
    ['127.0.0.11', '550 5.7.25', 'too-many-names', 'many.example -> 192.0.2.11'],
  ])('%s is told %s: %s', async (from, codes, reason, shown) => {
    const before = dumps();
    const { output } = await swaks(from);
    const refused = output.split('\n').find((line) => line.startsWith('<** '));
    expect(refused?.slice(4, 4 + codes.length)).toBe(codes);
    expect(refused).toContain(shown);
    const ref = /\(ref (\w+)\)$/.exec(refused ?? '')?.[1];
    await until('the decision is logged', () => service.decisions().some((line) => line.ref === ref));
    expect(service.decisions().find((line) => line.ref === ref)).toMatchObject({ client: from, reason, reply: codes });
    expect(dumps()).toEqual(before);
  });

  test.each([
    ['127.0.0.6', 'generic-name', '127-0-0-6.dyn.isp.example'],
    ['127.0.0.8', 'otherwise', 'mail.customer.example'],
    ['::1', 'otherwise', 'six.example'],
  ])('%s is taken by %s, confirmed as %s', async (from, rule, name) => {
    const { code, output } = await swaks(from);
    expect(output).toContain('<-  250 2.0.0 Ok');
    expect(code).toBe(0);
    await until('the decision is logged', () => service.decisions().some((line) => line.client === from));
    expect(service.decisions().find((line) => line.client === from)).toMatchObject({ iprev: 'pass', rule, name });
  });

  test('an authority that refuses is temporary trouble', async () => {
    const { output } = await run('node', [
      ...[
        join(process.cwd(), 'dist/cli.js'),
        'check',
        '192.0.2.1',
        '--server',
        dns.authority,
        '--policy',
        'strict',
        '--json',
      ],
    ]);
    const { findings, verdict } = JSON.parse(output);
    expect(findings.iprev).toEqual({ result: 'temperror', reason: 'ptr-refused' });
    expect(verdict.action).toBe('defer');
  });

  test('without the mail server behind the client is told 451, and 250 once it is back', async () => {
    const port = sink.child.spawnargs.find((arg) => /^127\.0\.0\.1:\d+$/.test(arg)) ?? '';
    await sink.stop();
    const { output } = await swaks('127.0.0.2');
    expect(output).toMatch(/^<\*\* 451 4\.4\.1 .*\(ref \w+\)$/m);
    const asUser = process.getuid?.() === 0 ? ['-u', 'postfix'] : [];
    sink = start('smtp-sink', [...asUser, '-8', '-d', 'dump.%s', port, '100'], { cwd: folder.path });
    await until('smtp-sink listens', () => listensOn(Number(port.split(':')[1])));
    const again = await swaks('127.0.0.2');
    expect(again.output).toContain('<-  250 2.0.0 Ok');
  });

  test('SIGTERM ends it with exit code 0', async () => {
    expect(await service.running.stop()).toBe(0);
    expect(service.running.output()).toContain('"msg":"stopped"');
  });
});
