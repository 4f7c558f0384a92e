// A letter to the postmaster of a sender: what was seen, when, what came of it, who can mend it and how. Plain ASCII, wrapped,
// ready to be sent; undefined if there is nothing to mend. What strangers wrote is escaped and cannot begin a line of its own.

import { questions } from '../explain.ts';
import { printReply } from '../reply.ts';
import { type Decision, refuses } from '../verdict.ts';
import { foreignText } from './name.ts';
import { remedyLines, wrap } from './print.ts';
import { type Remedy, remedies } from './remedy.ts';

/** RFC 5322 s2.1.1 wants no more than 78; two more levels of quoting fit as well. */
const letterColumns = 72;

export function letter({ evidence, findings, verdict }: Decision): string | undefined {
  const found: readonly Remedy[] = remedies(evidence, findings);
  if (found.length === 0) return undefined;
  const { client, at, id, ourName } = evidence;
  const when = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
  const helo = client.helo === undefined ? '' : `, which calls itself ${foreignText(client.helo)} in HELO`;
  const us = ourName === undefined ? '' : ` for ${ourName}`;
  const outcome = refuses(verdict)
    ? 'As long as that is so, it hears from us:'
    : 'We take its mail all the same, but others may not.';
  return [
    `Subject: the DNS of your mail server ${client.ip}`,
    '',
    'Dear postmaster,',
    '',
    ...wrap(
      `on ${when} we looked up${us} the mail server ${client.ip}${helo}, and found what you may want to mend (our reference: ${id}). ${outcome}`,
      letterColumns,
    ),
    // Not wrapped: it may hold what the client said in HELO, blanks and all.
    ...(refuses(verdict) ? [`  ${printReply(verdict.reply)}`] : []),
    '',
    'What we asked the DNS, and what came back:',
    ...questions(evidence).map(
      ({ question, answer, note }) => `  ${question}: ${answer}${note === '' ? '' : ` (${note})`}`,
    ),
    '',
    ...remedyLines(found, letterColumns),
    '',
    ...wrap(
      `Changes are seen when the old answers have run out, after an hour as a rule. If you think that we are wrong, please write back and name the reference ${id}.`,
      letterColumns,
    ),
    '',
    'Kind regards',
    '',
  ].join('\n');
}
