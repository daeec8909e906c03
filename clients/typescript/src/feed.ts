// A feed over any number of connections: items once and in order, positions saved before they are acknowledged.

import { type BodyOf, make } from "./codec.js";
import { type FrameStream, isOurFault, type Link } from "./connection.js";
import {
  AdsumError,
  asFault,
  Closed,
  ConnectionLost,
  ProtocolViolation,
  Refused,
  StreamEnded,
} from "./errors.js";
import type { Delivery, FeedHandle, Hint, Item } from "./hub.js";
import { type ComposingEvent, STREAM_FEED } from "./protocol.js";
import { type Arrived, type FeedKind, FeedResume, NOWHERE, type Position } from "./resume/feed.js";
import type { Store } from "./store.js";
import { deferred, News } from "./waiting.js";

const REOPEN_MS = 1_000;
/** Who is composing is held of so many; the oldest is forgotten beyond. */
const COMPOSING_HELD_MAX = 16;

type Event = BodyOf<"PresenceEvent" | "WatcherEvent" | "MessageEvent" | "ReceiptEvent">;

/** Where a feed gets its connections from, one after the other. */
export interface Connections {
  /** The connection there is, or the next one. */
  linked(): Promise<Link>;
  /** Waits, at most until `link` is gone. */
  pause(ms: number, link: Link): Promise<void>;
}

/** A feed that is kept open. */
export class Feed implements FeedHandle {
  private resume!: FeedResume<Item>;
  private readonly news = new News();
  private readonly isOver = deferred<void>();
  private fault: AdsumError | null = null;
  private readonly composing = new Map<string, ComposingEvent>();
  /** Whether the server was found to have another past, and the application was not told. */
  private restored = false;
  /** The number of the item with which it was told, until that is taken. */
  private toldWith: number | null = null;
  private isSaving = false;
  /** Counts the openings, so that what belongs to an earlier one stops. */
  private openings = 0;

  constructor(
    private readonly connections: Connections,
    private readonly store: Store,
    private readonly kind: FeedKind,
    private readonly name: string | null,
    private readonly opening: BodyOf<"FeedOpen">,
  ) {
    this.run();
  }

  /** Resolves when the feed has ended. */
  get over(): Promise<void> {
    return this.isOver.promise;
  }

  async next(): Promise<Delivery | Hint> {
    for (;;) {
      const found = this.ready();
      if (found) return found;
      if (this.fault) throw this.fault;
      await this.news.wait();
    }
  }

  private ready(): Delivery | Hint | null {
    const handed = this.resume?.nextItem();
    if (handed) return this.delivered(handed);
    const [first] = this.composing.values();
    if (!first) return null;
    this.composing.delete(first.sender);
    return { type: "composing", body: first };
  }

  private delivered({ number, anew, item }: { number: number; anew: boolean; item: Item }): Delivery {
    const { restored } = this;
    if (restored) this.toldWith = number;
    this.restored = false;
    // There may be room again.
    this.news.tell();
    return { type: "item", number, anew, restored, item };
  }

  async taken(number: number): Promise<void> {
    this.resume.taken(number);
    if (this.toldWith !== null && number >= this.toldWith) this.toldWith = null;
    await this.settle();
    this.news.tell();
  }

  async caughtUp(): Promise<void> {
    while (!this.resume?.isCaughtUp()) {
      if (this.fault) throw this.fault;
      await this.news.wait();
    }
  }

  async settled(): Promise<void> {
    while (!this.resume?.isSettled() && !this.isHeldUp() && !this.fault) await this.news.wait();
  }

  close(): void {
    this.end(new Closed("the feed was closed; open a new one"));
  }

  private end(fault: AdsumError): void {
    this.fault ??= fault;
    this.isOver.resolve();
    this.news.tell();
  }

  /**
   * Whether the word of another past is on its way. No position of it is saved until it has arrived, because by that the
   * server would take the next page for one that knows.
   */
  private isHeldUp(): boolean {
    return this.restored || this.toldWith !== null;
  }

  /** Saves what was taken; what is taken meanwhile, too. */
  private async settle(): Promise<void> {
    if (this.isSaving) return;
    this.isSaving = true;
    try {
      for (
        let unsaved = this.resume.unsaved();
        unsaved && !this.isHeldUp();
        unsaved = this.resume.unsaved()
      ) {
        if (this.name !== null) await this.store.set(this.name, unsaved.position);
        this.resume.isSaved(unsaved);
        this.news.tell();
      }
    } catch (error) {
      this.end(asFault(error));
    } finally {
      this.isSaving = false;
    }
  }

