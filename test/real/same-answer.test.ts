// One client comes to three mail servers: behind the SMTP door, with the policy door beside it, and with the milter door. It hears
// the same words, the log says the same of it, and its message has the same fields on top; but for what is said here.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort, projectFolder, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix, type RealPostfixParts } from '../support/real-postfix.ts';
import { type RealService, startRealService } from '../support/real-service.ts';
import { openSink, type Sink } from '../support/sink.ts';

const doors = ['smtp', 'policy', 'milter'] as const;
type Door = (typeof doors)[number];
type ByDoor<T> = Readonly<Record<Door, T>>;

/** What each door cannot do as the others. */
const exceptions = {
  /** Postfix says for whom it speaks. */
  frame: /<[^>]*>: (?:Recipient address|Sender address|Helo command) rejected: /,
  /** Delegation prepends one field to a message, so that the tags stand in it; the policy's own fields stay away. */
  fieldsOfPolicy: (fields: readonly string[]): readonly string[] => {
    const [results = '', ...more] = fields;
    const tags = more.flatMap((field) => /^X-Iprevd-Tag: (.*)$/.exec(field)?.[1] ?? []);
    return tags.length === 0 ? [] : [`${results} ${tags.map((tag) => `policy.tag=${tag}`).join(' ')}`];
  },
  /** Held back in Postfix's queue. In front of a mail server nothing can be held, and it is delivered. */
  delivered: { smtp: true, policy: false, milter: false } as ByDoor<boolean>,
};

const zone = `127.0.0.4: [mail.elsewhere.example]
mail.elsewhere.example: [192.0.2.44]
`;
const rules = `rules:
  - { id: name, when: { helo: bad.example }, reject: { code: 554, status: 5.7.1, text: "{helo} is not your name" } }
  - { id: no-ptr, when: { iprev: permerror }, reject: "100% sure: {ip} has no usable PTR record" }
  - { id: trouble, when: { iprev: temperror }, defer: "try again" }
  - { id: weak, when: { iprev: fail }, tag: weak }
  - { id: why, when: { iprev: fail }, tag: { header: X-Why, value: "{reason}" } }
`;
const rulesAtRcpt = `  - { id: sender, when: { sender: [spam@client.example, "a b@client.example", "grüße@client.example"] }, reject: "nothing from there" }
  - { id: later, when: { sender: later@client.example }, defer: { code: 451, status: 4.7.1, text: "later" } }
  - { id: held, when: { sender: held@client.example }, hold: true }
  - { id: closed, when: { recipient: closed@test.example }, defer: { code: 451, status: 4.2.1, text: "closed today" } }
  - { id: long, when: { sender: long@client.example }, reject: "${'long '.repeat(150)}" }
  - { id: odd, when: { sender: odd@client.example }, reject: 'a\\\\b "q" $x %s {helo}' }
`;

