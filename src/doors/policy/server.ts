// The policy door: Postfix connects, asks about client after client, and gets one action for each question, in order.
// When the fault is the peer's (a broken request) or ours (a bug), the door says why in the log and closes without a
// reply: Postfix then tries again and falls back to smtpd_policy_service_default_action.

import { createServer, type Socket } from 'node:net';
import type { Soon } from '../../core/answer.ts';
import { policyAnswerMs, policyIdleMs, tickMs } from '../../core/limits.ts';
import { printProblem } from '../../core/problem.ts';
import { type Decision, settled } from '../../core/verdict.ts';
import type { Gate } from '../../gate.ts';
import type { Door } from '../../listen.ts';
import type { Logger } from '../../log.ts';
import { answer, dunno, printAction } from './answer.ts';
import { clientOf, isProblem, type Request, type Requests, requestReader } from './codec.ts';
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
  const ticking = setInterval(() => sessions.forgetSilent(), tickMs).unref();
  const busy = new Map<Socket, boolean>();
  let draining = false;

  const actionFor = (request: Request): Soon<string> => {
    const client = clientOf(request);
    if (client === undefined) return dunno;
    if (isProblem(client)) throw new ProtocolError(printProblem(client));
    const state = request.protocol_state;
    const instance = request.instance;
    const session = sessions.session(client, state, instance);
    const say = (decision: Decision): string => {
      if (settled(decision.verdict)) {
        session.inquiry.told(decision);
        session.untold = undefined;
      }
      // access(5): PREPEND is not for end-of-data; without an instance nobody can tell the recipients of one message.
      const mayPrepend = instance !== '' && instance !== session.prependedTo && (state === 'RCPT' || state === 'DATA');
      const action = answer(decision, authservId, mayPrepend);
      if (action.startsWith('PREPEND')) session.prependedTo = instance;
      return action;
    };
    const decision = session.inquiry.decide(client, answerMs);
    return decision instanceof Promise ? decision.then(say) : say(decision);
  };

  const server = createServer((socket) => {
    busy.set(socket, false);
    const read = requestReader();
    const give = (error: unknown) => {
      if (error instanceof ProtocolError)
        log.warn({ peer: socket.remoteAddress, problem: error.message }, 'policy request refused');
      else log.error({ err: error }, 'policy request failed');
      socket.destroy();
    };
    socket.setTimeout(policyIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => busy.delete(socket));
    /** Nothing more is read meanwhile, so a peer that never reads costs one chunk. */
    const wait = <T>(what: Promise<T>): Promise<T> => {
      socket.pause();
      busy.set(socket, true);
      return what;
    };
    const serve = async ({ requests, problem }: Requests): Promise<void> => {
      for (const request of requests) {
        const action = actionFor(request);
        // To wait for what is there would cost more than the rest of the answer.
        const said = printAction(action instanceof Promise ? await wait(action) : action);
        if (socket.destroyed) return;
        // ASCII, so that nobody need look for more (answer.ts).
        if (!socket.write(said, 'latin1')) await wait(drained(socket));
      }
      if (problem !== undefined) throw new ProtocolError(printProblem(problem));
      if (busy.get(socket) !== true) return;
      busy.set(socket, false);
      if (draining) socket.destroySoon();
      else socket.resume();
    };
    socket.on('data', (chunk: Buffer) => {
      void serve(read(chunk)).catch(give);
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
      clearInterval(ticking);
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
