// Which requests belong together. Postfix asks anew for each recipient, over connections that carry many clients; the
// requests of one SMTP session share the client's address and port, those of one message share an `instance`. A session
// has one Inquiry, a message gets one prepended field. Bounded; what has been silent for longer than Postfix keeps an
// idle client is forgotten.

import { LRUCache } from 'lru-cache';
import type { Client } from '../../core/client.ts';
import { policyInstanceMs, policyInstancesMax } from '../../core/limits.ts';
import type { Gate, Inquiry } from '../../gate.ts';

export interface Session {
  readonly inquiry: Inquiry;
  /** Until a verdict is told, what was last known of the client: the decision line of a session without one is about it. */
  untold: Client | undefined;
  /** The message that got a field: one follows the other. */
  prependedTo: string | undefined;
  /** When it was last asked about, in whole milliseconds, see `now`. */
  heardAt: number;
}

export interface Sessions {
  /** The session this request is about, new or known. `instance` is '' before there is a message. */
  session(client: Client, state: string, instance: string): Session;
  /** Forgets whom nobody has asked about for too long, and reports what was never told. */
  forgetSilent(): void;
  /** Reports what was never told, and forgets everything. */
  clear(): Promise<void>;
}

/** `now`: milliseconds on a clock that never runs backwards. */
export function makeSessions(gate: Gate, now: () => number = () => performance.now()): Sessions {
  const report = async ({ inquiry, untold }: Session): Promise<void> => {
    if (untold !== undefined) await inquiry.close(untold);
  };
  // The time stands in the session: the library's own clockwork costs more than the rest of it.
  const sessions = new LRUCache<string, Session>({
    max: policyInstancesMax,
    dispose(session) {
      if (session.untold !== undefined) void report(session).catch(() => {});
    },
  });

  return {
    session(client, state, instance) {
      // Before Postfix 3.0 there is no client_port; the instance must do.
      const key = `${client.ip} ${client.port ?? instance}`;
      const mayBeKnown = state !== 'CONNECT' && (client.port !== undefined || instance !== '');
      const known = mayBeKnown ? sessions.get(key) : undefined;
      // Whole milliseconds, which the engine keeps without a box of their own.
      const heardAt = Math.round(now());
      if (known !== undefined && heardAt - known.heardAt < policyInstanceMs) {
        if (known.untold !== undefined) known.untold = client;
        known.heardAt = heardAt;
        return known;
      }
      const session: Session = {
        inquiry: gate.open('policy', client.ip),
        untold: client,
        prependedTo: undefined,
        heardAt,
      };
      sessions.set(key, session);
      return session;
    },
    forgetSilent() {
      const latest = now() - policyInstanceMs;
      for (const key of sessions.rkeys()) {
        if ((sessions.peek(key)?.heardAt ?? 0) > latest) return;
        sessions.delete(key);
      }
    },
    async clear() {
      await Promise.allSettled([...sessions.values()].map(report));
      sessions.clear();
    },
  };
}
