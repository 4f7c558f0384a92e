// From a mailbox to a mailbox as in real life: sendmail, Postfix, TLS, iprevd, TLS, Postfix, mailbox, and the notification of
// success all the way back. Each sender insists on a certificate that its authority has signed, an address is not ASCII, and
// the Postfix behind us knows whom we talked to.

import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeCertificates } from '../support/certificates.ts';
import { freePort, run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith, whereIs } from '../support/programs.ts';
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
    const { ca, server } = await makeCertificates(folder.path);
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

  test('a message to an address beyond ASCII arrives whole, below our field and the name of its client', async () => {
    const file = join(folder.path, 'message');
    const message = 'From: a@sender.example\nTo: büro@test.example\nSubject: Grüße\n\nHallo!\n.\n..\n';
    writeFileSync(file, message);
    const conf = join(folder.path, 'sending/postfix/conf');
    const sendmail = [whereIs('sendmail') ?? '', '-i', '-C', conf, '-N', 'success', '-f', 'a@sender.example'];
    // Standard input from the file, which is $0.
    const sent = await run('sh', ['-c', 'exec "$@" <"$0"', file, ...sendmail, 'büro@test.example']);
    expect(sent).toEqual({ code: 0, output: '' });
    await until('it is in the mailbox', () => mailIn('receiving', 'buero').length > 0);
    const [arrived = ''] = mailIn('receiving', 'buero');
    expect(arrived).toContain('\nDelivered-To: büro@test.example\n');
    const received = arrived.slice(arrived.indexOf('Received: from'), arrived.indexOf('Authentication-Results'));
    expect(received).toMatch(/^Received: from \S+ \(mail\.good\.example \[127\.0\.0\.2\]\)\n\t\(using TLSv1\.[23] /);
    expect(received).toMatch(/\n\tby \S+ \(Postfix\) with UTF8SMTPS id \w+\n\tfor <büro@test\.example>/);
    expect(arrived).toContain(
      '\nAuthentication-Results: mx.test.example; iprev=pass policy.iprev=127.0.0.2\nReceived: by',
    );
    expect(arrived).toContain('\nFrom: a@sender.example\nTo: büro@test.example\nSubject: Grüße\n');
    expect(arrived.slice(arrived.indexOf('\n\n'))).toBe(message.slice(message.indexOf('\n\n')));
  });

  test('the notification of its success comes back to the mailbox of the sender', async () => {
    await until('it is in the mailbox', () => mailIn('sending', 'a').length > 0);
    const [notification = ''] = mailIn('sending', 'a');
    expect(notification).toContain('\nContent-Type: message/global-delivery-status\n');
    expect(notification).toContain(
      '\nFinal-Recipient: utf-8; büro@test.example\nOriginal-Recipient: utf-8;büro@test.example\nAction: delivered\n',
    );
  });

  test('both legs were inside TLS, and ours was the certificate that the first Postfix insists on', async () => {
    expect(sending.log()).toMatch(
      new RegExp(`Verified TLS connection established to 127\\.0\\.0\\.1\\S+:${service.smtpPort}: TLSv1\\.[23] `),
    );
    expect(service.decisions().find(({ client }) => client === '127.0.0.2')?.tls).toMatch(/^TLSv1\.[23]$/);
    expect(receiving.log()).toMatch(/ TLS connection established from localhost\[127\.0\.0\.1\]: TLSv1\.[23] /);
  });

  test('the Postfix behind us logs the true client, by the name that was confirmed', () => {
    expect(receiving.log()).toMatch(/: \w+: client=mail\.good\.example\[127\.0\.0\.2\]$/m);
    expect(receiving.log()).not.toContain('client=localhost');
  });

  test('of three recipients that with a mailbox is accepted, and nobody else gets the message', async () => {
    const client = await openRawSmtp(service.smtpPort);
    const replies: string[] = [];
    const recipients = ['nobody@test.example', 'b@test.example', 'c@elsewhere.example'];
    const lines = ['MAIL FROM:<x@client.example>', ...recipients.map((to) => `RCPT TO:<${to}>`), 'DATA'];
    for (const line of [...lines, 'Subject: to three\r\n\r\nx\r\n.']) replies.push(await client.command(line));
    client.socket.destroy();
    expect(replies.map((reply) => reply.slice(0, 9))).toEqual([
      ...['250 2.1.0', '550 5.1.1', '250 2.1.5', '554 5.7.1', '354 End d', '250 2.0.0'],
    ]);
    await until('it is in the mailbox', () => mailIn('receiving', 'b').length > 0);
    expect(mailIn('receiving', 'b')[0]).toContain('\nSubject: to three\n');
    const id = / queued as (\w+)/.exec(replies.at(-1) ?? '')?.[1];
    expect(receiving.log()).toMatch(new RegExp(`: ${id}: from=<x@client\\.example>, size=\\d+, nrcpt=1 `));
  });
});
