// One feed at the client, so that each thing is shown once whatever is lost: sections 9.2 and 11. No socket, no clock, no storage.
//
// The same state machine as `src/client/resume/feed.rs`, tried with the same cases (`docs/resume.json`).

import { isSame } from "../codec.js";
import { ProtocolViolation } from "../errors.js";
import { FeedReadyOutcome, WINDOW_BYTES_MAX, WINDOW_EVENTS_MAX } from "../protocol.js";

/** How many items wait for the application before no more is read. */
export const ITEMS_HELD_MAX = 2 * WINDOW_EVENTS_MAX;

/** How far a feed was taken: the server's sealed bytes, and for an inbox the last message taken. */
export interface Position {
  readonly cursor: Uint8Array;
  readonly sequence: number;
}

/** Where a feed begins. */
export const NOWHERE: Position = /* @__PURE__ */ Object.freeze({ cursor: new Uint8Array(), sequence: 0 });

/** A position that is taken and must be saved. */
export interface Unsaved {
  readonly position: Position;
  readonly era: number;
}

/**
 * What the items of a feed are, and so what to do when the server sends them again.
 *
 * `presence`: states that replace one another, so what comes anew is handed out anew. `inbox`: numbered messages, of which one
 * that was handed out is dropped when it comes again. `inbox-kept`: messages that are only looked at: nothing is ever saved.
 */
export type FeedKind = "presence" | "inbox" | "inbox-kept";

/** An item as it came. */
export interface Arrived<T> {
  readonly number: number;
  readonly cursor: Uint8Array;
  readonly sequence: number;
  readonly bytes: number;
  readonly item: T;
}

/** An item on its way to the application. */
export interface Handed<T> {
  readonly number: number;
  /** Whether it was sent because the cursor was of no use: it replaces what was known. */
  readonly anew: boolean;
  readonly item: T;
}

interface Entry<T> {
  readonly number: number;
  cursor: Uint8Array | null;
  sequence: number;
  readonly anew: boolean;
  readonly item: T;
}

/** The state of one feed. */
export class FeedResume<T> {
  private phase: "closed" | "asked" | "catching-up" | "live" = "closed";
  private anew = false;
  private due = 1;
  private bytes = 0;
  private received: Position;
  /** What is not taken, the oldest first; the first `handed` of them are with the application. */
  private entries: Entry<T>[] = [];
  private handed = 0;
  private numbered = 0;
  /** How often the server forgot its cursors. One from an earlier era must never be sent back. */
  private era = 0;
  private takenPosition: Position;
  private takenEra = 0;
  private saved: Unsaved;
  private acknowledgement: Uint8Array | null = null;
  private covered: Position | null = null;
  private sent: Uint8Array | null = null;
  private unconfirmed = 0;
  private confirmed: Uint8Array | null = null;

  constructor(
    readonly kind: FeedKind,
    position: Position = NOWHERE,
    fromStart = false,
  ) {
    this.takenPosition = position;
    this.saved = { position, era: 0 };
    this.received = fromStart ? NOWHERE : position;
  }

  /** There is a connection: the cursor to open the feed at, empty for the beginning. */
  open(): Uint8Array {
    this.phase = "asked";
    this.due = 1;
    this.bytes = 0;
    this.sent = null;
    this.unconfirmed = 0;
    this.acknowledgement = this.isSavedKnown() ? this.saved.position.cursor : null;
    return this.received.cursor;
  }

  /** The connection or the stream is gone. */
  lost(): void {
    this.phase = "closed";
  }

  /** The server opened the feed, which begins at the cursor `begin`. */
  ready(outcome: number, begin: Uint8Array): void {
    if (this.phase !== "asked") throw new ProtocolViolation("a feed was not opened by exactly one FeedReady");
    const given = this.received.cursor.length > 0;
    const { anew, fresh } = FeedReadyOutcome;
    this.phase = "catching-up";
    if (outcome === anew || (outcome === fresh && given)) this.forgetPast(begin);
  }

  // The server has another past than the one that was received. Its cursors are worth nothing to it, and what bears an old
  // number may be something else, so that nothing that comes may be dropped for its number.
  private forgetPast(begin: Uint8Array): void {
    this.anew = true;
    for (const entry of this.entries) {
      entry.cursor = null;
      entry.sequence = 0;
    }
    this.acknowledgement = null;
    this.covered = null;
    this.era += 1;
    this.received = { cursor: begin, sequence: 0 };
    if (this.kind === "inbox") {
      this.takenPosition = this.received;
      this.takenEra = this.era;
    }
  }

  /** An item arrived. */
  arrived(arrived: Arrived<T>): void {
    this.mustBeOpen();
    if (arrived.number !== this.due) {
      throw new ProtocolViolation(`event ${arrived.number} of a feed came where ${this.due} is due`);
    }
    this.due += 1;
    this.bytes += arrived.bytes;
    const { cursor, sequence, item } = arrived;
    if (this.kind !== "presence" && sequence <= this.received.sequence) {
      this.received = { cursor, sequence: this.received.sequence };
      this.arrivedAgain(sequence, cursor);
      return;
    }
    this.received = { cursor, sequence };
    this.numbered += 1;
    this.entries.push({ number: this.numbered, cursor, sequence, anew: this.anew, item });
  }

