// From a mailbox to a mailbox as in real life: sendmail, Postfix, TLS, iprevd, TLS, Postfix, mailbox, and the notification of
// success all the way back. Each leg trusts the certificate of the next, an address is not ASCII, and the Postfix behind us
// knows whom we talked to.

import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { freePort, run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp } from '../support/raw-smtp.ts';
import { openRealDns, type RealDns } from '../support/real-dns.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { type RealService, startRealService } from '../support/real-service.ts';

/** Nobody's user id, which owns the mailboxes: Postfix refuses to deliver as root. */
const mailboxOwner = 65_534;

const services = `tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual`;

describeWith(['postfix', 'openssl', 'nsd', 'unbound'], 'Postfix → iprevd → Postfix', () => {
  const folder = temporaryFolder();
  let dns: RealDns;
  let certificates: Certificates;
  let service: RealService;
  let sending: RealPostfix;
  let receiving: RealPostfix;

  const place = (name: string): string => {
    const path = join(folder.path, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  /** Where mail for a domain is kept, and by which lines in main.cf. */
  const mailboxes = (name: string, domain: string): string => {
    const base = place(`${name}-mail`);
    chownSync(base, mailboxOwner, mailboxOwner);
    return `virtual_mailbox_domains = ${domain}
virtual_mailbox_base = ${base}
virtual_uid_maps = static:${mailboxOwner}
virtual_gid_maps = static:${mailboxOwner}`;
  };
  const mailIn = (name: string, box: string): string[] => {
    const path = join(folder.path, `${name}-mail`, box, 'new');
    return existsSync(path) ? readdirSync(path).map((file) => readFileSync(join(path, file), 'utf8')) : [];
  };

  beforeAll(async () => {
    dns = await openRealDns(folder.path);
    certificates = await makeCertificates(folder.path);
    const { ca, server } = certificates;
    const returnPort = await freePort();
    receiving = await openRealPostfix({
      folder: place('receiving'),
      deliverTo: `127.0.0.1:${returnPort}`,
      recipe: `127.0.0.1:10025 inet n - n - - smtpd\n${services}`,
      main: `${mailboxes('receiving', 'test.example')}
relay_domains =
virtual_mailbox_maps = inline:{{b@test.example=b/} {büro@test.example=buero/}}
transport_maps = inline:{{sender.example=smtp:[127.0.0.1]:${returnPort}}}
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = ${server.cert}
smtpd_tls_key_file = ${server.key}
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes`,
    });
    service = await startRealService({
      folder: folder.path,
      dnsServer: dns.resolver,
      policy: 'strict',
      backend: `{ servers: [127.0.0.1:${receiving.port}], identify: xclient, tls: verify, tls_name: mx.test.example, tls_ca: ${ca} }`,
      door: `tls: { certificate: ${server.cert}, key: ${server.key} }`,
    });
    sending = await openRealPostfix({
      folder: place('sending'),
      deliverTo: `127.0.0.1:${service.smtpPort}`,
      recipe: `127.0.0.1:10025 inet n - n - - smtpd\n127.0.0.1:${returnPort} inet n - n - - smtpd\n${services}`,
      main: `${mailboxes('sending', 'sender.example')}
virtual_mailbox_maps = static:a/
smtp_bind_address = 127.0.0.2
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = mx.test.example
smtp_tls_CAfile = ${ca}
smtp_tls_loglevel = 1`,
    });
  });
  afterAll(async () => {
    await sending?.close();
    await service?.running.stop();
    await receiving?.close();
    await dns.close();
    folder.remove();
  });

  test('x', async () => {
    const file = join(folder.path, 'message');
    writeFileSync(file, 'From: a@sender.example\nTo: büro@test.example\nSubject: Grüße\n\nHallo!\n');
    const r = await run('sh', ['-c', `sendmail -C ${folder.path}/sending/postfix/conf -N success -f a@sender.example büro@test.example < ${file}`]);
    console.log(r);
    await until('it is back', () => mailIn('sending', 'a').length > 0).catch(() => {});
    console.log(sending.log());
    console.log(receiving.log());
    console.log(service.running.output());
    console.log(mailIn('receiving', 'buero'), mailIn('sending', 'a'));
  });
});
