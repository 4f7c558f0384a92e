// The console of the configuration, ready: its token read or made, its questions led to the parts of the service.

import { type CheckClientParts, checkClient } from './check-client.ts';
import type { Config } from './config.ts';
import { type Console, type ConsoleParts, openConsole } from './console/console.ts';
import { openToken } from './console/token.ts';
import { printEndpoint } from './core/endpoint.ts';
import { printProblem } from './core/problem.ts';
import { ListenError } from './listen.ts';
import type { ConsoleFiles } from './load.ts';
import { version } from './version.ts';

export interface OpenConsoleParts extends Omit<ConsoleParts, 'listen' | 'token' | 'version' | 'readOnly' | 'check'> {
  readonly config: NonNullable<Config['console']>;
  readonly files: ConsoleFiles;
  readonly checkParts: Omit<CheckClientParts, 'policy'> & { readonly policy: () => CheckClientParts['policy'] };
}

/** Rejects with a ListenError when there can be no token, or when it cannot listen. */
export async function openServiceConsole({ config, files, checkParts, ...parts }: OpenConsoleParts): Promise<Console> {
  const token = await openToken(files.tokenFile);
  if (!token.ok) throw new ListenError(token.problems.map(printProblem).join('; '), 78);
  const opened = await openConsole({
    ...parts,
    listen: config.listen,
    token: token.value.text,
    version,
    readOnly: files.readOnly,
    check: (ip, helo) => checkClient({ ...checkParts, policy: checkParts.policy() }, { ip, helo }),
  });
  parts.log.info(
    { listen: printEndpoint(opened.endpoint), token: files.tokenFile },
    token.value.isNew ? 'console is open, with a new token' : 'console is open',
  );
  return opened;
}
