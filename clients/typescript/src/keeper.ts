// Keeps one connection: comes back when it is lost, repeats what was not answered, finds out whether it lives.
//
// Sections 6, 7, 8 and 11 of `docs/PROTOCOL.md`. Must never know what an application asks for: that is `client.ts`.

import { Asked } from "./asked.js";
import { make } from "./codec.js";
import { type FrameStream, isOurFault, type Link } from "./connection.js";
import {
  type AdsumError,
  asFault,
  Closed,
  ConnectionLost,
  NotAuthenticated,
  OutcomeUnknown,
  ProtocolViolation,
  Refused,
  ServerKeyChanged,
  StateError,
  StreamEnded,
  Unreachable,
  VersionMismatch,
} from "./errors.js";
import { Feed } from "./feed.js";
import type { AnswerTo, Asking, FeedHandle, FeedSpec, Hub, RowOf, Unfinished } from "./hub.js";
import { Outbox } from "./outbox.js";
import {
  type Body,
  HAS_ROWS,
  IGNORABLE_KIND_MIN,
  KEEP_ALIVE_MS,
  KINDS,
  type Question,
  type Request,
  STREAM_QUERY,
  type Welcome,
} from "./protocol.js";
import { BackOff } from "./resume/back-off.js";
import type { Answer } from "./resume/requests.js";
import type { Store } from "./store.js";
import { atMost, deferred, News, now, within } from "./waiting.js";

/** Before a question that got no answer is asked again. */
const PAUSE_MS = 200;
/** How often it is looked whether the connection lives. */
const TICK_MS = 1_000;
/** A look that comes later than this, the page was suspended. */
const LATE_MS = 5_000;

/** How long to wait. */
export interface Patience {
  /** For an answer, and for anything at all to come back; `null` for ever. */
  readonly answerMs: number | null;
  /** Before a silent connection is asked whether it lives. */
  readonly keepAliveMs: number;
}

export const PATIENCE: Patience = { answerMs: 10_000, keepAliveMs: KEEP_ALIVE_MS };

/** Makes a connection that has proven who one is. */
export type Enter = (signal: AbortSignal) => Promise<Link>;

/** The connection of a device, and whatever waits for an answer over it. */
export class Keeper implements Hub {
  session = 0;
  /** Why the last connection ended, or could not be made. */
  last: AdsumError | null = null;
  readonly outbox: Outbox;
  private link: Link | null = null;
  private fault: AdsumError | null = null;
  private readonly backOff = new BackOff();
  private readonly news = new News();
  private readonly ending = new AbortController();
  private readonly feeds = new Set<Feed>();
  private hurry = deferred<void>();
  /** Resolves when it is known what an earlier page left. */
  private readonly takenUp = deferred<void>();
  private running: Promise<void> | null = null;

  constructor(
    private readonly enter: Enter,
    private readonly store: Store,
    private readonly isAnonymous: boolean,
    private readonly patience: Patience = PATIENCE,
    private readonly random: () => number = Math.random,
  ) {
    this.outbox = new Outbox(store, (fault) => this.fail(fault));
  }

  /** Begins to connect. */
  begin(): void {
    this.running ??= this.run();
  }

  /** Closes the connection for good. What was asked and not answered stays for the next page. */
  async close(): Promise<void> {
    const closed = new Closed("the client was closed; open a new one");
    this.ending.abort(closed);
    for (const feed of this.feeds) feed.close();
    this.link?.close();
    this.fail(closed);
    this.hurry.resolve();
    await this.running;
    await this.outbox.end(closed).catch(() => {});
  }

  /** The connection, when there is one. */
  async linked(): Promise<Link> {
    for (;;) {
      if (this.fault) throw this.fault;
      if (this.link && !this.link.end && !this.link.leaving) return this.link;
      await this.news.wait();
    }
  }

  /** A pause before something is tried again; over at once when the connection is gone. */
  async pause(ms: number, link: Link): Promise<void> {
    await atMost(ms, link.over);
  }

  async unfinished(): Promise<readonly Unfinished[]> {
    await this.takenUp.promise;
    return this.outbox.unfinished;
  }

