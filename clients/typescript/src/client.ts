// What an application asks of a client.

import { type FieldsOf, make, toHex, utf8 } from "./codec.js";
import type { Device } from "./device.js";
import { Invalid } from "./errors.js";
import type { AnswerTo, Asking, Hub, Unfinished } from "./hub.js";
import {
  COMPOSING,
  type Handling,
  messageId,
  operation,
  presenceOpening,
  type ReceiptKind,
  receiptBits,
  rule,
  type Sent,
  Shown,
  TEXT,
  writeComposing,
} from "./items.js";
import {
  type AccessRule,
  type Answers,
  type Change,
  DELETE_COUNT_MAX,
  type Document,
  type Explanation,
  type InboxState,
  InviteRole,
  type Key,
  type OpenInvite,
  type Question,
  type Request,
  type Subscription,
  type Watcher,
  WatcherBodyState,
  type Welcome,
} from "./protocol.js";
import { Publication } from "./publication.js";
import { Audience, Inbox, Watch } from "./streams.js";
import { inviteId, newSecret, readToken, writeToken } from "./token.js";

/** How to publish. */
export interface Publishing {
  /** Another's presentity that one is granted to publish for. */
  readonly presentity?: string;
  /** The device's name for the publication. */
  readonly name?: string;
  readonly lifetimeMs?: number;
}

/** How to watch. */
export interface Watching {
  /** Each change in order, instead of the newest state. */
  readonly every?: boolean;
  readonly lifetimeMs?: number;
  /** Go on where the page before stopped, instead of beginning with the current state. */
  readonly resume?: boolean;
}

/** How to send. */
export interface Sending {
  /** The same id again is the same message. */
  readonly id?: string;
  readonly contentType?: string;
  readonly lifetimeMs?: number;
  /** A principal in whose name one may send. */
  readonly sender?: string;
  /** Which receipts are wanted. */
  readonly receipts?: readonly ReceiptKind[];
}

/** How to read an inbox. */
export interface Reading {
  /** Another's inbox that one is granted to read. */
  readonly inbox?: string;
  /** All that is kept, from the oldest on. */
  readonly fromStart?: boolean;
  /** Nothing is ever acknowledged. */
  readonly keep?: boolean;
}

/** Whom to invite. */
export interface Inviting {
  /** Somebody else of the domain, for administrators; without it oneself, to add a device. */
  readonly principal?: string;
  readonly administrator?: boolean;
  readonly lifetimeMs?: number;
  /** The token of an invite whose making is repeated. */
  readonly token?: string;
}

/** A device of a principal, connected to its server for as long as the page lives. Made by `connect`. */
export class Client {
  private readonly publications = new Set<Publication>();
  private readonly streams = new Set<{ close(): void }>();

  /** `device` is `null` for nobody in particular; `onClose` is called when the client is closed. */
  constructor(
    private readonly hub: Hub,
    private readonly device: Device | null,
    private readonly onClose: () => void = () => {},
  ) {}

  /** Who it is, `local@domain`. */
  get principal(): string {
    if (!this.device)
      throw new Invalid("an anonymous session has neither presence nor an inbox; name whose is meant");
    return this.device.principal;
  }

  /** One's own presentity. */
  get presentity(): string {
    return `pres:${this.principal}`;
  }

  /** One's own inbox. */
  get ownInbox(): string {
    return `im:${this.principal}`;
  }

  /** What the server said when it let this client in. Waits until it has. */
  welcome(): Promise<Welcome> {
    return this.hub.welcome();
  }

  /** Ends what it opened and closes the connection. Publications and subscriptions live until their lifetimes are over. */
  async close(): Promise<void> {
    for (const one of this.publications) one.forget();
    for (const one of this.streams) one.close();
    this.onClose();
    await this.hub.close();
  }

  /** Publishes presence in place of what this device published under the name, and keeps it up. */
  async publish(
    document: Document,
    { presentity, name = "", lifetimeMs }: Publishing = {},
  ): Promise<Publication> {
    const fields = {
      presentity: presentity ?? this.presentity,
      name,
      lifetimeMs: lifetimeMs ?? null,
      document,
    };
    const body = make("Publish", { ...fields, operation: operation() });
    const published = await this.hub.request(body, asking("the publication", body.operation));
    const publication = new Publication(this.hub, body, published);
    this.publications.add(publication);
    void publication.over.then(() => this.publications.delete(publication));
    return publication;
  }

