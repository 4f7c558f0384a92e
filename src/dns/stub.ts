// The stub resolver: each question goes to the configured servers in turn until one answers. A server that fails, refuses
// or is silent is no reason to give up while there is time: the next is asked, and everyone twice. The last trouble is
// the answer then. `timeoutMs` bounds the whole question.

import { type DnsAnswer, dnsError, type RecordType } from '../core/answer.ts';
import type { Resolver } from './resolver.ts';
import { askServer, type Server } from './transport.ts';

const rounds = 2;

export function stubResolver(servers: readonly Server[], timeoutMs: number): Resolver {
  return { lookup: (name, type) => ask(servers, name, type, timeoutMs) };
}

async function ask(
  servers: readonly Server[],
  name: string,
  type: RecordType,
  timeoutMs: number,
): Promise<DnsAnswer<string>> {
  const deadline = performance.now() + timeoutMs;
  let worst: DnsAnswer<string> = dnsError('timeout');
  const tries = Array.from({ length: rounds }, () => servers).flat();
  for (const [i, server] of tries.entries()) {
    const left = deadline - performance.now();
    if (left <= 0) break;
    // An even share of what is left: a dead first server still leaves time for the others.
    const answer = await askServer(server, name, type, Math.ceil(left / (tries.length - i)));
    if (answer.kind !== 'error') return answer;
    worst = answer;
    // A single server that says SERVFAIL or REFUSED has spoken; asking again would only load it.
    const spoke = answer.code === 'servfail' || answer.code === 'refused';
    if (spoke && i + 1 >= servers.length) break;
  }
  return worst;
}
