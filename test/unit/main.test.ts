// The wiring, seen from outside: a configuration goes in, a service with open doors comes out.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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

async function serve(door: string, dns: string, policy = 'standard'): Promise<{ service: Service; log: () => string }> {
  const [file, logFile] = [join(folder, 'iprevd.yaml'), join(folder, 'log')];
  writeFileSync(join(folder, 'zone.yaml'), '192.0.2.1: [mx.example]\nmx.example: [192.0.2.1]\n');
  writeFileSync(
    file,
    `doors: [{ kind: policy, listen: 127.0.0.1:0${door} }]\ndns: { ${dns} }\npolicy: ${policy}\nlog: { level: info }\n`,
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

describe('the policy is read again', () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const refuse = (word: string) =>
    `rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "${word}" }]\notherwise: accept\n`;
  let port = 50_000;
  const answerTo = async (service: Service, address = '192.0.2.9') => {
    const door = parseEndpoint(service.endpoints[0] ?? '') as TcpEndpoint;
    return ask(door, request({ client_address: address, client_port: `${port++}`, instance: `${port}` }));
  };

  test('on demand: new sessions get it, the one that runs keeps its own', async () => {
    write('p.yaml', refuse('first'));
    const { service, log } = await serve('', 'zone: zone.yaml', 'p.yaml');
    const door = parseEndpoint(service.endpoints[0] ?? '') as TcpEndpoint;
    const running = request({ client_address: '192.0.2.9', client_port: '49999', protocol_state: 'MAIL' });
    await ask(door, running);
    expect(await answerTo(service)).toContain('550 5.7.25 first');
    write('p.yaml', refuse('second'));
    await service.reload();
    expect(await answerTo(service)).toContain('550 5.7.25 second');
    expect(await ask(door, request({ client_address: '192.0.2.9', client_port: '49999' }))).toContain('first');
    expect(log()).toContain('policy is in force');
  });

  test('when it changes, without a word', async () => {
    write('p.yaml', refuse('first'));
    const { service } = await serve('', 'zone: zone.yaml', 'p.yaml');
    write('p.yaml', refuse('the second'));
    // Of many addresses: sessions of one alone look like a NAT.
    const answer = () => answerTo(service, `198.51.100.${port % 256}`);
    await until('the new policy is in force', async () => (await answer()).includes('the second'));
  });

  test('with mistakes: the old one stays, and log and status say where', async () => {
    write('p.yaml', refuse('first'));
    const { service, log } = await serve('', 'zone: zone.yaml', 'p.yaml');
    write('p.yaml', 'rules: [{ id: a, when: { iprv: fail }, tag: x }]\notherwise: accept\n');
    await service.reload();
    expect(await answerTo(service)).toContain('first');
    expect(log()).toContain('p.yaml:1:26: unknown key');
    expect(service.status().policy.problems).toEqual([expect.stringContaining('unknown key "iprv"')]);
    rmSync(join(folder, 'p.yaml'));
    await service.reload();
    expect(await answerTo(service)).toContain('first');
    expect(service.status().policy.problems).toEqual([expect.stringContaining('no such file')]);
    write('p.yaml', refuse('mended'));
    await service.reload();
    expect(await answerTo(service)).toContain('mended');
    expect(service.status().policy.problems).toEqual([]);
  });

  test('lists: beside the policy, read with it; one with mistakes or none at all changes nothing', async () => {
    const listed = `rules: [{ id: known, when: { client_ip: { list: good.txt } }, accept: true }]
otherwise: { reject: "unknown" }\n`;
    write('good.txt', '# ours\n192.0.2.0/29\n');
    write('p.yaml', listed);
    const { service, log } = await serve('', 'zone: zone.yaml', 'p.yaml');
    expect(await answerTo(service)).toContain('unknown');
    write('more.txt', '192.0.2.0/24 # all of them\n');
    write('p.yaml', listed.replace('good.txt', 'more.txt'));
    await service.reload();
    expect(await answerTo(service)).toBe('action=DUNNO\n\n');
    write('bad.txt', '192.0.2.0/24\n192.0.2.1/24\n');
    write('p.yaml', listed.replace('good.txt', 'bad.txt'));
    await service.reload();
    expect(await answerTo(service)).toBe('action=DUNNO\n\n');
    expect(log()).toContain('bad.txt:2:1');
    write('p.yaml', listed.replace('good.txt', 'nowhere.txt'));
    await service.reload();
    expect(await answerTo(service)).toBe('action=DUNNO\n\n');
    expect(service.status().policy.problems).toEqual([expect.stringContaining('nowhere.txt')]);
  });

  test('what has ended is told, not dropped in silence', async () => {
    const ended = `rules:
  - { id: old, when: { iprev: fail }, until: 2020-01-01, tag: x }
  - { id: no-ptr, when: { iprev: permerror }, except: { when: { client_ip: 192.0.2.9 }, why: "moved", until: 2020-01-01 }, reject: "no" }
otherwise: accept\n`;
    write('p.yaml', ended);
    const { service, log } = await serve('', 'zone: zone.yaml', 'p.yaml');
    const over = ['rule old', 'exception of no-ptr: moved'];
    expect(service.status().policy.expired).toEqual(over);
    expect(log()).toContain(JSON.stringify(over));
    expect(await answerTo(service)).toContain('550');
  });

  test('a list that is missing at the start is a mistake of the configuration', async () => {
    write('p.yaml', 'rules: [{ id: a, when: { ptr: { list: names.txt } }, tag: x }]\notherwise: accept\n');
    await expect(serve('', 'zone: zone.yaml', 'p.yaml')).rejects.toThrow('names.txt');
  });
});
