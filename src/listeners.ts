// Who hears of each session: the log, the journal, and whoever watches the running service. One that fails is nobody else's
// trouble and changes no verdict: it is said in the log, and goes on being told.

import type { Outcome } from './core/record.ts';
import type { Decision } from './core/verdict.ts';
import type { GateParts } from './gate.ts';

export interface Listener {
  /** A verdict was told, or a session ended without one. `ms`: from the client's arrival to the answers about its address. */
  told?(decision: Decision, ms: number): void;
  /** Nothing more will be seen of that session; see GateParts. */
  finished?(decision: Decision, outcome?: Outcome): void;
}

export interface Listeners extends Required<Pick<GateParts, 'report' | 'finished'>> {
  /** Hears of what comes from now on; the result ends that. */
  add(listener: Listener): () => void;
}

export function makeListeners(onError: (error: unknown) => void): Listeners {
  let all: readonly Listener[] = [];
  const each = (tell: (listener: Listener) => void): void => {
    for (const listener of all) {
      try {
        tell(listener);
      } catch (error) {
        onError(error);
      }
    }
  };
  return {
    report: (decision, ms) => each((listener) => listener.told?.(decision, ms)),
    finished: (decision, outcome) => each((listener) => listener.finished?.(decision, outcome)),
    add(listener) {
      all = [...all, listener];
      return () => {
        all = all.filter((one) => one !== listener);
      };
    },
  };
}