  /** The current presence, without a subscription. */
  async fetch(presentity: string): Promise<Shown> {
    const [answer] = await this.ask("Fetch", { presentity });
    if (!answer) throw new Invalid(`there is no answer about ${presentity}`);
    return new Shown(answer.presence);
  }

  /** Ends a subscription. */
  async unsubscribe(presentity: string): Promise<void> {
    await this.change("Unsubscribe", { presentity }, `the end of the subscription to ${presentity}`);
  }

  /** Subscribes, renews in time, and tells of each change. Without presentities it tells of all subscriptions there are. */
  watch(presentities: string | readonly string[] = [], options: Watching = {}): Watch {
    const { every = false, lifetimeMs = null, resume = false } = options;
    const whose = typeof presentities === "string" ? [presentities] : [...presentities];
    const name = resume ? `presence ${[...whose].sort().join(" ")}` : null;
    const opening = presenceOpening(whose);
    const wishes = whose.map((presentity) => ({ presentity, every, lifetimeMs, isAnonymous: !this.device }));
    return this.kept(new Watch(this.hub, () => this.hub.feed({ kind: "presence", name, opening }), wishes));
  }

  /** Tells who watches what one controls, as it changes. */
  audience(presentity: string = this.presentity): Audience {
    const opening = presenceOpening([presentity], true);
    return this.kept(new Audience(() => this.hub.feed({ kind: "presence", name: null, opening })));
  }

  /** Tells of messages and receipts, those that wait first, each once; what was acknowledged never again. */
  inbox({ inbox, fromStart = false, keep = false }: Reading = {}): Inbox {
    const whose = inbox ?? this.ownInbox;
    const opening = make("FeedOpen", { kind: 2, inbox: whose, fromStart });
    const kind = keep ? "inbox-kept" : "inbox";
    const name = keep ? null : `inbox ${whose}`;
    return this.kept(new Inbox(() => this.hub.feed({ kind, name, opening })));
  }

  /** Puts a message into an inbox. */
  async send(inbox: string, body: string | Uint8Array, options: Sending = {}): Promise<Sent> {
    const { id = messageId(), contentType = TEXT, lifetimeMs = null, sender = "", receipts = [] } = options;
    const data = typeof body === "string" ? utf8(body) : body;
    const wanted = receipts.length > 0 ? { receipts: receiptBits(receipts) } : {};
    const frame = make("Send", { inbox, sender, id, contentType, body: data, lifetimeMs, ...wanted });
    const sent = await this.hub.request(frame, { what: `the message to ${inbox}`, id, lasts: true });
    return { id, isDuplicate: sent.duplicate };
  }

  /** Tells whoever reads the inbox now that one composes a message, or has stopped to. It is kept nowhere. */
  async composing(inbox: string, isActive = true): Promise<void> {
    const frame = make("Send", {
      inbox,
      id: messageId(),
      contentType: COMPOSING,
      body: writeComposing(isActive),
    });
    await this.hub.request(frame, { what: `the indication to ${inbox}`, id: "", lasts: false });
  }

  /** Deletes messages of one's own inbox for all devices; how many were there. */
  async delete(...sequences: number[]): Promise<number> {
    return (await this.change("Delete", { inbox: this.ownInbox, sequences }, "the deletion")).count;
  }

  /** Deletes all messages of a sender in one's own inbox; how many were there. */
  async deleteFrom(sender: string): Promise<number> {
    const fields = { inbox: this.ownInbox, sender: utf8(sender) };
    for (let count = 0; ; ) {
      const found = (await this.change("Delete", fields, "the deletion")).count;
      count += found;
      if (found < DELETE_COUNT_MAX) return count;
    }
  }

  /** Says that a message of one's own inbox was displayed, for whoever asked for that receipt. */
  async displayed(sequence: number): Promise<void> {
    await this.change("Displayed", { inbox: this.ownInbox, sequence }, "the receipt");
  }

  /** Where an inbox stands. */
  async inboxState(inbox: string = this.ownInbox): Promise<InboxState> {
    return (await this.ask("InboxStatus", { inbox }))[0] as InboxState;
  }

  /** The access rules of a presentity, with their version. */
  async rules(owner: string = this.presentity): Promise<{ version: number; rules: AccessRule[] }> {
    const rows = await this.ask("ListRules", { owner });
    const version = rows.find((row) => row.type === "Version")?.version ?? 0;
    return { version, rules: rows.flatMap((row) => (row.type === "Rule" ? [row.rule] : [])) };
  }