  async welcome(): Promise<Welcome> {
    return (await this.linked()).welcome;
  }

  async request<T extends Request>(body: T, { what, id, lasts }: Asking): Promise<AnswerTo<T>> {
    if (this.fault) throw this.fault;
    const asked = new Asked(body, what, id, lasts);
    try {
      return (await within(this.patience.answerMs, this.answer(asked), () =>
        this.late(asked),
      )) as AnswerTo<T>;
    } finally {
      if (!this.fault && !asked.isDone) {
        this.outbox.withdraw(asked);
        this.news.tell();
      }
    }
  }

  private late(asked: Asked): AdsumError {
    const isSent = this.outbox.requests.isWritten(asked);
    return isSent ? new OutcomeUnknown(asked.what, asked.id) : this.unreachable();
  }

  private async answer(asked: Asked): Promise<Answer> {
    while (!this.outbox.requests.hasRoom()) {
      await this.news.wait();
      if (this.fault) throw this.fault;
    }
    this.outbox.put(asked);
    return asked.outcome();
  }

  async ask<T extends Question>(question: T): Promise<RowOf<T>[]> {
    const rows = within(this.patience.answerMs, this.rows(question), () => this.unreachable());
    return (await rows) as RowOf<T>[];
  }

  private async rows(question: Question): Promise<Body[]> {
    for (;;) {
      const link = await this.linked();
      try {
        return await this.askOn(link, question);
      } catch (error) {
        if (!isCuredByRepeating(error)) throw error;
      }
      await this.pause(PAUSE_MS, link);
    }
  }

  private async askOn(link: Link, question: Question): Promise<Body[]> {
    const stream = await link.open(STREAM_QUERY, question);
    try {
      await stream.end();
      return await readRows(stream, HAS_ROWS[question.type] === true);
    } finally {
      stream.cancel();
    }
  }

  feed({ kind, name, opening }: FeedSpec): FeedHandle {
    const feed = new Feed(this, this.store, kind, name, opening);
    this.feeds.add(feed);
    feed.over.then(() => this.feeds.delete(feed));
    return feed;
  }

  nudge(): void {
    this.hurry.resolve();
  }

  private fail(fault: AdsumError): void {
    if (this.fault) return;
    this.fault = fault;
    this.outbox.end(fault).catch(() => {});
    this.news.tell();
  }

  private unreachable(): AdsumError {
    return this.last ?? new Unreachable("no answer from the server; check that it runs");
  }

  /** Keeps the connection; a fault that nobody foresaw ends the client and is told to whoever waits. */
  private async run(): Promise<void> {
    try {
      await this.outbox.takeUp();
      this.takenUp.resolve();
      while (!this.fault) await this.once();
    } catch (error) {
      this.takenUp.reject(error);
      this.fail(asFault(error));
    }
  }

  /** One connection, and the wait before the next. */
  private async once(): Promise<void> {
    try {
      const link = await this.enter(this.ending.signal);
      if (this.fault) return link.close();
      const began = now();
      this.last = await this.serve(link);
      this.backOff.lostAfter(now() - began);
    } catch (error) {
      this.last = asFault(error);
      if (isFinal(this.last)) return this.fail(this.last);
      if (this.last instanceof Refused) this.backOff.stayAway(this.last.retryAfterMs ?? 0);
    }
    if (!this.fault) await this.rest(this.backOff.nextWait(this.random()));
  }

  /** Waits before the next attempt, but not when something outside has changed: the network may be another one. */
  private async rest(ms: number): Promise<void> {
    this.hurry = deferred();
    if (!(await atMost(ms, this.hurry.promise))) this.backOff.beginAnew();
  }

  /** Uses one connection to its end; why it ended. */
  private async serve(link: Link): Promise<AdsumError> {
    this.session += 1;
    this.outbox.connected(this.isAnonymous);
    this.link = link;
    this.news.tell();
    link.over.then(() => this.outbox.news.tell());
    const why = await this.use(link);
    this.link = null;
    // What the server says, before this side says anything.
    const ended = link.end;
    link.end ??= why;
    link.close(why instanceof ProtocolViolation ? "protocol-violation" : "no-error", why.message);
    if (ended instanceof ProtocolViolation) this.outbox.abandonWritten(ended);
    this.news.tell();
    this.outbox.news.tell();
    return ended ?? why;
  }

