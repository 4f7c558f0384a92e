// The wiring, seen from outside: a configuration goes in, a service with open doors comes out.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseEndpoint, type TcpEndpoint } from '../../src/core/endpoint.ts';
import { loadConfig } from '../../src/load.ts';
import { makeLog } from '../../src/log.ts';
import { type Service, startService } from '../../src/main.ts';
import { ask, request } from '../support/delegation.ts';
import { openDnsServer } from '../support/dns-server.ts';
import { ipOf } from '../support/evidence.ts';
import { until } from '../support/processes.ts';

let folder = '';
const open: { stop(): Promise<unknown> }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-main-'));
});
afterEach(async () => {
  for (const service of open.splice(0)) await service.stop();
  rmSync(folder, { recursive: true });
});

async function serve(door: string, dns: string): Promise<{ service: Service; log: () => string }> {
  const [file, logFile] = [join(folder, 'iprevd.yaml'), join(folder, 'log')];
  writeFileSync(join(folder, 'zone.yaml'), '192.0.2.1: [mx.example]\nmx.example: [192.0.2.1]\n');
  writeFileSync(
    file,
    `doors: [{ kind: policy, listen: 127.0.0.1:0${door} }]\ndns: { ${dns} }\npolicy: standard\nlog: { level: info }\n`,
  );
  const loaded = await loadConfig(file);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const service = await startService(loaded.value, makeLog('info', logFile), () => {});
  open.push({ stop: () => service.stop(500) });
  return { service, log: () => readFileSync(logFile, 'utf8') };
}

async function askEach(service: Service, addresses: readonly string[]): Promise<readonly string[]> {
  const door = parseEndpoint(service.endpoints[0] ?? '') as TcpEndpoint;
  const requests = addresses.map((address, i) =>
    request({ client_address: address, client_port: `${40_000 + i}`, instance: `${i}` }),
  );
  const heard = await ask(door, requests.join(''), requests.length);
  return heard.split('\n\n').slice(0, -1);
}

const nat = '172.18.0.1';
const looksLike = `every client looks like ${nat} or another private address: is a NAT or proxy in front?`;

test('clients that all come from private space are not refused for it, and it is said once, in the log and the status', async () => {
  const { service, log } = await serve('', 'zone: zone.yaml');
  const answers = await askEach(service, Array<string>(12).fill(nat));
  expect(answers.slice(0, 9).every((answer) => answer.startsWith('action=550'))).toBe(true);
  expect(answers.slice(9)).toEqual(['action=DUNNO', 'action=DUNNO', 'action=DUNNO']);
  expect(log().split(looksLike)).toHaveLength(2);
  expect(service.status().doors).toEqual([
    { kind: 'policy', listen: service.endpoints[0], masked: { masking: 'private-space', ip: nat } },
  ]);

  const world = await askEach(service, ['192.0.2.1', '192.0.2.2', '192.0.2.3', nat]);
  expect(world.map((answer) => answer.slice(0, 10))).toEqual(['action=DUN', 'action=550', 'action=550', 'action=550']);
  expect(log()).toContain('addresses of their own again');
  expect(service.status().doors[0]?.masked).toBeUndefined();
});

test('expect_private_clients: the operator says that it is meant', async () => {
  const { service, log } = await serve(', expect_private_clients: true', 'zone: zone.yaml');
  const answers = await askEach(service, Array<string>(30).fill(nat));
  expect(answers.every((answer) => answer.startsWith('action=550'))).toBe(true);
  expect(log()).not.toContain('NAT or proxy');
});

test('an outage is said once, stands in the status, and its action holds', async () => {
  const silent = await openDnsServer(() => []);
  open.push({ stop: () => silent.close() });
  const { service, log } = await serve(
    '',
    `servers: ["${silent.server.ip}:${silent.server.port}"], timeout: 100ms, outage: tag`,
  );
  expect(service.status().outage).toBe(false);
  const addresses = (third: number) => Array.from({ length: 30 }, (_, i) => `192.0.${third}.${i + 1}`);
  await Promise.all(addresses(10).map((address) => askEach(service, [address])));
  await until('the breaker is open', async () => service.status().outage);
  const [answer] = await askEach(service, ['192.0.20.1']);
  expect(answer).toContain('policy.tag=dns-outage');
  expect(log().split('DNS outage: most lookups fail')).toHaveLength(2);
});

test('what is kept about an address can be seen and forgotten', async () => {
  const { service } = await serve('', 'zone: zone.yaml');
  await askEach(service, ['192.0.2.1']);
  const ip = ipOf('192.0.2.1');
  expect(service.cache.get(ip)?.answers.forward[0]?.name).toBe('mx.example');
  expect([service.status().addressesKept, service.cache.flush(ip), service.status().addressesKept]).toEqual([1, 1, 0]);
});