  /** Changes access rules, all of it or nothing; the version of the rules from then on. */
  async changeRules(change: FieldsOf<"ChangeRules">): Promise<number> {
    return (await this.change("ChangeRules", { owner: this.presentity, ...change }, "the change of rules"))
      .version;
  }

  /** Lets somebody fetch and subscribe, and shows them all. */
  allow(who: string): Promise<number> {
    return this.decide(who, "allow");
  }

  /** Refuses somebody to fetch and subscribe. */
  block(who: string): Promise<number> {
    return this.decide(who, "block");
  }

  private decide(who: string, handling: Handling): Promise<number> {
    return this.changeRules({ put: [rule(who, handling)] });
  }

  /** By which rules a watcher is answered, and what it is shown. */
  async explain(watcher: string, presentity: string = this.presentity): Promise<Explanation> {
    return (await this.ask("Explain", { presentity, watcher }))[0] as Explanation;
  }

  /** One's own subscriptions, also those that ended and are still remembered. */
  subscriptions(): Promise<Subscription[]> {
    return this.ask("ListSubscriptions");
  }

  /** Who watches a presentity. */
  watchers(presentity: string = this.presentity): Promise<Watcher[]> {
    return this.ask("ListWatchers", { presentity });
  }

  /** Who asks to watch a presentity and waits for a decision: answer by `allow` or `block`. */
  async requests(presentity: string = this.presentity): Promise<Watcher[]> {
    const waits: readonly number[] = [WatcherBodyState.pending, WatcherBodyState.waiting];
    return (await this.watchers(presentity)).filter(({ watcher }) => waits.includes(watcher.state));
  }

  /** What was published for one's own presentity, newest first. */
  history(fields: FieldsOf<"ListHistory"> = {}): Promise<Change[]> {
    return this.ask("ListHistory", { presentity: this.presentity, ...fields });
  }

  /** One's own devices, also those revoked. */
  devices(): Promise<Key[]> {
    return this.ask("ListKeys");
  }

  /** Withdraws a device's key. */
  async revoke(device: Uint8Array): Promise<void> {
    await this.change("RevokeKey", { device }, "the revocation");
  }

  /** Makes an invite for another device of one's own, or as an administrator for others; its token. */
  async invite({ principal, administrator = false, lifetimeMs, token }: Inviting = {}): Promise<string> {
    const secret = token === undefined ? newSecret() : (await readToken(token)).secret;
    const whom = principal ?? this.principal;
    const role = administrator ? InviteRole.administrator : InviteRole.user;
    const body = make("Invite", {
      invite: inviteId(secret),
      principal: whom,
      role,
      lifetimeMs: lifetimeMs ?? null,
    });
    const text = await writeToken({ secret, serverKey: this.device?.serverKey ?? null });
    await this.hub.request(body, { what: `the invite for ${whom}`, id: text, lasts: true });
    return text;
  }

  /** The invites that are open. */
  invites(): Promise<OpenInvite[]> {
    return this.ask("ListInvites");
  }

  /** What an earlier page of this device asked and did not learn the outcome of: it is asked again by itself. */
  unfinished(): Promise<readonly Unfinished[]> {
    return this.hub.unfinished();
  }

  /** Any request of CONTROL and its answer; repeated over lost connections until the time is up. */
  request<T extends Request>(body: T, what = "the request"): Promise<AnswerTo<T>> {
    const named = "operation" in body ? (body.operation ?? new Uint8Array()) : new Uint8Array();
    return this.hub.request(body, asking(what, named));
  }

  /** Any question and its rows; asked again when a connection is lost, until the time is up. */
  ask<T extends Question["type"]>(type: T, fields: FieldsOf<T> = {}): Promise<Answers[T][]> {
    const question = make(type, fields) as Question;
    return this.hub.ask(question) as Promise<unknown> as Promise<Answers[T][]>;
  }

  /** A request that an operation names. */
  private change<T extends "Unsubscribe" | "Delete" | "Displayed" | "ChangeRules" | "RevokeKey">(
    type: T,
    fields: FieldsOf<T>,
    what: string,
  ): Promise<Answers[T]> {
    const named = operation();
    const body = { ...make(type, fields), operation: named } as Request;
    return this.hub.request(body, asking(what, named)) as Promise<unknown> as Promise<Answers[T]>;
  }

  private kept<S extends { close(): void }>(stream: S): S {
    this.streams.add(stream);
    return stream;
  }
}

/** A request that its operation names, and that a later page asks again. */
function asking(what: string, named: Uint8Array): Asking {
  return { what, id: toHex(named), lasts: true };
}
