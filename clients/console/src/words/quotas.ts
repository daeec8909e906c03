// What somebody may take of what all share, in words. Pure.

import type { Act, QuotaState } from "../adsum.js";

const QUOTAS: Readonly<Record<string, string>> = {
  "log-bytes-a-day": "Written within a day",
  "events-a-second": "Changes in a second",
  "message-ids-remembered": "Messages sent within 30 days",
  "rules-bytes": "Size of all rules",
  "feeds-a-minute": "Pages opened within a minute",
  subscriptions: "People followed",
  "invites-open": "Invites that are open",
  "messages-waiting-of-sender": "Unread messages in one inbox",
  "messages-stored-of-sender": "Unread messages in all inboxes",
};
const SOURCES = ["the server", "the domain", "for this person"];
const ACTS = [
  "did something",
  "was shown who watches",
  "ended a subscription",
  "suspended the name",
  "lifted the suspension",
  "signed a device out",
  "switched services",
  "started a recovery of the name",
  "set a limit",
  "erased the person",
];

/** What a quota is of. */
export function quotaName(word: string): string {
  return QUOTAS[word] ?? word;
}

/** An amount of it. */
export function quotaAmount(word: string, amount: number): string {
  return word.includes("bytes") ? bytes(amount) : amount.toLocaleString("en");
}

/** Who says how much there may be. */
export function quotaSource({ source }: QuotaState): string {
  return SOURCES[source] ?? "somebody";
}

/** What an administrator did. */
export function actWords({ act, about }: Act): string {
  return `${ACTS[act] ?? ACTS[0]}${about ? `: ${about}` : ""}`;
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** `4.3 GB`. */
export function bytes(amount: number): string {
  let [left, unit] = [amount, 0];
  while (left >= 1_000 && unit < UNITS.length - 1) [left, unit] = [left / 1_000, unit + 1];
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${UNITS[unit]}`;
}
