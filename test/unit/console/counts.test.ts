// What is counted and kept for the console, and that all of it is bounded.

import { describe, expect, test } from '@jest/globals';
import { liveDecisions } from '../../../src/console/live.ts';
import { overTime, spans } from '../../../src/console/over-time.ts';
import { recordedSessions } from '../../../src/console/recorded.ts';
import { makeTally, otherRules } from '../../../src/console/tally.ts';
import type { LiveLine } from '../../../src/console/wire.ts';
import { decide } from '../../../src/core/decide.ts';
import { parseCidr } from '../../../src/core/ip.ts';
import {
  clientGroupsMax,
  clientGroupsShownMax,
  consoleStreamsMax,
  liveDecisionsPerSecondMax,
  recentDecisionsMax,
  rulesCountedMax,
} from '../../../src/core/limits.ts';
import { recordLine } from '../../../src/core/record-line.ts';
import type { Decision } from '../../../src/core/verdict.ts';
import { policyOf } from '../../support/doors.ts';
import { evidenceOf, type Given } from '../../support/evidence.ts';

const policy = policyOf(`rules:
  - { id: watched, when: { iprev: permerror }, mode: monitor, reject: "no" }
  - { id: no-ptr, when: { iprev: permerror }, reject: "no" }
  - { id: marked, when: { naming: generic }, tag: generic }
otherwise: accept
`);
const decided = (given: Given = { ptr: 'nxdomain' }, by = policy): Decision =>
  decide(by, { ...evidenceOf(given), door: 'smtp' });
const named = (ip: string, name: string): Given => ({ ip, ptr: [name], forward: { [name]: [ip] } });

describe('over time', () => {
  const second = 1_000;
  test('slots fall off at the end of the span, and empty ones are zero', () => {
    const hits = overTime();
    const start = 1_800_000_000_000;
    hits.count(start);
    hits.count(start + second);
    hits.count(start + 25 * second);
    const soon = hits.read('hour', start + 25 * second);
    expect(soon).toHaveLength(360);
    expect(soon.slice(-3)).toEqual([2, 0, 1]);
    const hour = spans.hour.slotS * spans.hour.slots * second;
    expect(hits.read('hour', start + hour - 10 * second).slice(0, 3)).toEqual([2, 0, 1]);
    expect(hits.read('hour', start + 10 * hour).every((slot) => slot === 0)).toBe(true);
    expect(hits.read('day', start + hour).reduce((a, b) => a + b)).toBe(3);
  });
  test('a clock that jumps back counts into the newest slot', () => {
    const hits = overTime();
    hits.count(1_800_000_000_000);
    hits.count(1_700_000_000_000);
    expect(hits.read('hour', 1_700_000_000_000).at(-1)).toBe(2);
  });
});

describe('tally', () => {
  test('actions, rules enforced and monitored, reasons, organisations', () => {
    const tally = makeTally(() => 1_800_000_000_000);
    tally.decided(decided());
    tally.decided(decided(named('192.0.2.9', 'mx.example.co.uk')));
    expect(tally.doors.smtp).toEqual({ accept: 1, tag: 0, defer: 0, reject: 1, pending: 0 });
    expect(tally.reasons).toMatchObject({ confirmed: 1, 'no-ptr': 1 });
    expect(
      Object.fromEntries(
        tally.rules().map(({ rule, enforced, monitored, decided: last }) => [rule, [enforced, monitored, last]]),
      ),
    ).toEqual({
      watched: [0, 1, 0],
      'no-ptr': [1, 0, 1],
      otherwise: [1, 0, 1],
    });
    expect(tally.groups().map(({ group, isNetwork, actions }) => [group, isNetwork, actions])).toEqual([
      ['example.co.uk', false, { accept: 1 }],
      ['192.0.2.0/24', true, { reject: 1 }],
    ]);
    expect(
      tally
        .history('day')
        .rules.find(({ rule }) => rule === 'no-ptr')
        ?.enforced.at(-1),
    ).toBe(1);
  });
  test('rules of many policies, and networks without end, stay in their bounds', () => {
    const tally = makeTally(Date.now);
    for (let i = 0; i < rulesCountedMax + 50; i++)
      tally.decided(
        decided(
          { ptr: 'nxdomain' },
          policyOf(`rules: [{ id: r${i}, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n`),
        ),
      );
    expect(tally.rules()).toHaveLength(rulesCountedMax + 1);
    expect(tally.rules().find(({ rule }) => rule === otherRules)).toMatchObject({ enforced: 50, decided: 50 });
    for (let i = 0; i < clientGroupsMax + 500; i++)
      tally.decided(decided({ ip: `10.${i >> 8}.${i & 255}.1`, ptr: 'nxdomain' }));
    expect(tally.groups()).toHaveLength(clientGroupsShownMax);
  });
});

