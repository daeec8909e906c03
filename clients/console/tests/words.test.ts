// Names, times, rules and faults in words.

import { expect, test } from "vitest";
import { AccessRuleFetch, AdsumError, make, Refused, rule, status } from "../src/adsum.js";
import { faultWords } from "../src/words/faults.js";
import { hue, likelyDomain, shortName, typed } from "../src/words/names.js";
import { contactsOf, notesOf, standingOf } from "../src/words/presence.js";
import { bytes, quotaAmount } from "../src/words/quotas.js";
import { does, preview, whom } from "../src/words/rules.js";
import { DAY, dayName, fromNow } from "../src/words/times.js";

const NOW = new Date(2026, 10, 27, 15, 0).getTime();

test.each([
  ["bob", "bob@localhost"],
  [" bob@example.org ", "bob@example.org"],
  ["pres:bob@example.org", "bob@example.org"],
  ["", ""],
  ["two words", ""],
  ["@example.org", ""],
  ["a@b@c", ""],
])("what is typed as %j is the name %j", (text, name) => {
  expect(typed(text, "localhost")).toBe(name);
});

test("the domain is guessed from the address of the page", () => {
  expect(likelyDomain("127.0.0.1")).toBe("localhost");
  expect(likelyDomain("[::1]")).toBe("localhost");
  expect(likelyDomain("chat.example.org")).toBe("chat.example.org");
});

test("a name is shortened only in its own domain, and always has the same colour", () => {
  expect(shortName("bob@localhost", "localhost")).toBe("bob");
  expect(shortName("bob@example.org", "localhost")).toBe("bob@example.org");
  expect(hue("bob@localhost")).toBe(hue("bob@localhost"));
  expect(hue("bob@localhost")).toBeLessThan(8);
});

test.each([
  [NOW - 2_000, "just now"],
  [NOW - 3 * 60_000, "3 minutes ago"],
  [NOW - 119 * 60_000, "1 hour ago"],
  [NOW - DAY, "yesterday"],
  [NOW + 6 * DAY + 1, "in 6 days"],
  [NOW + 20_000, "in less than a minute"],
])("times are told from now", (at, words) => {
  expect(fromNow(at, NOW)).toBe(words);
});

test("days have the names that one uses for them", () => {
  expect(dayName(NOW - 60_000, NOW)).toBe("Today");
  expect(dayName(NOW - DAY, NOW)).toBe("Yesterday");
  expect(dayName(NOW - 2 * DAY, NOW)).toBe("Wednesday 25 November");
});

test("a document is here, away or nothing, and says its notes", () => {
  expect(standingOf(status({ basic: "open" }))).toBe("here");
  expect(standingOf(status({ basic: "closed" }))).toBe("away");
  expect(standingOf({ tuples: [], notes: [], markup: [] })).toBe("unknown");
  expect(notesOf(status({ note: "at my desk" }))).toBe("at my desk");
});

test("an address is a link only where a click can do no harm", () => {
  expect(contactsOf(status({ contact: "tel:+4930123" }))).toEqual([
    { text: "+4930123", href: "tel:+4930123" },
  ]);
  expect(contactsOf(status({ contact: "javascript:alert(1)" }))).toEqual([
    { text: "javascript:alert(1)", href: null },
  ]);
  expect(contactsOf(status({ contact: "im:bob@localhost" }))).toEqual([]);
});

test("rules are told in words", () => {
  expect(does(rule("bob@localhost", "allow"))).toBe("may see you");
  expect(does(rule("bob@localhost", "polite-block"))).toBe("always sees you as away");
  const shown = { tuples: null, notes: false, contact: true, markup: true };
  expect(does(rule("bob@localhost", "allow", { shown }))).toBe("may see you, without your note");
  // What is shown matters only to those who may see something.
  expect(does(rule("bob@localhost", "block", { shown }))).toBe("is turned away");
  const half = rule("bob@localhost", "allow", { subscribe: AccessRuleFetch["says-nothing"] });
  expect(does(half)).toBe("looking once: may see you");
  expect(does(rule("bob@localhost", "allow", { untilMs: NOW }))).toBe(
    "may see you, until 27 Nov 2026, 15:00",
  );
});

test.each([
  ["everyone", "Anyone at all"],
  ["authenticated", "Everyone who has a name"],
  ["anonymous", "Anyone without a name"],
  ["@example.org", "Everyone at example.org"],
  ["bob@example.org", "bob@example.org"],
])("a rule about %s is about %s", (who, words) => {
  expect(whom(who)).toBe(words);
});

test("a preview says what is seen, and why", () => {
  const said = make("Explanation", {
    subscribe: AccessRuleFetch.allow,
    subscribeRule: "@localhost",
    subscribeShown: { tuples: null, notes: true, contact: false, markup: true },
    byDomain: true,
  });
  expect(preview("bob@localhost", said)).toEqual({
    handling: "allow",
    sees: "bob@localhost may see you, without your addresses.",
    why: "Your rule about “Everyone at localhost” says so. A rule of your domain takes something away.",
  });
});

test("a fault says what to do, and one that is not known what the server said", () => {
  expect(faultWords(new Refused(19, "whatever"))).toMatch(/full.*later/);
  expect(faultWords(new AdsumError("the moon is full", "moon"))).toBe("The moon is full.");
  expect(faultWords(new Error("odd!"))).toBe("Odd!");
});

test("amounts are rounded to what one reads", () => {
  expect(bytes(999)).toBe("999 bytes");
  expect(bytes(4_294_967_296)).toBe("4.3 GB");
  expect(quotaAmount("rules-bytes", 400_000)).toBe("400 kB");
  expect(quotaAmount("subscriptions", 1_000)).toBe("1,000");
});
