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
  /** What was last known of the client; the decision line of a session that was never told a verdict is about it. */
  client: Client;
}

export interface Message {
  readonly session: Session;
  prepended: boolean;
}

export interface Sessions {
  /** The message this request is about, new or known. `instance` is '' before there is one. */
  message(client: Client, state: string, instance: string): Message;
  /** Reports what was never told, and forgets everything. */
  clear(): Promise<void>;
}

export function makeSessions(gate: Gate): Sessions {
  const bounds = { max: policyInstancesMax, ttl: policyInstanceMs, updateAgeOnGet: true };
  const byClient = new LRUCache<string, Session>({
    ...bounds,
    dispose: ({ inquiry, client }) => void inquiry.close(client).catch(() => {}),
  });
  const byInstance = new LRUCache<string, Message>(bounds);

  const sessionOf = (client: Client, state: string, instance: string): Session => {
    // Before Postfix 3.0 there is no client_port; the instance must do.
    const key = `${client.ip} ${client.port ?? instance}`;
    const known = state === 'CONNECT' ? undefined : byClient.get(key);
    if (known !== undefined && (client.port !== undefined || instance !== '')) return known;
    const session = { inquiry: gate.open('policy', client.ip), client };
    byClient.set(key, session);
    return session;
  };

  return {
    message(client, state, instance) {
      const known = instance === '' ? undefined : byInstance.get(`${instance} ${client.ip}`);
      const message = known ?? { session: sessionOf(client, state, instance), prepended: false };
      if (instance !== '' && known === undefined) byInstance.set(`${instance} ${client.ip}`, message);
      message.session.client = client;
      return message;
    },
    async clear() {
      await Promise.allSettled([...byClient.values()].map(({ inquiry, client }) => inquiry.close(client)));
      byInstance.clear();
      byClient.clear();
    },
  };
}
