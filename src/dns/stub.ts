// The stub resolver: a question goes to the configured servers until one answers. A server that is silent or unreachable
// rests for a while, longer each time, and is asked last meanwhile; one that fails or refuses has spoken about the question
// and not about itself, so the next is asked. Each attempt goes out from a new port with a new id. So many questions are in
// flight at most; the others wait in line, and whoever waited for as long as its answer may take is told "timeout".

import { type DnsAnswer, dnsError, type RecordType } from '../core/answer.ts';
import {
  firstAttemptMs,
  questionsInFlightMax,
  questionsInLineMax,
  serverRestMaxMs,
  serverRestMs,
} from '../core/limits.ts';
import type { Resolver, Server } from './resolver.ts';
import { askTcp } from './tcp.ts';
import { openUdp, type Udp } from './udp.ts';

export interface StubResolver extends Resolver {
  /** Gives up what is in flight. */
  close(): void;
}

interface Upstream {
  readonly server: Server;
  readonly udp: Udp;
  /** Attempts in a row that nobody answered. */
  silences: number;
  /** On the clock of performance.now(). */
  restsUntil: number;
}

/** `servers` is asked for each question, so that the list may change. `timeoutMs` bounds a question, waiting in line included. */
export function stubResolver(servers: () => readonly Server[], timeoutMs: number): StubResolver {
  const upstreams = new Map<string, Upstream>();
  const line = makeLine(questionsInFlightMax, questionsInLineMax);
  let closed = false;
  let current: { readonly list: readonly Server[]; readonly upstreams: readonly Upstream[] } | undefined;

  const upstreamOf = (server: Server): Upstream => {
    const key = `${server.ip} ${server.port}`;
    const known = upstreams.get(key);
    if (known !== undefined) return known;
    const fresh = { server, udp: openUdp(server), silences: 0, restsUntil: 0 };
    upstreams.set(key, fresh);
    if (closed) fresh.udp.close(); // it answers for itself that nobody is asked any more
    return fresh;
  };
  const currentUpstreams = (): readonly Upstream[] => {
    const list = servers();
    if (current?.list === list) return current.upstreams;
    const next = list.map(upstreamOf);
    for (const upstream of upstreams.values()) if (!next.includes(upstream)) upstream.udp.retire();
    current = { list, upstreams: next };
    return next;
  };

  return {
    lookup: (name, type) =>
      new Promise((resolve, reject) => {
        const question = { name: name.toLowerCase(), type, deadline: performance.now() + timeoutMs };
        line.enter(question.deadline, (turn) => {
          if (!turn) {
            resolve(dnsError('timeout'));
            return;
          }
          // A bug of ours must reach who asked, not whoever happens to make room in the line.
          try {
            askInTurn(currentUpstreams(), question, (answer) => {
              line.leave();
              resolve(answer);
            });
          } catch (error) {
            line.leave();
            reject(error);
          }
        });
      }),
    close() {
      closed = true;
      for (const { udp } of upstreams.values()) udp.close();
    },
  };
}

interface Asking {
  readonly name: string;
  readonly type: RecordType;
  /** On the clock of performance.now(). */
  readonly deadline: number;
}
type Done = (answer: DnsAnswer<string>) => void;

function askInTurn(upstreams: readonly Upstream[], question: Asking, done: Done): void {
  const begun = performance.now();
  const attempts = attemptsAt(upstreams, begun);
  const next = (i: number, now: number, worst: DnsAnswer<string>): void => {
    const upstream = attempts[i];
    const leftMs = question.deadline - now;
    if (upstream === undefined || leftMs <= 0) {
      done(worst);
      return;
    }
    // An even share of what is left: a dead first server still leaves time for the others. The first time round it is a
    // second at most: a packet may be lost, and a resolver that is still busy will have the answer when asked again.
    const share = leftMs / (attempts.length - i);
    askOne(upstream, question, now + (i < upstreams.length ? Math.min(share, firstAttemptMs) : share), (answer) => {
      // Once everyone who could speak has spoken, asking again would only load them.
      const spoke = answer.kind === 'error' && (answer.code === 'servfail' || answer.code === 'refused');
      if (answer.kind !== 'error' || (spoke && i + 1 >= upstreams.length)) done(answer);
      else next(i + 1, performance.now(), answer);
    });
  };
  next(0, begun, dnsError('timeout'));
}

/** Everyone twice, those that rest last. */
function attemptsAt(upstreams: readonly Upstream[], now: number): readonly Upstream[] {
  const resting = upstreams.length > 1 && upstreams.some(({ restsUntil }) => restsUntil > now);
  const ordered = resting
    ? [...upstreams].sort((a, b) => Number(a.restsUntil > now) - Number(b.restsUntil > now))
    : upstreams;
  return [...ordered, ...ordered];
}

/** One attempt: UDP, and what follows from its answer. */
function askOne(upstream: Upstream, { name, type }: Asking, deadline: number, done: Done): void {
  const finish: Done = (answer) => {
    const silent = answer.kind === 'error' && (answer.code === 'timeout' || answer.code === 'network');
    upstream.silences = silent ? upstream.silences + 1 : 0;
    upstream.restsUntil = silent
      ? performance.now() + Math.min(serverRestMaxMs, serverRestMs * 2 ** (upstream.silences - 1))
      : 0;
    done(answer);
  };
  const overUdp = (edns: boolean): void => {
    upstream.udp.ask(name, type, edns, deadline, (decoded) => {
      if (decoded.answer !== undefined) finish(decoded.answer);
      else if (decoded.again === 'plain' && edns) overUdp(false);
      else void askTcp(upstream.server, name, type, edns, Math.max(1, deadline - performance.now())).then(finish);
    });
  };
  overUdp(true);
}

interface Line {
  /** Calls `called` once: with true when it is one's turn, which may be now, with false when the deadline came first. */
  enter(deadline: number, called: (turn: boolean) => void): void;
  leave(): void;
}

function makeLine(inFlightMax: number, inLineMax: number): Line {
  const line = new Set<(turn: boolean) => void>();
  let inFlight = 0;
  return {
    enter(deadline, called) {
      if (inFlight < inFlightMax) {
        inFlight++;
        called(true);
        return;
      }
      if (line.size >= inLineMax) {
        called(false);
        return;
      }
      const waiting = (turn: boolean) => {
        clearTimeout(timer);
        line.delete(waiting);
        called(turn);
      };
      const timer = setTimeout(() => waiting(false), Math.max(0, deadline - performance.now()));
      line.add(waiting);
    },
    leave() {
      const [next] = line;
      if (next === undefined) inFlight--;
      else next(true);
    },
  };
}
