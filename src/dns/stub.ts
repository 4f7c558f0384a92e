// The stub resolver: a question goes to the configured servers until one answers. A server that is silent or unreachable
// rests for a while, longer each time, and is asked last meanwhile; one that fails or refuses has spoken about the question
// and not about itself, so the next is asked. Each attempt goes out from a new port with a new id. So many questions are in
// flight at most; the others wait in line, and whoever waited for as long as its answer may take is told "timeout".

import { type DnsAnswer, dnsError, type RecordType } from '../core/answer.ts';
import { questionsInFlightMax, questionsInLineMax, serverRestMaxMs, serverRestMs } from '../core/limits.ts';
import type { Resolver, Server } from './resolver.ts';
import { askTcp } from './tcp.ts';
import { openUdp, type Udp } from './udp.ts';

const rounds = 2;

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

  const upstreamOf = (server: Server): Upstream => {
    const key = `${server.ip} ${server.port}`;
    const known = upstreams.get(key);
    if (known !== undefined) return known;
    const fresh = { server, udp: openUdp(server), silences: 0, restsUntil: 0 };
    upstreams.set(key, fresh);
    return fresh;
  };

  return {
    async lookup(name, type) {
      const deadline = performance.now() + timeoutMs;
      if (!(await line.enter(deadline))) return dnsError('timeout');
      try {
        return await askInTurn(servers().map(upstreamOf), name.toLowerCase(), type, deadline);
      } finally {
        line.leave();
      }
    },
    close() {
      for (const { udp } of upstreams.values()) udp.close();
      upstreams.clear();
    },
  };
}

async function askInTurn(
  upstreams: readonly Upstream[],
  name: string,
  type: RecordType,
  deadline: number,
): Promise<DnsAnswer<string>> {
  const now = performance.now();
  const [first] = upstreams;
  // One server is asked twice, rested or not; of several, those that rest come last.
  const ordered =
    upstreams.length < 2
      ? upstreams
      : [...upstreams].sort((a, b) => Number(a.restsUntil > now) - Number(b.restsUntil > now));
  const attempts =
    upstreams.length < 2 && first !== undefined ? [first, first] : Array.from({ length: rounds }, () => ordered).flat();
  let worst: DnsAnswer<string> = dnsError('timeout');
  for (let i = 0; i < attempts.length; i++) {
    const upstream = attempts[i];
    const left = deadline - performance.now();
    if (upstream === undefined || left <= 0) break;
    // An even share of what is left: a dead first server still leaves time for the others.
    const answer = await askOne(upstream, name, type, Math.ceil(left / (attempts.length - i)));
    if (answer.kind !== 'error') return answer;
    worst = answer;
    // Everyone who could speak has spoken; asking again would only load them.
    const spoke = answer.code === 'servfail' || answer.code === 'refused';
    if (spoke && i + 1 >= upstreams.length) break;
  }
  return worst;
}

/** One attempt: UDP, and what follows from its answer. */
async function askOne(
  upstream: Upstream,
  name: string,
  type: RecordType,
  timeoutMs: number,
): Promise<DnsAnswer<string>> {
  const deadline = performance.now() + timeoutMs;
  const left = () => Math.max(1, deadline - performance.now());
  const first = await upstream.udp.ask(name, type, true, left());
  const edns = first.again !== 'plain';
  const decoded = edns ? first : await upstream.udp.ask(name, type, false, left());
  const answer = decoded.answer ?? (await askTcp(upstream.server, name, type, edns, left()));
  const silent = answer.kind === 'error' && (answer.code === 'timeout' || answer.code === 'network');
  if (silent) {
    upstream.silences++;
    upstream.restsUntil = performance.now() + Math.min(serverRestMaxMs, serverRestMs * 2 ** (upstream.silences - 1));
  } else {
    upstream.silences = 0;
    upstream.restsUntil = 0;
  }
  return answer;
}

interface Line {
  /** True when it is one's turn, false when the deadline came first or the line is too long. */
  enter(deadline: number): boolean | Promise<boolean>;
  leave(): void;
}

function makeLine(inFlightMax: number, inLineMax: number): Line {
  const line = new Set<(turn: boolean) => void>();
  let inFlight = 0;
  return {
    enter(deadline) {
      if (inFlight < inFlightMax) {
        inFlight++;
        return true;
      }
      if (line.size >= inLineMax) return false;
      return new Promise((resolve) => {
        const called = (turn: boolean) => {
          clearTimeout(timer);
          line.delete(called);
          resolve(turn);
        };
        const timer = setTimeout(() => called(false), Math.max(0, deadline - performance.now()));
        line.add(called);
      });
    },
    leave() {
      const [next] = line;
      if (next === undefined) inFlight--;
      else next(true);
    },
  };
}