describe('recorded sessions', () => {
  const record = (id: string) => {
    const decision = decided();
    return recordLine({ ...decision, evidence: { ...decision.evidence, id } }, { envelope: 'full' });
  };
  const refs = (recorded: ReturnType<typeof recordedSessions>) =>
    [...recorded.pieces()]
      .join('')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).evidence.id);

  test('the oldest go first: by number', () => {
    const recorded = recordedSessions({ sessionsMax: 3 });
    for (let i = 0; i < 10; i++) recorded.add(record(`r${i}`));
    expect([recorded.size, refs(recorded), recorded.cut]).toEqual([3, ['r7', 'r8', 'r9'], 'sessions']);
  });
  test('and by octets; one that is larger than all of it leaves nothing', () => {
    const line = record('r0').length + 1;
    const recorded = recordedSessions({ octetsMax: 2 * line });
    for (let i = 0; i < 5; i++) recorded.add(record(`r${i}`));
    expect([refs(recorded), recorded.cut]).toEqual([['r3', 'r4'], 'octets']);
    recorded.add(record('x'.repeat(3 * line)));
    expect([recorded.size, refs(recorded)]).toEqual([0, []]);
  });
  test('in pieces, all of them', () => {
    const recorded = recordedSessions();
    for (let i = 0; i < 500; i++) recorded.add(record(`r${i}`));
    expect(recorded.cut).toBeUndefined();
    expect([...recorded.pieces()].length).toBeGreaterThan(2);
    expect(refs(recorded)).toHaveLength(500);
  });
});

describe('who watches', () => {
  const outlet = () => {
    const heard: LiveLine[] = [];
    return {
      heard,
      writableLength: 0,
      write: (text: string) =>
        heard.push(
          ...text
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line)),
        ),
    };
  };
  const kinds = (heard: readonly LiveLine[]) =>
    heard.map((line) => (line.kind === 'beat' ? line.skipped : line.decision.evidence.client.ip));

  test('hears of what comes, of one range if it wants, and nothing after it has gone', () => {
    const live = liveDecisions();
    const [all, one] = [outlet(), outlet()];
    live.decided(decided({ ip: '192.0.2.1', ptr: 'nxdomain' }), 1);
    const watching = live.watch(all, { recent: true });
    live.watch(one, { client: parseCidr('192.0.2.8/30') as never });
    for (const ip of ['192.0.2.9', '198.51.100.1']) live.decided(decided({ ip, ptr: 'nxdomain' }), 1);
    watching?.stop();
    live.decided(decided({ ip: '192.0.2.10', ptr: 'nxdomain' }), 1);
    expect(kinds(all.heard)).toEqual(['192.0.2.1', 0, '192.0.2.9', '198.51.100.1']);
    expect(kinds(one.heard)).toEqual([0, '192.0.2.9', '192.0.2.10']);
  });
  test('so many a second, so much of the past, so many who watch; what is left out is counted', () => {
    const live = liveDecisions();
    const [quick, slow] = [outlet(), { ...outlet(), writableLength: 2 ** 30 }];
    live.watch(quick, {});
    live.watch(slow, {});
    for (let i = 0; i < liveDecisionsPerSecondMax + 7; i++) live.decided(decided(), 1);
    live.beat();
    expect(quick.heard).toHaveLength(liveDecisionsPerSecondMax + 2);
    expect(quick.heard.at(-1)).toEqual({ kind: 'beat', skipped: 7 });
    expect(slow.heard).toEqual([{ kind: 'beat', skipped: 0 }]);
    for (let i = 0; i < 3 * recentDecisionsMax; i++) live.decided(decided(), 1);
    const late = outlet();
    live.watch(late, { recent: true });
    expect(late.heard).toHaveLength(recentDecisionsMax + 1);
    for (let i = 3; i < consoleStreamsMax; i++) expect(live.watch(outlet(), {})).toBeDefined();
    expect(live.watch(outlet(), {})).toBeUndefined();
  });
});
