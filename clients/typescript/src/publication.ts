// A publication that is kept up.

import { type BodyOf, make, toHex } from "./codec.js";
import { type AdsumError, asFault, Closed, Refused } from "./errors.js";
import type { Hub } from "./hub.js";
import { operation } from "./items.js";
import { Lease } from "./lease.js";
import type { Document, Published } from "./protocol.js";
import { due, isPassing } from "./upkeep.js";
import { atMost, deferred, News } from "./waiting.js";

const PAUSE_MS = 200;

/** A publication that is refreshed at half of its lifetime for as long as the page lives. */
export class Publication {
  private lease: Lease;
  private isForgotten = false;
  private readonly news = new News();
  private readonly isOver = deferred<AdsumError>();
  /** One change at a time, because each gives the tag that the next one needs. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly hub: Hub,
    private body: BodyOf<"Publish">,
    private published: Published,
  ) {
    this.lease = new Lease(published.grantedMs);
    void this.keepUp();
  }

  /** Its tag, which is another one after each change. */
  get tag(): Uint8Array {
    return this.published.tag;
  }

  /** How long it is good unless it is refreshed. */
  get grantedMs(): number {
    return this.published.grantedMs;
  }

  /** Resolves with the reason when it is not kept up any more. */
  get over(): Promise<AdsumError> {
    return this.isOver.promise;
  }

  /** Publishes another document in its place. */
  async change(document: Document): Promise<void> {
    await this.inTurn(() => this.publish(document));
  }

  /** Removes it. */
  async remove(): Promise<void> {
    this.forget();
    // A refreshment that is under way is waited for, because it gives the tag that is removed.
    await this.inTurn(async () => {
      try {
        await this.ask({ ifMatch: this.tag, lifetimeMs: 0, document: null }, "the removal", true);
      } catch (error) {
        if (!isStale(error)) throw error;
      }
    });
  }

  /** Lets it run out. */
  forget(): void {
    this.isForgotten = true;
    this.isOver.resolve(new Closed("the publication is not kept up any more; publish again"));
    this.news.tell();
  }

  private async inTurn(act: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(act);
    this.turn = mine.catch(() => {});
    await mine;
  }

  private async publish(document: Document | null): Promise<void> {
    // What only makes it good for longer is of no use to a later page.
    const lasts = document !== null;
    const what = "the publication";
    this.published = await this.ask({ ifMatch: this.tag, document }, what, lasts).catch((error) => {
      if (!isStale(error)) throw error;
      // It ran out while this page was away: it is made anew, in place of whatever is there.
      return this.ask({ document: document ?? this.body.document }, what, lasts);
    });
    if (document) this.body = { ...this.body, document };
    this.lease = new Lease(this.grantedMs);
    this.news.tell();
  }

  private ask(change: Partial<BodyOf<"Publish">>, what: string, lasts: boolean): Promise<Published> {
    const named = operation();
    const body = make("Publish", { ...this.body, ifMatch: null, ...change, operation: named });
    return this.hub.request(body, { what, id: toHex(named), lasts });
  }

  private async keepUp(): Promise<void> {
    try {
      while (!this.isForgotten) {
        const { lease } = this;
        await due(lease, () => this.isForgotten || this.lease !== lease, this.news);
        if (!this.isForgotten) await this.inTurn(() => this.refresh());
      }
    } catch (error) {
      this.isOver.resolve(asFault(error));
    }
  }

  private async refresh(): Promise<void> {
    // It was changed meanwhile.
    if (this.isForgotten || this.lease.left() > 0) return;
    try {
      await this.publish(null);
    } catch (error) {
      if (!isPassing(error)) throw error;
      await atMost(PAUSE_MS);
    }
  }
}

function isStale(error: unknown): boolean {
  return error instanceof Refused && error.is("stale-tag");
}
