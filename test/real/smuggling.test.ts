// One message in, one message out, and the same one: what a client writes to make two mail servers read it differently,
// through iprevd to a Postfix that trusts us and believes in bare line ends (SMTP smuggling, CVE-2023-51764). The same
// octets sent to that Postfix itself show that it would have fallen for them.

import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endsOfData, type Meaning } from '../support/ends-of-data.ts';
import { temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { allReplies, beginLetter, connectionsTo, openRawSmtp, sendInPieces, sendLetter } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { type RealService, startRealService } from '../support/real-service.ts';
import { openSink, type Sink } from '../support/sink.ts';

/** Behind a real end the second message was not smuggled: we saw its commands, and answered them. */
const second = '250 250 354 250';
const outcomes: Record<'reject' | 'normalize', Record<Meaning, readonly [replies: string, arrived: string]>> = {
  reject: {
    content: ['250 221', 'first'],
    refused: ['550 221', ''],
    end: [`250 ${second} 221`, 'first second'],
    'refused end': [`550 ${second} 221`, 'second'],
  },
  normalize: {
    content: ['250 221', 'first'],
    refused: ['250 221', 'first'],
    end: [`250 ${second} 221`, 'first second'],
    'refused end': [`250 ${second} 221`, 'first second'],
  },
};

/** Whose octets somebody may take for other ones; as UTF-8, with SMTPUTF8. */
const senders = [
  '<x@xn--evilcom-9o3f.test>', // the A-label of the next but one
  '<x@xn--bcher-kva.test>',
  '<x@evil\u3002com.test>', // a full stop to IDNA
  '<x@evil\ufffdcom.test>',
  '<b\u00fccher@b\u00fccher.test>',
  '<SRS0=4fGk=TT=orig.example=user@client.example>',
  '<a..b@docomo.test>',
  '<.a@client.example>',
  '<"a b"@client.example>',
  '<"a@evil.test"@client.example>',
  '<"a\\"b"@client.example>',
  '<user%evil.test@client.example>',
  '<evil.test!user@client.example>',
  '<-f@client.example>',
  '<x@under_score.test>',
  '<@relay.test:x@client.example>',
  '<x@[127.0.0.9]>',
  '<>',
];
const recipients = [
  '<b\u00fccher@test.example>',
  '<a..b@test.example>',
  '<"a b"@test.example>',
  '<"a@evil.test"@test.example>',
  '<user%evil.test@test.example>',
  '<evil.test!user@test.example>',
  '<-f@test.example>',
  '<x@test\u3002example>',
  '<@relay.test:x@test.example>',
  '<x@TEST.example>',
];

const header = 'From: a@client.example\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@client.example>\r\n';
const ourField = 'Authentication-Results: mx.test.example; iprev=pass policy.iprev=127.0.0.2\r\n';
const sha256 = (content: string): string => createHash('sha256').update(content, 'latin1').digest('hex');

describeWith(['postfix'], 'a Postfix behind us that trusts us and believes in bare line ends', () => {
  const folder = temporaryFolder();
  let sink: Sink;
  let postfix: RealPostfix;
  const fronts = new Map<'reject' | 'normalize', RealService>();
  const portOf = (front: 'reject' | 'normalize'): number => fronts.get(front)?.smtpPort ?? 0;

  beforeAll(async () => {
    sink = await openSink();
    postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: `127.0.0.1:${sink.endpoint.port}`,
      main: 'smtpd_forbid_bare_newline = no\nmessage_size_limit = 0',
    });
    for (const way of ['reject', 'normalize'] as const) {
      const place = join(folder.path, way);
      mkdirSync(place);
      const door = `bare_newline: ${way}`;
      const backend = `127.0.0.1:${postfix.port}`;
      fronts.set(way, await startRealService({ folder: place, policy: 'standard', backend, door }));
    }
  });
  afterAll(async () => {
    for (const front of fronts.values()) await front.running.stop();
    await postfix.close();
    await sink.close();
    folder.remove();
  });

  /** Postfix has delivered what it took, and everybody who has left was heard to the end. We keep some connections to it open. */
  const settled = (): Promise<void> =>
    until('Postfix has nothing to do', () => {
      const said = (what: RegExp): number => postfix.log().match(what)?.length ?? 0;
      const queue = ['incoming', 'active'].map((name) => join(folder.path, 'postfix/queue', name));
      return (
        said(/ connect from /g) - said(/ disconnect from /g) === connectionsTo(postfix.port) &&
        queue.every((place) => readdirSync(place).length === 0)
      );
    });

  let letters = 0;
  /** One message with each variant in it and a second one behind that; in which pieces is told by `cut`. */
  async function attack(
    port: number,
    octets: readonly string[],
    cut: (content: Buffer, i: number) => readonly Buffer[] = (content) => [content],
  ): Promise<(readonly [replies: string, arrived: string])[]> {
    const tags = octets.map(() => `n${++letters}@client.example`);
    const parts = await Promise.all(
      octets.map(async (variant, i) => {
        const client = await openRawSmtp(port);
        await beginLetter(client, { sender: `first.${tags[i]}`, recipient: 'b@test.example' });
        const smuggled = `MAIL FROM:<second.${tags[i]}>\r\nRCPT TO:<b@test.example>\r\nDATA\r\n\r\nsecond\r\n.\r\n`;
        const pieces = cut(Buffer.from(`${header}\r\nfirst${variant}${smuggled}QUIT\r\n`, 'latin1'), i);
        return { client, pieces };
      }),
    );
    await sendInPieces(parts);
    const replies = await Promise.all(parts.map(({ client }) => allReplies(client)));
    await settled();
    const senders = sink.messages.map(({ mail }) => mail);
    const arrived = (tag: string): string =>
      ['first', 'second'].filter((which) => senders.some((mail) => mail.includes(`<${which}.${tag}>`))).join(' ');
    const codes = replies.map((each) => each.map((reply) => reply.slice(0, 3)).join(' '));
    return tags.map((tag, i) => [codes[i] ?? '', arrived(tag)]);
  }

  test('told by the client itself, it takes the second message too: that is what smuggling looks like', async () => {
    const arrived = await attack(
      postfix.port,
      endsOfData.map(([octets]) => octets),
    );
    const smuggled = endsOfData.flatMap(([octets, meaning], i) =>
      meaning === 'refused' && arrived[i]?.[1] === 'first second' ? [octets] : [],
    );
    expect(smuggled).toEqual(expect.arrayContaining(['\n.\n', '\n.\r\n', '\r\n.\n']));
  });

  describe.each(['reject', 'normalize'] as const)('bare_newline: %s', (way) => {
    const shown = endsOfData.map(([octets, meaning]) => [octets, ...outcomes[way][meaning]]);

    test('each of the 27 ends that are none, and nothing arrives that we have not seen', async () => {
      const octets = endsOfData.map(([variant]) => variant);
      const seen = await attack(portOf(way), octets);
      expect(octets.map((variant, i) => [variant, ...(seen[i] ?? [])])).toEqual(shown);
    });

    test('the same, each octet a segment of its own', async () => {
      const octets = endsOfData.map(([variant]) => variant);
      const seen = await attack(portOf(way), octets, (content) => [...content].map((octet) => Buffer.of(octet)));
      expect(octets.map((variant, i) => [variant, ...(seen[i] ?? [])])).toEqual(shown);
    });

    test('the same, cut anywhere', async () => {
      const anyCut = fc.array(fc.nat(400), { minLength: 1, maxLength: 6 });
      const cuts = fc.sample(fc.tuple(fc.nat(endsOfData.length - 1), anyCut), { seed: 8601, numRuns: 100 });
      for (let i = 0; i < cuts.length; i += 25) {
        const some = cuts.slice(i, i + 25);
        const chosen = some.map(([which]) => shown[which] ?? []);
        const seen = await attack(
          portOf(way),
          chosen.map(([octets = '']) => octets),
          (content, k) => cutAt(content, some[k]?.[1] ?? []),
        );
        expect(seen.map((outcome, k) => [chosen[k]?.[0], ...outcome])).toEqual(chosen);
      }
    });

    test.each([
      ['one dot before a letter', '.a\r\n'],
      ['two dots before a letter', '..a\r\n'],
      ['three dots', '...\r\n'],
      ['lines of dots alone', '.\r\n..\r\n...\r\n.\r\n'],
      ['empty lines around a dot', '\r\n\r\n.\r\n\r\n'],
      ['a space behind a dot', '. \r\n.\t\r\n'],
      ['nothing', ''],
    ])('the body arrives as it was meant: %s', async (_, body) => {
      const { reply, arrived } = await deliver(portOf(way), `${header}\r\n${body}`);
      expect([reply.slice(0, 3), arrived]).toEqual(['250', [`${header}\r\n${body}`]]);
    });

    test('nothing at all, not even a header, is a message with no body', async () => {
      const { reply, arrived } = await deliver(portOf(way), '');
      expect([reply.slice(0, 3), arrived.length]).toEqual(['250', 1]);
      expect(arrived[0]).toContain(`\r\n${ourField}`);
      expect(arrived[0]).not.toContain('\r\n\r\n');
    });

    test('10 MB of any octets arrive as they are', async () => {
      const content = `${header}\r\n${anyOctets(10_000_000)}`;
      const { reply, arrived } = await deliver(portOf(way), content);
      expect([reply.slice(0, 3), arrived.map(sha256)]).toEqual(['250', [sha256(content)]]);
    });
  });

  test.each([
    ['bare LF', 'a\nb\r\n', 'a\r\nb\r\n'],
    ['bare CR', 'a\rb\r\n', 'a b\r\n'],
    ['NUL', 'a\0b\r\n', 'a b\r\n'],
    ['nothing but bare LF', 'a\n.\nb\n..\n\r\n', 'a\r\n.\r\nb\r\n..\r\n\r\n'],
  ])('%s: refused after the dot, or one message with CRLF alone', async (_, body, normalized) => {
    const refused = await deliver(portOf('reject'), `${header}\r\n${body}`);
    expect([refused.reply.slice(0, 10), refused.arrived]).toEqual(['550 5.6.11', []]);
    const taken = await deliver(portOf('normalize'), `${header}\r\n${body}`);
    expect([taken.reply.slice(0, 3), taken.arrived]).toEqual(['250', [`${header}\r\n${normalized}`]]);
  });

  test('an address is for Postfix what it is when the client itself says it, or is refused', async () => {
    const cases = [...senders.map((path) => [path, '<b@test.example>']), ...recipients.map((path) => ['<>', path])];
    const through = await Promise.all(cases.map(([from = '', to = '']) => envelope(portOf('reject'), from, to)));
    const straight = await Promise.all(cases.map(([from = '', to = '']) => envelope(postfix.port, from, to)));
    await settled();
    const taken = (tag: string): string => {
      const { mail = '', rcpt = [] } = sink.messages.find(({ wire }) => wire.includes(`<${tag}@client.example>`)) ?? {};
      return [mail, ...rcpt].map((line) => /<.*>/.exec(line)?.[0] ?? '').join(' ');
    };
    const outcome = ({ reply, tag }: { reply: string; tag: string }) => [reply.slice(0, 3), taken(tag)];
    expect(through.map((one, i) => [...(cases[i] ?? []), ...outcome(one)])).toEqual(
      straight.map((one, i) => [...(cases[i] ?? []), ...outcome(one)]),
    );
    expect(through.filter(({ reply }) => reply.startsWith('250')).length).toBeGreaterThan(20);
  });

  test('when we have gone, nothing more arrives than was seen before', async () => {
    const before = sink.messages.length;
    for (const front of fronts.values()) expect(await front.running.stop()).toBe(0);
    await until('nobody is connected', () => connectionsTo(postfix.port) === 0);
    await settled();
    expect(sink.messages.length).toBe(before);
  });

  /** One message on a connection of its own; what arrived of it, from its first header field on, un-stuffed. */
  async function deliver(port: number, content: string): Promise<{ reply: string; arrived: readonly string[] }> {
    const sender = `n${++letters}@client.example`;
    const client = await openRawSmtp(port);
    const reply = await sendLetter(client, {
      sender,
      recipient: 'b@test.example',
      content: content.replace(/(^|\r\n)\./g, '$1..'),
    });
    client.send('QUIT\r\n');
    await settled();
    const wires = sink.messages
      .filter(({ mail }) => mail.includes(`<${sender}>`))
      .map(({ wire }) => wire.toString('latin1'));
    return {
      reply,
      arrived: wires.map((wire) => wire.slice(Math.max(0, wire.indexOf(header))).replace(/(^|\r\n)\./g, '$1')),
    };
  }

  /** A message that can be told by its Message-ID, from one path to another as they stand. */
  async function envelope(port: number, from: string, to: string): Promise<{ reply: string; tag: string }> {
    const tag = `n${++letters}`;
    const client = await openRawSmtp(port);
    const octets = (text: string): string => Buffer.from(text).toString('latin1');
    const lines = [`MAIL FROM:${octets(from)} SMTPUTF8`, `RCPT TO:${octets(to)}`, 'DATA'];
    const content = `From: a@client.example\r\nMessage-ID: <${tag}@client.example>\r\n\r\nx\r\n.`;
    let reply = '';
    for (const line of [...lines, content]) {
      reply = await client.command(line);
      if (!/^[23]/.test(reply)) break;
    }
    client.send('QUIT\r\n');
    return { reply, tag };
  }
});

function cutAt(content: Buffer, places: readonly number[]): readonly Buffer[] {
  const sorted = [...new Set([0, ...places.map((place) => Math.min(place, content.length))])].sort((a, b) => a - b);
  return sorted.map((from, i) => content.subarray(from, sorted[i + 1]));
}

/** A fixed sequence of octets that only a cipher knows, in lines that no mail server has to fold. */
function anyOctets(length: number): string {
  const octets = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
  const text = octets.toString('latin1').replace(/[\0\r\n]/g, '.');
  return text.replace(/.{1,900}/gs, '$&\r\n');
}
