// One line of a journal, read as somebody else's word: whatever is not of the form of a SessionRecord, or of a version that is
// not known here, is a sentence that says why. What passes can be judged and shown. By hand, since a million of them are read
// in seconds. Never throws.

import { dnsErrors } from './answer.ts';
import { doorKinds, stages } from './client.ts';
import { type Ip, parseIp } from './ip.ts';
import { hostName, printable } from './name.ts';
import { outageWords } from './policy.ts';
import { envelopes, type SessionRecord } from './record.ts';
import { actions } from './verdict.ts';

export const recordVersion = 1;

/** A line as it lies in a file, without its end; good until the next one is looked at. A text is made for who asks for it. */
export interface OctetLine {
  readonly octets: Uint8Array;
  readonly from: number;
  readonly end: number;
  /** Of the octets from here to there; absent: of the line. */
  text(from?: number, end?: number): string;
}

/** The record, or what is wrong with the line. */
export function readRecord(line: string): SessionRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'no JSON';
  }
  if (!isMap(value) || typeof value.v !== 'number') return 'no record of a session';
  if (value.v !== recordVersion)
    return `a record of version ${printable(String(value.v), 20)}, and this program knows version ${recordVersion}`;
  const wrong = wrongPart(value);
  return wrong === undefined ? (value as unknown as SessionRecord) : `a record whose ${wrong} cannot be right`;
}

const moment = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?Z$/;

function wrongPart({ evidence, envelope, outage, verdict, outcome }: Fields): string | undefined {
  if (!isMap(evidence) || evidence.v !== 1) return 'evidence';
  if (!isText(evidence.id, /^[0-9a-z]{1,40}$/)) return 'ref';
  if (!isText(evidence.at, moment)) return 'time';
  if (evidence.door !== 'check' && !isOneOf(doorKinds, evidence.door)) return 'door';
  if (!isClient(evidence.client)) return 'client';
  if (!isAnswer(evidence.ptr, isString)) return 'PTR answer';
  if (!Array.isArray(evidence.forward) || !evidence.forward.every(isForward)) return 'address answers';
  if (evidence.helo !== undefined && !isForward(evidence.helo)) return 'answer about HELO';
  if (evidence.ourName !== undefined && !isString(evidence.ourName)) return 'name of ours';
  if (evidence.masked !== undefined && !isOneOf(['private-space', 'one-address'], evidence.masked)) return 'masking';
  if (!isOneOf(envelopes, envelope)) return 'envelope';
  if (outage !== undefined && !isOneOf(outageWords, outage)) return 'outage';
  if (!isVerdict(verdict)) return 'verdict';
  return outcome === undefined || isOutcome(outcome) ? undefined : 'outcome';
}

type Fields = Readonly<Record<string, unknown>>;

function isClient(value: unknown): boolean {
  if (!isMap(value) || !isIp(value.ip) || !isOneOf(stages, value.stage) || typeof value.authenticated !== 'boolean')
    return false;
  const { port, serverIp, serverPort, helo, sender, recipient, tls, hearsay } = value;
  return (
    isAbsentOr(isPort, port) &&
    isAbsentOr(isIp, serverIp) &&
    isAbsentOr(isPort, serverPort) &&
    isAbsentOr(isString, helo) &&
    isAbsentOr(isString, sender) &&
    isAbsentOr(isString, recipient) &&
    isAbsentOr(isTls, tls) &&
    isAbsentOr(isHearsay, hearsay)
  );
}

function isTls(value: unknown): boolean {
  if (!isMap(value) || !isString(value.protocol)) return false;
  const { certificate } = value;
  if (certificate === undefined) return true;
  return isMap(certificate) && typeof certificate.verified === 'boolean' && isListOf(isString, certificate.names);
}

function isHearsay(value: unknown): boolean {
  return isMap(value) && isAbsentOr(isString, value.clientName) && isAbsentOr(isString, value.reverseClientName);
}

function isForward(value: unknown): boolean {
  if (!isMap(value) || !isString(value.name) || hostName(value.name) !== value.name) return false;
  return isAnswer(value.addresses, isIp) && (value.other === undefined || isAnswer(value.other, isIp));
}

function isAnswer(value: unknown, isRecord: (record: unknown) => boolean): boolean {
  if (!isMap(value)) return false;
  const { kind, ede } = value;
  if (ede !== undefined && !isListOf(isExtendedError, ede)) return false;
  if (kind === 'error') return isOneOf(dnsErrors, value.code);
  if (typeof value.ttl !== 'number') return false;
  return kind === 'records' ? isListOf(isRecord, value.records) : kind === 'nodata' || kind === 'nxdomain';
}

function isExtendedError(value: unknown): boolean {
  return isMap(value) && typeof value.code === 'number' && isText(value.text, /^[ -~]*$/);
}

const ruleForm = /^[a-z0-9][a-z0-9_-]*$/i;
const isRule = (value: unknown): boolean => isText(value, ruleForm);
const isCode = (value: unknown): boolean => typeof value === 'number' && value >= 200 && value <= 599;

function isVerdict(value: unknown): boolean {
  if (!isMap(value) || !isRule(value.rule)) return false;
  const { action, tags, score, reply, would } = value;
  return (
    (action === 'pending' || isOneOf(actions, action)) &&
    isAbsentOr((list) => isListOf(isRule, list), tags) &&
    isAbsentOr((number) => typeof number === 'number', score) &&
    isAbsentOr((text) => isText(text, /^[45]\d\d [45]\.\d{1,3}\.\d{1,3}$/), reply) &&
    isAbsentOr((list) => isListOf(isRule, list), would)
  );
}

function isOutcome(value: unknown): boolean {
  return isMap(value) && isListOf(isCode, value.rcpt) && isListOf(isCode, value.dot);
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isText(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}

function isIp(value: unknown): value is Ip {
  return typeof value === 'string' && parseIp(value) === value;
}

function isPort(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value < 65_536;
}

function isOneOf(words: readonly string[], value: unknown): boolean {
  return words.includes(value as string);
}

function isListOf(isMember: (member: unknown) => boolean, value: unknown): boolean {
  return Array.isArray(value) && value.every(isMember);
}

function isAbsentOr(isRight: (value: unknown) => boolean, value: unknown): boolean {
  return value === undefined || isRight(value);
}
