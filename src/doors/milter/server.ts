// The milter door: a mail server connects, tells of its clients command by command, and waits for an answer to each. Broken
// octets and wrong order are logged and close the connection; the mail server then does as its milter_default_action
// says. A bug of ours is a temporary failure for the client, and an error in the log.

import { createServer, type Socket } from 'node:net';
import type { Soon } from '../../core/answer.ts';
import { milterIdleMs } from '../../core/limits.ts';
import { printProblem } from '../../core/problem.ts';
import type { Gate } from '../../gate.ts';
import type { Door } from '../../listen.ts';
import type { Logger } from '../../log.ts';
import { type Frame, isProblem, readCommand, readFrames, tryLater } from './codec.ts';
import { MilterSession } from './session.ts';

export interface MilterDoorParts {
  readonly gate: Gate;
  readonly log: Logger;
  /** Our name in Authentication-Results. */
  readonly authservId: string;
}

interface Connection {
  readonly session: MilterSession;
  isBusy: boolean;
}

export function milterDoor({ gate, log, authservId }: MilterDoorParts): Door {
  const connections = new Map<Socket, Connection>();
  /** Decisions on clients that are gone, under way to the log. */
  const reports = new Set<Promise<void>>();
  let draining = false;

  const left = (reported: Promise<void>): void => {
    const report = reported
      .catch((error) => log.error({ err: error }, 'milter client not reported'))
      .finally(() => reports.delete(report));
    reports.add(report);
  };

  const failed = (error: unknown): readonly Buffer[] => {
    log.error({ err: error }, 'milter verdict failed');
    return [tryLater];
  };
  /** In order: the answer to one is there before the next is looked at. False: the connection is over. */
  const answer = (frame: Frame, session: MilterSession): Soon<readonly Buffer[] | false> => {
    const command = readCommand(frame);
    if (isProblem(command)) throw new ProtocolError(printProblem(command));
    const step = session.handle(command);
    if (step.kind === 'say') return step.frames;
    if (step.kind === 'judge') {
      try {
        const decision = step.inquiry.decide(step.client);
        return decision instanceof Promise ? decision.then(step.then).catch(failed) : step.then(decision);
      } catch (error) {
        return failed(error);
      }
    }
    if (step.problem !== undefined) throw new ProtocolError(printProblem(step.problem));
    return false;
  };

  const server = createServer((socket) => {
    const session = new MilterSession({ gate, authservId, left });
    const connection: Connection = { session, isBusy: false };
    connections.set(socket, connection);
    let rest: Buffer = Buffer.alloc(0);

    /** Nothing more is read meanwhile, so a peer that never reads costs one chunk. */
    const wait = <T>(what: Promise<T>): Promise<T> => {
      socket.pause();
      connection.isBusy = true;
      return what;
    };
    const serve = async (chunk: Buffer): Promise<void> => {
      const read = readFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
      rest = read.rest;
      for (const frame of read.frames) {
        const said = answer(frame, session);
        // To wait for what is there would cost more than the rest of the answer.
        const frames = said instanceof Promise ? await wait(said) : said;
        // Nobody waits for it any more, and no 'drain' would come.
        if (socket.destroyed) return;
        if (frames === false) {
          socket.destroySoon();
          return;
        }
        if (frames.length > 0 && !socket.write(Buffer.concat(frames))) await wait(drained(socket));
      }
      if (read.problem !== undefined) throw new ProtocolError(printProblem(read.problem));
      const wasBusy = connection.isBusy;
      connection.isBusy = false;
      if (draining && !session.isInMessage) socket.destroySoon();
      else if (wasBusy) socket.resume();
    };
    const give = (error: unknown): void => {
      if (error instanceof ProtocolError)
        log.warn({ peer: socket.remoteAddress, problem: error.message }, 'milter command refused');
      else log.error({ err: error }, 'milter command failed');
      socket.destroy();
    };

    socket.setNoDelay(true);
    socket.setTimeout(milterIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      connections.delete(socket);
      session.leave();
    });
    socket.on('data', (chunk: Buffer) => void serve(chunk).catch(give));
  });

  return {
    server,
    async drain(ms) {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A server may say that it is closed before its last socket does.
      const gone = [...connections.keys()].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      for (const [socket, { isBusy, session }] of connections)
        if (!isBusy && !session.isInMessage) socket.destroySoon();
      const timer = setTimeout(() => {
        for (const socket of connections.keys()) socket.destroy();
      }, ms);
      await Promise.all([closed, ...gone]);
      clearTimeout(timer);
      await Promise.all(reports);
    },
  };
}

class ProtocolError extends Error {}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
  });
}
