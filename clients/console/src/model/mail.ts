// Messages: what lies in the inbox, what was sent from here, and who is writing.

import {
  ChangeDeliveryReceipts,
  type Composing,
  type Inbox,
  type Letter,
  make,
  type ReceiptKind,
} from "../adsum.js";
import type { Ground } from "./ground.js";
import { withoutSending } from "./kept.js";
import { type Received, type Sending, type Thread, threads, withReceipt } from "./threads.js";

const WANTED: readonly ReceiptKind[] = ["delivered", "displayed", "failed", "expired"];
/** How often it is said that one writes. */
const COMPOSING_MS = 15_000;
/** After so long without another one, all that is kept was read. */
const QUIET_MS = 3_000;

/** The inbox and what was sent. */
export class Mail {
  /** With whom the conversation is that is shown; empty for none. */
  open = "";
  fault = "";
  isLoaded = false;
  givesReceipts = false;
  readonly writing = new Set<string>();
  private readonly received = new Map<number, Received>();
  private said = 0;
  private taking: Inbox | null = null;

  constructor(private readonly ground: Ground) {}

  /** Takes what is new, which acknowledges it, and reads once on each page what is kept from before. */
  async begin(): Promise<void> {
    this.ground.kept.sent = withoutSending(this.ground.kept.sent);
    this.taking = this.ground.client.inbox();
    this.read(this.taking);
    void this.readKept();
    await this.load();
  }

  /** Takes nothing any more. */
  end(): void {
    this.taking?.close();
  }

  load(): Promise<boolean> {
    return this.ground.act("delivery", "", async () => {
      const inbox = this.ground.client.ownInbox;
      const rows = await this.ground.client.ask("ListDelivery", { inbox });
      this.givesReceipts = rows.some((row) => row.type === "DeliveryState" && row.receipts);
    });
  }

  /** All conversations, the latest first. */
  get threads(): Thread[] {
    const { sent, readTo } = this.ground.kept;
    return threads(this.received.values(), sent, readTo);
  }

  /** Sends a message and shows it at once. */
  async send(to: string, text: string, id: string = crypto.randomUUID()): Promise<boolean> {
    this.put({ id, to, text, atMs: Date.now(), state: "sending" });
    const isSent = await this.ground.act(`send ${id}`, "", () =>
      this.ground.client.send(`im:${to}`, text, { id, receipts: WANTED }),
    );
    this.update(id, (sent) =>
      sent.state === "sending" ? { ...sent, state: isSent ? "sent" : "unsent" } : sent,
    );
    return isSent;
  }

  /** Sends again what was not; under its id, so that it arrives once. */
  again({ id, to, text }: Sending): Promise<boolean> {
    return this.send(to, text, id);
  }

  /** Says now and then that one writes; that it cannot be said is no fault to tell. */
  compose(to: string): void {
    if (Date.now() - this.said < COMPOSING_MS) return;
    this.said = Date.now();
    void this.ground.client.composing(`im:${to}`).catch(() => {});
  }

  /** The conversation is before its reader's eyes. */
  seen(thread: Thread): void {
    const unread = thread.lines.flatMap((line) => (line.mine ? [] : [line.received.sequence]));
    const latest = Math.max(0, ...unread);
    const before = this.ground.kept.readTo[thread.with] ?? 0;
    if (latest <= before) return;
    this.ground.kept.readTo[thread.with] = latest;
    this.ground.save();
    for (const sequence of unread.filter((one) => one > before)) {
      void this.ground.client.displayed(sequence).catch(() => {});
    }
    queueMicrotask(() => this.ground.changed());
  }

  /** Deletes a message that came, for all devices. */
  delete(sequence: number): Promise<boolean> {
    return this.ground.act(`delete ${sequence}`, "The message is deleted.", async () => {
      await this.ground.client.delete(sequence);
      this.received.delete(sequence);
    });
  }

  /** Whether senders are told when a message has come and was read. */
  giveReceipts(gives: boolean): Promise<boolean> {
    const receipts = gives
      ? ChangeDeliveryReceipts["to-senders-that-ask"]
      : ChangeDeliveryReceipts["no-receipts"];
    return this.ground.act("receipts", gives ? "Senders are told." : "Senders are not told.", async () => {
      const inbox = this.ground.client.ownInbox;
      const operation = crypto.getRandomValues(new Uint8Array(16));
      await this.ground.client.request(make("ChangeDelivery", { inbox, operation, receipts }));
      this.givesReceipts = gives;
    });
  }

  private read(inbox: Inbox): void {
    inbox.addEventListener("message", ({ detail }) => this.message(detail));
    inbox.addEventListener("receipt", ({ detail }) => this.receipt(detail));
    inbox.addEventListener("composing", ({ detail }) => this.composing(detail));
    inbox.addEventListener("error", ({ detail }) => this.failed(detail));
  }

  /** Closes what it read from as soon as nothing more comes, because a device has few such at once. */
  private async readKept(): Promise<void> {
    const kept = this.ground.client.inbox({ fromStart: true, keep: true });
    let count = -1;
    kept.addEventListener("message", ({ detail }) => this.message(detail));
    kept.addEventListener("receipt", ({ detail }) => this.receipt(detail));
    await kept.caughtUp().catch((error) => this.failed(error));
    this.isLoaded = true;
    this.ground.changed();
    while (count !== this.received.size) {
      count = this.received.size;
      await new Promise((done) => setTimeout(done, QUIET_MS));
    }
    kept.close();
  }

  private failed(error: unknown): void {
    this.fault = this.ground.fault(error);
    this.ground.changed();
  }

  private message({ sequence, sender, text, message, isWithheld }: Letter): void {
    this.fault = "";
    const atMs = message?.acceptedAtMs ?? 0;
    const isText = /^text\//.test(message?.contentType ?? "");
    this.received.set(sequence, { sequence, sender, text, atMs, isText, isWithheld });
    this.writing.delete(sender);
    this.ground.changed();
  }

  private receipt({ id, receipt, receiptKind }: Letter): void {
    if (receiptKind) this.update(id, (sent) => withReceipt(sent, receiptKind, receipt?.reason ?? ""));
  }

  private composing({ sender, isActive, refreshMs }: Composing): void {
    if (isActive) this.writing.add(sender);
    else this.writing.delete(sender);
    if (isActive) setTimeout(() => this.stopped(sender), Math.min(refreshMs, 2 * COMPOSING_MS));
    this.ground.changed();
  }

  private stopped(sender: string): void {
    this.writing.delete(sender);
    this.ground.changed();
  }

  private put(sending: Sending): void {
    const { kept } = this.ground;
    kept.sent = [...kept.sent.filter(({ id }) => id !== sending.id), sending];
    this.ground.save();
    this.ground.changed();
  }

  private update(id: string, change: (sent: Sending) => Sending): void {
    const { kept } = this.ground;
    kept.sent = kept.sent.map((sent) => (sent.id === id ? change(sent) : sent));
    this.ground.save();
    this.ground.changed();
  }
}
