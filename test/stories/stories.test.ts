// Plays every story in this folder through both doors over real sockets, then again with each of its DNS questions
// failed in turn: no run may add a permanent refusal.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { dnsErrors } from '../../src/core/answer.ts';
import { closedMap, readDocument } from '../../src/core/document.ts';
import type { Policy } from '../../src/core/policy.ts';
import { printProblem } from '../../src/core/problem.ts';
import type { Action, Decision } from '../../src/core/verdict.ts';
import { toZone, zoneSchema } from '../../src/core/zone.ts';
import { outcomeOf, play } from '../../src/demo/player.ts';
import { cached } from '../../src/dns/cache.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { loadPolicy } from '../../src/load.ts';
import { ask, request } from '../support/delegation.ts';
import { openDoors, policyOf } from '../support/doors.ts';
import { failNth } from '../support/faults.ts';
import { openSink } from '../support/sink.ts';

const folder = dirname(fileURLToPath(import.meta.url));

const storySchema = closedMap({
  zone: zoneSchema,
  client: closedMap({
    ip: z.string(),
    helo: z.string(),
    mail: z.string(),
    rcpt: z.array(z.string()).optional(),
    sasl: z.string().optional(),
  }),
  policy: z.union([z.string(), z.record(z.string(), z.unknown())]),
  expect: closedMap({
    iprev: closedMap({ result: z.string(), reason: z.string(), name: z.string().optional() }),
    verdict: closedMap({
      action: z.string(),
      rule: z.string(),
      tags: z.array(z.string()).optional(),
      softened: z.string().optional(),
    }),
    smtp: z.string(),
    policy: z.string(),
    fields: z.array(z.string()).optional(),
  }),
});
type Story = z.output<typeof storySchema>;

interface Run {
  readonly smtp: string;
  readonly policy: string;
  readonly decisions: readonly Decision[];
  readonly top: readonly string[];
  readonly questions: number;
}

async function run(
  story: Story,
  policy: Policy,
  failing = 0,
  code: (typeof dnsErrors)[number] = 'servfail',
): Promise<Run> {
  const sink = await openSink();
  // Each door has a resolver of its own, or the second would be answered from the cache of the first.
  const overSmtp = failNth(zoneResolver(toZone(story.zone)), failing, code);
  const overPolicy = failNth(zoneResolver(toZone(story.zone)), failing, code);
  const smtpDoors = await openDoors({ resolver: cached(overSmtp), policy, backend: sink.endpoint });
  const policyDoors = await openDoors({ resolver: cached(overPolicy), policy, backend: sink.endpoint });
  const { ip, helo, mail, rcpt = ['you@test.example'], sasl = '' } = story.client;
  try {
    const played = await play({
      ...smtpDoors.smtp,
      from: ip,
      proxied: true,
      helo,
      mail,
      rcpt,
      message: ['Subject: story', '', 'text'],
    });
    const answer = await ask(
      policyDoors.policy,
      request({ client_address: ip, helo_name: helo, sender: mail, recipient: rcpt[0] ?? '', sasl_username: sasl }),
    );
    const wire = sink.messages[0]?.wire.toString('latin1') ?? '';
    return {
      smtp: outcomeOf(played),
      policy: answer.replace(/\n+$/, ''),
      decisions: [...smtpDoors.decisions, ...policyDoors.decisions],
      top: wire
        .slice(0, Math.max(0, wire.indexOf('Subject: story')))
        .split('\r\n')
        .filter(Boolean),
      questions: overSmtp.asked.length,
    };
  } finally {
    await Promise.all([smtpDoors.close(), policyDoors.close()]);
    await sink.close();
  }
}

function readStory(file: string): Story {
  const checked = readDocument(readFileSync(join(folder, file), 'utf8'), file, storySchema, 'text');
  if (!checked.ok) throw new Error(checked.problems.map(printProblem).join('\n'));
  return checked.value;
}

async function policyNamed(policy: Story['policy'], file: string): Promise<Policy> {
  // In a story everything is text; JSON is YAML, so "550" becomes a number again.
  if (typeof policy !== 'string') return policyOf(JSON.stringify(policy).replace(/"(\d{3}|true|-?\d+\.\d+)"/g, '$1'));
  const checked = await loadPolicy(policy, folder);
  if (!checked.ok) throw new Error(`${file}: ${checked.problems.map(printProblem).join('\n')}`);
  return checked.value;
}

const isPermanent = (answer: string): boolean => /^(action=)?5/.test(answer);

const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const seen = new Set<Action | 'pending'>();

describe.each(files)('%s', (file) => {
  const story = readStory(file);

  test('ends as it says at both doors', async () => {
    const { smtp, policy, decisions, top } = await run(story, await policyNamed(story.policy, file));
    expect(smtp.slice(0, story.expect.smtp.length)).toBe(story.expect.smtp);
    expect(policy.slice(0, story.expect.policy.length)).toBe(story.expect.policy);
    expect(decisions).toHaveLength(2); // one line for each session, at each door
    for (const { findings, verdict } of story.client.sasl === undefined ? decisions : decisions.slice(1)) {
      seen.add(verdict.action);
      expect(findings.iprev).toMatchObject(story.expect.iprev);
      const { action, rule, tags = [], softened } = story.expect.verdict;
      expect({ action: verdict.action, rule: verdict.rule, tags: verdict.tags }).toEqual({ action, rule, tags });
      expect('softened' in verdict).toBe(softened === 'true');
    }
    if (story.expect.fields !== undefined) expect(top).toEqual(story.expect.fields);
  });

  test('a failed lookup adds no permanent refusal', async () => {
    const policy = await policyNamed(story.policy, file);
    const whole = await run(story, policy);
    for (let failing = 1; failing <= whole.questions; failing++) {
      const code = dnsErrors[failing % dnsErrors.length];
      const faulted = await run(story, policy, failing, code);
      if (!isPermanent(whole.smtp)) expect(faulted.smtp).not.toMatch(/^5/);
      if (!isPermanent(whole.policy)) expect(faulted.policy).not.toMatch(/^action=5/);
    }
  });
});

test('together they show every action', () => {
  expect([...seen].sort()).toEqual(['accept', 'defer', 'reject', 'tag']);
});
