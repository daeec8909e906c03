// What an application gives and gets: documents, rules, and what watches and inboxes bring.

import { fromUtf8, make, toHex, utf8 } from "./codec.js";
import { Invalid, type Refused, wordOf } from "./errors.js";
import type { Delivery } from "./hub.js";
import {
  type AccessRule,
  AccessRuleFetch,
  type ComposingEvent,
  type Document,
  type MessageBody,
  type PresenceBody,
  PresenceBodyReason,
  PresenceBodyState,
  type ReceiptBody,
  ReceiptBodyKind,
  TupleBasic,
} from "./protocol.js";

export const TEXT = "text/plain; charset=utf-8";
/** Of what says that somebody composes a message (RFC 3994). */
export const COMPOSING = "application/im-iscomposing+xml";
const COMPOSING_NAMESPACE = "urn:ietf:params:xml:ns:im-iscomposing";
/** What RFC 3994, 3.4, lets a receiver assume. */
const COMPOSING_REFRESH_MS = 120_000;

/** A receipt that a sender can want. */
export type ReceiptKind = keyof typeof ReceiptBodyKind;
/** What a rule grants. */
export type Handling = keyof typeof AccessRuleFetch;
/** Where a subscription stands. */
export type SubscriptionState = keyof typeof PresenceBodyState;
/** Why a subscription ended. */
export type EndReason = keyof typeof PresenceBodyReason;

/** A presentity as the watcher is shown it now. */
export class Shown {
  /**
   * `anew`: it was sent because the cursor was of no use, and replaces what was known. `restored`: the server was found to have
   * another past since the item before, because its store was put back to an earlier state. `refusal`: why it may not be watched,
   * if it may not.
   */
  constructor(
    readonly presence: PresenceBody,
    readonly anew: boolean = false,
    readonly restored: boolean = false,
    readonly refusal: Refused | null = null,
  ) {}

  /** One that may not be watched: as if its presentity had ended the subscription. */
  static denied(presentity: string, refusal: Refused): Shown {
    const { terminated: state } = PresenceBodyState;
    const { rejected: reason } = PresenceBodyReason;
    const document = { tuples: [], notes: [], markup: [] };
    return new Shown({ presentity, state, reason, document }, false, false, refusal);
  }

  /** Whose presence it is. */
  get presentity(): string {
    return this.presence.presentity;
  }

  /** Where the subscription stands. */
  get state(): SubscriptionState {
    return wordOf(PresenceBodyState, this.presence.state) ?? "terminated";
  }

  /** Why it ended, if it did. */
  get reason(): EndReason {
    return wordOf(PresenceBodyReason, this.presence.reason) ?? "deactivated";
  }

  get document(): Document {
    return this.presence.document;
  }

  /** Whether some tuple says open. */
  get isOpen(): boolean {
    return this.document.tuples.some((tuple) => tuple.basic === TupleBasic.open);
  }

  /** What the presentity says in words. */
  get notes(): string[] {
    const notes = [...this.document.tuples.flatMap((tuple) => tuple.notes), ...this.document.notes];
    return notes.flatMap((note) => (note.text ? [fromUtf8(note.text)] : []));
  }
}

/** A message that is in its inbox. */
export interface Sent {
  /** By what it can be sent again. */
  readonly id: string;
  /** Whether it was there already. */
  readonly isDuplicate: boolean;
}

/** A message or receipt from an inbox. */
export class Letter {
  readonly message: MessageBody | null;
  readonly receipt: ReceiptBody | null;
  /** Whether the body is not shown to this device, which came later. */
  readonly isWithheld: boolean;
  /** Whether it was sent because the cursor was of no use. */
  readonly anew: boolean;
  /** Whether the server was found to have another past: what was acknowledged since then has to be sent again. */
  readonly restored: boolean;

  constructor(
    { item, anew, restored }: Delivery,
    private readonly take: () => Promise<void>,
  ) {
    this.message = item.type === "message" ? item.body : null;
    this.receipt = item.type === "receipt" ? item.body : null;
    this.isWithheld = item.type === "message" && item.isWithheld;
    this.anew = anew;
    this.restored = restored;
  }

  /** The position in the inbox. */
  get sequence(): number {
    return (this.message ?? this.receipt)?.sequence ?? 0;
  }

