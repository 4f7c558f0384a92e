// `iprevd trace`: the decisions of the running service about one client, or a range of them, as they come; each told as `check`
// tells it, or as a line of JSON. Ends when the caller says so; the end of the service is an error.

import type { ConsoleClient } from '../console/client.ts';
import { type Cidr, printCidr } from '../core/ip.ts';
import { paint, type Terminal } from '../terminal.ts';
import { describe, toJson } from './check.ts';

export interface TraceParts {
  readonly console: Pick<ConsoleClient, 'live'>;
  /** Absent: everybody. */
  readonly client: Cidr | undefined;
  readonly json: boolean;
  /** Ends after so many decisions; absent: it goes on. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/** The number of decisions told. Rejects with a ConsoleError, also when the service ends meanwhile. */
export async function trace(terminal: Terminal, { console, client, json, most, signal }: TraceParts): Promise<number> {
  const range = client === undefined ? undefined : printCidr(client);
  let told = 0;
  let isHeard = false;
  for await (const line of console.live(range, signal)) {
    if (line.kind === 'beat') {
      if (!isHeard && !json)
        terminal.err(paint(terminal, 'dim', `waiting for ${range ?? 'any client'}; Ctrl-C ends it\n`));
      isHeard = true;
      if (line.skipped > 0) terminal.err(`${line.skipped} decisions were left out: more than anybody can read\n`);
      continue;
    }
    const { decision } = line;
    const { evidence } = decision;
    if (json) terminal.out(`${JSON.stringify(toJson(decision))}\n`);
    else {
      const what = `── ${evidence.at}  ${evidence.door} door, ref ${evidence.id}, ${Math.round(line.ms)} ms `;
      terminal.out(`${paint(terminal, 'bold', what.padEnd(78, '─'))}\n${describe(terminal, decision)}`);
    }
    if (++told === most) return told;
  }
  return told;
}
