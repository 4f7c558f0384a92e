// A real Postfix under load, with iprevd beside it killed, paused, restarted, told to read its policy again, or without a DNS that
// answers: every client hears the right verdict or what Postfix is configured to say meanwhile, and the right verdict again
// afterwards.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort, projectFolder, start, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';
import { openRawSmtp, sendLetter } from '../support/raw-smtp.ts';
import { openRealPostfix, type RealPostfix } from '../support/real-postfix.ts';
import { type RealService, type RealServiceParts, startRealService } from '../support/real-service.ts';
import { openSink, type Sink } from '../support/sink.ts';

/** The first is confirmed, the second has no PTR record. */
const [confirmed, nameless] = ['127.0.0.2', '127.0.0.3'];
const letter = { sender: 'a@client.example', recipient: 'b@test.example', content: 'Subject: x\r\n\r\nbody\r\n' };
const accepted = /^250 2\.0\.0 Ok: queued/;
const refused = /^550 5\.7\.25 .*127\.0\.0\.3 has no usable PTR record .*\(ref \w+\)$/;
const clientsAtOnce = 6;
/** Of each kind of client; a test that waits for more sessions than this has waited long enough. */
const sessionsMax = 5_000;

/** What one client hears last. A server that does not even greet it is part of the answer. */
async function hears(port: number, from: string): Promise<string> {
  try {
    const client = await openRawSmtp(port, from);
    const reply = await sendLetter(client, letter);
    client.socket.destroy();
    return reply;
  } catch (error) {
    return String(error);
  }
}

/** smtp-source, which ends at the first refusal that it hears, started again each time: what it heard. */
async function source(port: number, over: Promise<'over'>): Promise<readonly string[]> {
  const heard: string[] = [];
  for (let i = 0; i < sessionsMax; i++) {
    const running = start('smtp-source', [
      ...['-s', '4', '-m', '1000000', '-f', letter.sender, '-t', letter.recipient],
      `127.0.0.1:${port}`,
    ]);
    if ((await Promise.race([running.ended, over])) === 'over') {
      await running.stop();
      break;
    }
    heard.push(/fatal: .*?: (\d{3} .*)/.exec(running.output())?.[1] ?? running.output());
  }
  return heard;
}

/**
 * smtp-source, and clients of both kinds that come again as soon as they are answered. Called, the result ends them and tells
 * what was heard, by client.
 */
function load(port: number): () => Promise<ReadonlyMap<string, readonly string[]>> {
  const heard = new Map<string, readonly string[]>();
  let isOver = false;
  const come = async (from: string): Promise<void> => {
    for (let i = 0; i < sessionsMax && !isOver; i++) {
      const reply = await hears(port, from);
      heard.set(from, [...(heard.get(from) ?? []), reply]);
    }
  };
  const clients = Array.from({ length: clientsAtOnce }, (_, i) => come(i % 2 === 0 ? confirmed : nameless));
  let end = (_: 'over'): void => {};
  const fromSource = source(port, new Promise((resolve) => (end = resolve)));
  return async () => {
    isOver = true;
    end('over');
    await Promise.all(clients);
    return heard.set('127.0.0.1', await fromSource);
  };
}

const recipe = (name: string): string => readFileSync(join(projectFolder, 'deploy/postfix', name), 'utf8');
/** Quicker than the recipes, so that a pause may be longer than the timeouts. */
const quick = (text: string): string => text.replaceAll(/timeout=10s/g, 'timeout=2s');
/** Those of Postfix itself take seconds where there is no DNS. */
const noLookups = recipe('no-peername.main.cf');
const delegation = quick(recipe('delegation.main.cf'));
const milter = quick(recipe('milter.main.cf'));

