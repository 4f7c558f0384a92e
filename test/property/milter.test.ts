// Whatever a mail server sends: the milter door answers or closes. It never throws, never asks for more than was offered, and
// where the octets were cut makes no difference.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { milterFrameOctetsMax } from '../../src/core/limits.ts';
import { isProblem, printRefusal, readCommand, readFrames } from '../../src/doors/milter/codec.ts';
import { MilterSession } from '../../src/doors/milter/session.ts';
import { gateOf, say } from '../support/mail-server.ts';

const check = (property: fc.IProperty<unknown>): void =>
  void fc.assert(property as never, { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? 2_000), seed: 8601 });

const odd = fc.string({
  unit: fc.constantFrom('a', '%', '\r', '\n', '<', '>', ' ', '\xff', '.', ':', ';'),
  maxLength: 8,
});
const packets: fc.Arbitrary<Buffer> = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(0xffffff), fc.nat(0xffffff)).map((offer) => say.offer(...offer)),
  fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', 'nonsense').map((ip) => say.client(ip)),
  fc.constant(say.unknownClient()),
  odd.map(say.helo),
  odd.map(say.mail),
  odd.map(say.rcpt),
  fc.tuple(fc.oneof(odd, fc.constant('Authentication-Results')), odd).map(([name, value]) => say.header(name, value)),
  fc
    .tuple(fc.constantFrom('C', 'M', 'x'), fc.dictionary(odd, odd))
    .map(([command, macros]) => say.macros(command, macros)),
  fc.constantFrom('T', 'N', 'E', 'A', 'K', 'Q', 'B', 'U').map((command) => say.bare(command as 'T')),
  fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 20 })).map(([command, data]) => {
    const head = Buffer.from([0, 0, 0, data.length + 1, command]);
    return Buffer.concat([head, data]);
  }),
);

test('commands in any order: every one is answered or closes the connection', () => {
  const { gate } = gateOf();
  check(
    fc.property(fc.array(packets, { maxLength: 30 }), (said) => {
      const session = new MilterSession({
        gate,
        authservId: 'mx.test.example',
        left: (gone) => void gone.catch(() => {}),
      });
      for (const frame of readFrames(Buffer.concat([say.offer(), ...said])).frames) {
        const command = readCommand(frame);
        if (isProblem(command)) break;
        const step = session.handle(command);
        if (step.kind === 'close') break;
        const isSilent = ['macros', 'abort', 'next', 'header'].includes(command.kind);
        if (step.kind === 'say') expect(step.frames.length > 0).toBe(!isSilent);
      }
      session.leave();
    }),
  );
});

test('never more than was offered', () => {
  const { gate } = gateOf();
  const bits = fc.integer({ min: 0, max: 0xffffffff });
  check(
    fc.property(fc.integer({ min: 2, max: 0xffffffff }), bits, bits, (version, actions, protocol) => {
      const session = new MilterSession({ gate, authservId: 'mx.test.example', left: () => {} });
      const step = session.handle({ kind: 'negotiate', offer: { version, actions, protocol } });
      const answer = step.kind === 'say' ? (step.frames[0] ?? Buffer.alloc(17)) : Buffer.alloc(17);
      expect(answer.readUInt32BE(5)).toBe(Math.min(version, 6));
      expect(answer.readUInt32BE(9) & ~actions).toBe(0);
      expect(answer.readUInt32BE(13) & ~protocol).toBe(0);
    }),
  );
});

test('octets of any kind, cut anywhere: the same frames, or the same problem', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.array(packets, { maxLength: 5 }).map((all) => Buffer.concat(all)),
  );
  check(
    fc.property(octets, fc.nat(), (all, where) => {
      const cut = all.length === 0 ? 0 : where % all.length;
      const whole = readFrames(all);
      for (const { data } of whole.frames) expect(data.length).toBeLessThan(milterFrameOctetsMax);
      const first = readFrames(all.subarray(0, cut));
      const second = first.problem === undefined ? readFrames(Buffer.concat([first.rest, all.subarray(cut)])) : first;
      const frames = second === first ? first.frames : [...first.frames, ...second.frames];
      expect(frames).toEqual(whole.frames);
      expect(second.problem).toEqual(whole.problem);
    }),
  );
});

test('a refusal is one printable line that un-doubles to what was meant', () => {
  check(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const answer = printRefusal({ code: 550, enhanced: '5.7.25', text });
      const line = answer.subarray(5, -1).toString('latin1');
      expect(answer.at(-1)).toBe(0);
      expect(line).toMatch(/^550 5\.7\.25 (?:[\x20-\x24\x26-\x7e]|%%)*$/);
      expect(line.replaceAll('%%', '%')).toBe(`550 5.7.25 ${text.replace(/[^\x20-\x7e]/g, '?')}`);
    }),
  );
});
