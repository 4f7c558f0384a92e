// "On weekdays from 08:00 to 18:00 in Berlin": a condition on when the client arrived. A window that ends before it begins goes
// over midnight, and belongs to the day on which it began.

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export interface TimeWindow {
  readonly days: readonly Weekday[];
  /** Minutes after midnight, 0..1439; `until` is the first minute that is not in it. */
  readonly from: number;
  readonly until: number;
  /** A zone of the IANA database. */
  readonly zone: string;
}

/** `at`: milliseconds since 1970. */
export function inWindow(at: number, { days, from, until, zone }: TimeWindow): boolean {
  const { day, minute } = localTime(at, zone);
  const overMidnight = until <= from;
  const today = days.includes(weekdays[day] as Weekday);
  if (!overMidnight) return today && minute >= from && minute < until;
  const yesterday = days.includes(weekdays[(day + 6) % 7] as Weekday);
  return (today && minute >= from) || (yesterday && minute < until);
}

/** True for a zone that the running program knows. */
export function isTimeZone(zone: string): boolean {
  try {
    return formatterOf(zone) !== undefined;
  } catch {
    return false;
  }
}

/** Monday is 0. */
function localTime(at: number, zone: string): { readonly day: number; readonly minute: number } {
  const parts = new Map(
    formatterOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const day = weekdays.indexOf((parts.get('weekday') ?? '').toLowerCase() as Weekday);
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

/** Making one costs a hundred times what using it does. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone } as const;
  const made = new Intl.DateTimeFormat('en-GB', options);
  formatters.set(zone, made);
  return made;
}
