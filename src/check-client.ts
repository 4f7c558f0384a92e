// One client judged because somebody asks, not because it came: `iprevd check` and the console. It is as far as RCPT, and nobody
// has told who the recipient is. DNS trouble is part of the decision; never rejects but through a bug of ours.

import type { Client } from './core/client.ts';
import { decide } from './core/decide.ts';
import type { Ip } from './core/ip.ts';
import type { Policy } from './core/policy.ts';
import type { Decision } from './core/verdict.ts';
import type { Gather, GatherHelo } from './gather.ts';

export interface CheckClientParts {
  readonly policy: Policy;
  readonly gather: Gather;
  readonly gatherHelo: GatherHelo;
  readonly newRef: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The name under which we serve; undefined: nobody has told. */
  readonly ourName?: string | undefined;
}

/** What else it would say; undefined: nothing. */
export interface CheckedClient {
  readonly ip: Ip;
  readonly helo?: string | undefined;
  readonly sender?: string | undefined;
}

export async function checkClient(
  { policy, gather, gatherHelo, newRef, now, ourName }: CheckClientParts,
  { ip, helo, sender }: CheckedClient,
): Promise<Decision> {
  const at = new Date(now()).toISOString();
  const client: Client = {
    ip,
    stage: 'rcpt',
    authenticated: false,
    ...(helo === undefined ? {} : { helo }),
    ...(sender === undefined ? {} : { sender }),
  };
  const [answers, asked] = await Promise.all([gather(ip), helo === undefined ? undefined : gatherHelo(helo, ip)]);
  return decide(policy, {
    v: 1,
    id: newRef(),
    at,
    door: 'check',
    client,
    ...(ourName === undefined ? {} : { ourName: ourName.toLowerCase() }),
    ...answers,
    ...(asked === undefined ? {} : { helo: asked }),
  });
}
