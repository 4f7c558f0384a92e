// A connection from a proxy: its first octets are a PROXY header, which says who the client is. Nothing is said before it has
// come whole; a header that is wrong or late ends the connection without a word, and what stands behind it is the client's.

import type { Socket } from 'node:net';
import type { Peer } from './known-client.ts';
import { readProxyHeader } from './proxy-header.ts';

export interface ProxiedParts {
  /** The client as the header says, or the proxy itself if that is its own connection (a health check). */
  readonly accepted: (peer: Peer) => void;
  /** Why the connection was closed, in a sentence for the log. */
  readonly refused: (problem: string) => void;
}

export function acceptProxied(
  socket: Socket,
  proxy: Peer,
  deadlineMs: number,
  { accepted, refused }: ProxiedParts,
): void {
  let octets = Buffer.alloc(0);
  const end = (): void => {
    clearTimeout(timer);
    socket.off('data', read);
    socket.off('error', gone);
    socket.off('close', gone);
    socket.pause();
  };
  const refuse = (problem: string): void => {
    end();
    socket.on('error', () => {});
    socket.destroy();
    refused(problem);
  };
  const gone = (): void => refuse('the proxy closed the connection before its header had come');
  const read = (chunk: Buffer): void => {
    octets = Buffer.concat([octets, chunk]);
    const header = readProxyHeader(octets);
    if (header === 'more') return;
    if ('broken' in header) {
      refuse(header.broken);
      return;
    }
    end();
    const rest = octets.subarray(header.octets);
    if (rest.length > 0) socket.unshift(rest);
    const { client, server } = header;
    accepted(
      client === undefined
        ? proxy
        : {
            ip: client.ip,
            port: client.port,
            serverIp: server?.ip,
            serverPort: server?.port,
            // Rights are the proxy's own, not those of an address that it names.
            isTrusted: false,
          },
    );
  };
  const timer = setTimeout(() => refuse(`no PROXY header within ${deadlineMs} ms`), deadlineMs);
  socket.on('data', read);
  socket.on('error', gone);
  socket.on('close', gone);
}
