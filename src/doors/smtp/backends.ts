// The servers behind the door, in the order of preference. A client gets the first that can be reached; one that could not
// is asked last for a while. Only before MAIL: after it a transaction stays where it is.

import { type Endpoint, printEndpoint } from '../../core/endpoint.ts';
import { backendRestMs } from '../../core/limits.ts';
import { type Backend, type BackendPlan, openBackend } from './backend.ts';
import { BackendError } from './link.ts';
import type { Identity } from './xclient.ts';

export interface BackendsParts {
  readonly servers: readonly Endpoint[];
  readonly plan: BackendPlan;
  /** A server could not be used, and another one is tried. */
  readonly onFailover: (problem: string) => void;
  readonly now: () => number;
}

/** Rejects with the BackendError of the last one when none can be used, and with ClientRefused at once. */
export function backends({ servers, plan, onFailover, now }: BackendsParts): (client?: Identity) => Promise<Backend> {
  /** Until when a server is asked last. */
  const resting = new Map<Endpoint, number>();
  const isResting = (server: Endpoint): boolean => (resting.get(server) ?? 0) > now();
  return async (client) => {
    const order = [...servers.filter((server) => !isResting(server)), ...servers.filter(isResting)];
    let problem: unknown;
    for (const [i, server] of order.entries()) {
      try {
        const backend = await openBackend(server, plan, client);
        resting.delete(server);
        return backend;
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        problem = error;
        resting.set(server, now() + backendRestMs);
        const next = order[i + 1];
        if (next !== undefined) onFailover(`${error.message}; trying ${printEndpoint(next)}`);
      }
    }
    throw problem;
  };
}
