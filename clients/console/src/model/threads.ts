// Conversations, made of what lies in the inbox and what this browser sent. Pure.

import type { ReceiptKind } from "../adsum.js";

/** A message that came. */
export interface Received {
  readonly sequence: number;
  readonly sender: string;
  readonly text: string;
  readonly atMs: number;
  /** Whether it is text that can be shown. */
  readonly isText: boolean;
  /** Whether this device came too late to be shown it. */
  readonly isWithheld: boolean;
}

/** A message that was sent from this browser. */
export interface Sending {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  readonly atMs: number;
  /** What is known of it: `sending`, `failed` before it arrived, or what receipts say. */
  readonly state: "sending" | "unsent" | "sent" | ReceiptKind;
  readonly reason?: string;
}

/** One of a conversation. */
export type Line =
  | { readonly mine: true; readonly atMs: number; readonly sent: Sending }
  | { readonly mine: false; readonly atMs: number; readonly received: Received };

/** A conversation with somebody, oldest line first. */
export interface Thread {
  readonly with: string;
  readonly lines: readonly Line[];
  readonly unread: number;
}

/** All conversations, the latest first. `readTo` is up to which sequence each was read. */
export function threads(
  received: Iterable<Received>,
  sent: Iterable<Sending>,
  readTo: Readonly<Record<string, number>>,
): Thread[] {
  const byName = new Map<string, Line[]>();
  const add = (name: string, line: Line) => byName.set(name, [...(byName.get(name) ?? []), line]);
  for (const one of received) add(one.sender, { mine: false, atMs: one.atMs, received: one });
  for (const one of sent) add(one.to, { mine: true, atMs: one.atMs, sent: one });
  const all = [...byName].map(([name, lines]) => thread(name, lines, readTo[name] ?? 0));
  return all.sort((a, b) => latest(b) - latest(a));
}

function thread(name: string, lines: Line[], readTo: number): Thread {
  lines.sort((a, b) => a.atMs - b.atMs);
  const unread = lines.filter((line) => !line.mine && line.received.sequence > readTo).length;
  return { with: name, lines, unread };
}

function latest({ lines }: Thread): number {
  return lines.at(-1)?.atMs ?? 0;
}

/** How many messages nobody read yet. */
export function unreadOf(all: readonly Thread[]): number {
  return all.reduce((sum, { unread }) => sum + unread, 0);
}

const ORDER = ["sending", "unsent", "sent", "stored", "delivered", "displayed", "failed", "expired"];

/** What is known of a message once a receipt has come; an older receipt changes nothing. */
export function withReceipt(sent: Sending, kind: ReceiptKind, reason: string): Sending {
  if (ORDER.indexOf(kind) <= ORDER.indexOf(sent.state)) return sent;
  return { ...sent, state: kind, reason };
}

/** What is known of a message, in words. */
export function sentWords({ state, reason }: Sending): string {
  if (state === "failed") return reason ? `Not delivered: ${reason}` : "Not delivered";
  return {
    sending: "Sending…",
    unsent: "Not sent",
    sent: "Sent",
    stored: "Sent",
    delivered: "Delivered",
    displayed: "Read",
    expired: "Ran out unread",
  }[state];
}
