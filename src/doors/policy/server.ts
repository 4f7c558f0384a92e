// The policy door: Postfix connects, asks about client after client, and gets one action for each question, in order.
// When the fault is the peer's (a broken request) or ours (a bug), the door says why in the log and closes without a
// reply: Postfix then tries again and falls back to smtpd_policy_service_default_action.

import { createServer, type Socket } from 'node:net';
import { policyAnswerMs, policyIdleMs } from '../../core/limits.ts';
import { printProblem } from '../../core/problem.ts';
import { settled } from '../../core/verdict.ts';
import type { Gate } from '../../gate.ts';
import type { Door } from '../../listen.ts';
import type { Logger } from '../../log.ts';
import { answer, dunno, printAction } from './answer.ts';
import { clientOf, isProblem, type Request, readRequests } from './codec.ts';
import { makeSessions } from './sessions.ts';

export interface PolicyDoorParts {
  readonly gate: Gate;
  readonly log: Logger;
  /** Our name in Authentication-Results. */
  readonly authservId: string;
  /** A verdict that needs longer is one on a DNS that is silent. */
  readonly answerMs?: number;
}

export function policyDoor({ gate, log, authservId, answerMs = policyAnswerMs }: PolicyDoorParts): Door {
  const sessions = makeSessions(gate);
  const busy = new Map<Socket, boolean>();
  let draining = false;

  const actionFor = async (request: Request): Promise<string> => {
    const client = clientOf(request);
    if (client === undefined) return dunno;
    if (isProblem(client)) throw new ProtocolError(printProblem(client));
    const state = request.get('protocol_state') ?? '';
    const instance = request.get('instance') ?? '';
    const message = sessions.message(client, state, instance);
    const decision = await message.session.inquiry.decide(client, answerMs);
    if (settled(decision.verdict)) message.session.inquiry.told(decision);
    // access(5): PREPEND is not for end-of-data; without an instance nobody can tell the recipients of one message.
    const mayPrepend = instance !== '' && !message.prepended && (state === 'RCPT' || state === 'DATA');
    const action = answer(decision, authservId, mayPrepend);
    if (action.startsWith('PREPEND')) message.prepended = true;
    return action;
  };

  const server = createServer((socket) => {
    busy.set(socket, false);
    let rest: Buffer = Buffer.alloc(0);
    const give = (error: unknown) => {
      if (error instanceof ProtocolError)
        log.warn({ peer: socket.remoteAddress, problem: error.message }, 'policy request refused');
      else log.error({ err: error }, 'policy request failed');
      socket.destroy();
    };
    socket.setTimeout(policyIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => busy.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      // Nothing more is read until these are answered, so a peer that never reads costs one chunk.
      socket.pause();
      busy.set(socket, true);
      const read = readRequests(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
      rest = read.rest;
      void (async () => {
        for (const request of read.requests) {
          const action = await actionFor(request);
          if (!socket.write(printAction(action))) await drained(socket);
        }
        if (read.problem !== undefined) throw new ProtocolError(printProblem(read.problem));
        busy.set(socket, false);
        if (draining) socket.destroySoon();
        else socket.resume();
      })().catch(give);
    });
  });

  return {
    server,
    async drain(ms) {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const [socket, isBusy] of busy) if (!isBusy) socket.destroySoon();
      const timer = setTimeout(() => {
        for (const socket of busy.keys()) socket.destroy();
      }, ms);
      await closed;
      clearTimeout(timer);
      await sessions.clear();
    },
  };
}

class ProtocolError extends Error {}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
  });
}