  // A message that was received before is dropped, but its cursor is one that the server knows.
  private arrivedAgain(sequence: number, cursor: Uint8Array): void {
    const entry = this.entries.find((one) => one.sequence === sequence);
    if (entry) entry.cursor = cursor;
    else if (sequence === this.takenPosition.sequence) this.moveTo(cursor);
    else this.acknowledgeCovered({ cursor, sequence });
  }

  // An old message has nothing to save, but the server's window must open.
  private acknowledgeCovered(position: Position): void {
    if (position.sequence <= this.saved.position.sequence) this.acknowledgement = position.cursor;
    else this.covered = position;
  }

  /** Everything that was missed has arrived; from here on the feed is live. */
  caughtUp(cursor: Uint8Array): void {
    if (this.phase !== "catching-up") throw new ProtocolViolation("CaughtUp came where it may not");
    this.phase = "live";
    this.anew = false;
    // The position of an inbox is that of a message, so there is nothing beyond the last one to know.
    if (this.kind !== "presence") return;
    this.received = { cursor, sequence: this.received.sequence };
    const last = this.entries.at(-1);
    if (last) last.cursor = cursor;
    else this.moveTo(cursor);
  }

  /** Whether one more item should be read: a reader that stops makes the server stop. */
  hasRoom(): boolean {
    return this.entries.length < ITEMS_HELD_MAX;
  }

  /** Whether the feed is open and everything that was missed has arrived. */
  isCaughtUp(): boolean {
    return this.phase === "live";
  }

  /** The next item for the application; each is handed out once. */
  nextItem(): Handed<T> | null {
    const entry = this.entries[this.handed];
    if (!entry) return null;
    if (this.kind === "inbox-kept") this.entries.shift();
    else this.handed += 1;
    return { number: entry.number, anew: entry.anew, item: entry.item };
  }

  /** The application has taken `number` for good, and with it everything before. */
  taken(number: number): void {
    for (
      let first = this.entries[0];
      first && this.handed > 0 && first.number <= number;
      first = this.entries[0]
    ) {
      this.handed -= 1;
      this.entries.shift();
      this.take(first);
    }
  }

  private take(entry: Entry<T>): void {
    const { cursor, sequence } = entry;
    if (this.kind === "presence" || sequence > this.takenPosition.sequence) {
      this.takenPosition = { cursor: this.takenPosition.cursor, sequence };
      if (cursor) this.moveTo(cursor);
    } else if (cursor) this.acknowledgeCovered({ cursor, sequence });
  }

  private moveTo(cursor: Uint8Array): void {
    this.takenPosition = { cursor, sequence: this.takenPosition.sequence };
    this.takenEra = this.era;
  }

  /** The position that is taken and must be saved now, if it moved. */
  unsaved(): Unsaved | null {
    if (this.kind === "inbox-kept" || isEqual(this.takenPosition, this.saved.position)) return null;
    return { position: this.takenPosition, era: this.takenEra };
  }

  /** A position was saved for good. */
  isSaved(unsaved: Unsaved): void {
    const { position, era } = unsaved;
    if (era === this.era && !isSame(position.cursor, this.saved.position.cursor))
      this.acknowledgement = position.cursor;
    else if (this.covered && this.covered.sequence <= position.sequence) {
      this.acknowledgement = this.covered.cursor;
      this.covered = null;
    }
    this.saved = unsaved;
  }

  /** The cursor to acknowledge now on the open feed, if one is due. */
  nextAcknowledgement(): Uint8Array | null {
    const isOpen = this.phase === "catching-up" || this.phase === "live";
    if (!isOpen || this.kind === "inbox-kept" || !this.acknowledgement) return null;
    this.sent = this.acknowledgement;
    this.acknowledgement = null;
    this.unconfirmed += 1;
    return this.sent;
  }

  /** The server made an acknowledgement durable; it may answer several at once, with the last one's cursor. */
  acknowledged(cursor: Uint8Array): void {
    this.unconfirmed = Math.max(0, this.unconfirmed - 1);
    if (this.unconfirmed > 0 && !(this.sent && isSame(this.sent, cursor))) return;
    this.unconfirmed = 0;
    this.confirmed = this.sent;
  }

  /** Whether everything taken is saved, and for an inbox also acknowledged durably. */
  isSettled(): boolean {
    if (this.kind !== "inbox" || this.unsaved()) return !this.unsaved();
    // What cannot be acknowledged any more is as settled as it can be: it comes again, and is dropped.
    if (!this.isSavedKnown()) return true;
    return this.confirmed !== null && isSame(this.confirmed, this.saved.position.cursor);
  }

  /** Whether the feed should be opened again, because it is never acknowledged and the window would close. */
  mustReopen(): boolean {
    const isHalf = this.due > WINDOW_EVENTS_MAX / 2 || this.bytes > WINDOW_BYTES_MAX / 2;
    return this.kind === "inbox-kept" && isHalf;
  }

  private isSavedKnown(): boolean {
    return this.saved.era === this.era && this.saved.position.cursor.length > 0;
  }

  private mustBeOpen(): void {
    const isOpen = this.phase === "catching-up" || this.phase === "live";
    if (!isOpen) throw new ProtocolViolation("an event came before the feed was open");
  }
}

function isEqual(one: Position, other: Position): boolean {
  return one.sequence === other.sequence && isSame(one.cursor, other.cursor);
}
