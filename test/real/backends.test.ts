// The mail servers that people run, each behind the SMTP door as its recipe in deploy/ has it: the recipe's own lines in its
// configuration, and the door in the recipe's comment in ours.

import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectFolder, run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRealDns } from '../support/real-dns.ts';
import { openRealExim } from '../support/real-exim.ts';
import { openRealOpensmtpd } from '../support/real-opensmtpd.ts';
import { openRealPostfix, type RealMailServer, type RealMailServerParts } from '../support/real-postfix.ts';
import { type RealService, startRealService } from '../support/real-service.ts';
import { openSink, type Sink } from '../support/sink.ts';

interface Case {
  readonly name: string;
  readonly program: string;
  readonly recipe: string;
  readonly open: (parts: RealMailServerParts) => Promise<RealMailServer>;
  /** How Received begins, and what it logs, about who came from 127.0.0.2. */
  readonly received: RegExp;
  readonly logged: RegExp;
  /** Its own words, after an enhanced code that is ours where it says none. */
  readonly taken: RegExp;
  readonly refused: string;
  /** To a message larger than `size`. */
  readonly tooLarge: RegExp;
  readonly size: number;
}

const cases: readonly Case[] = [
  {
    name: 'Postfix, told by XCLIENT',
    program: 'postfix',
    recipe: 'deploy/postfix/front.master.cf',
    open: openRealPostfix,
    received: /^Received: from client\.example \(mail\.good\.example \[127\.0\.0\.2\]\)\r\n/,
    logged: /client=mail\.good\.example\[127\.0\.0\.2\]/,
    taken: /^250 2\.0\.0 Ok: queued as \w+$/,
    refused: '554 5.7.1 <b@elsewhere.example>: Relay access denied',
    tooLarge: /^552 5\.3\.4 /,
    size: 10_240_000,
  },
  {
    name: 'Exim, told by PROXY',
    program: 'exim4',
    recipe: 'deploy/exim/front.exim.conf',
    open: openRealExim,
    received: /^Received: from \[127\.0\.0\.2\] \(helo=client\.example\)\r\n/,
    logged: /<= a@client\.example H=\(client\.example\) \[127\.0\.0\.2\]/,
    taken: /^250 2\.0\.0 OK id=\S+$/,
    refused: '550 5.0.0 relay not permitted',
    tooLarge: /^552 /,
    size: 10_485_760,
  },
  {
    name: 'OpenSMTPD, told by PROXY',
    program: 'smtpd',
    recipe: 'deploy/opensmtpd/front.smtpd.conf',
    open: openRealOpensmtpd,
    received: /^Received: from client\.example \(\S+ \[127\.0\.0\.2\]\)\r\n/,
    logged: /smtp connected address=127\.0\.0\.2 /,
    taken: /^250 2\.0\.0 \w+ Message accepted for delivery$/,
    refused: '550 5.0.0 Invalid recipient: <b@elsewhere.example>',
    tooLarge: /^552 /,
    size: 36_700_160,
  },
];

/** The server's lines in what swaks shows. */
const heardIn = (output: string): string[] =>
  [...output.matchAll(/^<(?:- |\*\*) (.*?)\r?$/gm)].map(([, line = '']) => line);

/** What is said to each line in turn, the greeting first; the lines of a reply are joined by "\n". */
async function converse(port: number, from: string, lines: readonly string[]): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  const replies: string[] = [];
  let reply: string[] = [];
  for await (const line of createInterface({ input: socket })) {
    reply.push(line);
    if (line[3] === '-') continue;
    replies.push(reply.join('\n'));
    reply = [];
    const next = lines[replies.length - 1];
    if (next === undefined) break;
    socket.write(`${next}\r\n`);
  }
  socket.destroy();
  return replies;
}

