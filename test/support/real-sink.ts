// smtp-sink, Postfix's own test server, and what it keeps: each message in a file, which is there for good when the final
// dot has come. It can also be told to refuse, to hang up or to wait at any command.

import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listensOn, type Running, start, until } from './processes.ts';
import { connectionsTo, openRawSmtp } from './raw-smtp.ts';

export interface RealSink {
  readonly port: number;
  readonly running: Running;
  /** What this and every earlier sink of the folder has taken; waits until nobody is connected. */
  messages(): Promise<readonly Kept[]>;
  /** The same at this moment: what is under way is among it, cut. */
  kept(): readonly Kept[];
}

export interface Kept {
  /** As in the command: "<a@b.example>". */
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Below smtp-sink's own header fields; lines end in LF, one character is one octet. */
  readonly content: string;
}

export interface RealSinkParts {
  readonly folder: string;
  /** Absent: a free one. */
  readonly port?: number;
  readonly options?: readonly string[];
}

export async function openRealSink({ folder, port, options = [] }: RealSinkParts): Promise<RealSink> {
  const place = join(folder, 'sink');
  mkdirSync(place, { recursive: true });
  chmodSync(place, 0o777); // it gives up root
  const at = port ?? (await freePort());
  const asUser = process.getuid?.() === 0 ? ['-u', 'postfix'] : [];
  const running = start('smtp-sink', [...asUser, ...options, '-d', 'kept.%s.', `127.0.0.1:${at}`, '100'], {
    cwd: place,
  });
  try {
    await until('smtp-sink listens', () => listensOn(at));
  } catch (error) {
    await running.stop('SIGKILL');
    throw new Error(`${error}\n${running.output()}`);
  }
  const kept = () =>
    readdirSync(place).flatMap((file) => {
      try {
        return [readKept(readFileSync(join(place, file), 'latin1'))];
      } catch {
        return []; // given up since the folder was read
      }
    });
  return {
    port: at,
    running,
    kept,
    async messages() {
      await until('nobody is connected to smtp-sink', () => connectionsTo(at) === 0);
      // It looks at one connection after the other: when it answers this one, it has seen the end of those before.
      const client = await openRawSmtp(at);
      await client.command('QUIT');
      return kept();
    },
  };
}

/** smtp-sink(1), "DUMP FILE FORMAT". It puts an empty line behind what it has taken to the end. */
function readKept(text: string): Kept {
  const own = /^(?:X-[\w-]+: .*\n)+Received: .*\n(?:\t.*\n)*/.exec(text)?.[0] ?? '';
  const args = (name: string): string[] =>
    [...own.matchAll(new RegExp(`^X-${name}-Args: (.*)$`, 'gm'))].map(([, value = '']) => value);
  return { sender: args('Mail')[0] ?? '', recipients: args('Rcpt'), content: text.slice(own.length, -1) };
}
