// The backend's side of one client session: a connection opened when it is first needed and kept over the session's
// messages, one transaction at a time. Every method returns what the client is to be told. A link that breaks is a
// BackendError to the caller; between messages it is quietly replaced, since nothing can be lost there.

import { type Backend, ClientRefused } from './backend.ts';
import { type PathCommand, printPathCommand, refusal } from './envelope.ts';
import type { MessageFilter } from './message.ts';
import { type BackendReply, isPositive } from './replies.ts';
import type { Identity } from './xclient.ts';

export interface Relay {
  /** `client`: as the backend is to know it, if it is told at all. */
  mail(command: PathCommand, client: Identity): Promise<BackendReply>;
  rcpt(command: PathCommand): Promise<BackendReply>;
  /** 354: content may come. */
  data(): Promise<BackendReply>;
  /** After the 354, once. */
  deliver(filter: MessageFilter, octetsMax: number): Delivery;
  /** The client gave its transaction up. */
  abandon(): void;
  close(): void;
}

/** One message on its way. Neither push nor giveUp throws: what goes wrong is the answer of finish. */
export interface Delivery {
  /** Canonical content; `octets`: of the message so far. A promise while no more may come; undefined: go on. */
  push(content: Buffer, octets: number): Promise<void> | undefined;
  /** The message must not arrive: `reply` is its answer. Nothing but its beginning was sent, and never the final dot. */
  giveUp(reply: BackendReply): void;
  /** The final dot, and the backend's reply to it. Rejects if the backend has gone away. */
  finish(): Promise<BackendReply>;
}

export function makeRelay(open: (client: Identity) => Promise<Backend>): Relay {
  let backend: Backend | undefined;
  let knownAs: string | undefined;
  /** Between an accepted MAIL and the end of its message. */
  let inTransaction = false;
  let recipients = 0;
  let abandoned = false;
  let closed = false;

  const connected = async (client: Identity): Promise<Backend> => {
    // The name in HELO may have changed since; the backend was told the old one.
    if (backend?.usable && knownAs === client.helo) return backend;
    backend?.close();
    abandoned = false;
    const fresh = await open(client);
    // The client may have gone while we connected.
    if (closed) fresh.close();
    knownAs = client.helo;
    backend = fresh;
    return fresh;
  };
  const ready = (): Backend => {
    if (backend === undefined) throw new Error('no backend connection: MAIL comes first');
    return backend;
  };
  const begin = async (command: PathCommand, client: Identity): Promise<BackendReply> => {
    const link = await connected(client);
    if (abandoned) await link.command('RSET');
    abandoned = false;
    const line = printPathCommand('MAIL', command, link.offers);
    return typeof line === 'string' ? link.command(line) : line;
  };

  return {
    async mail(command, client) {
      const reused = backend?.usable === true;
      const reply = await begin(command, client).catch((error: unknown) => {
        if (error instanceof ClientRefused) return error.reply;
        // A backend may drop an idle connection at any time; before MAIL was accepted another try costs nothing.
        if (!reused) throw error;
        return begin(command, client);
      });
      inTransaction = isPositive(reply);
      recipients = 0;
      return reply;
    },
    async rcpt(command) {
      const link = ready();
      // LMTP answers the dot once for each recipient (RFC 2033 s4.2), SMTP once for all: one by one nothing can be lost.
      if (link.protocol === 'lmtp' && recipients > 0) return oneByOne;
      const line = printPathCommand('RCPT', command, link.offers);
      const reply = typeof line === 'string' ? await link.command(line) : line;
      if (isPositive(reply)) recipients++;
      return reply;
    },
    data: () => ready().command('DATA'),
    deliver(filter, octetsMax) {
      inTransaction = false;
      return delivery(ready(), filter, octetsMax);
    },
    abandon() {
      abandoned ||= inTransaction;
      inTransaction = false;
    },
    close() {
      closed = true;
      backend?.close();
    },
  };
}

function delivery(link: Backend, filter: MessageFilter, octetsMax: number): Delivery {
  let refused: BackendReply | undefined;
  let fault: unknown;
  const giveUp = (reply: BackendReply): void => {
    refused ??= reply;
    link.close(); // without the final dot: the backend forgets the message
  };
  const failed = (error: unknown): void => {
    fault ??= error;
    link.close();
  };
  return {
    giveUp,
    push(content, octets) {
      if (refused !== undefined || fault !== undefined) return undefined; // heard to its end and thrown away
      if (octets > octetsMax) {
        giveUp(tooLarge);
        return undefined;
      }
      return link.content(filter.push(content))?.catch(failed);
    },
    async finish() {
      if (refused !== undefined) return refused;
      if (fault !== undefined) throw fault;
      try {
        // Not waited for: the dot goes out in the same turn.
        link.content(filter.end())?.catch(() => {});
        return await link.finish();
      } catch (error) {
        failed(error);
        throw error;
      }
    },
  };
}

const oneByOne = refusal(452, '4.5.3', 'one recipient at a time, please send this one in a message of its own');
const tooLarge = refusal(552, '5.3.4', 'the message is larger than we take');
