// `top` and `trace`: what a person and a program read of a running service, and how it is said that there is none.

import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { top } from '../../../src/commands/top.ts';
import { trace } from '../../../src/commands/trace.ts';
import { consoleClient } from '../../../src/console/client.ts';
import { parseCidr } from '../../../src/core/ip.ts';
import { loadConsole } from '../../../src/load.ts';
import type { Terminal } from '../../../src/terminal.ts';
import { type Consoled, startConsoled } from '../../support/console.ts';
import { cli, freePort, run, runApart, until } from '../../support/processes.ts';

let it: Consoled;
beforeAll(async () => {
  it = await startConsoled('', 'unix:FOLDER/console.sock');
  for (const address of ['192.0.2.1', '192.0.2.4', '192.0.2.5']) await it.client(address);
});
afterAll(() => it.stop());

function paper(): Terminal & { read: () => string; errors: () => string } {
  let [out, err] = ['', ''];
  return {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
    read: () => out,
    errors: () => err,
  };
}
const connected = async () => {
  const place = await loadConsole(join(it.folder, 'iprevd.yaml'));
  if (!place.ok) throw new Error();
  return consoleClient(place.value);
};

describe('top', () => {
  test('one screen', async () => {
    const page = paper();
    await top(page, { console: await connected(), once: true, json: false, everyMs: 1 });
    expect(page.read()).toMatch(/^iprevd \S+ {2}mx\.test\.example {2}since /);
    expect(page.read()).toContain('sessions 3   accept 1   tag 1   defer 0   reject 1   pending 0\n');
    expect(page.read()).toMatch(/^no-ptr +enforce +1 +0 +\d\d:\d\d:\d\d$/m);
    expect(page.read()).toMatch(/^192\.0\.2\.0\/24 +2 +0 +1 +0 +1$/m);
    expect(page.read()).toMatch(/^trouble +enforce +0 +0 +never$/m);
  });
  test('again and again, cut to the terminal, with what has come since', async () => {
    const page = paper();
    const over = new AbortController();
    const watching = top(page, {
      console: await connected(),
      once: false,
      json: false,
      everyMs: 50,
      rows: () => 6,
      signal: over.signal,
    });
    await until('it is drawn three times', () => page.read().split('\x1b[H\x1b[J').length > 3);
    over.abort();
    await watching;
    const screens = page.read().split('\x1b[H\x1b[J').slice(1);
    expect(screens[0]?.split('\n')).toHaveLength(6);
    expect(screens[1]).toContain('0.0 a second');
  });
  test('JSON', async () => {
    const page = paper();
    await top(page, { console: await connected(), once: true, json: true, everyMs: 1 });
    expect(JSON.parse(page.read())).toMatchObject({ sessions: 3, actions: { tag: 1 } });
  });
});

describe('trace', () => {
  test('each decision as it comes, told like check; of the clients that were asked for', async () => {
    const page = paper();
    const told = trace(page, { console: await connected(), client: parseCidr('192.0.2.4/32'), json: false, most: 2 });
    await until('it is heard', () => page.errors().includes('waiting for 192.0.2.4/32'));
    for (const address of ['192.0.2.1', '192.0.2.4', '192.0.2.5', '192.0.2.4']) await it.client(address);
    expect(await told).toBe(2);
    expect(page.read()).toMatch(
      /^── \d{4}-\S+Z {2}policy door, ref \S+, \d+ ms ─+\nclient {3}192\.0\.2\.4, HELO client\.example\n/,
    );
    expect(page.read()).toContain(
      'rules    ✘ no-ptr       reject 550 5.7.25\n         ✔ unconfirmed  tag unconfirmed\n',
    );
    expect(page.read().match(/^verdict {2}tag, by unconfirmed/gm)).toHaveLength(2);
  });
  test('JSON, a line for each', async () => {
    const page = paper();
    const told = trace(page, { console: await connected(), client: undefined, json: true, most: 1 });
    const asking = setInterval(() => void it.client('192.0.2.5'), 50);
    await told;
    clearInterval(asking);
    expect(JSON.parse(page.read())).toMatchObject({ client: { ip: '192.0.2.5' }, verdict: { action: 'reject' } });
  });
  test('says so when the service ends, and is over at once when the caller wants it', async () => {
    const other = await startConsoled();
    const place = await loadConsole(join(other.folder, 'iprevd.yaml'));
    if (!place.ok) throw new Error();
    const console = await consoleClient({
      ...place.value,
      listen: { ...place.value.listen, port: other.port } as never,
    });
    const page = paper();
    const told = trace(page, { console, client: undefined, json: false });
    const ended = expect(told).rejects.toMatchObject({
      exitCode: 69,
      message: `127.0.0.1:${other.port}: the service has ended; once it is started, run this again`,
    });
    await until('it is heard', () => page.errors() !== '');
    await other.stop();
    await ended;
    const over = AbortSignal.abort();
    await expect(trace(paper(), { console, client: undefined, json: false, signal: over })).resolves.toBe(0);
  });
});