  private async use(link: Link): Promise<AdsumError> {
    try {
      await Promise.race([this.write(link), this.read(link), this.live(link)]);
      return new ConnectionLost("the server goes away");
    } catch (error) {
      return error instanceof StreamEnded ? link.why() : asFault(error);
    }
  }

  private async write(link: Link): Promise<void> {
    while (!link.end) {
      const news = this.outbox.news.wait();
      const requests = await this.outbox.toWrite(() => !link.end && !link.leaving);
      if (requests.length > 0) await link.control.write(...requests);
      await news;
    }
    throw link.end;
  }

  /** Reads answers until the connection ends, or until a leaving server has answered all. */
  private async read(link: Link): Promise<void> {
    while (!(link.leaving && this.outbox.requests.isIdle)) {
      const body = await link.control.next();
      // Numbers of this connection mean something else on the next one.
      if (link.end) throw link.end;
      if (body.type === "Goaway") {
        link.leaving = true;
        this.backOff.stayAway(body.reconnectAfterMs);
      } else if (KINDS[body.type][0] < IGNORABLE_KIND_MIN) {
        if (!("request" in body))
          throw new ProtocolViolation(`the server broke the protocol: a ${body.type} came on CONTROL`);
        this.outbox.answered(body as Answer & { request: number });
      }
      this.news.tell();
    }
  }

  /** Finds out whether the connection lives; rejects when it does not. */
  private async live(link: Link): Promise<void> {
    let looked = now();
    while (!link.end) {
      this.hurry = deferred();
      const isTime = await atMost(TICK_MS, this.hurry.promise);
      const isLate = now() - looked > TICK_MS + LATE_MS;
      looked = now();
      if (isLate) this.backOff.beginAnew();
      if (!isTime || isLate || this.isSilent(link)) await this.probe(link);
    }
    throw link.end;
  }

  /** Whether nothing came for long, or for a while although an answer is due. */
  private isSilent(link: Link): boolean {
    const silent = now() - link.heardAt;
    const isDue = !this.outbox.requests.isIdle;
    return (
      silent >= (isDue ? Math.min(this.silenceMs / 2, this.patience.keepAliveMs) : this.patience.keepAliveMs)
    );
  }

  private get silenceMs(): number {
    return this.patience.answerMs ?? (PATIENCE.answerMs as number);
  }

  /** Asks for something that costs nothing, to hear anything at all. */
  private async probe(link: Link): Promise<void> {
    const heard = this.askOn(link, make("ServerInfo")).catch((error) => {
      if (!(error instanceof Refused || error instanceof StreamEnded)) throw error;
    });
    const silence = new ConnectionLost(`no answer to anything for ${this.silenceMs / 2_000} s`);
    await within(this.silenceMs / 2, heard, () => silence);
  }
}

async function readRows(stream: FrameStream, hasRows: boolean): Promise<Body[]> {
  const rows: Body[] = [];
  for (;;) {
    const body = await stream.expect(...ANSWERS);
    if (body.type === "End") return rows;
    rows.push(body);
    if (!hasRows) return rows;
  }
}

/** Kinds that may come as an answer to a question. */
const ANSWERS = /* @__PURE__ */ (Object.keys(KINDS) as Body["type"][]).filter(
  (type) => KINDS[type][0] >= 0x0120 && KINDS[type][0] < 0x01ff,
);

/** Whether the same question is better answered the next time. */
function isCuredByRepeating(error: unknown): boolean {
  if (error instanceof StreamEnded) return !isOurFault(error.reset);
  return error instanceof ConnectionLost || error instanceof NotAuthenticated;
}

/** Whether connecting again cannot help. */
function isFinal(fault: AdsumError): boolean {
  if (fault instanceof Refused) return !fault.is("busy", "going-away");
  const isForGood = [NotAuthenticated, ServerKeyChanged, VersionMismatch, Closed, StateError];
  return fault.code === "error" || isForGood.some((kind) => fault instanceof kind);
}
