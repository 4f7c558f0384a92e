// The files of deploy/postfix as they are pasted: a real Postfix runs with their own text, ports and the queue's folder apart,
// and the doors are those that their comments name. Mail is accepted, refused and deferred; then iprevd is gone, and comes
// back. The front is tried in postfix.test.ts.

import { execSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort, projectFolder, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { type RealService, type RealServiceParts, startRealService } from '../support/real-service.ts';
import { openSink, type Sink } from '../support/sink.ts';

const [policyPort, milterPort, spool] = ['10045', '10046', '/var/spool/postfix'] as const;
const accepted = /^250 2\.0\.0 Ok: queued/;
const letter = { sender: 'a@client.example', recipient: 'b@test.example', content: 'Subject: x\r\n\r\nbody\r\n' };

const readRecipe = (name: string): string => readFileSync(join(projectFolder, 'deploy/postfix', name), 'utf8');

/** The line that the comment of a recipe names, without the "#". */
function commented(text: string, line: RegExp): string {
  const [, found] = new RegExp(`^# +(${line.source})$`, 'm').exec(text) ?? [];
  if (found === undefined) throw new Error(`no line ${line} in the comment`);
  return found;
}

/** What clients at a port of Postfix, all at once, hear last of a whole letter. */
function heardFrom(port: number, ...clients: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    clients.map(async (from) => {
      const client = await openRawSmtp(port, from);
      const heard = await sendLetter(client, letter);
      client.socket.destroy();
      return heard;
    }),
  );
}
/** The second has no PTR record, the reverse zone of the third is in trouble. */
const [confirmed, nameless, inTrouble] = ['127.0.0.2', '127.0.0.3', '127.0.0.7'] as const;

/** A Postfix with these lines, and nobody beside it. */
interface Setting {
  readonly folder: ReturnType<typeof temporaryFolder>;
  readonly sink: Sink;
  readonly postfix: RealPostfix;
  /** The text of a recipe with the ports and the queue of this setting. */
  readonly here: (text: string) => string;
  readonly policyPort: number;
  close(): Promise<void>;
}

async function openSetting(parts: { main: string; master: string }): Promise<Setting> {
  const folder = temporaryFolder();
  const ports = [await freePort(), await freePort()] as const;
  const queue = join(folder.path, 'postfix/queue');
  mkdirSync(queue, { recursive: true });
  const here = (text: string): string =>
    text.replaceAll(policyPort, String(ports[0])).replaceAll(milterPort, String(ports[1])).replaceAll(spool, queue);
  const sink = await openSink();
  const deliverTo = `127.0.0.1:${sink.endpoint.port}`;
  const { main, master } = parts;
  const postfix = await openRealPostfix({ folder: folder.path, deliverTo, main: here(main), recipe: master });
  const close = async (): Promise<void> => {
    await postfix.close();
    await sink.close();
    folder.remove();
  };
  return { folder, sink, postfix, here, policyPort: ports[0], close };
}

const isPolicy = (name: string): boolean => name.startsWith('delegation');
const failedOpen = accepted;
const failedClosed = (name: string): RegExp => (isPolicy(name) ? /^451 4\.3\.5 / : /^451 4\.7\.1 /);

