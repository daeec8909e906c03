// Several pages of one device: one owns the connection, the others ask it. When it is closed another one takes over.
//
// A lock of the browser (Web Locks) says who owns it; pages talk over a BroadcastChannel. What was asked and not answered is asked
// again of the next owner, under the same ids.

import { Closed, OutcomeUnknown } from "./errors.js";
import { FollowedFeed } from "./followed.js";
import type { AnswerTo, Asking, FeedHandle, FeedSpec, Hub, RowOf, Unfinished } from "./hub.js";
import { fromPlain, type PlainError, toPlain } from "./plain-error.js";
import type { Question, Request, Welcome } from "./protocol.js";
import { SharedFeed } from "./shared.js";
import { type Deferred, deferred } from "./waiting.js";

/** What is needed of `navigator.locks`. */
export interface Locks {
  request(name: string, options: { signal?: AbortSignal }, held: () => Promise<unknown>): Promise<unknown>;
}

/** What is asked of the owner. */
type Call =
  | { readonly ask: "request"; readonly body: Request; readonly asking: Asking }
  | { readonly ask: "question"; readonly question: Question }
  | { readonly ask: "welcome" | "nudge" | "unfinished" }
  | { readonly ask: "outcome"; readonly what: string; readonly id: string }
  | { readonly ask: "open"; readonly feed: number; readonly spec: FeedSpec }
  | { readonly ask: "next" | "caughtUp" | "settled" | "close"; readonly feed: number }
  | { readonly ask: "taken"; readonly feed: number; readonly number: number };

type Message =
  | { readonly to: "all"; readonly owner: string }
  | { readonly to: "owner"; readonly from: string; readonly hello: true }
  | { readonly to: "owner"; readonly from: string; readonly id: number; readonly call: Call }
  | { readonly to: string; readonly id: number; readonly value: unknown }
  | { readonly to: string; readonly id: number; readonly error: PlainError };

interface Pending {
  readonly call: Call;
  readonly answer: Deferred<unknown>;
  /** Whether the next owner is to be asked the same. */
  readonly repeats: boolean;
}

/** The hub of a page that may be one of several. */
export class Tabs implements Hub {
  private readonly me = crypto.randomUUID();
  private readonly channel: BroadcastChannel;
  private readonly pending = new Map<number, Pending>();
  private readonly followed = new Set<FollowedFeed>();
  private readonly ending = new AbortController();
  private readonly released = deferred<void>();
  private desk: Desk | null = null;
  private owner: string | null = null;
  private calls = 0;

