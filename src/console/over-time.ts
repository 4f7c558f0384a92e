// How often something happened, slot by slot, for the last hour and the last day: two rings of fixed size, so that it costs the
// same whatever comes. A clock that jumps back counts into the newest slot.

export const spans = { hour: { slotS: 10, slots: 360 }, day: { slotS: 300, slots: 288 } } as const;
export type Span = keyof typeof spans;

export interface OverTime {
  count(nowMs: number): void;
  /** Oldest first; the last slot is the one that `nowMs` lies in. */
  read(span: Span, nowMs: number): number[];
}

export function overTime(): OverTime {
  const rings = { hour: ring(spans.hour), day: ring(spans.day) };
  return {
    count(nowMs) {
      rings.hour.count(nowMs);
      rings.day.count(nowMs);
    },
    read: (span, nowMs) => rings[span].read(nowMs),
  };
}

function ring({ slotS, slots }: { readonly slotS: number; readonly slots: number }) {
  const counts = new Uint32Array(slots);
  let newest = 0;
  const turn = (nowMs: number): void => {
    const slot = Math.floor(nowMs / 1000 / slotS);
    if (slot <= newest) return;
    for (let i = Math.max(newest + 1, slot - slots + 1); i <= slot; i++) counts[i % slots] = 0;
    newest = slot;
  };
  return {
    count(nowMs: number): void {
      turn(nowMs);
      counts[newest % slots] = (counts[newest % slots] ?? 0) + 1;
    },
    read(nowMs: number): number[] {
      turn(nowMs);
      return Array.from({ length: slots }, (_, i) => counts[(newest + 1 + i) % slots] ?? 0);
    },
  };
}
