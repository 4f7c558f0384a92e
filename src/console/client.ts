// How a command talks to the console of a running service: over its port or its UNIX socket, with the token of its file. What goes
// wrong is a `ConsoleError` with one sentence and an exit code of sysexits.h.

import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Endpoint } from '../core/endpoint.ts';
import { printEndpoint } from '../core/endpoint.ts';
import { fileTrouble } from '../core/file-trouble.ts';
import { consoleAnswerMs } from '../core/limits.ts';
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
  /** Rejects with a ConsoleError. */
  overview(): Promise<Overview>;
  /** Ends when it is aborted; the end of the service is a ConsoleError. `client`: a range, "192.0.2.0/24". */
  live(client: string | undefined, signal?: AbortSignal): AsyncGenerator<LiveLine>;
}

export interface ConsolePlace {
  readonly listen: Endpoint;
  readonly tokenFile: string;
}

export async function consoleClient({ listen, tokenFile }: ConsolePlace): Promise<ConsoleClient> {
  const token = await readToken(tokenFile);
  if (token === undefined)
    throw new ConsoleError(`${tokenFile}: no such file; the service makes it when it starts`, exit.unavailable);
  if (!token.ok) {
    const what = token.problems.map(printProblem).join('; ');
    const isDenied = what.includes('permission denied');
    throw new ConsoleError(isDenied ? `${what}: ${whoMay}` : what, isDenied ? exit.denied : exit.config);
  }
  const asking = { listen, token: token.value, tokenFile };
  return {
    async overview() {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of await ask(asking, '/api/overview')) chunks.push(chunk as Buffer);
        return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Overview;
      } catch (error) {
        throw inWords(error, listen);
      }
    },
    async *live(client, signal) {
      const range = client === undefined ? '' : `?client=${encodeURIComponent(client)}`;
      try {
        const response = await ask(asking, `/api/live${range}`, signal);
        try {
          for await (const line of createInterface({ input: response })) yield JSON.parse(line) as LiveLine;
        } finally {
          response.destroy();
        }
      } catch (error) {
        if (signal?.aborted === true) return;
        throw inWords(error, listen);
      }
      if (signal?.aborted !== true) throw new ConsoleError(`${printEndpoint(listen)}: ${hasEnded}`, exit.unavailable);
    },
  };
}

const exit = { unavailable: 69, denied: 77, config: 78 } as const;

const whoMay = 'run this as root, or as the user of the service';
const hasEnded = 'the service has ended; once it is started, run this again';

interface Asking {
  readonly listen: Endpoint;
  readonly token: string;
  readonly tokenFile: string;
}

/** Rejects with a ConsoleError where the answer is a refusal, else with what went wrong. */
function ask({ listen, token, tokenFile }: Asking, path: string, signal?: AbortSignal): Promise<IncomingMessage> {
  const place =
    listen.kind === 'unix' ? { socketPath: listen.path, host: 'localhost' } : { host: listen.host, port: listen.port };
  return new Promise((resolve, reject) => {
    const asked = request({
      ...place,
      path,
      headers: { authorization: `Bearer ${token}` },
      ...(signal === undefined ? {} : { signal }),
    });
    const patience = setTimeout(() => asked.destroy(new Error('timeout')), consoleAnswerMs);
    asked.on('close', () => clearTimeout(patience));
    asked.on('error', reject);
    asked.on('response', (response) => {
      clearTimeout(patience);
      const { statusCode = 0 } = response;
      if (statusCode === 200) return resolve(response);
      response.destroy();
      reject(refusal(statusCode, printEndpoint(listen), tokenFile));
    });
    asked.end();
  });
}

function refusal(status: number, where: string, tokenFile: string): ConsoleError {
  if (status === 401 || status === 403)
    return new ConsoleError(
      `${where}: it does not know the token in ${tokenFile}: is that the configuration of this service, and was the file changed since it started?`,
      exit.denied,
    );
  const what =
    status === 503 ? 'too many watch already; try again later' : `it answers ${status}, as no console of iprevd does`;
  return new ConsoleError(`${where}: ${what}`, exit.unavailable);
}

function inWords(error: unknown, listen: Endpoint): ConsoleError {
  if (error instanceof ConsoleError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const where = printEndpoint(listen);
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new ConsoleError(`${where}: nobody listens there: is the service running?`, exit.unavailable);
    case 'EACCES':
    case 'EPERM':
      return new ConsoleError(`${where}: permission denied: ${whoMay}`, exit.denied);
    case 'ECONNRESET':
    case 'EPIPE':
      return new ConsoleError(`${where}: ${hasEnded}`, exit.unavailable);
    default: {
      const isForeign = code.startsWith('HPE_') || error instanceof SyntaxError;
      const what = isForeign
        ? 'what answers there is no console of iprevd'
        : message === 'timeout'
          ? `no answer within ${consoleAnswerMs / 1000} s: is that the console of iprevd?`
          : fileTrouble(error);
      return new ConsoleError(`${where}: ${what}`, exit.unavailable);
    }
  }
}
