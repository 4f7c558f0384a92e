// The journal of a running service whose disk is full, or not its own, or that is killed while it writes: no client notices, and
// what was written can be read.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { printProblem } from '../../src/core/problem.ts';
import type { SessionRecord } from '../../src/core/record.ts';
import { readJournal } from '../../src/journal/read.ts';
import { ask, request } from '../support/delegation.ts';
import { cli, run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { type RealService, startRealService } from '../support/real-service.ts';
import { openSink } from '../support/sink.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function serve(
  journal: string,
  more: { under?: readonly string[]; backend?: string } = {},
): Promise<RealService> {
  const service = await startRealService({
    folder: folder.path,
    policy: 'standard',
    more: `journal: { dir: ${journal} }`,
    ...more,
  });
  cleanUp.push(() => service.running.stop('SIGKILL'));
  return service;
}

let ports = 10_000;
/** So many clients without a PTR record, each of another address or they would look like a proxy, and the refs of its refusals; rejects unless each is the right one. */
async function refuse({ policyPort }: RealService, count: number): Promise<readonly string[]> {
  const about = (i: number) => ({
    client_address: `198.18.${i >> 8}.${i & 255}`,
    client_port: `${++ports}`,
    instance: `${i}`,
  });
  const questions = Array.from({ length: count }, (_, i) => request(about(i)));
  const heard = await ask({ kind: 'tcp', host: '127.0.0.1', port: policyPort }, questions.join(''), count);
  const refs = [...heard.matchAll(/^action=550 5\.7\.25 .* \(ref (\w{11})\)$/gm)].map(([, ref = '']) => ref);
  if (refs.length !== count) throw new Error(`${refs.length} of ${count} are refused:\n${heard.slice(0, 500)}`);
  return refs;
}

async function read(journal: string) {
  const problems: string[] = [];
  const records: SessionRecord[] = [];
  const onProblem: Parameters<typeof readJournal>[0]['onProblem'] = (problem) => problems.push(printProblem(problem));
  for await (const some of readJournal({ paths: [journal], onProblem })) records.push(...some);
  return { refs: records.map(({ evidence }) => evidence.id), records, problems };
}

test('killed while it writes, and started again: what was written can be read, and nobody writes into it', async () => {
  const journal = join(folder.path, 'killed');
  const told: string[] = [];
  for (let i = 0; i < 3; i++) {
    const service = await serve(journal);
    const before = await refuse(service, 300);
    await until('they are written', async () => (await read(journal)).refs.length >= told.length + before.length);
    told.push(...before);
    const asking = refuse(service, 5_000).catch(() => {});
    await until('more is written', async () => (await read(journal)).refs.length > told.length);
    await service.running.stop('SIGKILL');
    await asking;
    const { refs, problems } = await read(journal);
    expect(new Set(refs).size).toBe(refs.length);
    expect(told.filter((ref) => !refs.includes(ref))).toEqual([]);
    expect(problems.filter((problem) => !/: no JSON, and the file ends in it$/.test(problem))).toEqual([]);
    told.splice(0, told.length, ...refs);
  }
  expect(readdirSync(journal).length).toBeGreaterThanOrEqual(3);
});

test('SIGTERM: every session that was told is there, and lookup finds one by its reply', async () => {
  const journal = join(folder.path, 'ended');
  const sink = await openSink();
  cleanUp.push(() => sink.close());
  const service = await serve(journal, { backend: `127.0.0.1:${sink.endpoint.port}` });
  const refs = await refuse(service, 500);
  const letter = { sender: 'a@client.example', recipient: 'b@test.example', content: 'Subject: x\r\n\r\nx\r\n' };
  const client = await openRawSmtp(service.smtpPort);
  expect(await sendLetter(client, letter)).toMatch(/^250 /);
  expect(await service.running.stop()).toBe(0);
  const { records } = await read(journal);
  expect(new Set(records.map(({ evidence }) => evidence.id))).toEqual(
    new Set([...refs, service.decisions().at(-1)?.ref]),
  );
  expect(records.find(({ evidence }) => evidence.door === 'smtp')).toMatchObject({
    evidence: { client: { ip: '127.0.0.2' } },
    verdict: { action: 'accept' },
    outcome: { rcpt: [250], dot: [250] },
  });
  const found = await run('node', [
    cli,
    'lookup',
    '--journal',
    journal,
    '--policy',
    'standard',
    `550 x (ref ${refs[7]})`,
  ]);
  expect(found).toEqual({
    code: 0,
    output: expect.stringMatching(/^ref {6}\w+, came .*\ntold {5}reject, by no-ptr, 550 5\.7\.25\n/),
  });
  const config = join(folder.path, 'iprevd.yaml');
  expect((await run('node', [cli, 'lookup', '--config', config, '--json', refs[8] ?? ''])).code).toBe(0);
  expect((await run('node', [cli, 'lookup', '--config', config, '0000000zzzz'])).code).toBe(1);
  expect((await run('node', [cli, 'lookup', '--config', config, 'no ref'])).code).toBe(64);
});

const asRoot =
  process.getuid?.() === 0
    ? describeWith
    : (_: readonly string[], name: string, suite: () => void) => describe.skip(`${name} (root is needed)`, suite);

asRoot(['unshare', 'mount'], 'a disk of 256 KB', () => {
  test('full: everybody is answered as ever; with room again no session is missing, and no line torn', async () => {
    const journal = join(folder.path, 'full');
    mkdirSync(journal);
    const disk = `mount -t tmpfs -o size=256k none '${journal}' && exec "$@"`;
    const service = await serve(journal, { under: ['unshare', '--mount', 'sh', '-c', disk, 'sh'] });
    // Only in there it is mounted, so that it goes with the process.
    const seen = `/proc/${service.running.child.pid}/root${journal}`;
    writeFileSync(join(seen, 'filler'), Buffer.alloc(240 * 1024));
    const refs = [...(await refuse(service, 50))];
    await until('the disk is full', () => service.running.output().includes('journal cannot be written'));
    expect(service.running.output()).toContain('ENOSPC');
    refs.push(...(await refuse(service, 50)));
    rmSync(join(seen, 'filler'));
    await until('it is written again', () => service.running.output().includes('journal is written again'));
    await until('all are written', async () => (await read(seen)).refs.length === refs.length);
    expect(await read(seen)).toMatchObject({ refs, problems: [] });
  });
});

asRoot(['setpriv'], 'a folder that is not its own', () => {
  test('everybody is answered as ever, and the log says why there is no journal', async () => {
    const journal = join(folder.path, 'foreign');
    mkdirSync(journal, { mode: 0o700 });
    const under = [
      'setpriv',
      '--reuid=61000',
      '--regid=61000',
      '--clear-groups',
      '--inh-caps=-all',
      '--bounding-set=-all',
    ];
    const service = await serve(journal, { under });
    await refuse(service, 50);
    await until('it is said', () => service.running.output().includes('journal cannot be written'));
    expect(service.running.output()).toContain('EACCES');
    await refuse(service, 50);
  });
});
