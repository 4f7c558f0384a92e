// Plays every story in this folder through all three doors over real sockets, and compares: the same client is judged and told
// the same at each of them. Then again with each of its DNS questions failed in turn: no run may add a permanent refusal.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type AlignmentPair, alignment, alignmentLevels, alignmentPairs } from '../../src/core/alignment.ts';
import { dnsErrors } from '../../src/core/answer.ts';
import { type Client, type DoorKind, doorKinds, reached, type Stage, stages } from '../../src/core/client.ts';
import { certificateWords } from '../../src/core/client-certificate.ts';
import { closedMap, readDocument } from '../../src/core/document.ts';
import type { Policy } from '../../src/core/policy.ts';
import { printProblem } from '../../src/core/problem.ts';
import { type Action, type Decision, refuses } from '../../src/core/verdict.ts';
import { toZone, zoneSchema } from '../../src/core/zone.ts';
import { cached } from '../../src/dns/cache.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { loadPolicy } from '../../src/load.ts';
import { openDoors, policyOf } from '../support/doors.ts';
import { failNth } from '../support/faults.ts';
import { openSink } from '../support/sink.ts';
import { type Visit, type Visitor, visitMilter, visitPolicy, visitSmtp } from '../support/visit.ts';

const folder = dirname(fileURLToPath(import.meta.url));

const text = z.string();
const storySchema = closedMap({
  zone: zoneSchema,
  client: closedMap({
    ip: text,
    /** Several are said one after another. */
    helo: z.union([text.transform((one) => [one]), z.array(text)]),
    mail: text,
    rcpt: z.array(text).default(['you@test.example']),
    sasl: text.default(''),
    certificate: text.default(''),
    /** Above the subject of its message. */
    header: z.array(text).default([]),
  }),
  policy: z.union([text, z.record(text, z.unknown())]),
  expect: closedMap({
    iprev: closedMap({ result: text, reason: text, name: text.optional() }),
    certificate: z.enum(certificateWords).default('none'),
    helo: closedMap({ form: text, dns: text, reason: text.optional(), idn: text.optional() }).optional(),
    /** How far the names of a pair go together. */
    alignment: z.partialRecord(z.enum(alignmentPairs), z.enum(alignmentLevels)).optional(),
    verdict: closedMap({ action: text, rule: text, tags: z.array(text).default([]), softened: text.optional() }),
    /** When the SMTP door tells it. */
    told: z.enum(stages).default('rcpt'),
    /** How its outcome begins, and the policy door's answer for its first recipient. The milter door's is the SMTP door's. */
    smtp: text,
    policy: text,
    /** The recipients that are not refused, where some are and some are not. */
    taken: z.array(text).optional(),
    /** What stands above the subject of the message in the end. */
    fields: z.array(text).optional(),
  }),
});
type Story = z.output<typeof storySchema>;

/**
 * Where the doors have to differ:
 * - The SMTP door offers no AUTH: users log in at the mail server behind, and are strangers to it; and no TLS here.
 * - The SMTP door has no queue in which to hold a message, and tags it.
 * - The policy door's answer is one field, which the story spells out, and the header of the message is not in its hands.
 * - Postfix asks for an answer at RCPT (smtpd_recipient_restrictions), and has words of its own for whom a milter refuses
 *   at connect; so a refusal that is announced before is told then.
 */
const strangersTo: DoorKind = 'smtp';
const heldAsTag = 'X-Iprevd-Tag: hold';
const tellsFrom: Readonly<Record<DoorKind, Stage>> = { smtp: 'connect', milter: 'helo', policy: 'rcpt' };

interface Played extends Visit {
  /** What the policy door said. */
  readonly answers?: readonly string[];
  readonly questions: number;
}

interface Theatre {
  /** `failing`: which question of this visit fails, from 1; 0 for none. */
  play(door: DoorKind, failing?: number): Promise<Played>;
  /** Ends every session. */
  close(): Promise<void>;
  readonly decisions: readonly Decision[];
}

/** The doors of a story. Each visit has a cache of its own, or the second would be answered from that of the first. */
async function openStory({ zone, client }: Story, policy: Policy): Promise<Theatre> {
  let dns: Resolver;
  const resolver: Resolver = { lookup: (name, type) => dns.lookup(name, type) };
  const sink = await openSink();
  const doors = await openDoors({ resolver, policy, backend: sink.endpoint });
  let port = 40_000;
  const visits = {
    smtp: (visitor: Visitor) => visitSmtp(doors.smtp, sink, visitor),
    policy: (visitor: Visitor) => visitPolicy(doors.policy, visitor),
    milter: (visitor: Visitor) => visitMilter(doors.milter, visitor),
  };
  return {
    decisions: doors.decisions,
    play: async (door, failing = 0) => {
      const counting = failNth(zoneResolver(toZone(zone)), failing, dnsErrors[failing % dnsErrors.length]);
      dns = cached(counting);
      const visit = await visits[door]({ ...client, port: ++port, header: [...client.header, subject] });
      return { ...visit, questions: counting.asked.length };
    },
    close: async () => {
      await doors.close();
      await sink.close();
    },
  };
}
const subject = 'Subject: story';

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