describeWith(['postfix'], 'the same client at three doors', () => {
  const folder = temporaryFolder();
  const policy = join(folder.path, 'policy.yaml');
  const postfixes: RealPostfix[] = [];
  let sinks: ByDoor<Sink>;
  let ports: ByDoor<number>;
  let service: RealService;

  const announceAt = (stage: string, more: string): void =>
    writeFileSync(policy, `allow_hold: true\nannounce: ${stage}\n${rules}${more}otherwise: accept\n`);
  /** The decision lines, without what is of one session alone, and without whoever only looked whether a port is open. */
  const decisions = (): readonly Record<string, unknown>[] =>
    service
      .decisions()
      .filter(({ client }) => client !== '127.0.0.1')
      .map(({ level, time, msg, ref, ms, port, heard, helo_leads_to, ...line }) => line);

  beforeAll(async () => {
    sinks = { smtp: await openSink(), policy: await openSink(), milter: await openSink() };
    const recipe = (name: string): string => readFileSync(join(projectFolder, 'deploy/postfix', name), 'utf8');
    const quiet = recipe('no-peername.main.cf');
    const open = async (door: Door, parts: Pick<RealPostfixParts, 'main' | 'recipe'>): Promise<number> => {
      const place = join(folder.path, door);
      mkdirSync(place);
      const postfix = await openRealPostfix({
        folder: place,
        deliverTo: `127.0.0.1:${sinks[door].endpoint.port}`,
        ...parts,
        main: `${parts.main ?? ''}\n${quiet}`,
      });
      postfixes.push(postfix);
      return postfix.port;
    };
    const backend = await open('smtp', { recipe: recipe('front.master.cf') });
    const [smtpPort, policyPort, milterPort] = [await freePort(), await freePort(), await freePort()];
    announceAt('rcpt', rulesAtRcpt);
    service = await startRealService({
      folder: folder.path,
      policy,
      zone,
      doors: `- { kind: smtp, listen: 127.0.0.1:${smtpPort}, backend: { servers: [127.0.0.1:${backend}], identify: xclient } }
- { kind: policy, listen: 127.0.0.1:${policyPort} }
- { kind: milter, listen: 127.0.0.1:${milterPort} }`,
    });
    ports = {
      smtp: smtpPort,
      policy: await open('policy', {
        main: recipe('delegation.main.cf').replaceAll('10045', String(policyPort)),
      }),
      milter: await open('milter', { main: recipe('milter.main.cf').replaceAll('10046', String(milterPort)) }),
    };
  });
  afterAll(async () => {
    for (const postfix of postfixes) await postfix.close();
    await service.running.stop();
    for (const sink of Object.values(sinks)) await sink.close();
    folder.remove();
  });

  /** As a client hears it, without what is of this session or of Postfix alone. */
  const words = (reply: string): string =>
    reply
      .replace(exceptions.frame, '')
      .replace(/\(ref \w+\)/, '(ref)')
      .replace(/queued as \w+/, 'queued');

  /** The replies to these lines, and what the log then says of the session. */
  async function say(door: Door, from: string, helo: string, lines: readonly string[]) {
    const before = decisions().length;
    const client = await openRawSmtp(ports[door], from);
    const heard: string[] = [];
    for (const line of [...(helo === '' ? [] : [`EHLO ${helo}`]), ...lines])
      heard.push(await client.command(Buffer.from(line).toString('latin1')));
    const ended = new Promise((resolve) => client.socket.on('close', resolve));
    client.socket.end('QUIT\r\n');
    await ended;
    await until('the decision is logged', () => decisions().length > before);
    const logged = decisions().slice(before);
    return { heard: (helo === '' ? heard : heard.slice(1)).map(words), logged };
  }
  async function sayAtEach(from: string, lines: readonly string[], helo = '') {
    const said = {} as Record<Door, Awaited<ReturnType<typeof say>>>;
    for (const door of doors) said[door] = await say(door, from, helo, lines);
    return said;
  }
  /** One line at each door, with the same words. */
  const expectSameDecision = (said: Awaited<ReturnType<typeof sayAtEach>>): void => {
    for (const door of doors) {
      expect(said[door].logged).toHaveLength(1);
      expect({ ...said[door].logged[0], door: '' }).toEqual({ ...said.smtp.logged[0], door: '' });
    }
  };
  const transaction = (sender: string, ...recipients: readonly string[]): readonly string[] => [
    `MAIL FROM:<${sender}>${/[^\0-\x7f]/.test(sender) ? ' SMTPUTF8' : ''}`,
    ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
  ];

  describe('told at RCPT', () => {
    const letters: readonly {
      readonly what: string;
      readonly from: string;
      readonly lines: readonly string[];
      readonly helo?: string;
    }[] = [
      {
        what: 'no PTR record',
        from: '127.0.0.3',
        lines: transaction('a@client.example', 'b@test.example', 'c@test.example'),
      },
      { what: 'DNS in trouble', from: '127.0.0.7', lines: transaction('a@client.example', 'b@test.example') },
      {
        what: 'a HELO that is refused',
        from: '127.0.0.2',
        lines: transaction('a@client.example', 'b@test.example'),
        helo: 'bad.example',
      },
      { what: 'the null sender, refused', from: '127.0.0.3', lines: transaction('', 'b@test.example') },
      {
        what: 'a sender that is refused',
        from: '127.0.0.2',
        lines: transaction('spam@client.example', 'b@test.example'),
      },
      { what: 'the same, quoted', from: '127.0.0.2', lines: transaction('"spam"@client.example', 'b@test.example') },
      {
        what: 'the same, with a backslash',
        from: '127.0.0.2',
        lines: transaction('s\\pam@client.example', 'b@test.example'),
      },
      { what: 'a blank in quotes', from: '127.0.0.2', lines: transaction('"a b"@client.example', 'b@test.example') },
      {
        what: 'a sender beyond ASCII',
        from: '127.0.0.2',
        lines: transaction('grüße@client.example', 'b@test.example'),
      },
      {
        what: 'a sender that is deferred',
        from: '127.0.0.2',
        lines: transaction('later@client.example', 'b@test.example'),
      },
      { what: 'a text that is cut', from: '127.0.0.2', lines: transaction('long@client.example', 'b@test.example') },
      {
        what: 'odd octets',
        from: '127.0.0.2',
        lines: transaction('odd@client.example', 'b@test.example'),
        helo: '100%d.example',
      },
      {
        what: 'a recipient that is closed',
        from: '127.0.0.2',
        lines: transaction('a@client.example', 'closed@test.example', 'b@test.example'),
      },
      {
        what: 'the same by a route',
        from: '127.0.0.2',
        lines: transaction('a@client.example', '@x.example:closed@test.example'),
      },
      {
        what: 'the same with blanks',
        from: '127.0.0.2',
        lines: transaction('a@client.example', ' closed@test.example'),
      },
      {
        what: 'the same with a comment',
        from: '127.0.0.2',
        lines: transaction('a@client.example', 'closed(x)@test.example'),
      },
      {
        what: 'postmaster, first',
        from: '127.0.0.3',
        lines: transaction('a@client.example', 'postmaster@test.example', 'b@test.example'),
      },
      {
        what: 'postmaster, later',
        from: '127.0.0.3',
        lines: transaction('a@client.example', 'b@test.example', 'postmaster@test.example'),
      },
    ];
    test.each(letters)('$what: the same words for every command, and in the log', async ({ from, lines, helo }) => {
      const said = await sayAtEach(from, lines, helo);
      expect(said.smtp.heard.some((reply) => /^[45]/.test(reply))).toBe(true);
      expect(said.policy.heard).toEqual(said.smtp.heard);
      expect(said.milter.heard).toEqual(said.smtp.heard);
      expectSameDecision(said);
    });
  });

  describe('what is delivered', () => {
    const fieldsIn = (sink: Sink, at: number): readonly string[] => {
      const [header = ''] = (sink.messages[at]?.wire.toString('latin1') ?? '').split('\r\n\r\n');
      return header
        .split(/\r\n(?![ \t])/)
        .filter((field) => /^(?:Authentication-Results|X-Iprevd-Tag|X-Why):/.test(field));
    };
    const send = async (from: string, sender: string) => {
      const before = {
        smtp: sinks.smtp.messages.length,
        policy: sinks.policy.messages.length,
        milter: sinks.milter.messages.length,
      };
      const said = await sayAtEach(from, [
        ...transaction(sender, 'b@test.example'),
        'DATA',
        'Subject: x\r\n\r\ny\r\n.',
      ]);
      for (const door of doors) expect(said[door].heard.at(-1)).toMatch(/^250 2\.0\.0 Ok: queued$/);
      expectSameDecision(said);
      return { before };
    };
    const arrived = (door: Door, before: ByDoor<number>): Promise<void> =>
      until(`it is delivered by ${door}`, () => sinks[door].messages.length > before[door]);

    test('of a confirmed client: the results', async () => {
      const { before } = await send('127.0.0.2', 'a@client.example');
      for (const door of doors) await arrived(door, before);
      const [smtp, byPolicy, milter] = doors.map((door) => fieldsIn(sinks[door], before[door]));
      expect(smtp).toEqual(['Authentication-Results: mx.test.example; iprev=pass policy.iprev=127.0.0.2']);
      expect(milter).toEqual(smtp);
      expect(byPolicy).toEqual(exceptions.fieldsOfPolicy(smtp ?? []));
    });

    test('of a tagged client: results, tags, and fields of the policy', async () => {
      const { before } = await send('127.0.0.4', 'a@client.example');
      for (const door of doors) await arrived(door, before);
      const [smtp, byPolicy, milter] = doors.map((door) => fieldsIn(sinks[door], before[door]));
      expect(smtp).toEqual([
        'Authentication-Results: mx.test.example; iprev=fail policy.iprev=127.0.0.4',
        'X-Iprevd-Tag: weak',
        'X-Why: mismatch',
      ]);
      expect(milter).toEqual(smtp);
      expect(byPolicy).toEqual(exceptions.fieldsOfPolicy(smtp ?? []));
    });

    test('what is to be held', async () => {
      const { before } = await send('127.0.0.2', 'held@client.example');
      for (const door of doors) {
        if (exceptions.delivered[door]) await arrived(door, before);
        const held = postfixes[doors.indexOf(door)]?.log() ?? '';
        expect(/(?:NOQUEUE|\w+): (?:hold|milter-hold): .*held/.test(held)).toBe(!exceptions.delivered[door]);
        expect(sinks[door].messages.length - before[door]).toBe(exceptions.delivered[door] ? 1 : 0);
      }
    });
  });

  describe.each(['mail', 'helo'])(
    'told from %s on: refused in the same words, wherever each mail server says them',
    (stage) => {
      beforeAll(async () => {
        const inForce = (): number => service.running.output().match(/policy is in force/g)?.length ?? 0;
        const before = inForce();
        announceAt(stage, '');
        service.running.child.kill('SIGHUP');
        await until('the new policy is in force', () => inForce() > before);
      });

      test.each([
        ['no PTR record', '127.0.0.3', 'client.example'],
        ['DNS in trouble', '127.0.0.7', 'client.example'],
        ['a HELO that is refused', '127.0.0.2', 'bad.example'],
      ])('%s', async (_, from, helo) => {
        const first: string[] = [];
        for (const door of doors) {
          const client = await openRawSmtp(ports[door], from).catch((error: Error) => error);
          const replies = client instanceof Error ? [client.message.replace(/^.*?"(.*)"$/, '$1')] : [];
          if (!(client instanceof Error)) {
            for (const line of [`EHLO ${helo}`, ...transaction('a@client.example', 'b@test.example')])
              replies.push(await client.command(line));
            client.socket.destroy();
          }
          first.push(words(replies.find((reply) => /^[45]/.test(reply)) ?? 'taken'));
        }
        expect(first[0]).toMatch(/^[45]\d\d [45]\.\d+\.\d+ .*\(ref\)$/);
        expect(first).toEqual(Array(3).fill(first[0]));
      });
    },
  );
});
