// STARTTLS at the SMTP door (RFC 3207): when it is offered, that nothing said before the handshake is carried through it, what
// a client's certificate comes to in the evidence, and that a renewed certificate of our own is taken without a pause.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '../../../../src/core/client.ts';
import { parseEndpoint, type TcpEndpoint } from '../../../../src/core/endpoint.ts';
import { outcomeOf, play } from '../../../../src/demo/player.ts';
import type { Certificate } from '../../../../src/doors/smtp/server.ts';
import { loadConfig } from '../../../../src/load.ts';
import { makeLog } from '../../../../src/log.ts';
import { startService } from '../../../../src/main.ts';
import { type Certificates, type KeyPairFiles, makeCertificates } from '../../../support/certificates.ts';
import type { Doors } from '../../../support/doors.ts';
import { ipOf } from '../../../support/evidence.ts';
import { projectFolder, run, temporaryFolder, until } from '../../../support/processes.ts';
import { describeWith } from '../../../support/programs.ts';
import {
  acceptAll,
  cleanUp,
  dial,
  goodInquiry,
  part,
  type SetParts,
  secure,
  setUp,
  setUpWith,
  type Typist,
  type,
} from '../../../support/smtp-set.ts';

describeWith(['openssl'], 'STARTTLS', () => {
  const made = temporaryFolder();
  let files: Certificates;
  beforeAll(async () => {
    files = await makeCertificates(made.path);
  });
  afterAll(() => made.remove());

  const pem = ({ cert, key }: KeyPairFiles) => ({ cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') });
  const certificate = (asksClients = false): Certificate => ({ ...pem(files.server), asksClients });
  const withTls = (more: Partial<SetParts['settings']> = {}): SetParts => ({
    rules: acceptAll,
    settings: { certificate: certificate(), ...more },
  });
  const startTls = async (to: TcpEndpoint): Promise<Typist> => {
    const client = dial(to);
    await client.hear(/^220 /);
    client.say('EHLO x\r\nSTARTTLS\r\n');
    await client.hear(/^220 .*\r\n[\s\S]*^220 /m);
    return client;
  };
  const nameShown = ({ socket }: Typist): string => (socket as TLSSocket).getPeerCertificate().fingerprint256;
  const fingerprint = async (cert: string): Promise<string> => {
    const { output } = await run('openssl', ['x509', '-in', cert, '-noout', '-fingerprint', '-sha256']);
    return output.trim().split('=')[1] ?? '';
  };
  const clientOf = async (doors: Doors, typist: Typist): Promise<Client> => {
    typist.socket.end();
    await until('the decision is reported', () => doors.decisions.length === 1);
    return doors.decisions[0]?.evidence.client as Client;
  };

  describe('the handshake', () => {
    test('offered where there is a certificate, and not again inside', async () => {
      const { doors, sink } = await setUp({ ...withTls({ proxy: [] }) });
      const client = await startTls(doors.smtp);
      expect(client.heard()).toMatch(/^250[- ]STARTTLS\r$/m);
      const inside = await secure(client);
      inside.say('EHLO x\r\nSTARTTLS\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n');
      await inside.hear(/^354 /m);
      inside.say('\r\nx\r\n.\r\n');
      await until('the message is there', () => sink.messages.length === 1);
      expect(inside.heard()).not.toMatch(/^250[- ]STARTTLS/m);
      expect(inside.codes().slice(0, 5)).toEqual(['250', '503', '250', '250', '354']);
      expect((await clientOf(doors, inside)).tls).toEqual({ protocol: 'TLSv1.3' });
    });

    test('without one it is no command', async () => {
      const { doors } = await setUp({ rules: acceptAll });
      const client = await type(doors);
      client.say('EHLO x\r\nSTARTTLS\r\nQUIT\r\n');
      await client.hear(/^221 /m);
      expect(client.codes()).toEqual(['220', '250', '500', '221']);
      expect(client.heard()).not.toContain('STARTTLS');
    });

    test('a client that says something else instead is disconnected; the next one is served', async () => {
      const { doors } = await setUp(withTls({ proxy: [] }));
      const client = await startTls(doors.smtp);
      client.say('EHLO x\r\n');
      await until('it is disconnected', client.closed);
      expect(client.codes()).toEqual(['220', '250', '220']);
      expect(outcomeOf(await play(part(doors, { proxied: false, from: '127.0.0.1' })))).toMatch(/^250/);
    });
  });

  describe('plain text behind STARTTLS is not run', () => {
    const evil = 'EHLO evil\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<c@test.example>\r\n';

    test.each([
      ['in the same segment', `STARTTLS\r\n${evil}`],
      ['a line that has not ended', 'STARTTLS\r\nMAIL FROM:<evil@b.example'],
      ['500 lines', `STARTTLS\r\n${'NOOP\r\n'.repeat(490)}${evil.repeat(3)}`],
      ['after 90 lines before it, 500', `${'NOOP\r\n'.repeat(90)}STARTTLS\r\n${'NOOP\r\n'.repeat(490)}${evil}`],
    ])('%s', async (_, octets) => {
      const { doors, sink } = await setUp(withTls());
      const client = await type(doors);
      client.say(octets);
      await client.hear(/^220 .*\r\n[\s\S]*^220 /m);
      const inside = await secure(client);
      // Were half a line kept, this would be its other half.
      inside.say('@x>\r\nMAIL FROM:<a@b.example>\r\nEHLO x\r\nMAIL FROM:<a@b.example>\r\n');
      await inside.hear(/^250 .*\r\n[\s\S]*^250 .*ok\r\n$/m);
      expect(inside.codes()).toEqual(['500', '503', '250', '250']);
      expect(sink.commands.join('\n')).not.toContain('evil');
      expect(await clientOf(doors, inside)).toMatchObject({ helo: 'x', sender: 'a@b.example' });
    });

    test('in a segment of its own, before the handshake: the connection ends', async () => {
      const { doors, sink } = await setUp(withTls());
      const client = await type(doors);
      client.say('STARTTLS\r\n');
      await client.hear(/^220 .*\r\n220 /);
      client.say(evil);
      await expect(secure(client)).rejects.toThrow();
      await until('it is disconnected', client.closed);
      expect(client.codes()).toEqual(['220', '220']);
      expect(sink.commands.join('\n')).not.toContain('evil');
      expect(await clientOf(doors, client)).not.toHaveProperty('helo');
    });
  });

  test('what was said before the handshake is forgotten (RFC 3207 s4.2)', async () => {
    const { doors, sink } = await setUp(withTls());
    const client = await type(doors);
    client.say('EHLO before\r\nMAIL FROM:<before@b.example>\r\nRCPT TO:<before@test.example>\r\nSTARTTLS\r\n');
    await client.hear(/^220 .*\r\n[\s\S]*^220 /m);
    const inside = await secure(client);
    inside.say(
      'RCPT TO:<c@test.example>\r\nDATA\r\nEHLO x\r\nDATA\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n',
    );
    await inside.hear(/^354 /m);
    inside.say('\r\nx\r\n.\r\n');
    await until('the message is there', () => sink.messages.length === 1);
    expect(inside.codes().slice(0, 7)).toEqual(['503', '503', '250', '503', '250', '250', '354']);
    expect(sink.messages[0]).toMatchObject({ mail: 'MAIL FROM:<a@b.example>', rcpt: ['RCPT TO:<c@test.example>'] });
  });

  test('also in the evidence', async () => {
    const { doors } = await setUp(withTls());
    const client = await type(doors);
    client.say('EHLO before\r\nMAIL FROM:<before@b.example>\r\nSTARTTLS\r\n');
    await client.hear(/^220 .*\r\n[\s\S]*^220 /m);
    const known = await clientOf(doors, await secure(client));
    expect(known).not.toHaveProperty('helo');
    expect(known).not.toHaveProperty('sender');
    expect(known).toMatchObject({ stage: 'connect', tls: { protocol: 'TLSv1.3' } });
  });

  describe("the client's certificate", () => {
    test.each([
      ['shown and asked for', true, 'client', ['client.example', 'mail.client.example']],
      ['shown, signed by itself', true, 'selfSigned', ['mx.test.example', 'localhost']],
      ['not asked for', false, 'client', undefined],
      ['asked for and not shown', true, undefined, undefined],
    ] as const)('%s', async (_, asksClients, shown, names) => {
      const { doors } = await setUp(withTls({ proxy: [], certificate: certificate(asksClients) }));
      const inside = await secure(await startTls(doors.smtp), shown === undefined ? {} : pem(files[shown]));
      inside.say('EHLO x\r\n');
      await inside.hear(/^250 /m);
      expect((await clientOf(doors, inside)).tls).toEqual({
        protocol: 'TLSv1.3',
        ...(names === undefined ? {} : { certificate: { verified: false, names } }),
      });
    });

    test('in TLS 1.2 too', async () => {
      const { doors } = await setUp(withTls({ proxy: [], certificate: certificate(true) }));
      const inside = await secure(await startTls(doors.smtp), { ...pem(files.client), maxVersion: 'TLSv1.2' });
      inside.say('EHLO x\r\n');
      await inside.hear(/^250 /m);
      expect((await clientOf(doors, inside)).tls).toMatchObject({
        protocol: 'TLSv1.2',
        certificate: { names: ['client.example', 'mail.client.example'] },
      });
    });

    test('that of a proxy is not that of the client whom it names (XCLIENT)', async () => {
      const xclient = [ipOf('127.0.0.1')];
      const { doors } = await setUp(withTls({ proxy: [], xclient, certificate: certificate(true) }));
      const inside = await secure(await startTls(doors.smtp), pem(files.client));
      inside.say('XCLIENT ADDR=192.0.2.1\r\nEHLO x\r\n');
      await inside.hear(/^220 [\s\S]*^250 /m);
      const client = await clientOf(doors, inside);
      expect(client.ip).toBe('192.0.2.1');
      expect(client).not.toHaveProperty('tls');
    });

    // Whom Node trusts is settled when a process starts; so the door stands in one of its own.
    test('verified where its authority is one that we trust', async () => {
      const door = pathToFileURL(join(projectFolder, 'dist/doors/smtp/server.js')).href;
      const settings = { proxy: [], certificate: certificate(true) };
      const script = `
        import { connect } from 'node:net';
        import { connect as secure } from 'node:tls';
        import { smtpDoor } from ${JSON.stringify(door)};
        const inquiry = { ref: 'x', announce: 'rcpt', policyFields: new Set(), helo() {}, told() {} };
        const close = async ({ tls }) => { console.log(JSON.stringify(tls)); process.exit(); };
        const { server } = smtpDoor({
          gate: { open: () => ({ ...inquiry, close }) },
          log: { debug() {}, info() {}, warn() {}, error() {} },
          name: 'mx.test.example',
          backend: { servers: [] },
          settings: ${JSON.stringify(settings)},
        });
        server.listen(0, '127.0.0.1', () => {
          const socket = connect(server.address().port, '127.0.0.1', () => socket.write('STARTTLS\\r\\n'));
          socket.on('data', (octets) => {
            if (!/^220 [^m]/m.test(octets)) return;
            socket.removeAllListeners('data');
            const inside = secure({ socket, rejectUnauthorized: false, ...${JSON.stringify(pem(files.client))} }, () => inside.write('QUIT\\r\\n'));
          });
        });
        setTimeout(() => process.exit(1), 10_000);`;
      const trusting = `NODE_EXTRA_CA_CERTS=${files.ca}`;
      const { output } = await run('env', [trusting, process.execPath, '--input-type=module', '-e', script]);
      expect(JSON.parse(output)).toEqual({
        protocol: 'TLSv1.3',
        certificate: { verified: true, names: ['client.example', 'mail.client.example'] },
      });
    });
  });

  describe('our own certificate, renewed', () => {
    test('the next handshake has the new one, a session inside the old one goes on', async () => {
      const { smtp, door } = await setUpWith({ open: () => goodInquiry }, { settings: { certificate: certificate() } });
      const old = await secure(await startTls(smtp));
      expect(nameShown(old)).toBe(await fingerprint(files.server.cert));
      door.useCertificate({ ...pem(files.selfSigned), asksClients: false });
      const fresh = await secure(await startTls(smtp));
      expect(nameShown(fresh)).toBe(await fingerprint(files.selfSigned.cert));
      old.say('EHLO x\r\n');
      await old.hear(/^250 /m);
    });

    test('at the start, one that is missing is a mistake of the configuration', async () => {
      const folder = temporaryFolder();
      cleanUp.push(() => folder.remove());
      const file = join(folder.path, 'iprevd.yaml');
      const tls = `tls: { certificate: ${files.server.cert}, key: ${files.client.key} }`;
      const backend = 'backend: { servers: 127.0.0.1:9, tls: verify, tls_ca: nowhere.pem }';
      writeFileSync(file, `doors: [{ kind: smtp, listen: 127.0.0.1:0, ${backend}, ${tls} }]\n`);
      const loaded = await loadConfig(file);
      expect(loaded.ok ? [] : loaded.problems.map(({ what }) => what)).toEqual([
        expect.stringMatching(/^does not fit .*client\.key: /),
        'no such file',
      ]);
    });

    test('by reload; bad files change nothing, and the log says why', async () => {
      const folder = temporaryFolder();
      cleanUp.push(() => folder.remove());
      const put = (cert: string, key: string) => {
        writeFileSync(join(folder.path, 'cert.pem'), readFileSync(cert));
        writeFileSync(join(folder.path, 'key.pem'), readFileSync(key));
      };
      put(files.server.cert, files.server.key);
      writeFileSync(join(folder.path, 'zone.yaml'), '127.0.0.1: nxdomain\n');
      writeFileSync(
        join(folder.path, 'iprevd.yaml'),
        `doors:
  - { kind: smtp, listen: 127.0.0.1:0, backend: 127.0.0.1:9, tls: { certificate: cert.pem, key: key.pem } }
dns: { zone: zone.yaml }
`,
      );
      const logFile = join(folder.path, 'log');
      const loaded = await loadConfig(join(folder.path, 'iprevd.yaml'));
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      const service = await startService(loaded.value, makeLog('info', logFile), () => {});
      cleanUp.push(() => service.stop(500));
      const door = parseEndpoint(service.endpoints[0] ?? '') as TcpEndpoint;
      const shown = async () => nameShown(await secure(await startTls(door)));
      expect(await shown()).toBe(await fingerprint(files.server.cert));

      put(files.selfSigned.cert, files.server.key);
      await service.reload();
      expect(await shown()).toBe(await fingerprint(files.server.cert));
      expect(readFileSync(logFile, 'utf8')).toMatch(
        /"problems":\[[^\]]*does not fit[^\]]*\].*the old one stays in use/,
      );

      put(files.selfSigned.cert, files.selfSigned.key);
      await service.reload();
      expect(await shown()).toBe(await fingerprint(files.selfSigned.cert));
      expect(readFileSync(logFile, 'utf8')).toContain('certificate is in use');
    });
  });
});
