// Times and lengths of time in words. Pure: the caller says what time it is.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const UNITS: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [
  [DAY, "day"],
  [HOUR, "hour"],
  [MINUTE, "minute"],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** `just now`, `3 minutes ago`, `in 6 days`. */
export function fromNow(atMs: number, now: number): string {
  const far = atMs - now;
  const unit = UNITS.find(([ms]) => Math.abs(far) >= ms);
  if (!unit) return far > SECOND * 5 ? "in less than a minute" : "just now";
  return RELATIVE.format(Math.trunc(far / unit[0]), unit[1]);
}

/** `14:05`. */
export function clock(atMs: number): string {
  return CLOCK.format(atMs);
}

/** The first moment of the day. */
export function dayOf(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

/** `Today`, `Yesterday`, else `Thursday 26 November`. */
export function dayName(atMs: number, now: number): string {
  const days = Math.round((dayOf(now) - dayOf(atMs)) / DAY);
  if (days === 0) return "Today";
  return days === 1 ? "Yesterday" : DATE.format(atMs);
}

/** `14:05` of today, else `26 Nov 2026`. */
export function brief(atMs: number, now: number): string {
  return dayOf(atMs) === dayOf(now) ? clock(atMs) : SHORT.format(atMs);
}

/** A date and time that can be read aloud. */
export function exact(atMs: number): string {
  return `${SHORT.format(atMs)}, ${clock(atMs)}`;
}

/** For the attribute `datetime`. */
export function machine(atMs: number): string {
  return new Date(atMs).toISOString();
}
