// What this browser keeps for a person beside the package's own store: choices, whom one follows, what was sent and read.

import type { Sending } from "./threads.js";

const SENT_MAX = 500;

/** What one shows of oneself. */
export interface Choice {
  readonly shows: "here" | "away" | "nothing";
  readonly note: string;
}

/** All that is kept. */
export interface Kept {
  choice: Choice;
  people: string[];
  sent: Sending[];
  readTo: Record<string, number>;
}

const nothing = (): Kept => ({ choice: { shows: "here", note: "" }, people: [], sent: [], readTo: {} });
const nameOf = (me: string) => `adsum console ${me}`;

/** What is kept for `me`; nothing where it cannot be read. */
export function loadKept(me: string): Kept {
  try {
    return { ...nothing(), ...(JSON.parse(localStorage.getItem(nameOf(me)) ?? "{}") as Partial<Kept>) };
  } catch {
    return nothing();
  }
}

/** What a page before was sending when it was closed; nobody waits for it any more. */
export function withoutSending(sent: readonly Sending[]): Sending[] {
  return sent.map((one) => (one.state === "sending" ? { ...one, state: "unsent" } : one));
}

/** Whether an event of the browser says that another page has changed it. */
export function isOfKept(event: StorageEvent, me: string): boolean {
  return event.key === nameOf(me);
}

/** Keeps it; a browser that keeps nothing is lived with. */
export function saveKept(me: string, kept: Kept): void {
  kept.sent = kept.sent.slice(-SENT_MAX);
  try {
    localStorage.setItem(nameOf(me), JSON.stringify(kept));
  } catch {
    // The page works as before; only the next one knows less.
  }
}

/** What to call this device, until its owner says it. */
export function deviceLabel(agent: string): string {
  const browser = /Firefox/.test(agent)
    ? "Firefox"
    : /Chrom/.test(agent)
      ? "Chrome"
      : /Safari/.test(agent)
        ? "Safari"
        : "Browser";
  const machine = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((word) =>
    agent.includes(word),
  );
  return machine ? `${browser} on ${machine}` : browser;
}
