import { describe, expect, test } from '@jest/globals';
import { dnsError } from '../../src/core/answer.ts';
import type { Client } from '../../src/core/client.ts';
import { outcomeCodesMax } from '../../src/core/limits.ts';
import { type HostName, hostName } from '../../src/core/name.ts';
import type { Outcome } from '../../src/core/record.ts';
import type { Decision } from '../../src/core/verdict.ts';
import { type GateParts, makeGate } from '../../src/gate.ts';
import type { Answers } from '../../src/gather.ts';
import { policyOf } from '../support/doors.ts';
import { ipOf } from '../support/evidence.ts';

const ip = ipOf('192.0.2.7');
const client: Client = { ip, stage: 'rcpt', authenticated: false };
const nobody: Answers = { ptr: { kind: 'nxdomain', ttl: 1 }, forward: [] };

function setUp(gather: () => Promise<Answers> = async () => nobody) {
  const heloAsked: string[] = [];
  let clock = 1_000;
  const reported: [Decision, number][] = [];
  const policies = [policyOf('rules: []\notherwise: accept'), policyOf('rules: []\notherwise: reject')];
  let current = 0;
  const parts: GateParts = {
    gather: async () => {
      clock += 25;
      return gather();
    },
    gatherHelo: async (helo) => {
      heloAsked.push(helo);
      const name = hostName(helo);
      return name && { name, addresses: { kind: 'nxdomain', ttl: 1 } };
    },
    policy: () => policies[current] ?? policyOf(''),
    report: (decision, ms) => reported.push([decision, ms]),
    newRef: () => 'ref1',
    now: () => clock,
  };
  return { gate: makeGate(parts), parts, reported, heloAsked, reload: () => (current = 1) };
}

test('the decision that was told is reported once, with the time it took', async () => {
  const { gate, reported } = setUp();
  const inquiry = gate.open('smtp', ip);
  const decision = await inquiry.decide(client);
  inquiry.told(decision);
  inquiry.told(decision);
  await inquiry.close(client);
  expect(reported).toEqual([[decision, 25]]);
  expect(decision.evidence).toMatchObject({
    v: 1,
    id: 'ref1',
    at: '1970-01-01T00:00:01.000Z',
    door: 'smtp',
    ...nobody,
  });
});

test('a session that was told nothing is reported when it ends', async () => {
  const { gate, reported } = setUp();
  await gate.open('policy', ip).close({ ...client, stage: 'connect' });
  expect(reported.map(([{ evidence, verdict }]) => [evidence.client.stage, verdict.action])).toEqual([
    ['connect', 'accept'],
  ]);
});

describe('what became of it', () => {
  const setUpFinished = () => {
    const { parts } = setUp();
    const finished: [Decision, Outcome | undefined][] = [];
    const gate = makeGate({ ...parts, finished: (decision, outcome) => finished.push([decision, outcome]) });
    return { gate, finished };
  };

  test('is told once, when the session ends, with the decision that was reported', async () => {
    const { gate, finished } = setUpFinished();
    const inquiry = gate.open('smtp', ip);
    const decision = await inquiry.decide(client);
    inquiry.told(decision);
    inquiry.told(await inquiry.decide({ ...client, recipient: 'x' }));
    inquiry.heard('rcpt', 250);
    inquiry.heard('rcpt', 550);
    inquiry.heard('dot', 250);
    expect(finished).toEqual([]);
    await inquiry.close(client);
    await inquiry.close(client);
    expect(finished).toEqual([[decision, { rcpt: [250, 550], dot: [250] }]]);
  });

  test('is nothing where nothing was told, and no more codes than are kept', async () => {
    const { gate, finished } = setUpFinished();
    await gate.open('smtp', ip).close({ ...client, stage: 'connect' });
    const busy = gate.open('smtp', ip);
    for (let i = 0; i < outcomeCodesMax + 5; i++) busy.heard('rcpt', 250);
    await busy.close(client);
    expect(finished.map(([, outcome]) => outcome?.rcpt.length)).toEqual([0, outcomeCodesMax]);
  });

  test('nobody knows at a door that is asked: it is over with the verdict', async () => {
    const { gate, finished } = setUpFinished();
    for (const door of ['policy', 'milter'] as const) {
      const inquiry = gate.open(door, ip);
      inquiry.told(await inquiry.decide(client));
      expect(finished.splice(0)).toEqual([[expect.objectContaining({ evidence: expect.anything() }), undefined]]);
      await inquiry.close(client);
      expect(finished).toEqual([]);
    }
  });
});

