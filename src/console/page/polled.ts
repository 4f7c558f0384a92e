// What is asked again every few seconds while a view shows it. A failed question keeps the old answer and says so.

import { useEffect, useState } from 'preact/hooks';
import { ask, NotAdmitted } from './api.ts';

export interface Polled<T> {
  /** Undefined: has not come yet. */
  readonly value: T | undefined;
  /** The service did not answer just now. */
  readonly isStale: boolean;
}

export function usePolled<T>(path: string, everyMs: number, onNotAdmitted: () => void): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, isStale: false });
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const value = await ask<T>(path);
        if (!isOver) setPolled({ value, isStale: false });
      } catch (error) {
        if (isOver) return;
        if (error instanceof NotAdmitted) return onNotAdmitted();
        setPolled(({ value }) => ({ value, isStale: true }));
      }
      if (!isOver) timer = setTimeout(look, everyMs);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return polled;
}
