// The milter door as a real mail server meets it: clients on loopback of whom the DNS says this and that, a policy with one rule
// for each thing that a milter can do, and the header fields that it writes, or that a client forges.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../../src/core/endpoint.ts';
import type { Decision } from '../../src/core/verdict.ts';
import { toZone } from '../../src/core/zone.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { milterDoor } from '../../src/doors/milter/server.ts';
import { makeGate } from '../../src/gate.ts';
import { gatherer, heloGatherer } from '../../src/gather.ts';
import { listen } from '../../src/listen.ts';
import { makeLog } from '../../src/log.ts';
import { makeRefs } from '../../src/ref.ts';
import { ourName, policyOf } from './doors.ts';
import { run, until } from './processes.ts';
import type { sendLetter } from './raw-smtp.ts';
import type { Sink } from './sink.ts';

/** 127.0.0.2 and ::1 are confirmed, .3 has no PTR, .4 and .5 are not confirmed, .7 is in trouble. */
const resolver = zoneResolver(
  toZone({
    '127.0.0.2': ['mail.good.example'],
    'mail.good.example': ['127.0.0.2', '::1'],
    '::1': ['mail.good.example'],
    '127.0.0.4': ['mail.elsewhere.example'],
    '127.0.0.5': ['100%d\r\n250 injected.example'],
    '127.0.0.7': 'servfail',
  }),
);

/** Told at RCPT. */
export const milterRules = `
allow_hold: true
rules:
  - { id: odd, when: { client_ip: 127.0.0.5 }, reject: "100%, %s: {ptr} said {helo}" }
  - { id: held, when: { sender: held@client.example }, hold: true }
  - { id: why, when: { iprev: fail }, tag: { header: X-Why, value: "not confirmed" } }
  - { id: weak, when: { iprev: fail }, tag: weak }
  - { id: no-ptr, when: { iprev: permerror }, reject: "{ip} has no usable PTR record" }
  - { id: trouble, when: { iprev: temperror }, defer: "try again" }
otherwise: accept`;

/** The same, told earlier; a rule about the sender would wait for MAIL. */
export const announcedAt = (stage: string): string =>
  `announce: ${stage}\n${milterRules.replace(/^.*id: held.*$/m, '')}`;

/** Ours or like ours. Those of other.example and last.example are to stay. */
export const forgedFields: readonly string[] = [
  `Authentication-Results: ${ourName}; iprev=pass (one)`,
  'Authentication-Results: other.example; spf=pass',
  `authentication-results:${ourName}; iprev=pass (two)`,
  `Authentication-Results: (a\r\n comment) ${ourName}; iprev=pass (three)`,
  `Authentication-Results : ${ourName}; iprev=pass (four)`,
  `Authentication-Results:\r\n\t${ourName}; iprev=pass (five)`,
  `Authentication-Results \t:\t ${ourName}; iprev=pass (six)`,
  'Authentication-Results:',
  'X-Iprevd-Tag: weak',
  'X-IPREVD-TAG : weak',
  'X-Why: trust me',
  'Authentication-Results: last.example; spf=pass',
];

export interface OpenMilter {
  readonly at: Endpoint;
  /** What was reported so far. */
  readonly decisions: readonly Decision[];
  close(): Promise<void>;
}

export interface OpenMilterParts {
  readonly logFile: string;
  /** Absent: a free port on 127.0.0.1. */
  readonly at?: Endpoint;
  /** Asked for each decision; absent: milterRules. */
  readonly policy?: () => string;
}

export async function openMilter({ logFile, at, policy = () => milterRules }: OpenMilterParts): Promise<OpenMilter> {
  const decisions: Decision[] = [];
  const gate = makeGate({
    gather: gatherer(resolver, 2_000),
    gatherHelo: heloGatherer(resolver, 2_000),
    policy: () => policyOf(policy()),
    report: (decision) => decisions.push(decision),
    newRef: makeRefs(Date.now),
    now: Date.now,
  });
  const door = milterDoor({ gate, log: makeLog('info', logFile), authservId: ourName });
  const where = await listen(door.server, at ?? { kind: 'tcp', host: '127.0.0.1', port: 0 });
  return { at: where, decisions, close: () => door.drain(500) };
}

export function portOf(at: Endpoint): number {
  if (at.kind !== 'tcp') throw new Error('not TCP');
  return at.port;
}

/** The decision with the ref that stands in this reply. */
export async function decisionOf(reply: string, { decisions }: OpenMilter): Promise<Decision | undefined> {
  const ref = /\(ref (\w+)\)/.exec(reply)?.[1];
  const find = () => decisions.find(({ evidence }) => evidence.id === ref);
  await until('it is reported', () => find() !== undefined);
  return find();
}

/** Lines of swaks that show a refusal. */
export const refusalsIn = (output: string): string[] => output.split('\n').filter((line) => /^<\*\* /.test(line));

/** swaks as a client of `port`; its output. */
export async function swaks(port: number, from: string, ...args: string[]): Promise<string> {
  const where = ['--server', from.includes(':') ? '[::1]' : '127.0.0.1', '--port', String(port), '--timeout', '20'];
  const who = ['--local-interface', from, '--from', 'a@client.example', '--to', 'b@test.example'];
  return (await run('swaks', [...where, '--helo', 'client.example', ...who, ...args])).output;
}

/** Writes a message for swaks: these fields and a short body. */
export function messageFile(folder: string, fields: readonly string[]): string {
  const path = join(folder, 'message');
  writeFileSync(path, ['Subject: x', ...fields, '', 'body', ''].join('\r\n'), 'latin1');
  return path;
}

/** The header fields of the message of this index, in their order. */
export function fieldsOf(sink: Sink, index: number): string[] {
  const [header = ''] = (sink.messages[index]?.wire.toString('latin1') ?? '').split('\r\n\r\n');
  return header.split(/\r\n(?![ \t])/);
}

/** Those that only the door may write. */
export const ourFields = (fields: readonly string[]): string[] =>
  fields.filter((field) => /^(?:authentication-results|x-iprevd-tag|x-why)\b/i.test(field));

/** As sendLetter() takes it, from a client whose sender no rule is about. */
export const letter: Parameters<typeof sendLetter>[1] = {
  sender: 'a@client.example',
  recipient: 'b@test.example',
  content: 'Subject: x\r\n\r\nbody\r\n',
};
