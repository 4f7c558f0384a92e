// Records of sessions, and journals made of them.

import { decide } from '../../src/core/decide.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { type Envelope, type Outcome, recordOf, type SessionRecord } from '../../src/core/record.ts';
import type { OctetLine } from '../../src/core/record-form.ts';
import type { Decision } from '../../src/core/verdict.ts';
import { policyOf } from './doors.ts';
import { evidenceOf, type Given } from './evidence.ts';

export const strictly = policyOf(
  'rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }]\notherwise: accept',
);

/** Of a client that has no PTR record, unless it is said otherwise. */
export function decisionOf(more: Partial<Given> = {}, evidence: Partial<Evidence> = {}): Decision {
  return decide(strictly, { ...evidenceOf({ ptr: 'nxdomain', ...more }), door: 'smtp', ...evidence });
}

export interface RecordGiven {
  readonly id?: string;
  readonly at?: string;
  readonly envelope?: Envelope;
  readonly outcome?: Outcome;
  readonly client?: Given['client'];
}

export function sessionRecord({ envelope = 'none', outcome, client, ...evidence }: RecordGiven = {}): SessionRecord {
  return recordOf(decisionOf(client === undefined ? {} : { client }, evidence), { envelope }, outcome);
}

/** As it stands in a journal, with its line feed. */
export function lineOf(given: RecordGiven = {}): string {
  return `${JSON.stringify(sessionRecord(given))}\n`;
}

/** As the journal's reader hands it out: it is never alone. */
export function octetLine(text: string): OctetLine {
  const before = '{"ttl":1}\n';
  const octets = Buffer.from(`${before}${text}\n,"ttl":60}`);
  const [from, end] = [before.length, before.length + Buffer.byteLength(text)];
  return { octets, from, end, text: (first = from, last = end) => octets.toString('utf8', first, last) };
}
