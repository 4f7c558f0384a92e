// How a command talks to the console of a running service: over its port or its UNIX socket, with the token of its file. What goes
// wrong is a `ConsoleError` with one sentence and an exit code of sysexits.h.

import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Endpoint } from '../core/endpoint.ts';
import { printEndpoint } from '../core/endpoint.ts';
import { printProblem } from '../core/problem.ts';
import { readToken } from './token.ts';
import type { LiveLine, Overview } from './wire.ts';

export class ConsoleError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface ConsoleClient {
  overview(): Promise<Overview>;
  /** Ends when the service does, or is aborted. `client`: a range, "192.0.2.0/24". */
  live(client: string | undefined, signal?: AbortSignal): AsyncGenerator<LiveLine>;
}

export interface ConsolePlace {
  readonly listen: Endpoint;
  readonly tokenFile: string;
}

export async function consoleClient({ listen, tokenFile }: ConsolePlace): Promise<ConsoleClient> {
  const token = await readToken(tokenFile);
  if (token === undefined)
    throw new ConsoleError(`${tokenFile}: no such file; the service makes it when it starts`, 69);
  if (!token.ok) {
    const what = token.problems.map(printProblem).join('; ');
    throw new ConsoleError(what, /EACCES|permission/.test(what) ? 77 : 78);
  }
  const get = (path: string, signal?: AbortSignal) => ask(listen, token.value, path, signal);
  return {
    async overview() {
      const chunks: Buffer[] = [];
      for await (const chunk of await get('/api/overview')) chunks.push(chunk as Buffer);
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Overview;
    },
    async *live(client, signal) {
      const range = client === undefined ? '' : `?client=${encodeURIComponent(client)}`;
      const response = await get(`/api/live${range}`, signal);
      try {
        for await (const line of createInterface({ input: response })) yield JSON.parse(line) as LiveLine;
      } catch (error) {
        // The service has ended, or we are to: there is nothing more to hear.
        if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' && signal?.aborted !== true) throw error;
      } finally {
        response.destroy();
      }
    },
  };
}

function ask(listen: Endpoint, token: string, path: string, signal?: AbortSignal): Promise<IncomingMessage> {
  const place =
    listen.kind === 'unix' ? { socketPath: listen.path, host: 'localhost' } : { host: listen.host, port: listen.port };
  return new Promise((resolve, reject) => {
    const asked = request({
      ...place,
      path,
      headers: { authorization: `Bearer ${token}` },
      ...(signal === undefined ? {} : { signal }),
    });
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        new ConsoleError(
          `${printEndpoint(listen)}: no console answers there (${error.code ?? error.message}): is the service running?`,
          error.code === 'EACCES' ? 77 : 69,
        ),
      ),
    );
    asked.on('response', (response) => {
      if (response.statusCode === 200) resolve(response);
      else {
        response.destroy();
        const why = response.statusCode === 403 ? 'it does not know this token' : `it answers ${response.statusCode}`;
        reject(new ConsoleError(`${printEndpoint(listen)}: ${why}`, response.statusCode === 403 ? 77 : 69));
      }
    });
    asked.end();
  });
}
