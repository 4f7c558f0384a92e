// Real Postfix on either side: asking the policy door about each client, and behind the SMTP door as the mail server.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectFolder, run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRealDns, type RealDns } from '../support/real-dns.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { type RealService, startRealService } from '../support/real-service.ts';
import { openSink, type Sink } from '../support/sink.ts';

const programs = ['postfix', 'nsd', 'unbound', 'swaks'];

async function swaks(port: number, from: string, ...args: string[]): Promise<string> {
  const where = ['--server', '127.0.0.1', '--port', String(port), '--timeout', '20', '--local-interface', from];
  const who = ['--helo', 'client.example', '--from', 'a@client.example'];
  return (await run('swaks', [...where, ...who, ...args])).output;
}

const refusalIn = (output: string): string => output.split('\n').find((line) => line.startsWith('<** ')) ?? '';

describeWith(programs, 'Postfix asks the policy door', () => {
  const folder = temporaryFolder();
  let dns: RealDns;
  let sink: Sink;
  let service: RealService;
  let postfix: RealPostfix;

  beforeAll(async () => {
    dns = await openRealDns(folder.path);
    sink = await openSink();
    const sinkAt = `127.0.0.1:${sink.endpoint.port}`;
    service = await startRealService({
      folder: folder.path,
      dnsServer: dns.resolver,
      policy: 'standard',
      backend: sinkAt,
    });
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: sinkAt,
      main: readFileSync(join(projectFolder, 'deploy/postfix/delegation.main.cf'), 'utf8').replaceAll(
        '10045',
        String(service.policyPort),
      ),
    });
  });
  afterAll(async () => {
    await postfix.close();
    await service.running.stop();
    await sink.close();
    await dns.close();
    folder.remove();
  });

  test('DUNNO: a confirmed client gets through, without a field of ours', async () => {
    const output = await swaks(postfix.port, '127.0.0.2', '--to', 'b@test.example');
    expect(output).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
    await until('it is delivered', () => sink.messages.length === 1);
    expect(sink.messages[0]?.wire.toString()).not.toContain('Authentication-Results');
  });

  test('PREPEND: once for a message of three recipients, naming the tag', async () => {
    const output = await swaks(postfix.port, '127.0.0.4', '--to', 'b@test.example,c@test.example,d@test.example');
    expect(output).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
    await until('it is delivered', () => sink.messages.length === 2);
    const fields =
      sink.messages[1]?.wire
        .toString()
        .split('\r\n')
        .filter((line) => line.startsWith('Authentication-Results')) ?? [];
    // Postfix writes the name of a header as it was given, and folds nothing.
    expect(fields).toEqual([
      'Authentication-Results: mx.test.example; iprev=fail policy.iprev=127.0.0.4 policy.tag=unconfirmed',
    ]);
  });

  test('5xx: no PTR, the ref stands in our log', async () => {
    const refused = refusalIn(await swaks(postfix.port, '127.0.0.3', '--to', 'b@test.example'));
    expect(refused).toMatch(
      /^<\*\* 550 5\.7\.25 <b@test\.example>: Recipient address rejected: 127\.0\.0\.3 has no usable PTR record/,
    );
    const ref = /\(ref (\w+)\)/.exec(refused)?.[1];
    await until('the decision is logged', () => service.decisions().some((line) => line.ref === ref));
    expect(service.decisions().find((line) => line.ref === ref)).toMatchObject({
      door: 'policy',
      action: 'reject',
      reason: 'no-ptr',
    });
  });

  test('4xx: a broken reverse zone', async () => {
    const refused = refusalIn(await swaks(postfix.port, '127.0.0.7', '--to', 'b@test.example'));
    expect(refused).toMatch(/^<\*\* 450 4\.7\.25 /);
    expect(refused).toContain('SERVFAIL');
  });

  test('one decision line for each session, however many recipients', async () => {
    const lines = () => service.decisions().filter((line) => line.client === '127.0.0.6');
    await swaks(postfix.port, '127.0.0.6', '--to', 'b@test.example,c@test.example');
    await until('the decision is logged', () => lines().length > 0);
    expect(lines()).toHaveLength(1);
  });
});

