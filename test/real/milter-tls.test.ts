// What a real Postfix tells the milter door about TLS and the certificate of its client, and what of it the decision knows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Tls } from '../../src/core/client.ts';
import { type Certificates, type KeyPairFiles, makeCertificates } from '../support/certificates.ts';
import { decisionOf, letter, type OpenMilter, openMilter, portOf } from '../support/milter-set.ts';
import { temporaryFolder } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp, type RawSmtp, secureRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';

describeWith(['postfix', 'openssl'], 'Postfix asks the milter door about a client inside TLS', () => {
  const folder = temporaryFolder();
  let files: Certificates;
  let door: OpenMilter;
  let postfix: RealPostfix;

  beforeAll(async () => {
    files = await makeCertificates(folder.path);
    door = await openMilter({ logFile: join(folder.path, 'door.log') });
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: '127.0.0.1:9',
      recipe: '127.0.0.1:10025 inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr',
      main: `smtpd_tls_security_level = may
smtpd_tls_cert_file = ${files.server.cert}
smtpd_tls_key_file = ${files.server.key}
smtpd_tls_CAfile = ${files.ca}
smtpd_tls_ask_ccert = yes
smtpd_milters = inet:127.0.0.1:${portOf(door.at)}`,
    });
  });
  afterAll(async () => {
    await postfix.close();
    await door.close();
    folder.remove();
  });

  /** What the decision has of a client that shows this; absent: it says no STARTTLS. */
  async function seen(shown?: KeyPairFiles | 'none'): Promise<Tls | undefined> {
    let client: RawSmtp = await openRawSmtp(postfix.port, '127.0.0.3');
    if (shown !== undefined) {
      const pair = shown === 'none' ? {} : { cert: readFileSync(shown.cert), key: readFileSync(shown.key) };
      client = await secureRawSmtp(client, pair);
    }
    const refused = await sendLetter(client, letter);
    expect(refused).toMatch(/^550 5\.7\.25 /);
    expect(await client.command('QUIT')).toMatch(/^221 /);
    return (await decisionOf(refused, door))?.evidence.client.tls;
  }

  test('in the clear: nothing', async () => expect(await seen()).toBeUndefined());

  test('no certificate: the protocol', async () =>
    expect(await seen('none')).toEqual({ protocol: expect.stringMatching(/^TLSv1\.[23]$/) }));

  test('one that Postfix trusts: its common name', async () =>
    expect((await seen(files.client))?.certificate).toEqual({ verified: true, names: ['client.example'] }));

  test('a common name of odd octets: as it is, not in xtext', async () =>
    expect((await seen(files.oddClient))?.certificate).toEqual({ verified: true, names: ['odd +2Bone <example>'] }));

  test('one that signed itself: nothing of it, as if there were none', async () =>
    expect(await seen(files.selfSigned)).toEqual({ protocol: expect.stringMatching(/^TLSv1/) }));
});
