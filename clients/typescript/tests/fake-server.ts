// A server in memory: enough of one to be cut off, restarted, silenced and put back. No socket, no clock.

import { type BodyOf, Cutter, encode, fromUtf8, make, toHex, utf8 } from "../src/codec.js";
import { ConnectionLost, StreamEnded } from "../src/errors.js";
import {
  type Body,
  CloseCode,
  type Document,
  FeedReadyOutcome,
  HAS_ROWS,
  type MessageBody,
  RefusalCode,
  type Request,
} from "../src/protocol.js";
import type { ByteStream, Dial, Ending, Transport } from "../src/transport.js";
import { deferred, News } from "../src/waiting.js";

/** One direction of a stream. */
class Pipe {
  private readonly chunks: Uint8Array[] = [];
  private readonly news = new News();
  private end: (() => null) | null = null;

  put(data: Uint8Array): void {
    if (data.length > 0 && !this.end) this.chunks.push(data);
    this.news.tell();
  }

  finish(end: () => null): void {
    this.end ??= end;
    this.news.tell();
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.chunks.shift();
      if (chunk) return chunk;
      if (this.end) return this.end();
      await this.news.wait();
    }
  }
}

/** The server's side of a stream. */
export class ServedStream {
  readonly up = new Pipe();
  readonly down = new Pipe();
  private readonly cutter = new Cutter();
  private type: number | undefined;

  /** The byte that tells what the stream is for. */
  async kind(): Promise<number | undefined> {
    const first = await this.up.read();
    if (!first) return undefined;
    this.type = first[0];
    this.cutter.push(first.slice(1));
    return this.type;
  }

  async next(): Promise<Body | null> {
    for (;;) {
      const body = this.cutter.nextBody();
      if (body) return body;
      const data = await this.up.read();
      if (!data) return null;
      this.cutter.push(data);
    }
  }

  write(...bodies: Body[]): void {
    for (const body of bodies) this.down.put(encode(body));
  }

  finish(): void {
    this.down.finish(() => null);
  }

  reset(code: number): void {
    this.down.finish(() => {
      throw new StreamEnded(code);
    });
  }
}

/** A connection. */
export class Connection implements Transport {
  readonly name = "fake";
  readonly streams: ServedStream[] = [];
  isOver = false;
  private readonly ending = deferred<Ending>();

  constructor(private readonly serve: (stream: ServedStream) => void) {}

  get closed(): Promise<Ending> {
    return this.ending.promise;
  }

  async open(): Promise<ByteStream> {
    if (this.isOver) throw new ConnectionLost("it is over");
    const stream = new ServedStream();
    this.streams.push(stream);
    this.serve(stream);
    return clientSide(stream);
  }

  close(code: number, reason: string): void {
    this.end({ code, reason });
  }

  /** Ends it, with a code or as a network does. */
  end(ending: Ending): void {
    this.isOver = true;
    this.ending.resolve(ending);
    const lost = () => {
      throw new ConnectionLost("the connection was lost");
    };
    for (const { up, down } of this.streams) {
      up.finish(() => null);
      down.finish(lost);
    }
  }
}

function clientSide(stream: ServedStream): ByteStream {
  return {
    write: async (data) => stream.up.put(data),
    end: async () => stream.up.finish(() => null),
    read: () => stream.down.read(),
    cancel: (code) => {
      stream.up.finish(() => null);
      stream.reset(code);
    },
  };
}

type Answering = (request: Request) => Body | null;

/** What is known of one principal, and its connections. */
export class FakeServer {
  readonly connections: Connection[] = [];
  readonly requests: Request[] = [];
  readonly hellos: BodyOf<"Hello">[] = [];
  readonly messages: MessageBody[] = [];
  readonly presence = new Map<string, Document>();
  /** How often something was done, by the name of its operation. */
  readonly done = new Map<string, Body>();
  acknowledged = 0;
  /** Another key than before: cursors are worth nothing. */
  key = 0;
  wasPutBack = false;
  isDown = false;
  isSilent = false;
  /** Does what is asked, and does not say so. */
  isMute = false;
  grantedMs = 3_600_000;
  probes = 0;
  /** Answers a request in another way; `null` for the usual one. */
  answering: Answering = () => null;
  entering: (hello: BodyOf<"Hello">) => Body | null = () => null;
  private readonly news = new News();

  readonly dial: Dial = async () => {
    if (this.isDown) throw new Error("nobody listens");
    const connection = new Connection((stream) => void this.serve(connection, stream));
    this.connections.push(connection);
    return connection;
  };

  /** The connection made last. */
  get last(): Connection {
    return this.connections.at(-1) as Connection;
  }

  /** Cuts every connection off, as a network does. */
  cut(): void {
    for (const one of this.connections) one.end({ code: null, reason: "cut" });
  }

  close(code: CloseCode, reason = ""): void {
    this.last.end({ code: CloseCode[code], reason });
  }

  accept(text: string, sender = "alice@localhost"): void {
    const sequence = (this.messages.at(-1)?.sequence ?? 0) + 1;
    const fixed = { inbox: "im:bob@localhost", contentType: "text/plain", acceptedAtMs: 1, lifetimeMs: null };
    this.messages.push({ ...fixed, sequence, sender, id: `m${sequence}`, body: utf8(text) });
    this.news.tell();
  }

  show(presentity: string, document: Document): void {
    this.presence.set(presentity, document);
    this.news.tell();
  }

  private async serve(connection: Connection, stream: ServedStream): Promise<void> {
    const kind = await stream.kind();
    if (this.isSilent) return;
    if (kind === 0) await this.control(connection, stream);
    else if (kind === 1) await this.question(stream);
    else if (kind === 2) await this.feed(connection, stream);
  }

