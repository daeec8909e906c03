// Something that is good for a time and must be renewed before. By the wall clock, which goes on while the machine sleeps.

/** What is renewed is renewed at most twice a second. */
const RENEWAL_MS_MIN = 500;
const NEW_MS = 60_000;

/** Granted just now. */
export class Lease {
  private readonly since = Date.now();

  constructor(private readonly goodForMs: number) {}

  private get age(): number {
    return Date.now() - this.since;
  }

  /** How long it need not be renewed: up to half of its time. */
  left(): number {
    return Math.max(this.goodForMs / 2, RENEWAL_MS_MIN) - this.age;
  }

  /** Whether it was granted a moment ago, so that word of what ran out before may still be on its way. */
  isNew(): boolean {
    return this.age < NEW_MS;
  }

  /** Whether it may have run out: awake and connected, it would have been renewed long before. */
  hasLapsed(): boolean {
    return this.age >= 0.75 * this.goodForMs;
  }
}