describeWith(['postfix', 'smtp-source'], 'Postfix under load', () => {
  describe.each([
    ['delegation, fail-closed', delegation.replace(', default_action=DUNNO', ''), /^451 4\.3\.5 /],
    ['delegation, DUNNO', delegation, accepted],
    ['milter, tempfail', milter, /^451 4\.7\.1 /],
    ['milter, accept', milter.replaceAll('default_action=tempfail', 'default_action=accept'), accepted],
  ])('%s', (name, main, meanwhile) => {
    const folder = temporaryFolder();
    let sink: Sink;
    let postfix: RealPostfix;
    let parts: RealServiceParts;
    let service: RealService;
    const policy = join(folder.path, 'policy.yaml');
    const writePolicy = (words: string): void =>
      writeFileSync(
        policy,
        `rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "{ip} has no usable PTR record ${words}" }]\notherwise: accept\n`,
      );

    beforeAll(async () => {
      sink = await openSink();
      const doorPort = await freePort();
      writePolicy('at first');
      parts = {
        folder: folder.path,
        policy,
        doors: `- { kind: ${name.startsWith('milter') ? 'milter' : 'policy'}, listen: 127.0.0.1:${doorPort} }`,
      };
      service = await startRealService(parts);
      postfix = await openRealPostfix({
        folder: folder.path,
        deliverTo: `127.0.0.1:${sink.endpoint.port}`,
        main: `${main.replaceAll(/100\d\d/g, String(doorPort))}\n${noLookups}`,
      });
    });
    afterAll(async () => {
      await service.running.stop('SIGKILL');
      await postfix.close();
      await sink.close();
      folder.remove();
    });

    /** Both kinds of client hear the right verdict now, all of them. */
    const isRight = async (): Promise<boolean> => {
      const [good = '', bad = ''] = await Promise.all([hears(postfix.port, confirmed), hears(postfix.port, nameless)]);
      return accepted.test(good) && refused.test(bad);
    };
    /** Whatever was heard is right, or what Postfix is configured to say; and something was. */
    const expectNothingElse = (heard: ReadonlyMap<string, readonly string[]>): void => {
      for (const [from, right] of [
        [confirmed, accepted],
        [nameless, refused],
      ] as const) {
        const replies = heard.get(from) ?? [];
        expect(replies.length).toBeGreaterThan(0);
        expect(replies.filter((reply) => !right.test(reply) && !meanwhile.test(reply))).toEqual([]);
      }
      for (const reply of heard.get('127.0.0.1') ?? []) expect(reply).toMatch(meanwhile);
    };
    const under = async (trouble: () => Promise<unknown>): Promise<ReadonlyMap<string, readonly string[]>> => {
      await until('all is well', isRight);
      const end = load(postfix.port);
      await trouble();
      await until('all is well again', isRight);
      return end();
    };
    /** Until that many clients have been told so. */
    const told = (words: RegExp, count: number): Promise<void> => {
      let found = 0;
      return until(`${count} hear ${words}`, async () => {
        if (words.test(await hears(postfix.port, nameless))) found++;
        return found >= count;
      });
    };

    test.each(['SIGKILL', 'SIGTERM'] as const)('ended by %s and started again', async (signal) => {
      const heard = await under(async () => {
        await service.running.stop(signal);
        await told(meanwhile, 3);
        service = await startRealService(parts);
      });
      expectNothingElse(heard);
    });

    test('paused for longer than the timeout, and going on', async () => {
      const heard = await under(async () => {
        service.running.child.kill('SIGSTOP');
        await told(meanwhile, 1);
        service.running.child.kill('SIGCONT');
      });
      expectNothingElse(heard);
    });

    test('its policy changed: no session fails', async () => {
      const heard = await under(async () => {
        writePolicy('from now on');
        service.running.child.kill('SIGHUP');
        await told(/from now on/, 3);
        writePolicy('at first');
        service.running.child.kill('SIGHUP');
        await told(/at first/, 3);
      });
      expect(heard.get('127.0.0.1')).toEqual([]);
      for (const reply of heard.get(confirmed) ?? []) expect(reply).toMatch(accepted);
      for (const reply of heard.get(nameless) ?? []) expect(reply).toMatch(refused);
    });
  });

  test('a DNS that never answers is a deferral at either door, for everybody', async () => {
    const folder = temporaryFolder();
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const [policyPort, milterPort] = [await freePort(), await freePort()];
    const service = await startRealService({
      folder: folder.path,
      dnsServer: `127.0.0.1:${silent.address().port}`,
      policy: 'standard',
      doors: `- { kind: policy, listen: 127.0.0.1:${policyPort} }\n- { kind: milter, listen: 127.0.0.1:${milterPort} }`,
    });
    const second = await freePort();
    const postfix = await openRealPostfix({
      folder: folder.path,
      deliverTo: '127.0.0.1:9',
      main: noLookups,
      recipe: `127.0.0.1:10025 inet n - n - - smtpd
  -o { smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service inet:127.0.0.1:${policyPort} }
127.0.0.1:${second} inet n - n - - smtpd
  -o { smtpd_milters = inet:127.0.0.1:${milterPort} }`,
    });
    try {
      const ports = [postfix.port, second].flatMap((port) => Array<number>(5).fill(port));
      const heard = await Promise.all(ports.map((port, i) => hears(port, `127.0.1.${i}`)));
      for (const reply of heard) expect(reply).toMatch(/^450 4\.7\.25 .*timeout.*\(ref \w+\)$/);
    } finally {
      await postfix.close();
      await service.running.stop();
      silent.close();
      folder.remove();
    }
  });
});