  private async control(connection: Connection, stream: ServedStream): Promise<void> {
    const hello = (await stream.next()) as BodyOf<"Hello">;
    this.hellos.push(hello);
    stream.write(make("Challenge", { nonce: new Uint8Array(32).fill(7) }));
    await stream.next();
    const refused = this.entering(hello);
    stream.write(refused ?? make("Welcome", { version: 1, principal: hello.principal, durability: 1 }));
    if (refused) return connection.close(CloseCode["auth-failed"], "");
    for (let body = await stream.next(); body; body = await stream.next()) {
      if (this.isSilent || connection.isOver) return;
      this.requests.push(body as Request);
      const answer = this.answer(body as Request);
      if (!this.isMute) stream.write({ ...answer, request: (body as Request).request } as Body);
    }
  }

  private answer(request: Request): Body {
    const special = this.answering(request);
    if (special) return special;
    const name = "operation" in request && request.operation ? toHex(request.operation) : "";
    const known = this.done.get(name);
    if (known) return known;
    const answer = this.act(request);
    if (name && answer.type !== "Refused") this.done.set(name, answer);
    return answer;
  }

  private act(request: Request): Body {
    const { grantedMs } = this;
    switch (request.type) {
      case "Publish":
        if (request.document) this.show(request.presentity, request.document);
        return make("Published", { tag: crypto.getRandomValues(new Uint8Array(16)), grantedMs });
      case "Subscribe":
        return make("Subscribed", { state: 1, grantedMs });
      case "Send": {
        const duplicate = this.messages.some((one) => one.id === request.id);
        if (!duplicate) this.messages.push({ ...messageOf(request), sequence: this.messages.length + 1 });
        this.news.tell();
        return make("Sent", { duplicate });
      }
      case "Unsubscribe":
        return make("Unsubscribed");
      default:
        return make("Changed", { version: 1 });
    }
  }

  private async question(stream: ServedStream): Promise<void> {
    const question = (await stream.next()) as Body;
    if (question.type === "ServerInfo") {
      this.probes += 1;
      stream.write(make("ServerDescription", { version: 1 }));
    } else if (question.type === "Fetch") {
      stream.write(
        make("Presence", {
          presence: presenceOf(question.presentity, this.presence.get(question.presentity)),
        }),
      );
    } else if (HAS_ROWS[question.type]) stream.write(make("End"));
    else stream.write(make("Refused", { code: RefusalCode.forbidden, message: "no" }));
    stream.finish();
  }

  private async feed(connection: Connection, stream: ServedStream): Promise<void> {
    const opening = (await stream.next()) as BodyOf<"FeedOpen">;
    const [key, given] = fromUtf8(opening.cursor).split(":").map(Number);
    const isKnown = key === this.key && given !== undefined;
    const { fresh, resumed, anew } = FeedReadyOutcome;
    const outcome = isKnown ? resumed : given === undefined ? fresh : anew;
    const restored = outcome === anew && this.wasPutBack ? { restored: 1 } : {};
    const after = isKnown ? given : opening.kind === 2 ? this.acknowledged : 0;
    stream.write(
      make("FeedReady", { outcome, from: this.cursor(after), to: this.cursor(after), ...restored }),
    );
    void this.acks(stream, opening.kind);
    if (opening.kind === 2) await this.inboxFeed(connection, stream, after);
    else await this.presenceFeed(connection, stream, after);
  }

  private async acks(stream: ServedStream, kind: number): Promise<void> {
    for (let ack = await stream.next(); ack; ack = await stream.next()) {
      if (ack.type !== "FeedAck" || kind !== 2) continue;
      this.acknowledged = Math.max(this.acknowledged, Number(fromUtf8(ack.cursor).split(":")[1]));
      stream.write(make("FeedAcked", { cursor: ack.cursor }));
    }
  }

  private async inboxFeed(connection: Connection, stream: ServedStream, after: number): Promise<void> {
    let [at, number, isCaughtUp] = [after, 0, false];
    while (!connection.isOver) {
      for (const message of this.messages.filter(({ sequence }) => sequence > at)) {
        number += 1;
        at = message.sequence;
        stream.write(make("MessageEvent", { number, cursor: this.cursor(at), message }));
      }
      if (!isCaughtUp) stream.write(make("CaughtUp", { cursor: this.cursor(at) }));
      isCaughtUp = true;
      await this.news.wait();
    }
  }

  private changes = 0;

  private async presenceFeed(connection: Connection, stream: ServedStream, after: number): Promise<void> {
    const shown = new Map<string, Document>();
    let number = 0;
    // What was told of before a cursor is not told again.
    if (after > 0) for (const [presentity, document] of this.presence) shown.set(presentity, document);
    for (let isFirst = true; !connection.isOver; isFirst = false) {
      for (const [presentity, document] of this.presence) {
        if (shown.get(presentity) === document) continue;
        shown.set(presentity, document);
        number += 1;
        this.changes += 1;
        const presence = presenceOf(presentity, document);
        stream.write(make("PresenceEvent", { number, cursor: this.cursor(this.changes), presence }));
      }
      if (isFirst) stream.write(make("CaughtUp", { cursor: this.cursor(this.changes) }));
      await this.news.wait();
    }
  }

  private cursor(position: number): Uint8Array {
    return utf8(`${this.key}:${position}`);
  }
}

function messageOf({
  inbox,
  id,
  contentType,
  body,
  lifetimeMs,
}: BodyOf<"Send">): Omit<MessageBody, "sequence"> {
  return { inbox, sender: "bob@localhost", id, contentType, body, acceptedAtMs: 1, lifetimeMs };
}

function presenceOf(presentity: string, document: Document = { tuples: [], notes: [], markup: [] }) {
  return { presentity, state: 1, reason: 0, document };
}
