// What a real Postfix tells the policy door about TLS and the certificate of its client, and what of it becomes evidence.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Tls } from '../../src/core/client.ts';
import { toZone } from '../../src/core/zone.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { type Certificates, type KeyPairFiles, makeCertificates } from '../support/certificates.ts';
import { type Doors, openDoors, policyOf } from '../support/doors.ts';
import { temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { beginLetter, openRawSmtp, secureRawSmtp } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';

const pem = ({ cert, key }: KeyPairFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });

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
    const open = await openRawSmtp(postfix.port);
    const pair = shown === undefined || shown === 'none' ? {} : pem(shown);
    const client = shown === undefined ? open : await secureRawSmtp(open, pair);
    await beginLetter(client, { sender: 'a@client.example', recipient: 'b@test.example' });
    client.socket.destroy();
    await until('the door has decided', () => doors.decisions.length > before);
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
