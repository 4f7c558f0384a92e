// A certificate and its key on disk: read, renewed by somebody else, half written, or gone.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type KeyPair, type WatchedCertificate, watchCertificate } from '../../src/certificate.ts';
import { type Problem, printProblem } from '../../src/core/problem.ts';
import { type Certificates, type KeyPairFiles, makeCertificates } from '../support/certificates.ts';
import { temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';

describeWith(['openssl'], 'a certificate on disk', () => {
  const made = temporaryFolder();
  let files: Certificates;
  beforeAll(async () => {
    files = await makeCertificates(made.path);
  });
  afterAll(() => made.remove());

  let folder = temporaryFolder();
  let inUse: KeyPairFiles;
  const open: WatchedCertificate[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
    inUse = { cert: join(folder.path, 'cert.pem'), key: join(folder.path, 'key.pem') };
  });
  afterEach(() => {
    for (const watched of open.splice(0)) watched.close();
    folder.remove();
  });

  const read = ({ cert, key }: KeyPairFiles): KeyPair => ({
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
  });
  const put = ({ cert, key }: KeyPairFiles): void => {
    copyFileSync(cert, inUse.cert);
    copyFileSync(key, inUse.key);
  };
  async function watch(): Promise<WatchedCertificate> {
    put(files.server);
    const watched = await watchCertificate(inUse);
    if (!watched.ok) throw new Error(watched.problems.map(printProblem).join('\n'));
    open.push(watched.value);
    return watched.value;
  }
  function follow(watched: WatchedCertificate) {
    const changes: KeyPair[] = [];
    const troubles: Problem[] = [];
    watched.follow({
      onChange: (pair) => changes.push(pair),
      onTrouble: (problems) => troubles.push(...problems),
      lookEveryMs: 10,
    });
    return { changes, troubles };
  }

  test('read when it is opened', async () => {
    expect((await watch()).pair()).toEqual(read(files.server));
  });

  test.each<[string, (at: KeyPairFiles) => void, readonly RegExp[]]>([
    ['neither of them is there', () => {}, [/cert\.pem: no such file$/, /key\.pem: no such file$/]],
    ['one is not there', ({ cert }) => copyFileSync(files.server.cert, cert), [/key\.pem: no such file$/]],
    [
      'the key is that of another',
      ({ cert, key }) => {
        copyFileSync(files.server.cert, cert);
        copyFileSync(files.client.key, key);
      },
      [
        /cert\.pem: does not fit .*key\.pem: .*mismatch.* \(a certificate chain and its unencrypted key, both as PEM\)$/,
      ],
    ],
    [
      'no PEM',
      ({ cert, key }) => {
        writeFileSync(cert, 'x');
        copyFileSync(files.server.key, key);
      },
      [/cert\.pem: does not fit .*key\.pem: /],
    ],
  ])('mistakes are told, with the file: %s', async (_, write, expected) => {
    write(inUse);
    const watched = await watchCertificate(inUse);
    const problems = watched.ok ? [] : watched.problems.map(printProblem);
    expect(problems).toHaveLength(expected.length);
    for (const [i, what] of expected.entries()) expect(problems[i]).toMatch(what);
  });

  test('reload takes a new pair, and says nothing of the same one', async () => {
    const watched = await watch();
    const { changes } = follow(watched);
    expect(await watched.reload()).toEqual([]);
    expect(changes).toEqual([]);
    put(files.selfSigned);
    expect(await watched.reload()).toEqual([]);
    expect(watched.pair()).toEqual(read(files.selfSigned));
    await until('it is told', () => changes.length > 0);
    expect(changes[0]).toEqual(read(files.selfSigned));
  });

  test('reload of bad files says what is wrong, and the old pair stays', async () => {
    const watched = await watch();
    const { changes, troubles } = follow(watched);
    rmSync(inUse.key);
    expect((await watched.reload()).map(printProblem)).toEqual([expect.stringMatching(/key\.pem: no such file$/)]);
    expect(troubles.length).toBeGreaterThan(0);
    expect([watched.pair(), changes]).toEqual([read(files.server), []]);
  });

  test('a change on disk is taken by itself, once', async () => {
    const watched = await watch();
    const { changes } = follow(watched);
    put(files.selfSigned);
    await until('it is in use', () => watched.pair().cert === readFileSync(files.selfSigned.cert, 'utf8'));
    await until('it is told', () => changes.length > 0);
    put(files.client);
    await until('the next is told too', () => changes.at(-1)?.cert === readFileSync(files.client.cert, 'utf8'));
    expect(changes).toEqual([read(files.selfSigned), read(files.client)]);
  });

  test('renewed in two steps, certificate and key: in use when both are there', async () => {
    const watched = await watch();
    const { changes, troubles } = follow(watched);
    copyFileSync(files.selfSigned.cert, inUse.cert);
    await until('the half of it is seen', () => troubles.length > 0);
    expect(watched.pair()).toEqual(read(files.server));
    copyFileSync(files.selfSigned.key, inUse.key);
    await until('both are there', () => changes.length > 0);
    expect(watched.pair()).toEqual(read(files.selfSigned));
  });

  test('gone and back again', async () => {
    const watched = await watch();
    const { changes, troubles } = follow(watched);
    rmSync(inUse.cert);
    await until('it is told', () => troubles.length > 0);
    expect(troubles.map(printProblem)).toEqual([expect.stringMatching(/cert\.pem: no such file$/)]);
    put(files.selfSigned);
    await until('it is back', () => changes.length > 0);
    expect(watched.pair()).toEqual(read(files.selfSigned));
  });

  test('closed, it is not looked at any more', async () => {
    const [closed, other] = [await watch(), await watch()];
    const [silent, told] = [follow(closed), follow(other)];
    closed.close();
    put(files.selfSigned);
    await until('the other one has seen it', () => told.changes.length > 0);
    expect([closed.pair(), silent.changes]).toEqual([read(files.server), []]);
  });
});