describe('by the command', () => {
  const iprevd = (...args: string[]) => run('node', [cli, ...args]);
  test('top reads the configuration of the service; elsewhere than on a terminal it is one snapshot', async () => {
    const { code, output } = await iprevd('top', '--config', join(it.folder, 'iprevd.yaml'));
    expect([code, output]).toEqual([0, expect.stringContaining('mx.test.example')]);
    expect(output).not.toContain('\x1b');
  });
  test('no console, no service, no token, nonsense', async () => {
    const example = join(it.folder, '..', 'none.yaml');
    expect(await iprevd('top', '--config', 'deploy/iprevd.yaml')).toMatchObject({
      code: 78,
      output: expect.stringContaining('no console is configured'),
    });
    expect((await iprevd('top', '--config', example)).code).toBe(78);
    expect(await iprevd('trace', '--client', '192.0.2.1/33')).toMatchObject({
      code: 64,
      output: expect.stringContaining('is not an address or a range'),
    });
  });
});

describe('one sentence and its exit code, where', () => {
  const whoMay = 'permission denied: run this as root, or as the user of the service';
  const reached: Server[] = [];
  afterEach(async () => {
    for (const server of reached.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  /** The configuration of a console at this place, with this token file. */
  function config(listen: string, tokenFile = join(it.folder, 'console.token')): string {
    const file = join(it.folder, 'other.yaml');
    const door = 'doors: [{ kind: policy, listen: 127.0.0.1:0 }]';
    writeFileSync(file, `${door}\nconsole: { listen: "${listen}", token_file: ${tokenFile} }\n`);
    return file;
  }
  async function said(file: string, asNobody = false, verb: 'top' | 'trace' = 'top') {
    const { code, out, err } = await runApart('node', [cli, verb, '--config', file], asNobody ? { asNobody } : {});
    return [code, out, err.replaceAll(it.folder, 'FOLDER')];
  }
  /** Something that is no console, and says this to whoever comes. */
  async function somethingElse(greeting: string): Promise<number> {
    const server = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end(greeting),
    );
    reached.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  const tokenOf = (name: string, text: string): string => {
    writeFileSync(join(it.folder, name), `${text}\n`, { mode: 0o600 });
    return join(it.folder, name);
  };

  test('nobody listens', async () => {
    const port = await freePort();
    for (const [place, shown] of [
      [`unix:${it.folder}/none.sock`, 'unix:FOLDER/none.sock'],
      [`127.0.0.1:${port}`, `127.0.0.1:${port}`],
    ] as const)
      for (const verb of ['top', 'trace'] as const)
        expect(await said(config(place), false, verb)).toEqual([
          69,
          '',
          `iprevd: ${shown}: nobody listens there: is the service running?\n`,
        ]);
  });
  test('something else listens', async () => {
    for (const greeting of ['220 mx.example ESMTP\r\n', 'HTTP/1.1 200 OK\r\n\r\n<html>']) {
      const port = await somethingElse(greeting);
      expect(await said(config(`127.0.0.1:${port}`))).toEqual([
        69,
        '',
        `iprevd: 127.0.0.1:${port}: what answers there is no console of iprevd\n`,
      ]);
    }
    const port = await somethingElse('HTTP/1.1 404 Not Found\r\n\r\n');
    expect((await said(config(`127.0.0.1:${port}`)))[2]).toContain('it answers 404, as no console of iprevd does');
  });
  test('the token is another', async () => {
    const file = config(`unix:${it.folder}/console.sock`, tokenOf('other.token', 'x'.repeat(43)));
    for (const verb of ['top', 'trace'] as const)
      expect(await said(file, false, verb)).toEqual([
        77,
        '',
        'iprevd: unix:FOLDER/console.sock: it does not know the token in FOLDER/other.token: is that the configuration of this service, and was the file changed since it started?\n',
      ]);
  });
  test('the token is not there, is none, or others may read it', async () => {
    const place = `unix:${it.folder}/console.sock`;
    expect(await said(config(place, join(it.folder, 'none')))).toEqual([
      69,
      '',
      'iprevd: FOLDER/none: no such file; the service makes it when it starts\n',
    ]);
    expect(await said(config(place, tokenOf('short.token', 'short')))).toEqual([
      78,
      '',
      expect.stringContaining('FOLDER/short.token: is not a token'),
    ]);
    const open = tokenOf('open.token', 'x'.repeat(43));
    chmodSync(open, 0o644);
    expect(await said(config(place, open))).toEqual([
      78,
      '',
      'iprevd: FOLDER/open.token: others may read it: its mode is 0644 (chmod 600 FOLDER/open.token)\n',
    ]);
  });
  test('token or socket are out of reach', async () => {
    chmodSync(it.folder, 0o755);
    const mine = tokenOf('mine.token', 'x'.repeat(43));
    const secret = tokenOf('secret.token', 'x'.repeat(43));
    chmodSync(secret, 0);
    if (process.getuid?.() === 0) chownSync(mine, 65_534, 65_534);
    const socket = join(it.folder, 'console.sock');
    expect(await said(config(`unix:${socket}`, secret), true)).toEqual([
      77,
      '',
      `iprevd: FOLDER/secret.token: ${whoMay}\n`,
    ]);
    const { mode } = statSync(socket);
    chmodSync(socket, 0);
    try {
      for (const verb of ['top', 'trace'] as const)
        expect(await said(config(`unix:${socket}`, mine), true, verb)).toEqual([
          77,
          '',
          `iprevd: unix:FOLDER/console.sock: ${whoMay}\n`,
        ]);
    } finally {
      chmodSync(socket, mode);
    }
  });
});
