// The recorded sessions, for the page to try another policy on: those in memory, or the newest of the journal. They go out as fast as
// they are read and no faster. The journal is read for one page at a time, since it is a load on the disk and the service has
// something better to do; who comes meanwhile waits, and is answered 503 where too many do.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { triedOctetsMax, triedSessionsMax, triedStallMs, triedWaitingMax } from '../core/limits.ts';
import { printProblem } from '../core/problem.ts';
import { newestLines } from '../journal/newest.ts';
import { type Answer, commonHeaders, text } from './answer.ts';
import type { Recorded } from './recorded.ts';
import type { Asked } from './server.ts';
import type { EvidenceEnd } from './wire.ts';

export interface EvidenceParts {
  readonly recorded: Recorded;
  /** Undefined: no journal is kept. */
  readonly journalFolder: () => string | undefined;
  /** How long one may read no further. */
  readonly stallMs?: number;
}

export function evidence({ recorded, journalFolder, stallMs = triedStallMs }: EvidenceParts) {
  const inTurn = turns();
  return async ({ query, response }: Asked): Promise<Answer | undefined> => {
    if (query.get('from') !== 'journal') {
      const { cut } = recorded;
      return sendAll({ response, stallMs }, recorded.pieces(), () => ({
        ...(cut === undefined ? {} : { cut }),
        problems: [],
      }));
    }
    const folder = journalFolder();
    if (folder === undefined) return text('no journal is kept\n', 404);
    const range = rangeOf(query);
    if (range === undefined) return text('"sessions" is a number, and "since" a time such as 2026-12-31T18:00Z\n', 400);
    return inTurn(response, () => sendJournal({ response, stallMs }, folder, range));
  };
}

interface Range {
  readonly sessions: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
}

/** Undefined: it makes no sense. */
function rangeOf(query: URLSearchParams): Range | undefined {
  const sessions = Number(query.get('sessions') ?? triedSessionsMax);
  const since = query.get('since');
  const at = since === null ? undefined : Date.parse(since);
  if (!Number.isInteger(sessions) || sessions < 1 || Number.isNaN(at)) return undefined;
  return { sessions: Math.min(sessions, triedSessionsMax), ...(at === undefined ? {} : { since: at }) };
}

async function sendJournal(to: Reader, folder: string, { sessions, since }: Range): Promise<undefined> {
  const gone = new AbortController();
  to.response.on('close', () => gone.abort());
  const problems: string[] = [];
  let cut: EvidenceEnd['cut'];
  const lines = newestLines({
    folder,
    linesMax: sessions,
    octetsMax: triedOctetsMax,
    ...(since === undefined ? {} : { since }),
    onProblem: (problem) => problems.push(printProblem(problem)),
    onCut: (by) => {
      cut = by === 'lines' ? 'sessions' : by;
    },
    signal: gone.signal,
  });
  return sendAll(to, lines, () => ({ ...(cut === undefined ? {} : { cut }), problems }));
}

interface Reader {
  readonly response: ServerResponse;
  readonly stallMs: number;
}

async function sendAll(
  { response, stallMs }: Reader,
  pieces: AsyncIterable<string> | Iterable<string>,
  end: () => Omit<EvidenceEnd, 'kind'>,
): Promise<undefined> {
  response.writeHead(200, { ...commonHeaders, 'content-type': 'application/x-ndjson' });
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  for await (const piece of pieces) {
    if (response.write(piece)) continue;
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(stallMs)]);
    await once(response, 'drain', { signal }).catch(() => response.destroy());
    if (response.destroyed) return undefined;
  }
  response.end(`${JSON.stringify({ kind: 'end', ...end() } satisfies EvidenceEnd)}\n`);
  return undefined;
}

/** One after the other; who has gone while waiting loses the turn. */
function turns(): (response: ServerResponse, work: () => Promise<undefined>) => Promise<Answer | undefined> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (response, work) => {
    if (waiting >= triedWaitingMax) return text('the journal is being read for others\n', 503);
    waiting++;
    const mine = last.then(async () => {
      waiting--;
      return response.destroyed ? undefined : work();
    });
    last = mine.catch(() => undefined);
    return mine;
  };
}
