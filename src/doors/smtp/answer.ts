// A refusal as the SMTP door says it. Pure. Tags need no words here: they travel as header fields of the message.

import type { Reply } from '../../core/reply.ts';
import type { BackendReply } from './replies.ts';

export function refusalReply({ code, enhanced, text }: Reply): BackendReply {
  return { code, lines: [`${enhanced} ${text}`] };
}
