// All three doors over real sockets, with whatever DNS, policy and backend a test wants.

import { type Endpoint, printEndpoint, type TcpEndpoint } from '../../src/core/endpoint.ts';
import type { Ip } from '../../src/core/ip.ts';
import type { Policy } from '../../src/core/policy.ts';
import { printProblem } from '../../src/core/problem.ts';
import type { Outcome } from '../../src/core/record.ts';
import { readPolicy } from '../../src/core/schema.ts';
import type { Decision } from '../../src/core/verdict.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { milterDoor } from '../../src/doors/milter/server.ts';
import { policyDoor } from '../../src/doors/policy/server.ts';
import { type BackendSettings, type SmtpSettings, type SmtpTimes, smtpDoor } from '../../src/doors/smtp/server.ts';
import { makeGate } from '../../src/gate.ts';
import { gatherer, heloGatherer } from '../../src/gather.ts';
import { type Door, listen } from '../../src/listen.ts';
import { makeLog } from '../../src/log.ts';
import { makeRefs } from '../../src/ref.ts';

export const ourName = 'mx.test.example';

export interface DoorsParts {
  readonly resolver: Resolver;
  readonly policy: Policy;
  readonly backend: TcpEndpoint;
  readonly times?: Partial<SmtpTimes>;
  readonly settings?: SmtpSettings;
  /** Instead of `backend` alone. */
  readonly backends?: BackendSettings;
  readonly deadlineMs?: number;
  /** How long the policy door waits for a verdict. */
  readonly answerMs?: number;
  /** A file for the log; absent: no log. */
  readonly logFile?: string;
}

export interface Doors {
  readonly smtp: TcpEndpoint;
  readonly policy: TcpEndpoint;
  readonly milter: TcpEndpoint;
  readonly decisions: readonly Decision[];
  /** What became of the sessions that are over. */
  readonly finished: readonly { readonly decision: Decision; readonly outcome: Outcome | undefined }[];
  close(): Promise<void>;
}

const quickTimes: Partial<SmtpTimes> = { connectMs: 2_000, replyMs: 2_000, dotMs: 2_000 };

export async function openDoors(parts: DoorsParts): Promise<Doors> {
  const { resolver, policy, backend, times, deadlineMs, logFile, settings } = parts;
  const decisions: Decision[] = [];
  const finished: { decision: Decision; outcome: Outcome | undefined }[] = [];
  const log = logFile === undefined ? makeLog('silent') : makeLog('info', logFile);
  const gate = makeGate({
    gather: gatherer(resolver, deadlineMs ?? 2_000),
    gatherHelo: heloGatherer(resolver, deadlineMs ?? 2_000),
    policy: () => policy,
    report: (decision) => decisions.push(decision),
    finished: (decision, outcome) => finished.push({ decision, outcome }),
    newRef: makeRefs(Date.now),
    now: Date.now,
  });
  const anywhere: TcpEndpoint = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const smtp = smtpDoor({
    gate,
    log,
    name: ourName,
    backend: parts.backends ?? { servers: [backend] },
    settings: { proxy: ['127.0.0.1' as Ip], ...settings },
    times: times ?? quickTimes,
  });
  const { answerMs } = parts;
  const asked = policyDoor({ gate, log, authservId: ourName, ...(answerMs === undefined ? {} : { answerMs }) });
  const milter = milterDoor({ gate, log, authservId: ourName });
  const at = async ({ server }: Door): Promise<TcpEndpoint> => tcp(await listen(server, anywhere));
  return {
    smtp: await at(smtp),
    policy: await at(asked),
    milter: await at(milter),
    decisions,
    finished,
    close: async () => {
      await Promise.all([smtp, asked, milter].map((door) => door.drain(500)));
    },
  };
}

/** The policy of a YAML text; throws with its problems. */
export function policyOf(text: string): Policy {
  const checked = readPolicy(text, 'test.yaml');
  if (!checked.ok) throw new Error(checked.problems.map(printProblem).join('\n'));
  return checked.value;
}

function tcp(endpoint: Endpoint): TcpEndpoint {
  if (endpoint.kind !== 'tcp') throw new Error(`not TCP: ${printEndpoint(endpoint)}`);
  return endpoint;
}