describeWith(programs, 'Postfix stands behind the SMTP door', () => {
  const folder = temporaryFolder();
  let dns: RealDns;
  let sink: Sink;
  let service: RealService;
  let postfix: RealPostfix;

  beforeAll(async () => {
    dns = await openRealDns(folder.path);
    sink = await openSink();
    const deliverTo = `127.0.0.1:${sink.endpoint.port}`;
    // As the README has it. Everybody comes from 127.0.0.1 now, which is in mynetworks here as it is everywhere.
    const recipe = readFileSync(join(projectFolder, 'deploy/postfix/front.master.cf'), 'utf8');
    postfix = await openRealPostfix({ folder: folder.path, deliverTo, recipe });
    const backend = `127.0.0.1:${postfix.port}`;
    service = await startRealService({ folder: folder.path, dnsServer: dns.resolver, policy: 'standard', backend });
  });
  afterAll(async () => {
    await service.running.stop();
    await postfix.close();
    await sink.close();
    await dns.close();
    folder.remove();
  });

  test("the client hears Postfix's own words, down to the queue id", async () => {
    const output = await swaks(service.smtpPort, '127.0.0.2', '--to', 'b@test.example');
    const id = /<- {2}250 2\.0\.0 Ok: queued as (\w+)/.exec(output)?.[1];
    expect(id).toBeDefined();
    await until('it is delivered', () => sink.messages.length === 1);
    expect(postfix.log()).toContain(`${id}: from=<a@client.example>`);
    expect(sink.messages[0]?.wire.toString()).toContain(
      'Authentication-Results: mx.test.example; iprev=pass policy.iprev=127.0.0.2\r\n',
    );
  });

  test("Postfix's refusal of one recipient is the client's, the other is taken", async () => {
    const output = await swaks(service.smtpPort, '127.0.0.2', '--to', 'b@elsewhere.example,c@test.example');
    expect(refusalIn(output)).toMatch(/^<\*\* 554 5\.7\.1 <b@elsewhere\.example>: Relay access denied/);
    expect(output).toMatch(/<- {2}250 2\.0\.0 Ok: queued/);
  });

  test('the extensions offered are those of Postfix', async () => {
    const output = await swaks(service.smtpPort, '127.0.0.2', '--quit-after', 'EHLO');
    const offers = [...output.matchAll(/^<- {2}250[- ](\S+)/gm)].map((match) => match[1]);
    expect(offers).toEqual([
      'mx.test.example',
      'PIPELINING',
      '8BITMIME',
      'SMTPUTF8',
      'ENHANCEDSTATUSCODES',
      'DSN',
      'SIZE',
    ]);
    expect(output).toMatch(/^<- {2}250 SIZE 10240000$/m);
  });

  test('a refused client never reaches Postfix', async () => {
    const before = postfix.log().length;
    expect(refusalIn(await swaks(service.smtpPort, '127.0.0.3', '--to', 'b@test.example'))).toMatch(
      /^<\*\* 550 5\.7\.25 /,
    );
    expect(postfix.log().slice(before)).not.toContain('connect from');
  });
});

describeWith(programs, 'a deferral that may wait for what Postfix itself says', () => {
  const folder = temporaryFolder();
  let service: RealService;
  let postfix: RealPostfix;

  beforeAll(async () => {
    const policy = join(folder.path, 'later.yaml');
    writeFileSync(policy, 'rules: [{ id: later, defer: { text: "later", if_permit: true } }]\notherwise: accept\n');
    service = await startRealService({ folder: folder.path, policy, backend: '127.0.0.1:9' });
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: '127.0.0.1:9',
      main: `smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${service.policyPort},
    check_recipient_access inline:{ {nobody@test.example = REJECT 5.1.1 nobody of that name} }, reject_unauth_destination`,
    });
  });
  afterAll(async () => {
    await postfix.close();
    await service.running.stop();
    folder.remove();
  });

  test.each([
    ['b@test.example', '450 4.7.25 <b@test.example>: Recipient address rejected: later'],
    ['nobody@test.example', '554 5.1.1 <nobody@test.example>: Recipient address rejected: nobody of that name'],
  ])('%s is told %s', async (recipient, words) => {
    expect(refusalIn(await swaks(postfix.port, '127.0.0.1', '--to', recipient))).toContain(words);
  });
});
