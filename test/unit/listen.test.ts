import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { parseEndpoint, parseServer, printEndpoint } from '../../src/core/endpoint.ts';
import { listen, type SocketAccess } from '../../src/listen.ts';

const open: Server[] = [];
const folder = mkdtempSync(join(tmpdir(), 'iprevd-listen-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});
const bind = (text: string, access?: SocketAccess) => {
  const server = createServer();
  open.push(server);
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw new Error(text);
  return listen(server, endpoint, access);
};

test('port 0 is a free one', async () => {
  const bound = await bind('127.0.0.1:0');
  expect(printEndpoint(bound)).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
});

test('a port in use is one sentence and exit code 69', async () => {
  const where = printEndpoint(await bind('127.0.0.1:0'));
  await expect(bind(where)).rejects.toMatchObject({
    message: `cannot listen on ${where}: another program is there already`,
    exitCode: 69,
  });
  open.pop();
});

test('an address of somebody else', async () => {
  await expect(bind('192.0.2.1:2525')).rejects.toMatchObject({
    message: 'cannot listen on 192.0.2.1:2525: this machine has no such address',
    exitCode: 69,
  });
  open.pop();
});

test('a UNIX socket that anyone may write to; a stale one is replaced, a live one is not', async () => {
  const path = join(folder, 'policy.sock');
  await bind(`unix:${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o666);
  await expect(bind(`unix:${path}`)).rejects.toMatchObject({ exitCode: 69 });
  open.pop();
  expect(existsSync(path)).toBe(true);
});

test.each([
  ['127.0.0.1:25', '127.0.0.1:25'],
  ['[::1]:25', '[::1]:25'],
  ['mail.internal:25', 'mail.internal:25'],
  ['unix:/run/x.sock', 'unix:/run/x.sock'],
])('%s is an endpoint', (text, printed) => {
  const endpoint = parseEndpoint(text);
  expect(endpoint && printEndpoint(endpoint)).toBe(printed);
});

test.each([
  '',
  ':25',
  '::1:25',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '[127.0.0.1',
  'unix:',
  'a b:25',
  '127.1:25:3',
])('%j is none', (text) => {
  expect(parseEndpoint(text)).toBeUndefined();
});

test('a DNS server has port 53 unless it says otherwise, and is an address', () => {
  expect(parseServer('::1')).toEqual({ ip: '::1', port: 53 });
  expect(parseServer('[::1]:5353')).toEqual({ ip: '::1', port: 5353 });
  expect(parseServer('dns.example:53')).toBeUndefined();
});

test('a UNIX socket for one group, by number or by name', async () => {
  const path = join(folder, 'group.sock');
  const group = process.getgid?.() ?? 0;
  await bind(`unix:${path}`, { mode: 0o660, group: String(group) });
  expect(statSync(path)).toMatchObject({ gid: group });
  expect(statSync(path).mode & 0o777).toBe(0o660);
  const named = join(folder, 'named.sock');
  if (process.getuid?.() === 0) {
    await bind(`unix:${named}`, { owner: 'daemon', group: 'daemon' });
    expect(statSync(named)).toMatchObject({ uid: 1, gid: 1 });
  }
});

test.each<[SocketAccess, string]>([
  [{ owner: 'nobody-of-that-name' }, 'there is no user "nobody-of-that-name" on this machine'],
  [{ group: 'no group' }, 'there is no group "no group" on this machine'],
])('a UNIX socket for %j: nobody may use it, and nothing listens', async (access, message) => {
  const path = join(folder, 'strange.sock');
  await expect(bind(`unix:${path}`, access)).rejects.toMatchObject({ message, exitCode: 78 });
  open.pop();
  expect(existsSync(path)).toBe(false);
});