for (const each of cases) {
  describeWith([each.program, 'nsd', 'unbound', 'swaks'], each.name, () => {
    const opened: (() => unknown)[] = [];
    let folder: string;
    let sink: Sink;
    let server: RealMailServer;
    let service: RealService;

    beforeAll(async () => {
      const temporary = temporaryFolder();
      opened.push(temporary.remove);
      folder = temporary.path;
      const dns = await openRealDns(folder);
      opened.push(dns.close);
      sink = await openSink();
      opened.push(sink.close);
      const recipe = readFileSync(join(projectFolder, each.recipe), 'utf8');
      server = await each.open({ folder, deliverTo: `127.0.0.1:${sink.endpoint.port}`, recipe });
      opened.push(server.close);
      const backend = /^#.* backend: (\{ .* \}) \}$/m.exec(recipe)?.[1]?.replace('10025', String(server.port));
      if (backend === undefined) throw new Error(`no door in ${each.recipe}`);
      service = await startRealService({ folder, dnsServer: dns.resolver, policy: 'standard', backend });
      opened.push(() => service.running.stop());
    });
    afterAll(async () => {
      for (const close of opened.reverse()) await close();
    });

    /** What swaks shows, coming from 127.0.0.2. */
    const swaks = async (...args: string[]): Promise<string> => {
      const where = ['--server', '127.0.0.1', '--port', String(service.smtpPort), '--timeout', '20'];
      const who = ['--local-interface', '127.0.0.2', '--helo', 'client.example', '--from', 'a@client.example'];
      return (await run('swaks', [...where, ...who, ...args])).output;
    };
    const delivered = async (count: number): Promise<string> => {
      await until('it is delivered', () => sink.messages.length === count);
      return sink.messages[count - 1]?.wire.toString() ?? '';
    };

    test("its words are the client's, and the message has our field on top of the client's", async () => {
      const lines = [
        'From: a@client.example',
        'Date: Sat, 21 Nov 2026 12:00:00 +0000',
        'Message-ID: <1@client.example>',
      ];
      const file = join(folder, 'message');
      writeFileSync(file, [...lines, 'Subject: 8-bit', '', '.Grüße', ''].join('\n'));
      const before = sink.messages.length;
      const output = await swaks('--to', 'b@test.example', '--data', `@${file}`);
      expect(heardIn(output).at(-2)).toMatch(each.taken); // the last is the reply to QUIT
      const wire = await delivered(before + 1);
      expect(wire.slice(wire.search(/^(?!Received|\s)/m))).toMatch(
        /^Authentication-Results: mx\.test\.example; iprev=pass policy\.iprev=127\.0\.0\.2\r\nFrom: a@client\.example\r\n/,
      );
      expect(wire).toMatch(/\r\nSubject: 8-bit\r\n\r\n\.\.Grüße\r\n/);
    });

    test('it knows who came to us: in Received and in its log', async () => {
      const before = sink.messages.length;
      await swaks('--to', 'b@test.example');
      expect(await delivered(before + 1)).toMatch(each.received);
      expect(server.log()).toMatch(each.logged);
    });

    test('it relays for nobody, though it relays for 127.0.0.1 and we are 127.0.0.1', async () => {
      const before = sink.messages.length;
      const output = await swaks('--to', 'b@elsewhere.example,c@test.example');
      expect(heardIn(output).filter((line) => line.startsWith('5'))).toEqual([each.refused]);
      await delivered(before + 1);
      expect(sink.messages.at(-1)?.rcpt.join()).not.toContain('elsewhere');
    });

    test('SIZE and 8BITMIME are its own', async () => {
      const mail = (size: number): string => `MAIL FROM:<a@client.example> SIZE=${size} BODY=8BITMIME`;
      const lines = ['EHLO client.example', mail(each.size - 1), 'RSET', mail(each.size * 2), 'QUIT'];
      const [, offers = '', small, , large] = await converse(service.smtpPort, '127.0.0.2', lines);
      expect(offers).toMatch(/^250[- ]8BITMIME$/m);
      expect(offers).toMatch(new RegExp(`^250[- ]SIZE ${each.size}$`, 'm'));
      expect(small).toMatch(/^250 /);
      expect(large).toMatch(each.tooLarge);
    });
  });
}
