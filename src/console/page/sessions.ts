// The recorded sessions that a policy is tried on, as the service sends them: from memory, or from the journal; and what there is to
// say of them. Rejects when the service does not send them, and when `signal` is aborted.

import type { EvidenceEnd } from '../wire.ts';
import { type Alike, type Gathered, gatherSessions } from './alike.ts';
import { open, textLines } from './api.ts';

/** Absent `sinceMs` (since 1970): however old. */
export type Source =
  | { readonly from: 'memory' }
  | { readonly from: 'journal'; readonly sessions: number; readonly sinceMs?: number };

export interface Sessions {
  readonly all: readonly Alike[];
  readonly about: AboutSessions;
}

/** What there is to say of them. */
export interface AboutSessions extends Omit<Gathered, 'all'> {
  readonly source: Source;
  readonly cut?: EvidenceEnd['cut'];
}

export interface Loading {
  readonly source: Source;
  readonly token: string;
  /** See replay-key.ts. */
  readonly clock: (at: string) => string;
  readonly signal: AbortSignal;
  readonly onProgress: (sessions: number) => void;
}

export async function loadSessions({ source, token, clock, signal, onProgress }: Loading): Promise<Sessions> {
  const response = await open(`/api/evidence${queryOf(source)}`, { signal }, token);
  if (!response.ok) throw new Error((await response.text()).trim());
  const gathering = gatherSessions(clock, source.from === 'journal' ? source.sinceMs : undefined);
  let end: EvidenceEnd | undefined;
  for await (const some of textLines(response)) {
    for (const line of some) {
      if (line.startsWith(endMark)) end = JSON.parse(line) as EvidenceEnd;
      else gathering.add(line);
    }
    onProgress(gathering.sessions);
  }
  const { all, ...gathered } = gathering.result();
  const { cut, problems } = end ?? { cut: undefined, problems: ['the service broke off: there may be more'] };
  return {
    all,
    about: { ...gathered, source, ...(cut && { cut }), problems: [...problems, ...gathered.problems] },
  };
}

const endMark = '{"kind":"end"';

function queryOf(source: Source): string {
  if (source.from === 'memory') return '';
  const query = new URLSearchParams({ from: 'journal', sessions: String(source.sessions) });
  if (source.sinceMs !== undefined) query.set('since', new Date(source.sinceMs).toISOString());
  return `?${query}`;
}
