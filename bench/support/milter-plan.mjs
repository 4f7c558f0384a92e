// What Postfix 3.7 says to a milter (milter8.c): a connection for each SMTP session, the negotiation, then each command with
// its macros in front of it. A session is a message of four header fields over its recipient's mail server. Nine of ten
// clients are confirmed; the tenth has no PTR record, and is gone after RCPT, whatever it was told.

import { clients } from './policy-plan.mjs';
import { clientName } from './smtp-dns.mjs';

/** What a filter may leave out, or leave without an answer, as the protocol numbers it (libmilter/mfdef.h, SMFIP_*). */
const bits = {
  noConnect: 0x1,
  noHelo: 0x2,
  noMail: 0x4,
  noRcpt: 0x8,
  noBody: 0x10,
  noHeader: 0x20,
  noEndOfHeader: 0x40,
  silentHeader: 0x80,
  noData: 0x200,
  silentConnect: 0x1000,
  silentHelo: 0x2000,
  silentMail: 0x4000,
  silentRcpt: 0x8000,
  silentData: 0x10000,
  silentEndOfHeader: 0x40000,
  silentBody: 0x80000,
};
const version = 6;
const allActions = 0x1ff;
const allSteps = 0x1fffff;

/** `refusal`: how the answer to RCPT begins for who has no name. */
export function milterSessions({ refusal }) {
  return clients.map((client) => session(client, refusal));
}

function session({ ip, isNamed }, refusal) {
  const name = clientName(ip);
  const shown = isNamed ? name : 'unknown';
  const [sender, recipient] = [`from@${name}`, 'to@dest.example.org'];
  const start = [
    { send: frame('O', uint32(version), uint32(allActions), uint32(allSteps)), expect: 'O' },
    step(bits.noConnect, bits.silentConnect, [
      macros('C', {
        j: 'mail.example.org',
        '{client_ptr}': shown,
        '{client_name}': shown,
        '{daemon_addr}': '198.18.0.1',
        '{daemon_port}': '25',
      }),
      frame('C', text(isNamed ? name : `[${ip}]`), Buffer.from('4'), uint16(40_000), text(ip)),
    ]),
    step(bits.noHelo, bits.silentHelo, [frame('H', text(name))]),
    step(bits.noMail, bits.silentMail, [
      macros('M', { '{mail_mailer}': 'smtp', '{mail_host}': name, '{mail_addr}': sender }),
      frame('M', text(`<${sender}>`), text('SIZE=4096')),
    ]),
    step(
      bits.noRcpt,
      bits.silentRcpt,
      [
        macros('R', { '{rcpt_mailer}': 'relay', '{rcpt_host}': 'dest.example.org', '{rcpt_addr}': recipient }),
        frame('R', text(`<${recipient}>`)),
      ],
      isNamed ? 'c' : refusal,
    ),
  ];
  return [...start, ...(isNamed ? message(name, sender, recipient) : []), { send: frame('Q') }];
}

function message(name, sender, recipient) {
  const fields = {
    Received: ` from ${name} (${name} [198.18.0.1])\n\tby mail.example.org (Postfix) with ESMTP id 4E97025C00A\n\tfor <${recipient}>`,
    From: ` ${sender}`,
    To: ` ${recipient}`,
    Subject: ' benchmark',
  };
  const i = { i: '4E97025C00A' };
  return [
    step(bits.noData, bits.silentData, [macros('T', i), frame('T')]),
    ...Object.entries(fields).map(([field, value]) =>
      step(bits.noHeader, bits.silentHeader, [frame('L', text(field), text(value))]),
    ),
    step(bits.noEndOfHeader, bits.silentEndOfHeader, [frame('N')]),
    step(bits.noBody, bits.silentBody, [frame('B', Buffer.alloc(4_096, 'x'))]),
    { send: Buffer.concat([macros('E', i), frame('E')]), expect: 'c' },
  ];
}

function step(skip, silent, frames, expect = 'c') {
  return { skip, silent, send: Buffer.concat(frames), expect };
}

function macros(command, values) {
  return frame('D', Buffer.from(command), ...Object.entries(values).flat().map(text));
}

function frame(command, ...parts) {
  const body = Buffer.concat([Buffer.from(command), ...parts]);
  return Buffer.concat([uint32(body.length), body]);
}

function uint32(value) {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

function uint16(value) {
  return uint32(value).subarray(2);
}

function text(value) {
  return Buffer.from(`${value}\0`, 'latin1');
}
