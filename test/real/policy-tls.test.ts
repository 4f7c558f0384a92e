// What a real Postfix tells the policy door about TLS and the certificate of its client, and what of it becomes evidence.

import { readFileSync } from 'node:fs';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Tls } from '../../src/core/client.ts';
import { toZone } from '../../src/core/zone.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { type Certificates, type KeyPairFiles, makeCertificates } from '../support/certificates.ts';
import { type Doors, openDoors, policyOf } from '../support/doors.ts';
import { temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';

describeWith(['postfix', 'openssl'], 'Postfix asks the policy door about a client inside TLS', () => {
  const folder = temporaryFolder();
  let files: Certificates;
  let doors: Doors;
  let postfix: RealPostfix;

  beforeAll(async () => {
    files = await makeCertificates(folder.path);
    doors = await openDoors({
      resolver: zoneResolver(toZone({})),
      policy: policyOf('rules: [{ id: none, reject: "no" }]\notherwise: accept\n'),
      backend: { kind: 'tcp', host: '127.0.0.1', port: 9 },
    });
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: '127.0.0.1:9',
      recipe: '127.0.0.1:10025 inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr',
      main: `smtpd_tls_security_level = may
smtpd_tls_cert_file = ${files.server.cert}
smtpd_tls_key_file = ${files.server.key}
smtpd_tls_CAfile = ${files.ca}
smtpd_tls_ask_ccert = yes
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${doors.policy.port}, reject_unauth_destination`,
    });
  });
  afterAll(async () => {
    await postfix.close();
    await doors.close();
    folder.remove();
  });

  /** What the evidence has of a client that says RCPT, inside TLS with this certificate; absent: in the clear. */
  async function seen(shown?: KeyPairFiles | 'none'): Promise<Tls | undefined> {
    const before = doors.decisions.length;
    const client = await openRawSmtp(postfix.port);
    let socket: TLSSocket | undefined;
    let say = (text: string): unknown => client.send(text);
    if (shown !== undefined) {
      expect(await client.command('STARTTLS')).toMatch(/^220 /);
      const pair = shown === 'none' ? {} : { cert: readFileSync(shown.cert), key: readFileSync(shown.key) };
      const inside = connectTls({ socket: client.socket, rejectUnauthorized: false, ...pair });
      say = (text) => inside.write(text);
      socket = inside.resume();
    }
    say('EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<b@test.example>\r\n');
    await until('the door has decided', () => doors.decisions.length > before);
    (socket ?? client.socket).destroy();
    return doors.decisions[before]?.evidence.client.tls;
  }

  test('in the clear: nothing', async () => expect(await seen()).toBeUndefined());

  test('no certificate: the protocol', async () =>
    expect(await seen('none')).toEqual({ protocol: expect.stringMatching(/^TLSv1\.[23]$/) }));

  test('one that Postfix trusts: its common name', async () =>
    expect((await seen(files.client))?.certificate).toEqual({ verified: true, names: ['client.example'] }));

  test('one that signed itself: that there is one, and no name', async () =>
    expect((await seen(files.selfSigned))?.certificate).toEqual({ verified: false, names: [] }));
});
