// Which connection to the backend a client gets: a new one, or one that the client before has left in good order.

import { describe, expect, test } from '@jest/globals';
import { play } from '../../../../src/demo/player.ts';
import { until } from '../../../support/processes.ts';
import type { Script } from '../../../support/sink.ts';
import { acceptAll, part, saying, setUp, type } from '../../../support/smtp-set.ts';

/** How many connections the backend has seen after each of these clients, the door's own first look apart. */
async function connections(
  script: Script | undefined,
  clients: readonly Parameters<typeof part>[1][],
): Promise<number[]> {
  const { doors, sink } = await setUp({ rules: acceptAll, ...(script === undefined ? {} : { script }) });
  await until('the door has had its look', () => sink.commands.includes('QUIT'));
  const counts: number[] = [];
  for (const client of clients) {
    await play(part(doors, client));
    counts.push(sink.connections() - 1);
  }
  return counts;
}

const offering = (extension: string): Script => {
  return (verb) => {
    if (verb === 'EHLO') return `250-sink\r\n250-PIPELINING\r\n250 ${extension}`;
    return verb === 'XCLIENT' ? '220 sink ESMTP' : 'default';
  };
};

describe('the connection of a client that has gone', () => {
  test('serves the next one', async () => {
    expect(await connections(undefined, [{}, {}, { from: '192.0.2.9', helo: 'other.example' }])).toEqual([1, 1, 1]);
  });

  test('is told of the next one where only the log is (XFORWARD)', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll, script: offering('XFORWARD NAME ADDR PORT PROTO HELO') });
    await play(part(doors));
    await play(part(doors, { from: '192.0.2.9' }));
    const told = sink.commands.filter((line) => line.startsWith('XFORWARD'));
    expect(told.map((line) => /NAME=\S+ ADDR=\S+/.exec(line)?.[0])).toEqual([
      'NAME=mx.example ADDR=192.0.2.1',
      'NAME=[UNAVAILABLE] ADDR=192.0.2.9',
    ]);
    expect(sink.connections()).toBe(2);
  });

  test('is not for others where it was said to be this client’s (XCLIENT)', async () => {
    expect(await connections(offering('XCLIENT NAME ADDR'), [{}, {}])).toEqual([1, 2]);
  });

  test.each([
    ['refused a recipient', saying('RCPT', '550 5.1.1 nobody', 1), { rcpt: ['x@test.example', 'y@test.example'] }],
    ['refused the message', saying('DOT', '550 5.7.1 spam', 1), {}],
    ['refused the sender', saying('MAIL', '452 4.3.1 full', 1), {}],
  ])('is not for others if it has %s: it may count that', async (_, script, client) => {
    expect(await connections(script, [client, {}])).toEqual([1, 2]);
  });

  test('is not for others in the middle of a message', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll });
    await until('the door has had its look', () => sink.commands.includes('QUIT'));
    const client = await type(doors);
    const message = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<c@test.example>\r\nDATA\r\n';
    client.say(`EHLO x\r\n${message}`);
    await client.hear(/^354 /m);
    client.say('\r\none\r\n.\r\nMAIL FROM:<a@b.example>\r\n');
    await client.hear(/kept[\s\S]*^250 2\.0\.0 ok/m);
    client.socket.resetAndDestroy();
    await until('its end is known', () => doors.decisions.length === 1);
    await play(part(doors));
    expect(sink.connections()).toBe(3);
  });

  test('is replaced if it has died meanwhile, and nobody notices', async () => {
    let hangUp = false;
    const { doors, sink } = await setUp({
      rules: acceptAll,
      script: (verb) => {
        if (verb !== 'MAIL' || !hangUp) return 'default';
        hangUp = false;
        return '';
      },
    });
    await play(part(doors));
    hangUp = true;
    expect((await play(part(doors))).dot).toMatch(/^250 /);
    expect(sink.messages).toHaveLength(2);
  });

  test('says QUIT when the door closes', async () => {
    const { doors, sink } = await setUp({ rules: acceptAll });
    await until('the door has had its look', () => sink.commands.includes('QUIT'));
    await play(part(doors));
    expect(sink.commands.filter((line) => line === 'QUIT')).toHaveLength(1);
    await doors.close();
    await until('it said QUIT', () => sink.commands.filter((line) => line === 'QUIT').length === 2);
  });
});
