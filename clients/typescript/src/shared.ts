// One feed that several readers read, because its position is kept under one name for all of them.

import { type AdsumError, asFault, Closed } from "./errors.js";
import type { Delivery, FeedHandle, Hint } from "./hub.js";
import { ITEMS_HELD_MAX } from "./resume/feed.js";
import { News } from "./waiting.js";

/** Gives each reader every item; what one has taken is taken for all. Ends with its last reader. */
export class SharedFeed {
  private readonly readers = new Set<Reader>();
  /** What nobody has taken: whoever comes later is given it, too. */
  private untaken: Delivery[] = [];
  private fault: AdsumError | null = null;

  constructor(
    readonly feed: FeedHandle,
    private readonly onEnd: () => void,
  ) {
    void this.pump();
  }

  /** One more reader. */
  read(): FeedHandle {
    const reader = new Reader(this, this.untaken);
    this.readers.add(reader);
    if (this.fault) reader.end(this.fault);
    return reader;
  }

  taken(number: number): Promise<void> {
    this.untaken = this.untaken.filter((one) => one.number > number);
    return this.feed.taken(number);
  }

  leave(reader: Reader): void {
    this.readers.delete(reader);
    if (this.readers.size > 0) return;
    this.feed.close();
    this.onEnd();
  }

  private async pump(): Promise<void> {
    try {
      for (;;) {
        const found = await this.feed.next();
        if (found.type === "item") this.untaken.push(found);
        for (const reader of this.readers) reader.give(found);
      }
    } catch (error) {
      this.fault = asFault(error);
      for (const reader of this.readers) reader.end(this.fault);
      this.onEnd();
    }
  }
}

class Reader implements FeedHandle {
  private queue: (Delivery | Hint)[];
  private fault: AdsumError | null = null;
  private readonly news = new News();

  constructor(
    private readonly shared: SharedFeed,
    before: readonly Delivery[],
  ) {
    this.queue = [...before];
  }

  give(found: Delivery | Hint): void {
    this.queue.push(found);
    // What is not taken is bounded, but others may take what this one does not read.
    if (this.queue.length > 2 * ITEMS_HELD_MAX) {
      this.queue = [];
      this.end(new Closed("it was read too slowly, while others took what came; open it again"));
      this.shared.leave(this);
    }
    this.news.tell();
  }

  end(fault: AdsumError): void {
    this.fault ??= fault;
    this.news.tell();
  }

  async next(): Promise<Delivery | Hint> {
    for (;;) {
      const found = this.queue.shift();
      if (found) return found;
      if (this.fault) throw this.fault;
      await this.news.wait();
    }
  }

  taken(number: number): Promise<void> {
    return this.shared.taken(number);
  }

  caughtUp(): Promise<void> {
    return this.shared.feed.caughtUp();
  }

  settled(): Promise<void> {
    return this.shared.feed.settled();
  }

  close(): void {
    this.end(new Closed("the feed was closed; open a new one"));
    this.shared.leave(this);
  }
}
