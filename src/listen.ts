// Binds a server to the place an operator named. Failing is an everyday event (a port in use, no permission), so it is a
// ListenError with one sentence and an exit code of sysexits.h, not a stack trace.

import { chmod, chown, readFile, stat, unlink } from 'node:fs/promises';
import { type AddressInfo, connect, type Server } from 'node:net';
import { type Endpoint, printEndpoint } from './core/endpoint.ts';
import { fileTrouble } from './core/file-trouble.ts';

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

/** Who may use a UNIX socket. */
export interface SocketAccess {
  /** Permission bits; absent: 0666, since who may reach the folder may ask: Postfix runs under a user of its own. */
  readonly mode?: number | undefined;
  /** Names or numbers; absent: as the process is. */
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
}

/** Returns where the server really listens, which differs for port 0. `access` is for UNIX sockets alone. */
export async function listen(server: Server, endpoint: Endpoint, access: SocketAccess = {}): Promise<Endpoint> {
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
    await give(endpoint, access).catch((error: unknown) => {
      server.close();
      throw error;
    });
    return endpoint;
  }
  return { ...endpoint, port: (server.address() as AddressInfo).port };
}

async function give(endpoint: Extract<Endpoint, { kind: 'unix' }>, access: SocketAccess): Promise<void> {
  const { mode = 0o666, owner, group } = access;
  const [uid, gid] = [await idOf('/etc/passwd', 'user', owner), await idOf('/etc/group', 'group', group)];
  try {
    if (uid !== undefined || gid !== undefined) {
      const now = await stat(endpoint.path);
      await chown(endpoint.path, uid ?? now.uid, gid ?? now.gid);
    }
    await chmod(endpoint.path, mode);
  } catch (error) {
    throw new ListenError(`cannot hand over ${printEndpoint(endpoint)}: ${fileTrouble(error)}`, 77);
  }
}

/** The number of a user or group, which passwd(5) and group(5) keep in the third field of a line. */
async function idOf(file: string, what: string, name: string | undefined): Promise<number | undefined> {
  if (name === undefined || /^\d+$/.test(name)) return name === undefined ? undefined : Number(name);
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.split(':'));
  const id = lines.find(([known]) => known === name)?.[2];
  if (id === undefined) throw new ListenError(`there is no ${what} "${name}" on this machine`, 78);
  return Number(id);
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
