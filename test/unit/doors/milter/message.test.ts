// What becomes of messages in a milter session: fields of ours, forged fields, quarantine.

import { describe, expect, test } from '@jest/globals';
import { forgedFieldsMax } from '../../../../src/core/limits.ts';
import { agreed, authservId, gateOf, message, results, say } from '../../../support/mail-server.ts';

describe('messages', () => {
  const opened = [say.client('192.0.2.2'), say.helo()];

  test('results on top, then tags, then the fields of the policy', async () => {
    const policy = `
rules:
  - { id: one, when: { iprev: fail }, tag: weak }
  - { id: two, when: { iprev: fail }, tag: odd }
  - { id: three, when: { iprev: fail }, tag: { header: X-Why, value: because } }
otherwise: accept`;
    const { talk } = await agreed(gateOf(policy).gate);
    const heard = await talk(...opened, ...message('Subject: x'));
    expect(heard.slice(4)).toEqual([
      'i||||X-Why|because|',
      'i||||X-Iprevd-Tag|odd|',
      'i||||X-Iprevd-Tag|weak|',
      results('192.0.2.2', 'fail'),
      'c',
    ]);
  });

  test('several in a connection, one given up', async () => {
    const { session, talk } = await agreed(gateOf().gate);
    await talk(say.client('192.0.2.1'), say.helo());
    expect(session.isInMessage).toBe(false);
    expect(await talk(say.mail(), say.rcpt(), say.bare('A'))).toEqual(['c', 'c']);
    expect(session.isInMessage).toBe(false);
    for (const _ of [1, 2]) expect(await talk(...message())).toEqual(['c', 'c', results('192.0.2.1'), 'c']);
    expect(await talk(say.bare('Q'))).toEqual(['closed: quit']);
  });

  test('the next client of a connection is another', async () => {
    const { talk } = await agreed(gateOf().gate);
    await talk(say.client('192.0.2.1'), say.helo(), say.mail(), say.bare('K'));
    const heard = await talk(say.client('192.0.2.2'), say.helo(), ...message());
    expect(heard.at(-2)).toBe(results('192.0.2.2', 'fail'));
    expect(heard).toContain('i||||X-Iprevd-Tag|weak|');
  });

  test('forged fields are taken out by name and number, from the last; others count and stay', async () => {
    const { talk } = await agreed(gateOf().gate);
    const heard = await talk(
      ...[say.client('192.0.2.1'), say.helo()],
      ...message(
        'Authentication-Results: other.example; spf=pass',
        `AUTHENTICATION-RESULTS: (a comment) ${authservId.toUpperCase()}; iprev=pass`,
        'X-Iprevd-Tag: weak',
        'Subject: X-Iprevd-Tag',
        `Authentication-Results : ${authservId}; iprev=pass`,
      ),
    );
    expect(heard.slice(4)).toEqual([
      'm|||\x03Authentication-Results||',
      'm|||\x01X-Iprevd-Tag||',
      'm|||\x02AUTHENTICATION-RESULTS||',
      results('192.0.2.1'),
      'c',
    ]);
  });

  test('fields that the policy writes are forged when they come from outside', async () => {
    const policy =
      'rules:\n  - { id: one, when: { iprev: fail }, tag: { header: X-Why, value: because } }\notherwise: accept';
    const { talk } = await agreed(gateOf(policy).gate);
    const heard = await talk(say.client('192.0.2.1'), ...message('x-why: trust me'));
    expect(heard).toContain('m|||\x01x-why||');
  });

  test('more forged fields than the bound refuse the message', async () => {
    const { talk } = await agreed(gateOf().gate);
    const fields = (count: number) => Array.from({ length: count }, () => 'X-Iprevd-Tag: x');
    await talk(say.client('192.0.2.1'), say.helo());
    expect(await talk(...message(...fields(forgedFieldsMax)))).toHaveLength(2 + forgedFieldsMax + 2);
    const refused = await talk(...message(...fields(forgedFieldsMax + 1)));
    expect(refused.slice(2)).toEqual(['y554 5.6.0 more than 1000 header fields that only this server may write|']);
  });

  test('a mail server that wants an answer to each field gets one', async () => {
    const { talk } = await agreed(gateOf().gate, say.offer(2, 0x1f, 0x7f));
    const parts = [say.header('Subject', 'x'), say.bare('N'), say.bare('B')];
    const heard = await talk(...opened, say.mail(), say.rcpt(), ...parts, say.bare('E'));
    expect(heard).toEqual([
      ...['c', 'c', 'c', 'c', 'c', 'c', 'c'],
      'i||||X-Iprevd-Tag|weak|',
      results('192.0.2.2', 'fail'),
      'c',
    ]);
  });

  const holding =
    'allow_hold: true\nrules:\n  - { id: one, when: { iprev: fail }, tag: weak, hold: true }\notherwise: accept';
  test('hold is quarantine, or a tag where there is none', async () => {
    const able = await agreed(gateOf(holding).gate);
    const heard = await able.talk(...opened, ...message());
    expect(heard.slice(-3)).toEqual([results('192.0.2.2', 'fail'), 'qone (ref ref1)|', 'c']);
    expect(heard).not.toContain('i||||X-Iprevd-Tag|hold|');
    const unable = await agreed(gateOf(holding).gate, say.offer(6, 0x11));
    expect((await unable.talk(...opened, ...message())).slice(-4)).toEqual([
      'i||||X-Iprevd-Tag|hold|',
      'i||||X-Iprevd-Tag|weak|',
      results('192.0.2.2', 'fail'),
      'c',
    ]);
  });

  test('nothing is changed that was not agreed on', async () => {
    const { talk } = await agreed(gateOf(holding).gate, say.offer(6, 0));
    expect(await talk(...opened, ...message('X-Iprevd-Tag: x'))).toEqual(['c', 'c', 'c', 'c', 'c']);
  });

  test('refused recipients leave no results', async () => {
    const { talk } = await agreed(gateOf().gate);
    const heard = await talk(say.client('192.0.2.3'), say.helo(), ...message());
    expect(heard.map((answer) => answer[0])).toEqual(['c', 'c', 'c', 'y', 'c']);
  });
});
