// The servers behind the door, in the order of preference. A client gets the first that can be reached; one that could not
// is asked last for a while. Only before MAIL: after it a transaction stays where it is. A connection whose client has gone is
// kept for a few seconds for the next one, if the backend was not told whose it is and had nothing to complain about.

import { type Endpoint, printEndpoint } from '../../core/endpoint.ts';
import { backendIdleMs, backendRestMs, backendsIdleMax } from '../../core/limits.ts';
import { Backend } from './backend.ts';
import type { BackendPlan } from './handshake.ts';
import { BackendError } from './link.ts';
import type { Identity } from './xclient.ts';

export interface BackendsParts {
  readonly servers: readonly Endpoint[];
  readonly plan: BackendPlan;
  /** A server could not be used, and another one is tried. */
  readonly onFailover: (problem: string) => void;
  readonly now: () => number;
}

export class Backends {
  readonly #parts: BackendsParts;
  /** Until when a server is asked last. */
  readonly #resting = new Map<Endpoint, number>();
  /** The last used last. */
  #idle: { readonly backend: Backend; readonly since: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: BackendsParts) {
    this.#parts = parts;
  }

  /**
   * `client`: absent for a look at what is offered. `fresh`: a new connection in every case. Rejects with the BackendError of
   * the last server when none can be used, and with ClientRefused at once.
   */
  async open(client?: Identity, fresh = false): Promise<Backend> {
    const kept = client === undefined || fresh ? undefined : this.#take();
    return kept?.serve(client) ?? this.#connect(client);
  }

  /** Nobody comes any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { backend } of this.#idle.splice(0)) backend.quit();
  }

  async #connect(client: Identity | undefined): Promise<Backend> {
    const { servers, plan, onFailover, now } = this.#parts;
    const isResting = (server: Endpoint): boolean => (this.#resting.get(server) ?? 0) > now();
    const order = [...servers.filter((server) => !isResting(server)), ...servers.filter(isResting)];
    let problem: unknown;
    for (const [i, server] of order.entries()) {
      try {
        const backend = await Backend.open(server, plan, client);
        backend.keep = this.#keep;
        this.#resting.delete(server);
        return backend;
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        problem = error;
        this.#resting.set(server, now() + backendRestMs);
        const next = order[i + 1];
        if (next !== undefined) onFailover(`${error.message}; trying ${printEndpoint(next)}`);
      }
    }
    throw problem;
  }

  readonly #keep = (backend: Backend): boolean => {
    if (this.#isClosed || this.#idle.length >= backendsIdleMax) return false;
    this.#idle.push({ backend, since: this.#parts.now() });
    this.#timer ??= setTimeout(() => this.#sweep(), backendIdleMs);
    return true;
  };

  #take(): Backend | undefined {
    let last = this.#idle.pop();
    while (last !== undefined && !last.backend.usable) last = this.#idle.pop();
    return last?.backend;
  }

  #sweep(): void {
    const oldest = this.#parts.now() - backendIdleMs;
    for (const { backend, since } of this.#idle) if (since <= oldest) backend.quit();
    this.#idle = this.#idle.filter(({ since }) => since > oldest);
    this.#timer = this.#idle.length === 0 ? undefined : setTimeout(() => this.#sweep(), backendIdleMs);
  }
}
