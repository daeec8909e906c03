// How long to wait before the next attempt to connect: uniform between zero and a bound that doubles (6.4). No clock, no randomness.

const EARLY_ATTEMPTS = 12;
const EARLY_MS_MAX = 250;
const LATE_MS_MAX = 60_000;
const HEALTHY_MS = 60_000;
const USEFUL_MS = 1_000;
const BASE_MS = 500;

/** Attempts after a loss follow one another quickly at first, so that clients are back soon after a restart. */
export class BackOff {
  private attempts = 0;
  private notBeforeMs = 0;

  /** The server asked to stay away: the next wait is at least that, once. */
  stayAway(ms: number): void {
    this.notBeforeMs = Math.min(ms, LATE_MS_MAX);
  }

  /** Everything is different now, as after a sleep or on another network: the next attempts are early ones. */
  beginAnew(): void {
    this.attempts = 0;
    this.notBeforeMs = 0;
  }

  /** A connection ended after it had been good for so long. */
  lostAfter(ms: number): void {
    if (ms >= HEALTHY_MS) this.attempts = 0;
    else if (ms >= USEFUL_MS) this.attempts = Math.min(this.attempts, EARLY_ATTEMPTS / 2);
  }

  /** The wait before the next attempt, chosen by a uniform number from 0 to 1. */
  nextWait(random: number): number {
    const late = this.attempts - EARLY_ATTEMPTS;
    const bound = late < 0 ? EARLY_MS_MAX : Math.min(BASE_MS * 2 ** Math.min(late, 7), LATE_MS_MAX);
    this.attempts += 1;
    const wait = this.notBeforeMs;
    this.notBeforeMs = 0;
    return wait + random * bound;
  }
}
