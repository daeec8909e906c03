// What a client needs of whoever keeps the connection: its own page, or another one of the same device.

import type { BodyOf } from "./codec.js";
import type {
  Answers,
  Body,
  ComposingEvent,
  MessageBody,
  PresenceBody,
  Question,
  ReceiptBody,
  Request,
  WatcherBody,
  Welcome,
} from "./protocol.js";
import type { FeedKind } from "./resume/feed.js";

/** What answers a request. */
export type AnswerTo<T extends Request> = Answers[T["type"]];
/** What answers a question: one, or a row of many. */
export type RowOf<T extends Question> = Answers[T["type"]];

/** What a feed brings. */
export type Item =
  | { readonly type: "presence"; readonly body: PresenceBody }
  | { readonly type: "watcher"; readonly body: WatcherBody }
  | { readonly type: "message"; readonly body: MessageBody; readonly isWithheld: boolean }
  | { readonly type: "receipt"; readonly body: ReceiptBody };

/** An item on its way to the application. */
export interface Delivery {
  readonly type: "item";
  /** Names it when it is taken. */
  readonly number: number;
  /** Whether it was sent because the cursor was of no use: it replaces what was known. */
  readonly anew: boolean;
  /** Whether the server was found to have another past since the item before: its store was put back to an earlier state. */
  readonly restored: boolean;
  readonly item: Item;
}

/** Somebody composes a message: nothing to take. */
export interface Hint {
  readonly type: "composing";
  readonly body: ComposingEvent;
}

/** Which feed, and what to do with what it brings. */
export interface FeedSpec {
  readonly kind: FeedKind;
  /** Under which name its position is kept and shared between pages; `null` begins anew on each page. */
  readonly name: string | null;
  readonly opening: BodyOf<"FeedOpen">;
}

/** A feed that is open for as long as somebody reads it. */
export interface FeedHandle {
  /** The next item, or who is composing when there is none. One waits at a time. */
  next(): Promise<Delivery | Hint>;
  /** The application has taken this item for good, and all before it; resolves when that is saved, as far as it can be. */
  taken(number: number): Promise<void>;
  /** Resolves when all that was missed has arrived. */
  caughtUp(): Promise<void>;
  /** Resolves when all that was taken is saved, and of an inbox acknowledged durably. */
  settled(): Promise<void>;
  close(): void;
}

/** How a request is to be treated. */
export interface Asking {
  /** What it is about, in words. */
  readonly what: string;
  /** By what it can be made again. */
  readonly id: string;
  /** Whether a later page asks it again if this one is closed before it is answered. */
  readonly lasts: boolean;
}

/** What an earlier page of the device asked and did not learn the outcome of. It is asked again by itself. */
export interface Unfinished {
  readonly body: Request;
  /** What it is about, in words. */
  readonly what: string;
  /** By what it can be made again. */
  readonly id: string;
  /** Its answer, however long that takes; rejects as the request would have. */
  outcome(): Promise<Body>;
}

/** Asks, over whatever connection there is. */
export interface Hub {
  /** How many connections there were: what a session of nobody in particular had on one is gone with it. */
  readonly session: number;
  /** A request of CONTROL and its answer, repeated over lost connections until the time is up. */
  request<T extends Request>(body: T, asking: Asking): Promise<AnswerTo<T>>;
  /** A question and its rows without `End`, asked again when a connection is lost, until the time is up. */
  ask<T extends Question>(question: T): Promise<RowOf<T>[]>;
  feed(spec: FeedSpec): FeedHandle;
  /** What an earlier page left, as this page or the one that keeps the connection found it. */
  unfinished(): Promise<readonly Unfinished[]>;
  /** What the server said when it let this device in last. */
  welcome(): Promise<Welcome>;
  /** Something outside has changed, such as the network: looks at once whether the connection lives. */
  nudge(): void;
  close(): Promise<void>;
}
