// A Verdict as Postfix's policy protocol says it. Pure. Postfix takes one action for each answer, so a tagged client gets
// its tags inside the one Authentication-Results field that is prepended. Never OK: before reject_unauth_destination
// it would open a relay (access(5)).

import { authResults } from '../../core/header.ts';
import { printReply } from '../../core/reply.ts';
import { type Decision, refuses } from '../../core/verdict.ts';

export const dunno = 'DUNNO';

/** `mayPrepend`: this message has no field of ours yet and its content has not begun. */
export function answer({ evidence, findings, verdict }: Decision, authservId: string, mayPrepend: boolean): string {
  if (refuses(verdict)) {
    const { enhanced, text } = verdict.reply;
    // access(5): the code is then Postfix's own (access_map_defer_code, 450).
    return verdict.ifPermit ? `DEFER_IF_PERMIT ${enhanced} ${text}` : printReply(verdict.reply);
  }
  if (verdict.action !== 'tag') return dunno;
  if (verdict.hold) return `HOLD ${verdict.rule} (ref ${evidence.id})`;
  if (!mayPrepend) return dunno;
  // One action is one field: the operator's own only where there is no tag to say.
  const [own] = verdict.headers ?? [];
  if (own !== undefined && verdict.tags.length === 0) return `PREPEND ${own}`;
  return `PREPEND ${authResults(authservId, findings, evidence.client.ip, verdict.tags)}`;
}

/** LF only: a CR makes Postfix wait until its time-out. */
export function printAction(action: string): string {
  return `action=${action}\n\n`;
}
