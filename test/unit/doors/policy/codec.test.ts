import { describe, expect, test } from '@jest/globals';
import { clientOf, type Request, requestReader } from '../../../../src/doors/policy/codec.ts';
import { request } from '../../../support/delegation.ts';

const read = (...pieces: string[]) => {
  const reader = requestReader();
  return pieces.map((piece) => reader(Buffer.from(piece, 'latin1'))).at(-1) as ReturnType<typeof reader>;
};

describe('requestReader', () => {
  test('two glued and the beginning of a third', () => {
    const reader = requestReader();
    const [one, two, three] = ['one', 'two', 'three'].map((sender) => request({ sender })) as [string, string, string];
    const senders = (text: string) => reader(Buffer.from(text)).requests.map(({ sender }) => sender);
    expect(senders(one + two + three.slice(0, 20))).toEqual(['one', 'two']);
    expect(senders(three.slice(20))).toEqual(['three']);
  });

  test('a value may hold anything but a line end', () => {
    expect(read(request({ sender: 'a=b c"' })).requests[0]?.sender).toBe('a=b c"');
  });

  test.each([
    ['no equals sign', 'request=smtpd_access_policy\nnonsense\n\n', '"nonsense" is no name=value'],
    ['no name', 'request=smtpd_access_policy\n=x\n\n', '"=x" is no name=value'],
    ['an empty request', '\n\n', '"" is no name=value'],
    ['twice', 'request=smtpd_access_policy\nsender=a\nsender=b\n\n', '"sender" stands twice'],
    ['NUL', 'request=smtpd_access_policy\nsender=a\0\n\n', 'a NUL octet'],
    ['no request', 'sender=a\n\n', 'no "request" attribute'],
    ['another request', 'request=junk\n\n', 'unknown request "junk"'],
    ['no end', `request=smtpd_access_policy\n${'x=y\n'.repeat(20_000)}`, 'more than 65536 octets'],
    ['one long line', `request=${'x'.repeat(70_000)}\n\n`, 'more than 65536 octets'],
  ])('%s', (_, text, what) =>
    expect(read(text)).toMatchObject({ requests: [], problem: { where: 'policy request', what } }),
  );

  test.each([
    ['another request', request({ request: 'junk' }), 'unknown request "junk"'],
    ['a line twice', `${request({}).trimEnd()}\nsize=1\n\n`, '"size" stands twice'],
    ['a line too few', 'request=smtpd_access_policy\nprotocol_state\n\n', '"protocol_state" is no name=value'],
  ])('a peer that is known by its order is held to the same: %s', (_, text, what) =>
    expect(read(request({}), text)).toEqual({ requests: [], problem: { where: 'policy request', what } }),
  );

  test('another order, and attributes that come or go, change nothing that was said', () => {
    const lines = request({ helo_name: '' }).trimEnd().split('\n');
    const [known] = read(request({ helo_name: '' })).requests;
    for (const other of [lines.toReversed(), [...lines, 'new=x'], lines.filter((line) => line !== 'helo_name=')])
      expect(read(request({}), `${other.join('\n')}\n\n`).requests).toEqual([known]);
  });

  test('what was good before a broken request is kept', () => {
    expect(read(`${request({})}junk\n\n`)).toMatchObject({
      requests: [expect.objectContaining({ sender: 'a@client.example' })],
      problem: { what: '"junk" is no name=value' },
    });
  });
});

describe('clientOf', () => {
  const client = (attributes: Record<string, string>) => clientOf(read(request(attributes)).requests[0] as Request);

  test('all that a policy may ask about', () => {
    expect(client({ client_address: '::ffff:192.0.2.1', sasl_username: 'alice', client_name: 'mx.example' })).toEqual({
      ip: '192.0.2.1',
      port: 40000,
      stage: 'rcpt',
      helo: 'client.example',
      sender: 'a@client.example',
      recipient: 'b@test.example',
      authenticated: true,
      hearsay: { clientName: 'mx.example', reverseClientName: 'unknown' },
    });
  });

  test('a request as Postfix 3.12 sends it, inside TLS', () => {
    const known = client({
      ...{ queue_id: '', etrn_domain: '', stress: '', policy_context: 'mx', compatibility_level: '3.12' },
      ...{ mail_version: '3.12', sasl_method: '', sasl_username: '', sasl_sender: '', tls_sni: 'mx.test.example' },
      ...{ server_address: '2001:db8::25', server_port: '25', encryption_protocol: 'TLSv1.3' },
      ...{ encryption_cipher: 'TLS_AES_256_GCM_SHA384', encryption_keysize: '256' },
      ...{ ccert_subject: 'mail+20client+2Bone.example', ccert_issuer: 'An+20authority' },
      ...{ ccert_fingerprint: 'AA:BB', ccert_pubkey_fingerprint: 'CC:DD', something_new: 'of 3.13' },
    });
    expect(known).toMatchObject({ serverIp: '2001:db8::25', serverPort: 25, authenticated: false });
    expect(known).toMatchObject({
      tls: { protocol: 'TLSv1.3', certificate: { verified: true, names: ['mail client+one.example'] } },
    });
  });

  test.each([
    ['no TLS, whatever else is said', { ccert_subject: 'a', ccert_fingerprint: 'AA' }, undefined],
    ['no certificate', { encryption_protocol: 'TLSv1.2' }, { protocol: 'TLSv1.2' }],
    [
      'a certificate that Postfix does not trust',
      { encryption_protocol: 'TLSv1.2', ccert_fingerprint: 'AA' },
      { protocol: 'TLSv1.2', certificate: { verified: false, names: [] } },
    ],
    [
      'a name that is no xtext',
      { encryption_protocol: 'TLSv1.2', ccert_subject: 'a+', ccert_fingerprint: 'AA' },
      { protocol: 'TLSv1.2', certificate: { verified: false, names: [] } },
    ],
  ])('TLS: %s', (_, attributes, tls) => expect((client(attributes) as { tls?: unknown }).tls).toEqual(tls));

  test.each([
    ['CONNECT', { stage: 'connect' }],
    ['EHLO', { stage: 'helo' }],
    ['HELO', { stage: 'helo' }],
    ['MAIL', { stage: 'mail', sender: 'a@client.example' }],
    ['RCPT', { stage: 'rcpt', recipient: 'b@test.example' }],
    ['DATA', { stage: 'rcpt' }],
    ['END-OF-MESSAGE', { stage: 'rcpt' }],
    ['VRFY', { stage: 'helo' }],
    ['ETRN', { stage: 'helo' }],
  ])('%s', (state, expected) => expect(client({ protocol_state: state })).toMatchObject(expected));

  test('what Postfix leaves empty is absent; an empty sender is the null sender', () => {
    const bare = client({
      helo_name: '',
      sender: '',
      recipient: '',
      client_port: '0',
      client_name: '',
      reverse_client_name: '',
    });
    expect(bare).toEqual({ ip: '192.0.2.1', stage: 'rcpt', sender: '', authenticated: false, hearsay: {} });
  });

  test.each([
    ['an unknown state', { protocol_state: 'XCLIENT' }],
    ['a state that is a word of ours', { protocol_state: 'constructor' }],
    ['no state', { protocol_state: '' }],
    ['an unknown address', { client_address: 'unknown' }],
    ['no address', { client_address: '' }],
  ])('%s: nobody to judge', (_, attributes) => expect(client(attributes)).toBeUndefined());

  test('an address that is none is a broken request', () => {
    expect(client({ client_address: '127.1' })).toEqual({
      where: 'policy request',
      what: 'client_address "127.1" is not an IP address',
    });
  });
});
