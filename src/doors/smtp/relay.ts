// The backend's side of one client session: a connection opened when it is first needed and kept over the session's
// messages, one transaction at a time. Every method returns what the client is to be told. A link that breaks is a
// BackendError to the caller; between messages it is quietly replaced, since nothing can be lost there.

import type { Readable } from 'node:stream';
import type { Backend } from './backend.ts';
import { type PathCommand, printPathCommand, refusal } from './envelope.ts';
import { messageFilter } from './message.ts';
import { type BackendReply, isPositive } from './replies.ts';

export interface Relay {
  mail(command: PathCommand): Promise<BackendReply>;
  rcpt(command: PathCommand): Promise<BackendReply>;
  /** 354: content may come. */
  data(): Promise<BackendReply>;
  /**
   * Streams the content to the backend and returns its reply to the final dot, or our refusal of the content, which is
   * then read to its end and thrown away. Rejects if the client or the backend goes away; then no dot was sent.
   */
  message(content: Content, fields: readonly string[], policyFields: ReadonlySet<string>): Promise<BackendReply>;
  /** The client gave its transaction up. */
  abandon(): void;
  close(): void;
}

/** smtp-server's data stream: `sizeExceeded` turns true on the way. */
export type Content = Readable & { readonly sizeExceeded: boolean };

export function makeRelay(open: () => Promise<Backend>, authservId: string): Relay {
  let backend: Backend | undefined;
  /** Between an accepted MAIL and the end of its message. */
  let inTransaction = false;
  let abandoned = false;
  let closed = false;

  const connected = async (): Promise<Backend> => {
    if (backend?.usable) return backend;
    const fresh = await open();
    // The client may have gone while we connected.
    if (closed) fresh.close();
    backend = fresh;
    return fresh;
  };
  const ready = (): Backend => {
    if (backend === undefined) throw new Error('no backend connection: MAIL comes first');
    return backend;
  };
  const begin = async (command: PathCommand): Promise<BackendReply> => {
    const link = await connected();
    if (abandoned) await link.command('RSET');
    abandoned = false;
    const line = printPathCommand('MAIL', command, new Set(link.offers.keys()));
    return typeof line === 'string' ? link.command(line) : line;
  };

  return {
    async mail(command) {
      const reused = backend?.usable === true;
      const reply = await begin(command).catch((error: unknown) => {
        // A backend may drop an idle connection at any time; before MAIL was accepted another try costs nothing.
        if (!reused) throw error;
        abandoned = false;
        return begin(command);
      });
      inTransaction = isPositive(reply);
      return reply;
    },
    async rcpt(command) {
      const line = printPathCommand('RCPT', command, new Set(ready().offers.keys()));
      return typeof line === 'string' ? ready().command(line) : line;
    },
    data: () => ready().command('DATA'),
    async message(content, fields, policyFields) {
      const link = ready();
      inTransaction = false;
      try {
        return await stream(content, link, messageFilter(fields, authservId, policyFields));
      } catch (error) {
        link.close();
        throw error;
      }
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

async function stream(
  content: Content,
  link: Backend,
  filter: ReturnType<typeof messageFilter>,
): Promise<BackendReply> {
  let refused: BackendReply | undefined;
  let fault: unknown;
  const giveUp = (reply: BackendReply | undefined, error?: unknown) => {
    refused = reply;
    fault = error;
    link.close(); // without the final dot: the backend forgets the message
  };
  for await (const chunk of content as AsyncIterable<Buffer>) {
    if (refused !== undefined || fault !== undefined) continue; // the client is heard to the end, RFC 5321 s4.1.1.4
    const octets = filter.push(chunk);
    if (octets === undefined) giveUp(bareLineEnd);
    else if (content.sizeExceeded) giveUp(tooLarge);
    else await link.content(octets).catch((error: unknown) => giveUp(undefined, error));
  }
  if (fault !== undefined) throw fault;
  if (refused !== undefined) return refused;
  const last = filter.end();
  if (last === undefined || content.sizeExceeded) {
    giveUp(last === undefined ? bareLineEnd : tooLarge);
    return last === undefined ? bareLineEnd : tooLarge;
  }
  await link.content(last);
  return link.finish();
}

const bareLineEnd = refusal(550, '5.6.11', 'bare CR, bare LF or NUL in the message');
const tooLarge = refusal(552, '5.3.4', 'the message is larger than we take');
