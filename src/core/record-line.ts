// A finished session as the line that the journal keeps: JSON.stringify(recordOf(...)), three times as fast. A mail server asks
// about thousands of sessions in a second, and the general way costs as much as their verdicts. What is rare goes that general
// way, part by part. Printable ASCII, whatever bytes of strangers are in it. Pure.

import type { DnsAnswer } from './answer.ts';
import type { Client } from './client.ts';
import type { Evidence, Forward } from './evidence.ts';
import {
  type Envelope,
  type Outcome,
  type RecordedVerdict,
  recordedAddresses,
  recordedVerdict,
  type SessionRecord,
} from './record.ts';
import type { Decision } from './verdict.ts';

/** Without a line end. */
export function recordLine(
  decision: Decision,
  { envelope, outage }: Pick<SessionRecord, 'envelope' | 'outage'>,
  outcome?: Outcome,
): string {
  const { evidence } = decision;
  const client = clientText(evidence.client, envelope);
  const became = outcome === undefined ? '' : `,"outcome":{"rcpt":[${outcome.rcpt}],"dot":[${outcome.dot}]}`;
  const standIn = outage === undefined ? '' : `,"outage":"${outage}"`;
  return `{"v":1,"evidence":${evidenceText(evidence, client)},"envelope":"${envelope}"${standIn},"verdict":${verdictText(recordedVerdict(decision))}${became}}`;
}

function evidenceText({ id, at, door, ptr, forward, ourName, stale, helo, masked }: Evidence, client: string): string {
  let text = `{"v":1,"id":"${id}","at":"${at}","door":"${door}","client":${client},"ptr":${answerText(ptr)}`;
  text += `,"forward":[${forward.length === 1 ? forwardText(forward[0] as Forward) : forward.map(forwardText)}]`;
  if (ourName !== undefined) text += `,"ourName":${quoted(ourName)}`;
  if (stale) text += ',"stale":true';
  if (helo !== undefined) text += `,"helo":${forwardText(helo)}`;
  if (masked !== undefined) text += `,"masked":"${masked}"`;
  return `${text}}`;
}

function clientText(client: Client, envelope: Envelope): string {
  const { ip, stage, authenticated, port, serverIp, serverPort, helo, early, tls, hearsay } = client;
  const { sender, recipient } = recordedAddresses(client, envelope);
  let text = `{"ip":"${ip}","stage":"${stage}","authenticated":${authenticated}`;
  if (port !== undefined) text += `,"port":${port}`;
  if (serverIp !== undefined) text += `,"serverIp":"${serverIp}"`;
  if (serverPort !== undefined) text += `,"serverPort":${serverPort}`;
  if (helo !== undefined) text += `,"helo":${quoted(helo)}`;
  if (sender !== undefined) text += `,"sender":${quoted(sender)}`;
  if (recipient !== undefined) text += `,"recipient":${quoted(recipient)}`;
  if (early) text += ',"early":true';
  if (tls !== undefined) text += `,"tls":${asJson(tls)}`;
  if (hearsay !== undefined) text += `,"hearsay":${hearsayText(hearsay)}`;
  return `${text}}`;
}

function hearsayText({ clientName, reverseClientName }: NonNullable<Client['hearsay']>): string {
  if (clientName === undefined || reverseClientName === undefined) return asJson({ clientName, reverseClientName });
  return `{"clientName":${quoted(clientName)},"reverseClientName":${quoted(reverseClientName)}}`;
}

/** The name of a Forward has the form of a host name, so nothing in it need be escaped. */
function forwardText({ name, addresses, other }: Forward): string {
  return `{"name":"${name}","addresses":${answerText(addresses)}${other === undefined ? '' : `,"other":${answerText(other)}`}}`;
}

function answerText(answer: DnsAnswer<string>): string {
  if (answer.kind === 'error' || answer.ede !== undefined || answer.ad) return asJson(answer);
  if (answer.kind !== 'records') return `{"kind":"${answer.kind}","ttl":${answer.ttl}}`;
  const { records } = answer;
  const list = records.length === 1 ? quoted(records[0] as string) : records.map(quoted).join();
  return `{"kind":"records","records":[${list}],"ttl":${answer.ttl}}`;
}

function verdictText(verdict: RecordedVerdict): string {
  const { action, rule, tags, score, reply, would } = verdict;
  const isPlain = tags === undefined && score === undefined && reply === undefined && would === undefined;
  return isPlain ? `{"action":"${action}","rule":"${rule}"}` : asJson(verdict);
}

const plain = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : asJson(text);
}

/** What JSON leaves as it is and a terminal may not: DEL and everything beyond ASCII. */
function asJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