  /** Who sent the message, `local@domain`; empty for a receipt. */
  get sender(): string {
    return this.message?.sender ?? "";
  }

  /** The id of the message, or of the one that the receipt is for. */
  get id(): string {
    return (this.message ?? this.receipt)?.id ?? "";
  }

  /** The body of a message as text; what is not UTF-8 is shown by U+FFFD. */
  get text(): string {
    return this.message?.body ? fromUtf8(this.message.body) : "";
  }

  /** What a receipt says. */
  get receiptKind(): ReceiptKind | null {
    return this.receipt ? (wordOf(ReceiptBodyKind, this.receipt.kind) ?? null) : null;
  }

  /** This device has taken it for good, and all before it. Resolves when that is kept. */
  acknowledge(): Promise<void> {
    return this.take();
  }
}

/** Somebody composes a message for the inbox, or has stopped to. Nothing to take, and kept nowhere. */
export interface Composing {
  readonly inbox: string;
  readonly sender: string;
  readonly isActive: boolean;
  /** For how long that holds unless it is said again. */
  readonly refreshMs: number;
}

/** What the event says; `null` if it cannot be read (RFC 3994). A `message/cpim` around it changes nothing. */
export function readComposing({ inbox, sender, body }: ComposingEvent): Composing | null {
  const text = fromUtf8(body);
  const said = (name: string) =>
    new RegExp(`<(?:[\\w.-]+:)?${name}(?:\\s[^>]*)?>\\s*([^<]*?)\\s*<`).exec(text)?.[1];
  const state = said("state");
  // A document type could define entities without end.
  if (state === undefined || !text.includes(COMPOSING_NAMESPACE) || /<!DOCTYPE/i.test(text)) return null;
  const refresh = /^\d{1,9}$/.exec(said("refresh") ?? "")?.[0];
  const refreshMs = refresh === undefined ? COMPOSING_REFRESH_MS : Number(refresh) * 1_000;
  return { inbox, sender, isActive: state === "active", refreshMs };
}

/** The body that says that one composes, or has stopped to. */
export function writeComposing(isActive: boolean): Uint8Array {
  const root = `<isComposing xmlns="${COMPOSING_NAMESPACE}"><state>${isActive ? "active" : "idle"}</state></isComposing>`;
  return utf8(`<?xml version="1.0" encoding="UTF-8"?>${root}`);
}

/** What to publish in one tuple. */
export interface Status {
  readonly basic?: "open" | "closed";
  readonly note?: string;
  /** Where to communicate, a URI. */
  readonly contact?: string;
  /** The tuple's name in the publication. */
  readonly id?: string;
}

/** The document of one tuple that says so, to be published. */
export function status({ basic = "open", note, contact, id = "adsum" }: Status = {}): Document {
  const number = TupleBasic[basic];
  if (!number) throw new Invalid(`the status "${basic}" is neither open nor closed; say one of them`);
  const tuple = {
    id,
    basic: number,
    statusMarkup: [],
    contact: contact === undefined ? null : { uri: utf8(contact), priority: null },
    notes: note === undefined ? [] : [{ language: "", text: utf8(note) }],
    timestampMs: null,
    markup: [],
  };
  return { tuples: [tuple], notes: [], markup: [] };
}

/** A rule about fetching and subscribing, named after whom it is about, that shows all where it allows. */
export function rule(who: string, handling: Handling, more: Partial<AccessRule> = {}): AccessRule {
  const shown = { tuples: null, notes: true, contact: true, markup: true };
  const [fetch, subscribe] = [AccessRuleFetch[handling], AccessRuleFetch[handling]];
  return { name: who, who, fetch, subscribe, shown, fromMs: null, untilMs: null, ...more };
}

/** Which receipts are wanted, as bits. */
export function receiptBits(kinds: readonly ReceiptKind[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << (ReceiptBodyKind[kind] - 1)), 0);
}

/** Names a new operation. */
export function operation(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}

/** Names a new message. */
export function messageId(): string {
  return toHex(operation());
}

/** The opening of a feed of presence. */
export function presenceOpening(presentities: readonly string[], watchers = false) {
  return make("FeedOpen", { kind: 1, presentities: [...presentities], ...(watchers ? { watchers: 1 } : {}) });
}
