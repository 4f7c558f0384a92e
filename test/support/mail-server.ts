// The other side of the milter door: what a mail server says, octet by octet, over a socket or without one, and the verdicts
// behind the door.

import { connect } from 'node:net';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';
import type { Ip } from '../../src/core/ip.ts';
import type { Decision } from '../../src/core/verdict.ts';
import { toZone } from '../../src/core/zone.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { type Frame, isProblem, readCommand, readFrames } from '../../src/doors/milter/codec.ts';
import { MilterSession } from '../../src/doors/milter/session.ts';
import { type Gate, makeGate } from '../../src/gate.ts';
import { gatherer, heloGatherer } from '../../src/gather.ts';
import { policyOf } from './doors.ts';

/** 192.0.2.1 is confirmed, .2 is not, .3 has no PTR, .4 is in trouble. */
export const zone: Resolver = zoneResolver(
  toZone({
    '192.0.2.1': ['mx.example'],
    'mx.example': ['192.0.2.1'],
    '192.0.2.2': ['old.example'],
    '192.0.2.4': 'servfail',
  }),
);

export const rules = `
rules:
  - { id: no-ptr, when: { iprev: permerror }, reject: "100% without PTR" }
  - { id: weak, when: { iprev: fail }, tag: weak }
  - { id: trouble, when: { iprev: temperror }, defer: "later" }
otherwise: accept`;

/** Keeps whose inquiries were opened, which HELO names were looked up, and what was reported. */
export function gateOf(policy = rules, resolver = zone) {
  const opened: Ip[] = [];
  const greeted: string[] = [];
  const gatherHelo = heloGatherer(resolver, 2_000);
  const reported: Decision[] = [];
  const rule = policyOf(policy);
  const inner = makeGate({
    gather: gatherer(resolver, 2_000),
    gatherHelo: (name, ip) => {
      greeted.push(name);
      return gatherHelo(name, ip);
    },
    policy: () => rule,
    report: (decision) => reported.push(decision),
    newRef: () => 'ref1',
    now: Date.now,
  });
  const gate: Gate = {
    open(door, ip, isProxy) {
      opened.push(ip);
      return inner.open(door, ip, isProxy);
    },
  };
  return { gate, opened, greeted, reported };
}

/** With its length in front, as on the wire. */
export function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(packet.length);
  return Buffer.concat([length, packet]);
}

const packet = (text: string): Buffer => framed(Buffer.from(text, 'latin1'));
const uint32 = (value: number): string =>
  String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

/** What Postfix offers. */
export const allActions = 0x1ff;
export const allProtocol = 0x1fffff;

export const say = {
  offer: (version = 6, actions = allActions, protocol = allProtocol) =>
    packet(`O${uint32(version)}${uint32(actions)}${uint32(protocol)}`),
  macros: (command: string, macros: Readonly<Record<string, string>>) =>
    packet(`D${command}${Object.entries(macros).flat().map(ended).join('')}`),
  client: (ip: string, port = 4_000) =>
    packet(`Chost.example\0${ip.includes(':') ? 6 : 4}${String.fromCharCode(port >> 8, port & 255)}${ip}\0`),
  unknownClient: () => packet('Cunknown\0U'),
  helo: (name = 'client.example') => packet(`H${name}\0`),
  mail: (address = 'a@client.example') => packet(`M<${address}>\0SIZE=100\0`),
  rcpt: (address = 'b@test.example') => packet(`R<${address}>\0`),
  header: (name: string, value: string) => packet(`L${name}\0${value}\0`),
  bare: (command: 'T' | 'N' | 'E' | 'A' | 'K' | 'Q' | 'B' | 'U') => packet(command),
};

function ended(text: string): string {
  return `${text}\0`;
}

/** Answers as text: the command octet, then the data, NUL written as "|". */
export function shown(octets: Buffer): string[] {
  return readFrames(octets).frames.map(({ command, data }) => command + data.toString('latin1').replaceAll('\0', '|'));
}

/** From MAIL to the end of the message; fields are "Name: value". */
export function message(...fields: readonly string[]): Buffer[] {
  const headers = fields.map((field) => {
    const colon = field.indexOf(':');
    return say.header(field.slice(0, colon), field.slice(colon + 2));
  });
  return [say.mail(), say.rcpt(), ...headers, say.bare('E')];
}

export const authservId = 'mx.test.example';
export const results = (ip: string, result = 'pass') =>
  `i||||Authentication-Results|${authservId}; iprev=${result} policy.iprev=${ip}|`;

/** Plays a dialogue; the answers to each packet, or what closed the connection. */
export function talkTo(gate: Gate) {
  const leaving: Promise<void>[] = [];
  const session = new MilterSession({ gate, authservId, left: (reported) => leaving.push(reported) });
  const talk = async (...packets: readonly Buffer[]): Promise<string[]> => {
    const heard: string[] = [];
    for (const frame of readFrames(Buffer.concat(packets)).frames) {
      const command = readCommand(frame);
      if (isProblem(command)) throw new Error(command.what);
      const step = session.handle(command);
      if (step.kind === 'close') return [...heard, `closed: ${step.problem?.what ?? 'quit'}`];
      const frames = step.kind === 'say' ? step.frames : step.then(await step.inquiry.decide(step.client));
      heard.push(...shown(Buffer.concat(frames)));
    }
    return heard;
  };
  const leave = async (): Promise<void> => {
    session.leave();
    await Promise.all(leaving);
  };
  return { session, talk, leave };
}

/** After the negotiation. */
export async function agreed(gate: Gate, offer = say.offer()) {
  const client = talkTo(gate);
  await client.talk(offer);
  return client;
}

export interface MilterClient {
  /** Says one thing that has an answer: what may be done to the message, then the answer itself. */
  ask(packet: Buffer): Promise<readonly Frame[]>;
  /** Says what has none. */
  tell(packet: Buffer): void;
  /** Resolves when the door has closed. */
  quit(): Promise<void>;
}

/** What ends an answer: the negotiation's own, go on, a refusal in words or without, try later. */
const answers = ['O', 'c', 'y', 'r', 't'];

/** A mail server at the milter door, negotiated as Postfix does it. Rejects when the door closes, or is silent for 10 s. */
export async function dialMilter({ host, port }: TcpEndpoint): Promise<MilterClient> {
  const socket = connect({ host, port, noDelay: true });
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {}); // whoever waits for an answer is told that there will be none
  let rest: Buffer = Buffer.alloc(0);
  const heard: Frame[] = [];
  let wake = (): void => {};
  socket.on('data', (octets: Buffer) => {
    const read = readFrames(Buffer.concat([rest, octets]));
    rest = read.rest;
    heard.push(...read.frames);
    wake();
  });
  const answer = (): Promise<readonly Frame[]> =>
    new Promise((resolve, reject) => {
      wake = () => {
        const end = heard.findIndex(({ command }) => answers.includes(command));
        if (end >= 0) resolve(heard.splice(0, end + 1));
      };
      void closed.then(() => reject(new Error('the milter door has closed')));
    });
  const tell = (packet: Buffer): void => void socket.write(packet);
  const ask = (packet: Buffer): Promise<readonly Frame[]> => {
    tell(packet);
    return answer();
  };
  await ask(say.offer());
  return {
    ask,
    tell,
    quit: () => {
      tell(say.bare('Q'));
      return closed;
    },
  };
}
