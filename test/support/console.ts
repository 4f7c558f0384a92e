// A running service with a console, and requests to it as a program, or an attacker, would send them.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEndpoint, type TcpEndpoint } from '../../src/core/endpoint.ts';
import { loadConfig } from '../../src/load.ts';
import { makeLog } from '../../src/log.ts';
import { type Service, startService } from '../../src/main.ts';
import { ask, request } from './delegation.ts';

export interface Consoled {
  readonly folder: string;
  readonly service: Service;
  readonly port: number;
  readonly token: string;
  log(): string;
  /** The policy door's answer about this client. */
  client(address: string, helo?: string): Promise<string>;
  /** With the token, unless `headers` says otherwise. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Heard>;
  send(method: string, path: string, body: string, headers?: Readonly<Record<string, string>>): Promise<Heard>;
  stop(ms?: number): Promise<void>;
}

export interface Heard {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export const consoleZone = `192.0.2.1: [mx.example]
mx.example: [192.0.2.1]
192.0.2.4: [mail.elsewhere.example]
mail.elsewhere.example: [198.51.100.4]
192.0.2.6: ["<script>alert(1)</script>.example"]
192.0.2.7: servfail
`;

export const consolePolicy = `rules:
  - { id: no-ptr, when: { iprev: permerror }, reject: "no PTR record for {ip}" }
  - { id: unconfirmed, when: { iprev: fail }, tag: unconfirmed }
  - { id: trouble, when: { iprev: temperror }, defer: "later" }
otherwise: accept
`;

/** `settings`: more of the console's configuration, ", edit: true"; `more`: of the service's, whole lines. */
export async function startConsoled(
  settings = ', edit: true',
  listen = '127.0.0.1:0',
  dns = 'zone: zone.yaml',
  more = '',
): Promise<Consoled> {
  const folder = mkdtempSync(join(tmpdir(), 'iprevd-console-'));
  writeFileSync(join(folder, 'zone.yaml'), consoleZone);
  writeFileSync(join(folder, 'policy.yaml'), consolePolicy);
  writeFileSync(
    join(folder, 'iprevd.yaml'),
    `name: mx.test.example
doors: [{ kind: policy, listen: 127.0.0.1:0 }]
dns: { ${dns} }
policy: policy.yaml
console: { listen: "${listen.replace('FOLDER', folder)}", token_file: console.token${settings} }
${more}`,
  );
  const loaded = await loadConfig(join(folder, 'iprevd.yaml'));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const service = await startService(loaded.value, makeLog('info', join(folder, 'log')), () => {});
  const door = parseEndpoint(service.endpoints[0] ?? '') as TcpEndpoint;
  const place = parseEndpoint(service.console ?? '');
  const token = readFileSync(join(folder, 'console.token'), 'utf8').trim();
  let port = 40_000;
  const send: Consoled['send'] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const to = place?.kind === 'unix' ? { socketPath: place.path } : { host: '127.0.0.1', port: place?.port };
      const known = { host: '127.0.0.1', authorization: `Bearer ${token}` };
      const asked = httpRequest(
        { ...to, method, path, headers: { ...known, ...headers }, agent: false },
        (response) => {
          let heard = '';
          response.setEncoding('utf8').on('data', (chunk) => (heard += chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: heard }),
          );
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  return {
    folder,
    service,
    port: place?.kind === 'tcp' ? place.port : 0,
    token,
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    client: (address, helo = 'client.example') =>
      ask(door, request({ client_address: address, client_port: `${port++}`, instance: `${port}`, helo_name: helo })),
    get: (path, headers) => send('GET', path, '', headers),
    send,
    async stop(ms = 200) {
      await service.stop(ms);
      rmSync(folder, { recursive: true });
    },
  };
}