  private async run(): Promise<void> {
    try {
      const kept = this.name === null ? undefined : await this.store.get<Position>(this.name);
      this.resume = new FeedResume<Item>(this.kind, kept ?? NOWHERE, this.opening.fromStart);
      while (!this.fault) await this.once(await this.connections.linked());
    } catch (error) {
      this.end(asFault(error));
    }
  }

  /** One opening of the feed, until it ends; what trying again does not cure is thrown. */
  private async once(link: Link): Promise<void> {
    let stream: FrameStream | undefined;
    try {
      stream = await link.open(STREAM_FEED, this.begin());
      await Promise.race([this.read(stream), this.acknowledge(stream), this.over]);
    } catch (error) {
      await this.pauseAfter(error, link);
    } finally {
      this.resume.lost();
      stream?.cancel();
    }
  }

  private begin(): BodyOf<"FeedOpen"> {
    const cursor = this.resume.open();
    return { ...this.opening, cursor, fromStart: this.opening.fromStart && cursor.length === 0 };
  }

  private async pauseAfter(error: unknown, link: Link): Promise<void> {
    const isEnded = error instanceof StreamEnded && !isOurFault(error.reset);
    if (error instanceof Refused && error.is("busy", "going-away")) {
      await this.connections.pause(error.retryAfterMs ?? REOPEN_MS, link);
    } else if (error instanceof ProtocolViolation) {
      link.close("protocol-violation", error.message);
      await this.connections.pause(REOPEN_MS, link);
    } else if (isEnded || (error instanceof AdsumError && link.end) || error instanceof ConnectionLost) {
      // Whether there will be another connection, the client knows.
      await this.connections.pause(REOPEN_MS, link);
    } else throw error;
  }

  private async read(stream: FrameStream): Promise<void> {
    const ready = await stream.expect("FeedReady");
    this.restored ||= ready.restored === 1;
    this.resume.ready(ready.outcome, ready.from);
    this.news.tell();
    while (!this.fault) {
      while (!this.resume.hasRoom() && !this.fault) await this.news.wait();
      const body = await stream.expect(...FRAMES);
      if (body.type === "FeedEnd") throw new ConnectionLost(`the server ended the feed: ${body.message}`);
      this.take(body);
      this.news.tell();
      if (this.resume.mustReopen()) return;
    }
  }

  private take(body: BodyOf<(typeof FRAMES)[number]>): void {
    switch (body.type) {
      case "CaughtUp":
        this.resume.caughtUp(body.cursor);
        break;
      case "FeedAcked":
        this.resume.acknowledged(body.cursor);
        break;
      case "ComposingEvent":
        return this.hear(body);
      case "FeedEnd":
        return;
      default:
        this.resume.arrived(arrived(body));
    }
    void this.settle();
  }

  /** The newest word of a sender takes the place of the one before. It lasts nowhere. */
  private hear(event: ComposingEvent): void {
    this.composing.delete(event.sender);
    const [oldest] = this.composing.keys();
    if (this.composing.size === COMPOSING_HELD_MAX && oldest !== undefined) this.composing.delete(oldest);
    this.composing.set(event.sender, event);
  }

  private async acknowledge(stream: FrameStream): Promise<void> {
    this.openings += 1;
    const mine = this.openings;
    while (!this.fault && this.openings === mine) {
      const news = this.news.wait();
      const cursor = this.resume.nextAcknowledgement();
      if (cursor) await stream.write(make("FeedAck", { cursor }));
      await news;
    }
  }
}

const FRAMES = [
  "PresenceEvent",
  "MessageEvent",
  "ReceiptEvent",
  "WatcherEvent",
  "ComposingEvent",
  "CaughtUp",
  "FeedAcked",
  "FeedEnd",
] as const;

/** An event as an item. */
function arrived(event: Event): Arrived<Item> {
  const { number, cursor } = event;
  const item = itemOf(event);
  const sequence = item.type === "message" || item.type === "receipt" ? item.body.sequence : 0;
  const bytes = 256 + (item.type === "message" ? (item.body.body?.length ?? 0) : 0);
  return { number, cursor, sequence, bytes, item };
}

function itemOf(event: Event): Item {
  switch (event.type) {
    case "PresenceEvent":
      return { type: "presence", body: event.presence };
    case "WatcherEvent":
      return { type: "watcher", body: event.watcher };
    case "MessageEvent":
      return { type: "message", body: event.message, isWithheld: event.withheld === 1 };
    case "ReceiptEvent":
      return { type: "receipt", body: event.receipt };
  }
}
