import { mkdtempSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { systemServers } from '../../../src/dns/system-servers.ts';
import { until } from '../../support/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'iprevd-resolv-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('resolv.conf is read again when it changed, and not more often than every five seconds', async () => {
  const path = join(folder, 'resolv.conf');
  let clock = 0;
  writeFileSync(path, 'nameserver 192.0.2.1\n');
  const servers = await systemServers(path, () => clock);
  const ips = () => servers().map(({ ip }) => ip);
  expect(ips()).toEqual(['192.0.2.1']);

  writeFileSync(path, 'nameserver 192.0.2.2\n');
  utimesSync(path, 1, 1);
  clock = 4_999;
  ips();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ips()).toEqual(['192.0.2.1']);
  clock = 5_000;
  ips();
  await until('the change is seen', () => ips()[0] === '192.0.2.2');

  unlinkSync(path);
  clock = 20_000;
  ips();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ips()).toEqual(['192.0.2.2']);
});
