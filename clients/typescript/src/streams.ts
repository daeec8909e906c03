// What an application reads from: asynchronous iterators that are event targets, too, over any number of connections.

import { type AdsumError, asFault, Closed, type Refused } from "./errors.js";
import type { Delivery, FeedHandle, Hint, Hub } from "./hub.js";
import { type Composing, Letter, readComposing, Shown } from "./items.js";
import type { WatcherBody } from "./protocol.js";
import { Renewal, type Wish } from "./upkeep.js";
import { News } from "./waiting.js";

/** A subscription is refused. */
interface Denial {
  readonly type: "denied";
  readonly presentity: string;
  readonly refusal: Refused;
}

type Found = Delivery | Hint | Denial;

/** Something went wrong beside what was asked for, or for good. */
interface Faults {
  error: CustomEvent<AdsumError>;
}

/**
 * Reads a feed, which is opened when the first item is asked for or the first listener added.
 *
 * An item counts as taken when the next one is asked for, or when its listeners have returned. Leaving a `for await` closes it;
 * the server allows a device eight feeds at once.
 */
export abstract class Stream<T, E extends object> extends EventTarget implements AsyncIterableIterator<T> {
  private handle: FeedHandle | null = null;
  private found: Delivery | Hint | null = null;
  private readonly denials: Denial[] = [];
  private failure: AdsumError | null = null;
  private readonly troubles: AdsumError[] = [];
  private isFetching = false;
  private isPumping = false;
  private isClosed = false;
  private inHand: number | null = null;
  private isRestored = false;
  private readonly news = new News();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly opening: () => FeedHandle) {
    super();
  }

  /** What an iteration yields of this, or `null` if it is not for it. */
  protected abstract shape(found: Found, restored: boolean): T | null;
  /** The event of this, or `null` if there is none. */
  protected abstract eventOf(found: Found, restored: boolean): CustomEvent | null;
  /** The feed was opened. */
  protected begun(): void {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next item, however long it takes. */
  next(): Promise<IteratorResult<T, undefined>> {
    const mine = this.turn.then(() => this.advance());
    this.turn = mine.catch(() => {});
    return mine;
  }

  /** Ends it, as leaving a `for await` does. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** Ends it. What was handed out last and not acknowledged comes again the next time. */
  close(): void {
    this.isClosed = true;
    this.handle?.close();
    this.failure ??= new Closed("it was closed; open a new one");
    this.news.tell();
  }

  /** Resolves when all that was missed has arrived, if there is room for it. */
  caughtUp(): Promise<void> {
    return this.opened().caughtUp();
  }

  /** Resolves when all that was taken is saved and, of an inbox, acknowledged durably. */
  settled(): Promise<void> {
    return this.opened().settled();
  }

  override addEventListener<K extends keyof (E & Faults) & string>(
    type: K,
    listener: ((event: (E & Faults)[K]) => void) | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  override addEventListener(
    type: string,
    // biome-ignore lint/suspicious/noExplicitAny: the declarations above say what it takes
    listener: any,
    options?: AddEventListenerOptions | boolean,
  ): void {
    super.addEventListener(type, listener, options);
    if (this.isPumping || type === "error") return;
    this.isPumping = true;
    // Listeners that are added in the same turn miss nothing.
    queueMicrotask(() => void this.pump());
  }

  /** Has it told that a subscription is refused. */
  protected deny(presentity: string, refusal: Refused): void {
    this.denials.push({ type: "denied", presentity, refusal });
    this.news.tell();
  }

  /** Has something that went wrong beside the feed told once. */
  protected trouble(error: AdsumError): void {
    this.troubles.push(error);
    this.news.tell();
  }

  protected opened(): FeedHandle {
    if (this.handle) return this.handle;
    if (this.isClosed) throw new Closed("it was closed; open a new one");
    this.handle = this.opening();
    this.begun();
    return this.handle;
  }

  /** What was handed out last counts as taken. */
  protected take(number: number): Promise<void> {
    if (this.inHand === number) this.inHand = null;
    return this.opened().taken(number);
  }

  private async advance(): Promise<IteratorResult<T, undefined>> {
    try {
      for (;;) {
        const [found, restored] = await this.pull();
        const value = this.shape(found, restored);
        if (value === null) continue;
        this.told(found);
        return { done: false, value };
      }
    } catch (error) {
      if (error instanceof Closed) return { done: true, value: undefined };
      throw error;
    }
  }

  private async pump(): Promise<void> {
    while (!this.isClosed) {
      try {
        const [found, restored] = await this.pull();
        const event = this.eventOf(found, restored);
        if (!event) continue;
        this.told(found);
        // Whoever prevents the default acknowledges by itself.
        if (!this.dispatchEvent(event)) this.inHand = null;
      } catch (error) {
        if (!(error instanceof Closed))
          this.dispatchEvent(new CustomEvent("error", { detail: asFault(error) }));
        if (this.failure) return;
      }
    }
  }

  /** The application has it now. What it is not shown is taken together with what it is shown next. */
  private told(found: Found): void {
    if (found.type !== "item") return;
    this.isRestored = false;
    this.inHand = found.number;
  }

  private async pull(): Promise<[Found, restored: boolean]> {
    const handle = this.opened();
    if (this.inHand !== null) void this.take(this.inHand).catch((error) => this.trouble(asFault(error)));
    for (;;) {
      const trouble = this.troubles.shift();
      if (trouble) throw trouble;
      const { found } = this;
      if (found) {
        this.found = null;
        this.isRestored ||= found.type === "item" && found.restored;
        return [found, this.isRestored];
      }
      const denial = this.denials.shift();
      if (denial) return [denial, this.isRestored];
      if (this.failure) throw this.failure;
      this.fetch(handle);
      await this.news.wait();
    }
  }

  private fetch(handle: FeedHandle): void {
    if (this.isFetching) return;
    this.isFetching = true;
    const found = (next: Delivery | Hint) => {
      this.found = next;
    };
    const failed = (error: unknown) => {
      this.failure ??= asFault(error);
    };
    void handle
      .next()
      .then(found, failed)
      .then(() => {
        this.isFetching = false;
        this.news.tell();
      });
  }
}

/** Events of a watch. */
export interface WatchEvents {
  presence: CustomEvent<Shown>;
}

/** The presence of presentities as it changes. Subscribes, renews in time, and goes on over lost connections. */
export class Watch extends Stream<Shown, WatchEvents> {
  private readonly renewals = new Map<string, Renewal>();

  constructor(
    private readonly hub: Hub,
    opening: () => FeedHandle,
    private readonly wishes: readonly Wish[],
  ) {
    super(opening);
  }

  protected override begun(): void {
    for (const wish of this.wishes) {
      this.renewals.set(
        wish.presentity,
        new Renewal(this.hub, wish, (refusal) => this.deny(wish.presentity, refusal)),
      );
    }
  }

  /** Ends it. The subscriptions stand until their lifetimes are over. */
  override close(): void {
    for (const renewal of this.renewals.values()) renewal.stop();
    super.close();
  }

  protected override shape(found: Found, restored: boolean): Shown | null {
    if (found.type === "denied") return Shown.denied(found.presentity, found.refusal);
    if (found.type !== "item" || found.item.type !== "presence") return null;
    const shown = new Shown(found.item.body, found.anew, restored);
    return this.beginsAgain(shown) ? null : shown;
  }

  protected override eventOf(found: Found, restored: boolean): CustomEvent | null {
    const detail = this.shape(found, restored);
    return detail && new CustomEvent("presence", { detail });
  }

  /** Whether it is the end of a subscription that ran out while this machine slept, and is begun again unseen. */
  private beginsAgain({ presentity, state, reason }: Shown): boolean {
    const renewal = this.renewals.get(presentity);
    if (!renewal || state !== "terminated") return false;
    if (reason === "timeout") return renewal.ranOut();
    if (reason === "deactivated") renewal.hurry();
    else renewal.stop();
    return false;
  }
}

/** Events of watcher information. */
export interface AudienceEvents {
  watcher: CustomEvent<WatcherBody>;
}

/** Who watches what one controls, as it changes. */
export class Audience extends Stream<WatcherBody, AudienceEvents> {
  protected override shape(found: Found): WatcherBody | null {
    return found.type === "item" && found.item.type === "watcher" ? found.item.body : null;
  }

  protected override eventOf(found: Found): CustomEvent | null {
    const detail = this.shape(found);
    return detail && new CustomEvent("watcher", { detail });
  }
}

/** Events of an inbox. */
export interface InboxEvents {
  message: CustomEvent<Letter>;
  receipt: CustomEvent<Letter>;
  composing: CustomEvent<Composing>;
}

/** Messages and receipts, those that wait first, each once; as events also who is composing. */
export class Inbox extends Stream<Letter, InboxEvents> {
  protected override shape(found: Found, restored: boolean): Letter | null {
    if (found.type !== "item") return null;
    return new Letter({ ...found, restored }, () => this.take(found.number));
  }

  protected override eventOf(found: Found, restored: boolean): CustomEvent | null {
    if (found.type === "composing") {
      const composing = readComposing(found.body);
      return composing && new CustomEvent("composing", { detail: composing });
    }
    const detail = this.shape(found, restored);
    if (!detail) return null;
    const type = detail.receipt ? "receipt" : "message";
    return new CustomEvent(type, { detail, cancelable: true });
  }
}
