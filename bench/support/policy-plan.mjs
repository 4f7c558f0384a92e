// What a mail server asks a policy service: a question at RCPT for each recipient, as Postfix does by default
// (smtpd_delay_reject), about one client after the other, a message in each session. Nine of ten clients are confirmed, the tenth has no PTR record.
// The attributes are those of Postfix 3.7.11 (test/fixtures), in its order. '#' is a digit that load.c counts up, so that no
// session is asked about twice.

import { clientName } from './smtp-dns.mjs';

const clientCount = 1_000;
const unnamedEvery = 10;

export const clients = Array.from({ length: clientCount }, (_, i) => {
  const isNamed = i % unnamedEvery !== 0;
  return { ip: `198.${isNamed ? 18 : 19}.${8 + (i >> 8)}.${i & 255}`, isNamed };
});

/** `answers`: how the answer begins to who is confirmed (about the recipients after the first, if that differs), and to who has no name. */
export function policySessions({ confirmed, confirmedAgain = confirmed, unnamed }, recipients = 1) {
  return clients.map((client, i) =>
    Array.from({ length: recipients }, (_, recipient) => ({
      send: request(client, i, recipient),
      expect: !client.isNamed ? unnamed : recipient === 0 ? confirmed : confirmedAgain,
    })),
  );
}

function request({ ip, isNamed }, i, recipient) {
  const name = clientName(ip);
  const attributes = {
    request: 'smtpd_access_policy',
    protocol_state: 'RCPT',
    protocol_name: 'ESMTP',
    client_address: ip,
    client_name: isNamed ? name : 'unknown',
    client_port: '2####',
    reverse_client_name: isNamed ? name : 'unknown',
    server_address: '198.18.0.1',
    server_port: '25',
    helo_name: name,
    sender: `from@${name}`,
    recipient: `to-${recipient}@dest.example.org`,
    recipient_count: '0',
    queue_id: '',
    instance: `${i.toString(16)}.6b010b94.#####.0`,
    size: '4096',
    etrn_domain: '',
    stress: '',
    sasl_method: '',
    sasl_username: '',
    sasl_sender: '',
    ccert_subject: '',
    ccert_issuer: '',
    ccert_fingerprint: '',
    ccert_pubkey_fingerprint: '',
    encryption_protocol: '',
    encryption_cipher: '',
    encryption_keysize: '0',
    policy_context: '',
  };
  const lines = Object.entries(attributes).map(([attribute, value]) => `${attribute}=${value}\n`);
  return Buffer.from(`${lines.join('')}\n`, 'latin1');
}