  /** `begin` makes the hub that keeps the connection, when this page is the one that does. */
  constructor(
    private readonly name: string,
    private readonly begin: () => Hub,
    private readonly locks: Locks,
  ) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.heard(data);
    // Held for as long as this page lives, so that its end is noticed.
    this.hold(lifeOf(name, this.me), () => this.released.promise);
    this.hold(`${name} owner`, () => this.own());
    this.post({ to: "owner", from: this.me, hello: true });
  }

  get session(): number {
    return this.desk?.hub.session ?? 0;
  }

  request<T extends Request>(body: T, asking: Asking): Promise<AnswerTo<T>> {
    return this.call({ ask: "request", body, asking }) as Promise<AnswerTo<T>>;
  }

  ask<T extends Question>(question: T): Promise<RowOf<T>[]> {
    return this.call({ ask: "question", question }) as Promise<RowOf<T>[]>;
  }

  welcome(): Promise<Welcome> {
    return this.call({ ask: "welcome" }) as Promise<Welcome>;
  }

  async unfinished(): Promise<readonly Unfinished[]> {
    const left = (await this.call({ ask: "unfinished" })) as Omit<Unfinished, "outcome">[];
    const told = ({ what, id }: Omit<Unfinished, "outcome">) => this.call({ ask: "outcome", what, id });
    return left.map((one) => ({ ...one, outcome: () => told(one) as ReturnType<Unfinished["outcome"]> }));
  }

  feed(spec: FeedSpec): FeedHandle {
    const feed = new FollowedFeed(spec, () => this.followed.delete(feed));
    this.followed.add(feed);
    if (this.owner) this.connect(feed);
    return feed;
  }

  /** Timers of an owner that is not shown are slow; what a page asks of it is not. */
  nudge(): void {
    void this.call({ ask: "nudge" });
  }

  /** Leaves the connection to another page, if there is one. */
  async close(): Promise<void> {
    const closed = new Closed("the client was closed; open a new one");
    const { desk } = this;
    this.channel.onmessage = null;
    for (const feed of this.followed) feed.close();
    for (const { answer } of this.pending.values()) answer.reject(closed);
    this.pending.clear();
    await desk?.hub.close();
    this.ending.abort(closed);
    this.released.resolve();
    // What was posted leaves before the channel goes.
    setTimeout(() => this.channel.close());
  }

  private hold(name: string, held: () => Promise<unknown>): void {
    this.locks.request(name, { signal: this.ending.signal }, held).catch(() => {});
  }

  /** This page keeps the connection from now on. */
  private own(): Promise<void> {
    if (this.ending.signal.aborted) return Promise.resolve();
    this.desk = new Desk(this.begin());
    this.owner = this.me;
    this.post({ to: "all", owner: this.me });
    this.reconnect();
    return this.released.promise;
  }

  private heard(message: Message): void {
    if ("owner" in message) this.follow(message.owner);
    else if ("from" in message) this.serve(message);
    else if (message.to === this.me) this.answered(message);
  }

  /** Another page keeps the connection from now on. */
  private follow(owner: string): void {
    if (this.owner === owner) return;
    this.owner = owner;
    this.reconnect();
  }

  private reconnect(): void {
    const asked = [...this.pending];
    for (const feed of this.followed) this.connect(feed);
    for (const [id, { repeats }] of asked) {
      if (repeats) this.send(id);
      // What was asked of a feed is asked again by whoever follows it.
      else this.settling(id)[0](undefined);
    }
  }

  private connect(feed: FollowedFeed): void {
    this.calls += 1;
    const id = this.calls;
    const remote = () => new RemoteFeed(id, feed.spec, (call) => this.call(call));
    feed.follow(this.desk ? this.desk.open(feed.spec) : remote());
  }

  private call(call: Call): Promise<unknown> {
    this.calls += 1;
    const id = this.calls;
    const answer = deferred<unknown>();
    this.pending.set(id, { call, answer, repeats: !("feed" in call) });
    this.send(id);
    return answer.promise;
  }

  private send(id: number): void {
    const { call } = this.pending.get(id) as Pending;
    if (this.desk) void this.desk.answer(this.me, call).then(...this.settling(id));
    else if (this.owner) this.post({ to: "owner", from: this.me, id, call });
  }

  private settling(id: number): [(value: unknown) => void, (error: unknown) => void] {
    const settle = (act: (answer: Deferred<unknown>) => void) => {
      const { answer } = this.pending.get(id) ?? {};
      this.pending.delete(id);
      if (answer) act(answer);
    };
    return [
      (value) => settle((answer) => answer.resolve(value)),
      (error) => settle((answer) => answer.reject(error)),
    ];
  }

  private answered(message: Extract<Message, { id: number; value: unknown } | { error: PlainError }>): void {
    const [done, failed] = this.settling(message.id);
    if ("error" in message) failed(fromPlain(message.error));
    else done(message.value);
  }

  /** Another page says it is there, or asks something. */
  private serve(message: Extract<Message, { from: string }>): void {
    const { desk } = this;
    if (!desk) return;
    const { from } = message;
    if (desk.isNew(from)) this.hold(lifeOf(this.name, from), async () => desk.forget(from));
    if (!("call" in message)) return this.post({ to: "all", owner: this.me });
    const { id } = message;
    void desk.answer(from, message.call).then(
      (value) => this.post({ to: from, id, value }),
      (error) => this.post({ to: from, id, error: toPlain(error) }),
    );
  }

  private post(message: Message): void {
    // An owner that is being closed is silent, so that the next one is asked.
    if (this.channel.onmessage) this.channel.postMessage(message);
  }
}

