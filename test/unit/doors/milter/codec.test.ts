// Frames and commands of the milter protocol, on packets of a real mail server and on broken ones.

import { describe, expect, test } from '@jest/globals';
import { milterFrameOctetsMax } from '../../../../src/core/limits.ts';
import {
  deleteField,
  insertField,
  isProblem,
  printNegotiation,
  printQuarantine,
  printRefusal,
  proceed,
  readCommand,
  readFrames,
  tryLater,
} from '../../../../src/doors/milter/codec.ts';
import { framed } from '../../../support/mail-server.ts';
import { sessionOfPostfix } from './packets.ts';

const command = (packet: Buffer) => readCommand({ command: packet.toString('latin1', 0, 1), data: packet.subarray(1) });
const packet = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('frames', () => {
  const all = Buffer.concat(sessionOfPostfix.map(([hex]) => framed(Buffer.from(hex, 'hex'))));

  test('glued, every packet comes out', () => {
    const { frames, rest, problem } = readFrames(all);
    expect(frames.map((frame) => frame.command + frame.data.toString('hex'))).toEqual(
      sessionOfPostfix.map(([hex]) => Buffer.from(hex.slice(0, 2), 'hex').toString() + hex.slice(2)),
    );
    expect([rest.length, problem]).toEqual([0, undefined]);
  });

  test('in halves, wherever it is cut', () => {
    const whole = readFrames(all).frames.length;
    for (let cut = 0; cut <= all.length; cut++) {
      const first = readFrames(all.subarray(0, cut));
      const second = readFrames(Buffer.concat([first.rest, all.subarray(cut)]));
      expect(first.frames.length + second.frames.length).toBe(whole);
      expect(second.rest).toHaveLength(0);
    }
  });

  test.each([
    ['length 0', 0, 'a frame of 0 octets'],
    ['4 GB', 0xffffffff, 'a frame of 4294967295 octets'],
    ['one octet too many', milterFrameOctetsMax + 1, `a frame of ${milterFrameOctetsMax + 1} octets`],
  ])('%s is known by its first four octets, and what came before is good', (_, length, what) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    const { frames, rest, problem } = readFrames(Buffer.concat([framed(packet('Q')), head]));
    expect(frames).toHaveLength(1);
    expect(rest).toHaveLength(0);
    expect(problem).toEqual({ where: 'milter frame', what });
  });

  test('the longest frame is waited for', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(milterFrameOctetsMax);
    const read = readFrames(head);
    expect(read.problem).toBeUndefined();
    expect(read.rest).toEqual(head);
  });
});

describe('commands', () => {
  test.each(sessionOfPostfix)('%s', (hex, said) => {
    expect(command(Buffer.from(hex, 'hex'))).toEqual(said);
  });

  test.each([
    [
      'Sendmail writes IPv6 in front of an address',
      'Chost\x006\0\x19IPv6:2001:DB8::1\0',
      { kind: 'connect', name: 'host', ip: '2001:db8::1', port: 25 },
    ],
    ['an IPv4-mapped address', 'Ch\x006\0\0::ffff:192.0.2.1\0', { kind: 'connect', name: 'h', ip: '192.0.2.1' }],
    ['a client without an address', 'Cunknown\0U', { kind: 'connect', name: 'unknown' }],
    ['a local socket', 'Clocalhost\0L\0\0/run/x\0', { kind: 'connect', name: 'localhost' }],
    ['HELO of odd octets', 'Ha\r\n\xff\0', { kind: 'helo', name: 'a\r\n\ufffd' }],
    [
      'a sender beyond ASCII',
      'M<gr\xc3\xbc\xc3\x9fe@"client".example>\0',
      { kind: 'mail', address: 'grüße@client.example', parameters: [] },
    ],
    ['an empty HELO', 'H\0', { kind: 'helo', name: '' }],
    ['a path without brackets', 'Ra@b.test\0', { kind: 'rcpt', address: 'a@b.test', parameters: [] }],
    ['a last chunk of the body', 'Ebody', { kind: 'end' }],
    ['the next client', 'K', { kind: 'next' }],
    ['no macros', 'DH', { kind: 'macros', command: 'H', macros: new Map() }],
  ])('%s', (_, text, said) => {
    expect(command(packet(text))).toEqual(said);
  });

  test.each([
    ['an unknown command', 'X', 'unknown command "X"'],
    ['a command named like a property', '_', 'unknown command "_"'],
    ['a short negotiation', 'O\0\0\0\x06', 'a negotiation of 4 octets'],
    ['macros of nothing', 'D', 'macros of no command'],
    ['a macro without a value', 'DCj\0', 'macros are not pairs of strings'],
    ['a macro that does not end', 'DCj\0x', 'macros are not pairs of strings'],
    ['a client without a family', 'Chost\0', 'a client of family ""'],
    ['a client without NUL', 'Chost', 'a client of family ""'],
    ['an unknown family', 'Chost\x005\0\0x\0', 'a client of family "5"'],
    ['no port', 'Chost\x004', 'a client without an address'],
    ['half a port', 'Chost\x004\0', 'a client without an address'],
    ['no address', 'Chost\x004\0\0', 'a client without an address'],
    ['an address that does not end', 'Chost\x004\0\x00192.0.2.1', 'a client without an address'],
    ['no IP address', 'Chost\x004\0\0one\0', 'client address "one" is not an IP address'],
    ['HELO without a string', 'H', '0 strings where 1 had to be'],
    ['HELO that does not end', 'Hx', 'a string does not end in NUL'],
    ['MAIL without a path', 'M', '0 strings where at least 1 had to be'],
    ['a header field without a value', 'LSubject\0', '1 strings where 2 had to be'],
  ])('%s is a problem', (_, text, what) => {
    const said = command(packet(text));
    expect(isProblem(said)).toBe(true);
    expect(said).toEqual({ where: 'milter frame', what });
  });
});

describe('answers', () => {
  const hex = (answer: Buffer): string => answer.toString('hex');

  test('one octet says it', () => {
    expect([proceed, tryLater].map(hex)).toEqual(['0000000163', '0000000174']);
  });

  test('a refusal is one line, and "%" stands twice', () => {
    const answer = printRefusal({ code: 550, enhanced: '5.7.25', text: '100% no\r\n250 ok\0\xe9' });
    expect(answer.subarray(4).toString('latin1')).toBe('y550 5.7.25 100%% no??250 ok??\0');
    expect(answer.readUInt32BE(0)).toBe(answer.length - 4);
  });

  test('header fields: an index, a name and a value; nothing can begin a field of its own', () => {
    expect(insertField(0, 'X-A', 'b\r\nX-Evil: c\0').subarray(4).toString('latin1')).toBe(
      'i\0\0\0\0X-A\0b  X-Evil: c \0',
    );
    expect(deleteField(3, 'X-A').subarray(4).toString('latin1')).toBe('m\0\0\0\x03X-A\0\0');
  });

  test('quarantine says why', () => {
    expect(printQuarantine('rule (ref x)').subarray(4).toString()).toBe('qrule (ref x)\0');
  });

  test('a negotiation, with and without macros', () => {
    const agreed = { version: 6, actions: 0x131, protocol: 0x3d0 };
    expect(hex(printNegotiation(agreed))).toBe('0000000d4f0000000600000131000003d0');
    const withMacros = printNegotiation(agreed, new Map([[2, '{auth_authen}']]));
    expect(withMacros.subarray(17).toString('latin1')).toBe('\0\0\0\x02{auth_authen}\0');
  });
});
