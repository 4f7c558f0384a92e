// The console's HTTP server: a closed table of routes, each request checked before it is answered (access.ts), everything bounded:
// connections, heads, bodies, time. What is refused is told in the log, so many a minute. Knows nothing of what the routes say.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  consoleBodyOctetsMax,
  consoleConnectionsMax,
  consoleHeadMs,
  consoleRefusalsLoggedMax,
  consoleRequestMs,
} from '../core/limits.ts';
import { printable } from '../core/name.ts';
import type { Logger } from '../log.ts';
import type { Access } from './access.ts';
import { type Answer, send, text } from './answer.ts';

export interface Asked {
  readonly query: URLSearchParams;
  readonly body: string;
  readonly response: ServerResponse;
}

export interface Route {
  /** Needs no token. */
  readonly isOpen?: true;
  readonly bodyOctetsMax?: number;
  /** Undefined: it has taken the response over. */
  answer(asked: Asked): Promise<Answer | undefined> | Answer | undefined;
}

/** By method and path: "GET /api/live". HEAD is GET without its body. */
export type Routes = ReadonlyMap<string, Route>;

export function consoleServer(routes: Routes, access: Access, log: Logger): Server {
  const paths = new Set([...routes.keys()].map((key) => key.slice(key.indexOf(' ') + 1)));
  const refused = refusalLog(log);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET';
    const withBody = method !== 'HEAD';
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const route = routes.get(`${withBody ? method : 'GET'} ${path}`);
    const no = access({ method, path, headers: request.headers, isOpen: route?.isOpen === true });
    if (no !== undefined) {
      refused({ why: no.why, method: printable(method, 20), path: printable(path, 80) });
      const challenge = no.status === 401 ? { 'www-authenticate': 'Bearer realm="iprevd"' } : {};
      // What else it has to say is not read.
      send(response, { ...text(`${no.why}\n`, no.status), headers: { ...challenge, connection: 'close' } }, withBody);
      return;
    }
    if (route === undefined) {
      send(response, paths.has(path) ? text('not so\n', 405) : text('no such page\n', 404), withBody);
      return;
    }
    const body = await readBody(request, route.bodyOctetsMax ?? consoleBodyOctetsMax);
    if (body === undefined) {
      send(response, { ...text('too long\n', 413), headers: { connection: 'close' } }, withBody);
      return;
    }
    const answer = await route.answer({ query: new URLSearchParams(query), body, response });
    if (answer !== undefined) send(response, answer, withBody);
  };
  const server = createServer(
    { headersTimeout: consoleHeadMs, requestTimeout: consoleRequestMs, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      handle(request, response).catch((error: Error) => {
        if (response.destroyed || request.destroyed) return; // who asked has gone
        log.error({ err: error.stack }, 'the console failed to answer');
        if (response.headersSent) response.destroy();
        else send(response, text('a bug of ours; the log has it\n', 500), true);
      });
    },
  );
  server.maxConnections = consoleConnectionsMax;
  return server;
}

/** Undefined: longer than that. Rejects when who asks goes away. */
async function readBody(request: IncomingMessage, octetsMax: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    octets += chunk.length;
    if (octets > octetsMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusalLog(log: Logger): (fields: Readonly<Record<string, string>>) => void {
  let minute = 0;
  let told = 0;
  return (fields) => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute) [minute, told] = [now, 0];
    if (++told <= consoleRefusalsLoggedMax) log.warn(fields, 'console request refused');
    if (told === consoleRefusalsLoggedMax) log.warn('more refused console requests of this minute are not logged');
  };
}
