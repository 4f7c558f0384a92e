// `top` and `trace`: what a person and a program read of a running service, and how it is said that there is none.

import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { top } from '../../../src/commands/top.ts';
import { trace } from '../../../src/commands/trace.ts';
import { ConsoleError, consoleClient } from '../../../src/console/client.ts';
import { parseCidr } from '../../../src/core/ip.ts';
import { loadConsole } from '../../../src/load.ts';
import type { Terminal } from '../../../src/terminal.ts';
import { type Consoled, startConsoled } from '../../support/console.ts';
import { cli, run, until } from '../../support/processes.ts';

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
  test('ends when the service does', async () => {
    const other = await startConsoled();
    const place = await loadConsole(join(other.folder, 'iprevd.yaml'));
    if (!place.ok) throw new Error();
    const listen = { ...place.value.listen, port: other.port } as never;
    const page = paper();
    const told = trace(page, {
      console: await consoleClient({ ...place.value, listen }),
      client: undefined,
      json: false,
    });
    await until('it is heard', () => page.errors() !== '');
    await other.stop();
    await expect(told).resolves.toBe(0);
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
  test('a token that others may read, or another one', async () => {
    const file = join(it.folder, 'console.token');
    const place = { listen: { kind: 'unix' as const, path: join(it.folder, 'console.sock') } };
    chmodSync(file, 0o644);
    await expect(consoleClient({ ...place, tokenFile: file })).rejects.toThrow('others may read it');
    chmodSync(file, 0o600);
    const gone = await consoleClient({ listen: { kind: 'unix', path: join(it.folder, 'no.sock') }, tokenFile: file });
    await expect(gone.overview()).rejects.toThrow(ConsoleError);
    expect(readFileSync(file, 'utf8').trim()).toBe(it.token);
    await expect(consoleClient({ ...place, tokenFile: join(it.folder, 'none') })).rejects.toThrow(
      'the service makes it',
    );
  });
});
