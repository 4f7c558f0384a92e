// Certificates for a test, made by the openssl program and good for a day: an authority that nobody knows, what it has signed,
// and one that signs itself. Rejects with what openssl said.

import { join } from 'node:path';
import { run } from './processes.ts';

/** Paths of PEM files. */
export interface KeyPairFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The authority's own certificate. */
  readonly ca: string;
  /** For mx.test.example and localhost. */
  readonly server: KeyPairFiles;
  /** For client.example and mail.client.example; an address and a mailbox, which are no host names, stand beside. */
  readonly client: KeyPairFiles;
  /** Its common name is "odd +2Bone <example>". */
  readonly oddClient: KeyPairFiles;
  /** For mx.test.example, signed by nobody else. */
  readonly selfSigned: KeyPairFiles;
}

/** Writes into `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const authority = await make(folder, 'ca', ['-subj', '/CN=Test authority', '-addext', 'keyUsage=keyCertSign']);
  const signed = ['-CA', authority.cert, '-CAkey', authority.key, '-addext', 'basicConstraints=critical,CA:FALSE'];
  const named = (name: string, other: string, more = '') => [
    ...['-subj', `/CN=${name}`],
    ...['-addext', `subjectAltName=DNS:${name},DNS:${other}${more}`],
  ];
  return {
    ca: authority.cert,
    server: await make(folder, 'server', [...signed, ...named('mx.test.example', 'localhost')]),
    client: await make(folder, 'client', [
      ...signed,
      ...named('client.example', 'mail.client.example', ',IP:192.0.2.1,email:jo@client.example'),
    ]),
    oddClient: await make(folder, 'odd-client', [...signed, '-subj', '/CN=odd \\+2Bone <example>']),
    selfSigned: await make(folder, 'self-signed', named('mx.test.example', 'localhost')),
  };
}

async function make(folder: string, name: string, more: readonly string[]): Promise<KeyPairFiles> {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', key];
  const { code, output } = await run('openssl', ['req', '-x509', '-days', '1', ...newKey, '-out', cert, ...more]);
  if (code !== 0) throw new Error(`openssl: ${output}`);
  return { cert, key };
}
