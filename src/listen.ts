// Binds a server to the place an operator named. Failing is an everyday event (a port in use, no permission), so it is a
// ListenError with one sentence and an exit code of sysexits.h, not a stack trace.

import { chmod, unlink } from 'node:fs/promises';
import { type AddressInfo, connect, type Server } from 'node:net';
import { type Endpoint, printEndpoint } from './core/endpoint.ts';

/** What every door gives to main.ts: something to bind, and a way to end it. */
export interface Door {
  readonly server: Server;
  /** Takes no new clients, lets what is under way finish for at most `ms`, then ends it. */
  drain(ms: number): Promise<void>;
}

export class ListenError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Returns where the server really listens, which differs for port 0. */
export async function listen(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  if (endpoint.kind === 'unix') await removeStale(endpoint.path);
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(error, endpoint));
    server.once('error', failed);
    const bound = () => {
      server.off('error', failed);
      resolve();
    };
    if (endpoint.kind === 'unix') server.listen({ path: endpoint.path }, bound);
    else server.listen({ host: endpoint.host, port: endpoint.port, ipv6Only: endpoint.host.includes(':') }, bound);
  });
  if (endpoint.kind === 'unix') {
    // Who may reach the folder may ask: Postfix runs under a user of its own.
    await chmod(endpoint.path, 0o666);
    return endpoint;
  }
  return { ...endpoint, port: (server.address() as AddressInfo).port };
}

/** A socket file that nobody answers on is left from a crash; one that answers is somebody's. */
async function removeStale(path: string): Promise<void> {
  const state = await new Promise<string>((resolve) => {
    const probe = connect({ path }, () => resolve('alive'));
    probe.on('connect', () => probe.destroy());
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
  if (state === 'ECONNREFUSED') await unlink(path);
}

function listenError(error: NodeJS.ErrnoException, endpoint: Endpoint): ListenError {
  const where = printEndpoint(endpoint);
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenError(`cannot listen on ${where}: another program is there already`, 69);
    case 'EACCES':
    case 'EPERM':
      return new ListenError(
        `cannot listen on ${where}: permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)`,
        77,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ListenError(`cannot listen on ${where}: this machine has no such address`, 69);
    default:
      return new ListenError(`cannot listen on ${where}: ${error.message}`, 69);
  }
}
