// Plays one SMTP client, a command at a time, from an address of this machine or announced over PROXY v1. For the demo
// and the stories; it believes nothing and hurries nothing.

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface Part {
  readonly host: string;
  readonly port: number;
  /** The address to come from. */
  readonly from: string;
  /** True: say `from` in a PROXY header instead of binding to it. */
  readonly proxied: boolean;
  /** Several are said one after another, as long as none is refused. */
  readonly helo: string | readonly string[];
  /** Without angle brackets; '' is the null sender. */
  readonly mail: string;
  readonly rcpt: readonly string[];
  /** Lines of the message, without line ends. */
  readonly message: readonly string[];
  readonly timeoutMs?: number;
}

/** Each reply, multi-line ones joined by "\n"; absent where the session ended before. */
export interface Played {
  readonly banner?: string;
  readonly ehlo?: string;
  readonly mail?: string;
  readonly rcpt: readonly string[];
  readonly data?: string;
  readonly dot?: string;
}

/** The reply that settled it: the first refusal, or else the last word. */
export function outcomeOf({ banner, ehlo, mail, rcpt, data, dot }: Played): string {
  const replies = [banner, ehlo, mail, ...rcpt, data, dot].filter((reply) => reply !== undefined);
  return replies.find((reply) => /^[45]/.test(reply)) ?? replies.at(-1) ?? 'connection closed';
}

/** Resolves when the session is over; rejects when it cannot be connected or is silent for too long. */
export async function play(part: Part): Promise<Played> {
  const talk = await dial(part);
  const rcpt: string[] = [];
  let played: Played = { rcpt };
  const step = async (name: keyof Played, line: string): Promise<boolean> => {
    const reply = await talk.say(line);
    played = { ...played, [name]: reply };
    return /^[23]/.test(reply);
  };
  try {
    const banner = await talk.hear();
    played = { ...played, banner };
    if (!banner.startsWith('220')) return played;
    for (const name of [part.helo].flat()) if (!(await step('ehlo', `EHLO ${name}`))) return played;
    if (!(await step('mail', `MAIL FROM:<${part.mail}>`))) return played;
    for (const address of part.rcpt) rcpt.push(await talk.say(`RCPT TO:<${address}>`));
    if (rcpt.some((reply) => reply.startsWith('2')) && (await step('data', 'DATA'))) {
      const stuffed = part.message.map((line) => (line.startsWith('.') ? `.${line}` : line));
      await step('dot', [...stuffed, '.'].join('\r\n'));
    }
    await talk.say('QUIT').catch(() => {});
    return played;
  } finally {
    talk.close();
  }
}

interface Talk {
  hear(): Promise<string>;
  say(line: string): Promise<string>;
  close(): void;
}

async function dial({ host, port, from, proxied, timeoutMs = 20_000 }: Part): Promise<Talk> {
  const socket = connect({ host, port, ...(proxied ? {} : { localAddress: from }) });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`silent for ${timeoutMs} ms`)));
  if (proxied) socket.write(`PROXY ${from.includes(':') ? `TCP6 ${from} ::1` : `TCP4 ${from} 127.0.0.1`} 40000 25\r\n`);
  return talkOver(socket);
}

function talkOver(socket: Socket): Talk {
  let fault: Error | undefined;
  socket.on('error', (error) => {
    fault = error;
  });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const hear = async (): Promise<string> => {
    const reply: string[] = [];
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw fault ?? new Error('connection closed by the other side');
      reply.push(value);
      if (!/^\d{3}-/.test(value)) return reply.join('\n');
    }
  };
  return {
    hear,
    say(line) {
      socket.write(`${line}\r\n`);
      return hear();
    },
    close: () => socket.destroy(),
  };
}
