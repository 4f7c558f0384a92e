// Plays the tests that stand in a policy file against that policy: its zone answers in place of the DNS, and everything behind that
// is as in the service. In a browser too. Never rejects but for a bug of ours.

import { decide } from './core/decide.ts';
import { placesIn } from './core/places.ts';
import type { Policy } from './core/policy.ts';
import { type Mismatch, mismatches, type PolicyTest } from './core/policy-tests.ts';
import type { Decision } from './core/verdict.ts';
import { zoneResolver } from './dns/zone.ts';
import { gatherer, heloGatherer } from './gather.ts';

export interface PlayedTest {
  readonly name: string;
  /** "policy:12:5" */
  readonly where: string;
  readonly decision: Decision;
  /** [] if it ended as the test says. */
  readonly mismatches: readonly Mismatch[];
}

/** `text` is what the policy was read from, `file` says where; `now` in milliseconds since 1970, for tests without a time. */
export async function playPolicyTests(
  policy: Policy,
  text: string,
  file: string,
  now: number,
): Promise<readonly PlayedTest[]> {
  const { tests = [] } = policy;
  if (tests.length === 0) return [];
  const places = placesIn(text, file);
  const played: PlayedTest[] = [];
  for (const [i, test] of tests.entries()) {
    const decision = await play(policy, test, now);
    const where = places.show(places.offsetOf(['tests', i]));
    played.push({ name: test.name, where, decision, mismatches: mismatches(test.expect, decision.verdict) });
  }
  return played;
}

/** A zone answers at once. */
const deadlineMs = 10_000;

async function play(policy: Policy, test: PolicyTest, now: number): Promise<Decision> {
  const { client, door, at = now, ourName, zone } = test;
  const resolver = zoneResolver(zone);
  const answers = await gatherer(resolver, deadlineMs)(client.ip);
  const helo = client.helo === undefined ? undefined : await heloGatherer(resolver, deadlineMs)(client.helo, client.ip);
  return decide(policy, {
    v: 1,
    id: 'test',
    at: new Date(at).toISOString(),
    door,
    client,
    ...(ourName === undefined ? {} : { ourName }),
    ...answers,
    ...(helo === undefined ? {} : { helo }),
  });
}
