// Packets of a milter session, without their lengths. Source: what smtpd of Postfix 3.7.11 was seen to send to a filter that
// asked for everything, shortened; own capture.

import type { Command } from '../../../../src/doors/milter/codec.ts';
import { ipOf } from '../../../support/evidence.ts';

const macros = (command: string, entries: Readonly<Record<string, string>>): Command => ({
  kind: 'macros',
  command,
  macros: new Map(Object.entries(entries)),
});

/** In hexadecimal, and what it says. */
export const sessionOfPostfix: readonly (readonly [string, Command])[] = [
  ['4f00000006000001ff001fffff', { kind: 'negotiate', offer: { version: 6, actions: 0x1ff, protocol: 0x1fffff } }],
  [
    '44436a0070662e74657374007b6461656d6f6e5f6e616d657d0070662e74657374007b6461656d6f6e5f616464727d003132372e302e302e31007600506f737466697820332e372e3131005f006c6f63616c686f7374205b3132372e302e302e315d00',
    macros('C', {
      j: 'pf.test',
      daemon_name: 'pf.test',
      daemon_addr: '127.0.0.1',
      v: 'Postfix 3.7.11',
      _: 'localhost [127.0.0.1]',
    }),
  ],
  [
    '436c6f63616c686f73740034b0843132372e302e302e3100',
    { kind: 'connect', name: 'localhost', ip: ipOf('127.0.0.1'), port: 45188 },
  ],
  ['4448', macros('H', {})],
  ['48632e6578616d706c6500', { kind: 'helo', name: 'c.example' }],
  [
    '444d7b6d61696c5f616464727d006140622e74657374007b6d61696c5f686f73747d00622e74657374007b6d61696c5f6d61696c65727d006469736361726400',
    macros('M', { mail_addr: 'a@b.test', mail_host: 'b.test', mail_mailer: 'discard' }),
  ],
  ['4d3c6140622e746573743e0053495a453d31303000', { kind: 'mail', address: 'a@b.test', parameters: ['SIZE=100'] }],
  ['523c6340642e746573743e00', { kind: 'rcpt', address: 'c@d.test', parameters: [] }],
  ['44546900303730374332354330303900', macros('T', { i: '0707C25C009' })],
  ['54', { kind: 'data' }],
  ['4c5375626a656374007800', { kind: 'header', name: 'Subject', value: 'x' }],
  ['4c46726f6d006140622e7465737400', { kind: 'header', name: 'From', value: 'a@b.test' }],
  ['444e6900303730374332354330303900', macros('N', { i: '0707C25C009' })],
  ['4e', { kind: 'end-of-header' }],
  ['4268690d0a6c696e650d0a', { kind: 'body' }],
  ['45', { kind: 'end' }],
  ['41', { kind: 'abort' }],
  ['4d3c3e0053495a453d31303000', { kind: 'mail', address: '', parameters: ['SIZE=100'] }],
  ['41', { kind: 'abort' }],
  ['4455', macros('U', {})],
  ['55464f4f00', { kind: 'unknown' }],
  ['41', { kind: 'abort' }],
  ['51', { kind: 'quit' }],
];
