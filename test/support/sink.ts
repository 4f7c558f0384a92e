// A mail server that takes everything and keeps each octet, or says what a test wants it to say. Knows no library, so
// that what it keeps is what was on the wire.

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';

export interface Received {
  readonly mail: string;
  readonly rcpt: readonly string[];
  /** Between the 354 and the final dot, as on the wire: dots stuffed. */
  readonly wire: Buffer;
}

/** What to say instead of the default; a line without CRLF, '' to hang up, undefined to say nothing at all. */
export type Script = (verb: string, line: string) => string | undefined | 'default';

export interface Sink {
  readonly endpoint: TcpEndpoint;
  readonly messages: readonly Received[];
  /** Every command line, in order, of all connections. */
  readonly commands: readonly string[];
  readonly connections: () => number;
  /** Content whose final dot never came, as far as it did. */
  readonly unfinished: readonly Buffer[];
  /** Reads nothing more of what is connected now, until resume(). */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

const defaults: Record<string, string> = {
  GREETING: '220 sink ESMTP',
  EHLO: '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE 50000000',
  DATA: '354 go on',
  DOT: '250 2.0.0 kept',
  QUIT: '221 bye',
};

export async function openSink(script: Script = () => 'default'): Promise<Sink> {
  const messages: Received[] = [];
  const commands: string[] = [];
  const unfinished: Buffer[] = [];
  const sockets = new Set<Socket>();
  let count = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    count++;
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    serve(socket, script, messages, commands, unfinished);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    messages,
    commands,
    unfinished,
    connections: () => count,
    pause: () => {
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      for (const socket of sockets) socket.resume();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(socket: Socket, script: Script, messages: Received[], commands: string[], unfinished: Buffer[]): void {
  let unread = Buffer.alloc(0);
  /** Content so far, in the pieces it came in: joined once, or ten megabytes would be copied for each of them. */
  let content: Buffer[] = [];
  let inData = false;
  let mail = '';
  let rcpt: string[] = [];
  const say = (verb: string, line: string): boolean => {
    const scripted = script(verb, line);
    const reply = scripted === 'default' ? (defaults[verb] ?? '250 2.0.0 ok') : scripted;
    if (reply === '') socket.destroy();
    else if (reply !== undefined) socket.write(`${reply}\r\n`, 'latin1');
    return reply?.startsWith('2') === true || reply?.startsWith('3') === true;
  };
  say('GREETING', '');
  socket.on('close', () => {
    if (inData) unfinished.push(Buffer.concat([...content, unread]));
  });
  socket.on('data', (octets: Buffer) => {
    unread = Buffer.concat([unread, octets]);
    for (;;) {
      const end = inData ? endOfData(unread, content.length === 0) : unread.indexOf('\r\n');
      if (end < 0) {
        if (!inData || unread.length < 8) return;
        content.push(unread.subarray(0, -4)); // the end may be in the middle of coming
        unread = unread.subarray(-4);
        return;
      }
      if (inData) {
        messages.push({ mail, rcpt, wire: Buffer.concat([...content, unread.subarray(0, end)]) });
        unread = unread.subarray(end + 3);
        content = [];
        inData = false;
        rcpt = [];
        say('DOT', '');
        continue;
      }
      const line = unread.toString('latin1', 0, end);
      unread = unread.subarray(end + 2);
      commands.push(line);
      const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? '';
      const good = say(verb, line);
      if (verb === 'MAIL') [mail, rcpt] = [line, []];
      if (verb === 'RCPT' && good) rcpt.push(line);
      if (verb === 'DATA' && good) inData = true;
      if (verb === 'QUIT') socket.end();
    }
  });
}

/** Where the line "." begins, or -1. */
function endOfData(octets: Buffer, atStart: boolean): number {
  if (atStart && octets.indexOf('.\r\n') === 0) return 0;
  const at = octets.indexOf('\r\n.\r\n');
  return at < 0 ? -1 : at + 2;
}
