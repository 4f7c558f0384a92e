// Moments, as somebody types them: how long ago ("7d", "12h"), a day ("2026-11-20", in UTC), or a time of ISO 8601; and as we
// write them.

const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/**
 * Milliseconds since 1970; undefined: it is none. `end`: of a day the end is meant and not the beginning, so that
 * "until 2026-11-20" holds that day.
 */
export function parseMoment(text: string, now: number, end = false): number | undefined {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * units[unit as keyof typeof units];
  const day = /^\d{4}-\d\d-\d\d$/.test(text);
  if (!day && !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const at = Date.parse(day ? `${text}T00:00:00Z` : text);
  // Date.parse takes the 31st of February for the 3rd of March.
  const midnight = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(at) || !new Date(midnight).toISOString().startsWith(text.slice(0, 10))) return undefined;
  return day && end ? at + units.d : at;
}

/** ISO 8601 in UTC, of milliseconds since 1970. The last one is remembered, since a busy door has many sessions in one of them. */
export function printMoment(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}

let last = { ms: 0, text: '1970-01-01T00:00:00.000Z' };