const lifeOf = (name: string, page: string): string => `${name} page ${page}`;

/** What the owner does for all pages, its own included. */
class Desk {
  private readonly shared = new Map<string, SharedFeed>();
  /** The feeds of other pages, by page and number. */
  private readonly feeds = new Map<string, Map<number, FeedHandle>>();

  constructor(readonly hub: Hub) {}

  /** A feed; one that has a name is shared by all who read it. */
  open(spec: FeedSpec): FeedHandle {
    const { name } = spec;
    if (name === null) return this.hub.feed(spec);
    const shared =
      this.shared.get(name) ?? new SharedFeed(this.hub.feed(spec), () => this.shared.delete(name));
    this.shared.set(name, shared);
    return shared.read();
  }

  isNew(page: string): boolean {
    const isNew = !this.feeds.has(page);
    if (isNew) this.feeds.set(page, new Map());
    return isNew;
  }

  /** A page is gone. */
  forget(page: string): void {
    for (const feed of this.feeds.get(page)?.values() ?? []) feed.close();
    this.feeds.delete(page);
  }

  async answer(page: string, call: Call): Promise<unknown> {
    switch (call.ask) {
      case "request":
        return this.hub.request(call.body, call.asking);
      case "question":
        return this.hub.ask(call.question);
      case "welcome":
        return this.hub.welcome();
      case "nudge":
        return this.hub.nudge();
      case "unfinished":
        return (await this.hub.unfinished()).map(({ body, what, id }) => ({ body, what, id }));
      case "outcome":
        return this.outcome(call.what, call.id);
      case "open":
        this.feeds.get(page)?.set(call.feed, this.open(call.spec));
        return undefined;
      default:
        return this.onFeed(page, call);
    }
  }

  /** The page that kept the connection before may have learnt it, and told nobody. */
  private async outcome(what: string, id: string): Promise<unknown> {
    const left = (await this.hub.unfinished()).find((one) => one.what === what && one.id === id);
    if (!left) throw new OutcomeUnknown(what, "");
    return left.outcome();
  }

  private async onFeed(page: string, call: Extract<Call, { feed: number }>): Promise<unknown> {
    const feed = this.feeds.get(page)?.get(call.feed);
    if (!feed) throw new Closed("the feed was closed; open a new one");
    switch (call.ask) {
      case "next":
        return feed.next();
      case "taken":
        return feed.taken(call.number);
      case "caughtUp":
        return feed.caughtUp();
      case "settled":
        return feed.settled();
      default:
        this.feeds.get(page)?.delete(call.feed);
        return feed.close();
    }
  }
}

/** A feed that another page reads for this one. */
class RemoteFeed implements FeedHandle {
  constructor(
    private readonly feed: number,
    spec: FeedSpec,
    private readonly call: (call: Call) => Promise<unknown>,
  ) {
    void this.call({ ask: "open", feed, spec });
  }

  next(): ReturnType<FeedHandle["next"]> {
    return this.call({ ask: "next", feed: this.feed }) as ReturnType<FeedHandle["next"]>;
  }

  async taken(number: number): Promise<void> {
    await this.call({ ask: "taken", feed: this.feed, number });
  }

  async caughtUp(): Promise<void> {
    await this.call({ ask: "caughtUp", feed: this.feed });
  }

  async settled(): Promise<void> {
    await this.call({ ask: "settled", feed: this.feed });
  }

  close(): void {
    void this.call({ ask: "close", feed: this.feed }).catch(() => {});
  }
}