const withoutRef = (said: string): string => said.replace(/ \(ref \w+\)$/, '');
/** 250 is the backend's word, or the mail server's. */
const words = ({ outcome }: Visit): string => (outcome.startsWith('2') ? '250' : withoutRef(outcome));

function known({ helo, mail, rcpt, sasl }: Story['client'], stage: Stage): Partial<Client> {
  const at = { stage } as Client;
  return {
    stage,
    authenticated: sasl !== '',
    ...(reached(at, 'helo') ? { helo: helo.at(-1) ?? '' } : {}),
    ...(reached(at, 'mail') ? { sender: mail } : {}),
    ...(reached(at, 'rcpt') ? { recipient: rcpt[0] ?? '' } : {}),
  };
}

/** What a decision says to any door. */
function judged({ evidence, findings, verdict }: Decision) {
  const found = { ...findings, alignment: alignment(evidence, findings) };
  if (!refuses(verdict)) return { findings: found, verdict };
  return {
    findings: found,
    verdict: { ...verdict, reply: { ...verdict.reply, text: withoutRef(verdict.reply.text) } },
  };
}

/** Doors that tell a verdict at different stages have not all heard HELO by then. */
function comparable(decision: Decision, told: Stage) {
  const { findings, verdict } = judged(decision);
  const { iprev, naming } = findings;
  return told === 'connect' ? { findings: { iprev, naming }, verdict } : { findings, verdict };
}

const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const seen = new Set<Action | 'pending'>();

describe.each(files)('%s', (file) => {
  const story = readStory(file);
  const { client } = story;
  const asOne = doorKinds.filter((door) => door !== strangersTo || (client.sasl === '' && client.certificate === ''));

  test('ends as it says, the same at every door', async () => {
    const theatre = await openStory(story, await policyNamed(story.policy, file));
    const smtp = await theatre.play('smtp');
    const policy = await theatre.play('policy');
    const milter = await theatre.play('milter');
    await theatre.close();
    const visits = { smtp, policy, milter };

    expect(smtp.outcome.slice(0, story.expect.smtp.length)).toBe(story.expect.smtp);
    expect(policy.answers?.[0]?.slice(0, story.expect.policy.length)).toBe(story.expect.policy);
    const [first, ...others] = asOne.map((door) => words(visits[door]));
    for (const other of others) expect(other).toBe(first);

    const { verdict, told, iprev } = story.expect;
    const decisions = asOne.map((door) => {
      const ofDoor = theatre.decisions.filter(({ evidence }) => evidence.door === door);
      expect(ofDoor).toHaveLength(1); // one line for each session
      return ofDoor[0] as Decision;
    });
    for (const decision of decisions) {
      seen.add(decision.verdict.action);
      expect(comparable(decision, told)).toEqual(comparable(decisions[0] as Decision, told));
      expect(decision.findings.iprev).toMatchObject(iprev);
      const found = judged(decision).findings;
      expect(found.certificate).toBe(story.expect.certificate);
      expect(found.helo).toMatchObject(story.expect.helo ?? {});
      for (const [pair, level] of Object.entries(story.expect.alignment ?? {}))
        expect([pair, found.alignment[pair as AlignmentPair].level]).toEqual([pair, level]);
      const { action, rule, tags } = decision.verdict;
      expect({ action, rule, tags }).toEqual({ action: verdict.action, rule: verdict.rule, tags: verdict.tags });
      expect('softened' in decision.verdict).toBe(verdict.softened === 'true');
      const { door, client: heard } = decision.evidence;
      const at = stages[Math.max(stages.indexOf(told), stages.indexOf(tellsFrom[door as DoorKind]))];
      expect(heard).toMatchObject(known(client, at ?? 'rcpt'));
    }

    const taken = story.expect.taken ?? (first === '250' ? client.rcpt : []);
    for (const door of asOne) expect([door, visits[door].taken]).toEqual([door, taken]);

    const { held } = milter;
    expect(withoutRef(policy.held ?? '')).toBe(withoutRef(held ?? ''));
    if (asOne.includes('smtp'))
      expect(smtp.header.filter((field) => held === undefined || field !== heldAsTag)).toEqual(milter.header);
    if (story.expect.fields !== undefined)
      expect(milter.header.slice(0, milter.header.indexOf(subject))).toEqual(story.expect.fields);
  });

  test('a failed lookup adds no permanent refusal at any door', async () => {
    const theatre = await openStory(story, await policyNamed(story.policy, file));
    const isPermanent = ({ outcome }: Visit): boolean => outcome.startsWith('5');
    for (const door of doorKinds) {
      const whole = await theatre.play(door);
      for (let failing = 1; failing <= whole.questions; failing++) {
        const faulted = await theatre.play(door, failing);
        if (!isPermanent(whole)) expect([door, failing, isPermanent(faulted)]).toEqual([door, failing, false]);
      }
    }
    await theatre.close();
  });
});

test('together they show every action', () => {
  expect([...seen].sort()).toEqual(['accept', 'defer', 'reject', 'tag']);
});
