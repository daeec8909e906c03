// A feed that goes on when another page takes the connection over: nothing is handed out twice by that.

import { type AdsumError, asFault, Closed } from "./errors.js";
import type { Delivery, FeedHandle, FeedSpec, Hint } from "./hub.js";
import { deferred, News } from "./waiting.js";

interface Entry {
  /** What the application calls it. */
  readonly number: number;
  /** What the source of now calls it; `null` until that has sent it again. */
  atSource: number | null;
  readonly sequence: number;
}

/** Reads from one source after the other. */
export class FollowedFeed implements FeedHandle {
  private source: FeedHandle | null = null;
  private readonly news = new News();
  /** What was handed out and not taken. */
  private entries: Entry[] = [];
  private count = 0;
  private handedSequence = 0;
  private takenSequence = 0;
  private fault: AdsumError | null = null;
  private switched = deferred<void>();

  constructor(
    readonly spec: FeedSpec,
    private readonly onClose: () => void,
  ) {}

  /** Reads from `source` from now on. */
  follow(source: FeedHandle): void {
    this.source?.close();
    this.source = source;
    for (const entry of this.entries) entry.atSource = null;
    this.switched.resolve();
    this.switched = deferred();
    this.news.tell();
  }

  async next(): Promise<Delivery | Hint> {
    for (;;) {
      const found = await this.ofSource((source) => source.next());
      if (found.type !== "item") return found;
      const delivery = this.handedOut(found);
      if (delivery) return delivery;
    }
  }

  async taken(number: number): Promise<void> {
    const last = this.entries.findLast((entry) => entry.number <= number);
    if (!last) return;
    this.takenSequence = Math.max(this.takenSequence, last.sequence);
    const known = this.entries.findLast((entry) => entry.number <= number && entry.atSource !== null);
    this.entries = this.entries.filter((entry) => entry.number > number);
    // What the source of now has not sent yet is taken when it comes again.
    if (known?.atSource != null) await this.source?.taken(known.atSource);
  }

  caughtUp(): Promise<void> {
    return this.ofSource((source) => source.caughtUp());
  }

  settled(): Promise<void> {
    return this.ofSource((source) => source.settled());
  }

  close(): void {
    this.fault ??= new Closed("the feed was closed; open a new one");
    this.source?.close();
    this.switched.resolve();
    this.news.tell();
    this.onClose();
  }

  /** What the source of now says; asked again of the next one if it is another by then. */
  private async ofSource<T>(ask: (source: FeedHandle) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.fault) throw this.fault;
      const { source } = this;
      if (!source) {
        await this.news.wait();
        continue;
      }
      const asked = ask(source).then(
        (value) => ({ value }),
        (error) => ({ error: asFault(error) }),
      );
      const found = await Promise.race([asked, this.switched.promise]);
      if (!found || source !== this.source || this.fault) continue;
      if ("error" in found) throw found.error;
      return found.value;
    }
  }

  /** The item as the application is given it; `null` if it has it already. */
  private handedOut(found: Delivery): Delivery | null {
    const { item } = found;
    const isNumbered = item.type === "message" || item.type === "receipt";
    const sequence = isNumbered ? item.body.sequence : 0;
    if (isNumbered && found.anew) this.takenSequence = 0;
    if (isNumbered && !found.anew && sequence <= this.handedSequence) {
      this.again(found.number, sequence);
      return null;
    }
    this.handedSequence = sequence;
    this.count += 1;
    this.entries.push({ number: this.count, atSource: found.number, sequence });
    return { ...found, number: this.count };
  }

  private again(atSource: number, sequence: number): void {
    const entry = this.entries.find((one) => one.sequence === sequence);
    if (entry) entry.atSource = atSource;
    else if (sequence <= this.takenSequence) void this.source?.taken(atSource).catch(() => {});
  }
}