test('the policy of a session is the one it began with', async () => {
  const { gate, reload } = setUp();
  const before = gate.open('smtp', ip);
  reload();
  expect((await before.decide(client)).verdict.action).toBe('accept');
  expect((await gate.open('smtp', ip).decide(client)).verdict.action).toBe('reject');
});

test('the name in HELO is looked up when it comes, once, and anew when it changes', async () => {
  const { gate, heloAsked } = setUp();
  const inquiry = gate.open('smtp', ip);
  expect((await inquiry.decide({ ...client, stage: 'connect' })).evidence.helo).toBeUndefined();
  inquiry.helo('mx.example');
  expect(heloAsked).toEqual(['mx.example']);
  const { evidence } = await inquiry.decide({ ...client, helo: 'mx.example' });
  expect(evidence.helo).toEqual({ name: 'mx.example', addresses: { kind: 'nxdomain', ttl: 1 } });
  expect((await inquiry.decide({ ...client, helo: '[192.0.2.7]' })).evidence.helo).toBeUndefined();
  expect(heloAsked).toEqual(['mx.example', '[192.0.2.7]']);
});

test('an address that the watch does not believe is marked in the evidence', async () => {
  const policy = policyOf('rules: []\notherwise: reject');
  const gate = makeGate({
    gather: async () => nobody,
    gatherHelo: async () => undefined,
    watch: { arrived: (address) => (address === ip ? 'one-address' : undefined) },
    policy: () => policy,
    report: () => {},
    newRef: () => 'ref1',
    now: () => 0,
  });
  const [masked, other] = [gate.open('smtp', ip), gate.open('smtp', ipOf('192.0.2.8'))];
  expect((await masked.decide(client)).evidence.masked).toBe('one-address');
  expect((await other.decide(client)).evidence.masked).toBeUndefined();
});

test('a bug in gathering reaches who waits for it, and nobody else', async () => {
  const { gate, reported } = setUp(async () => {
    throw new Error('a bug of ours');
  });
  const inquiry = gate.open('smtp', ip);
  await new Promise((resolve) => setTimeout(resolve, 5)); // an unhandled rejection would end the process here
  await expect(inquiry.decide(client)).rejects.toThrow('a bug of ours');
  await expect(inquiry.close(client)).rejects.toThrow('a bug of ours');
  expect(reported).toEqual([]);
});

test('DNS trouble is no bug', async () => {
  const { gate } = setUp(async () => ({ ptr: dnsError('timeout'), forward: [] }));
  expect((await gate.open('smtp', ip).decide(client)).findings.iprev.result).toBe('temperror');
});

test('who cannot wait is answered as if the DNS were silent; who can has the answers', async () => {
  let answer: (answers: Answers) => void = () => {};
  const { gate } = setUp(() => new Promise((resolve) => (answer = resolve)));
  const inquiry = gate.open('policy', ip);
  const early = await inquiry.decide({ ...client, helo: 'mx.example' }, 10);
  expect(early.evidence.ptr).toEqual(dnsError('timeout'));
  expect(early.evidence.helo).toEqual({ name: 'mx.example', addresses: dnsError('timeout') });
  const late = inquiry.decide(client, 10_000);
  answer(nobody);
  expect((await late).evidence.ptr).toEqual(nobody.ptr);
});

test('a bug in the lookup of a HELO name is for who waits for the verdict, not for who said HELO', () => {
  const { parts } = setUp();
  const broken = (): never => {
    throw new Error('a bug of ours');
  };
  const inquiry = makeGate({ ...parts, gather: () => nobody, gatherHelo: broken }).open('smtp', ip);
  inquiry.helo('mx.example');
  expect(() => inquiry.decide({ ...client, helo: 'mx.example' })).toThrow('a bug of ours');
});

test('where all is known the decision is there at once, and where something is not it comes later', async () => {
  const known = { addresses: { kind: 'nodata', ttl: 1 } } as const;
  const { parts } = setUp();
  let isKnown = true;
  const gate = makeGate({
    ...parts,
    gather: () => (isKnown ? nobody : Promise.resolve(nobody)),
    gatherHelo: (helo) => {
      const forward = { name: hostName(helo) as HostName, ...known };
      return isKnown ? forward : Promise.resolve(forward);
    },
  });
  const greeted = { ...client, helo: 'mx.example' };
  const atOnce = gate.open('smtp', ip).decide(greeted, 1_000);
  expect(atOnce).toMatchObject({ evidence: { ...nobody, helo: { name: 'mx.example', ...known } } });
  isKnown = false;
  const inquiry = gate.open('smtp', ip);
  const later = inquiry.decide(greeted, 1_000);
  expect(later).toBeInstanceOf(Promise);
  expect(await later).toEqual(atOnce);
  expect(inquiry.decide(greeted)).toEqual(atOnce);
});