describeWith(['postfix', 'setpriv'], 'Postfix beside iprevd', () => {
  const asWritten = (text: string): string => text;
  const closed = (text: string): string => text.replace(', default_action=DUNNO', '');
  const open = (text: string): string => text.replaceAll('default_action=tempfail', 'default_action=accept');
  describe.each([
    ['delegation.main.cf', 'as written', asWritten, failedOpen],
    ['delegation.main.cf', 'without its default_action', closed, failedClosed('delegation')],
    ['delegation-unix.main.cf', 'as written', asWritten, failedOpen],
    ['milter.main.cf', 'as written', asWritten, failedClosed('milter')],
    ['milter.main.cf', 'with "accept"', open, failedOpen],
    ['milter-unix.main.cf', 'as written', asWritten, failedClosed('milter')],
  ] as const)('%s, %s', (name, _, change, whileDown) => {
    const isUnix = name.includes('unix');
    const text = change(readRecipe(name));
    let setting: Setting;
    let parts: RealServiceParts;
    let service: RealService;

    beforeAll(async () => {
      setting = await openSetting({ main: text, master: `127.0.0.1:10025 inet n - ${isUnix ? 'y' : 'n'} - - smtpd` });
      const { folder, here } = setting;
      const doors = here(commented(text, /- \{ kind: .*/));
      parts = { folder: folder.path, policy: 'standard', doors, ...(isUnix ? { under: inGroupOfPostfix() } : {}) };
      if (isUnix) execSync(here(commented(readRecipe('sockets.service.conf'), /install -d .*/)));
      service = await startRealService(parts);
    });
    afterAll(async () => {
      await service.running.stop();
      await setting.close();
    });

    test('accepted, refused, deferred', async () => {
      expect(await heardFrom(setting.postfix.port, confirmed, nameless, inTrouble)).toEqual([
        expect.stringMatching(accepted),
        expect.stringMatching(/^550 5\.7\.25 .*127\.0\.0\.3 has no usable PTR record .*\(ref \w+\)$/),
        expect.stringMatching(/^450 4\.7\.25 .*SERVFAIL.*\(ref \w+\)$/),
      ]);
      await until('the decisions are logged', () => service.decisions().length >= 3);
      expect(service.decisions().map(({ door }) => door)).toEqual(Array(3).fill(isPolicy(name) ? 'policy' : 'milter'));
    });

    test.each(['SIGTERM', 'SIGKILL'] as const)('gone by %s: as it says; and back', async (signal) => {
      await service.running.stop(signal);
      const down = await heardFrom(setting.postfix.port, confirmed, nameless, inTrouble);
      expect(down).toEqual(Array(3).fill(expect.stringMatching(whileDown)));
      service = await startRealService(parts); // on the same place: a socket that was left behind is none of ours
      expect(await heardFrom(setting.postfix.port, confirmed, nameless)).toEqual([
        expect.stringMatching(accepted),
        expect.stringMatching(/^550 5\.7\.25 /),
      ]);
    });

    if (isUnix)
      test('its smtpd is in a chroot, and Postfix finds nothing wrong with the folder', async () => {
        const { port, check } = setting.postfix;
        const client = await openRawSmtp(port, confirmed);
        expect(rootsOf('smtpd')).toContain(join(setting.folder.path, 'postfix/queue'));
        client.socket.destroy();
        expect(await check()).toBe('');
      });
  });

  describe.each(['delegation.main.cf', 'milter.main.cf'])('submission.master.cf beside %s', (name) => {
    let setting: Setting;
    let service: RealService;
    let submissionPort: number;

    beforeAll(async () => {
      submissionPort = await freePort();
      const services = `127.0.0.1:10025 inet n - n - - smtpd\n127.0.0.1:${submissionPort} inet n - n - - smtpd`;
      const master = `${services}\n  -o syslog_name=postfix/submission\n${readRecipe('submission.master.cf')}`;
      setting = await openSetting({ main: readRecipe(name), master });
      const doors = setting.here(commented(readRecipe(name), /- \{ kind: .*/));
      service = await startRealService({ folder: setting.folder.path, policy: 'standard', doors });
    });
    afterAll(async () => {
      await service.running.stop();
      await setting.close();
    });

    test('users are not asked about, strangers are', async () => {
      const [stranger] = await heardFrom(setting.postfix.port, nameless);
      expect(stranger).toMatch(/^550 5\.7\.25 /);
      const [user] = await heardFrom(submissionPort, nameless);
      expect(user).toMatch(accepted);
      await until('it is delivered', () => setting.sink.messages.length === 1);
      expect(setting.sink.messages[0]?.wire.toString()).not.toContain('Authentication-Results');
      expect(service.decisions()).toHaveLength(1);
    });
  });
});

describeWith(['postfix'], 'no-peername.main.cf', () => {
  const openAndAsk = async (main: string): Promise<{ replies: readonly string[]; asked: string }> => {
    const setting = await openSetting({ main, master: '127.0.0.1:10025 inet n - n - - smtpd' });
    const recorder = await recordRequests(setting.policyPort);
    try {
      // 127.0.0.1 is localhost on every machine, by /etc/hosts.
      return { replies: await heardFrom(setting.postfix.port, '127.0.0.1'), asked: recorder.asked() };
    } finally {
      recorder.server.close();
      await setting.close();
    }
  };
  const recipe = readRecipe('no-peername.main.cf');
  const delegation = readRecipe('delegation.main.cf');

  test('Postfix knows no name of a client, and says so to iprevd', async () => {
    const { asked } = await openAndAsk(`${delegation}\n${recipe}`);
    expect(asked).toMatch(/^client_address=127\.0\.0\.1$/m);
    expect(asked).toMatch(/^client_name=unknown$/m);
    expect(asked).toMatch(/^reverse_client_name=unknown$/m);
    expect((await openAndAsk(delegation)).asked).toMatch(/^client_name=localhost$/m);
  });

  test.each([
    ['reject_unknown_client_hostname', '450 4.7.25 Client host rejected: cannot find your hostname'],
    ['reject_unknown_reverse_client_hostname', '450 4.7.1 Client host rejected: cannot find your reverse hostname'],
  ])('%s refuses everybody', async (restriction, words) => {
    const restrictions = `smtpd_client_restrictions = ${restriction}`;
    const [refused] = (await openAndAsk(`${restrictions}\n${recipe}`)).replies;
    expect(refused).toContain(words);
    const [taken] = (await openAndAsk(restrictions)).replies;
    expect(taken).toMatch(accepted);
  });
});

/** As systemd's DynamicUser does with SupplementaryGroups=postfix: a user that owns nothing, in the group of Postfix. */
function inGroupOfPostfix(): readonly string[] {
  const group = execSync('id -g postfix', { encoding: 'utf8' }).trim();
  return ['setpriv', '--reuid=61000', '--regid=61000', `--groups=${group}`, '--inh-caps=-all', '--bounding-set=-all'];
}

/** The root folders of the processes of that name (Linux). */
function rootsOf(name: string): readonly string[] {
  const processes = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return processes.flatMap((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name ? [readlinkSync(`/proc/${pid}/root`)] : [];
    } catch {
      return []; // it has ended since
    }
  });
}

/** A policy server that says DUNNO, and keeps what it is asked. */
async function recordRequests(port: number): Promise<{ server: Server; asked: () => string }> {
  let asked = '';
  const server = createServer((socket) => {
    socket.on('data', (octets) => {
      asked += octets.toString('latin1');
      if (asked.endsWith('\n\n')) socket.end('action=DUNNO\n\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, asked: () => asked };
}
