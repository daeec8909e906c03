// Conversations, the time line, figures, invite links and QR codes.

import { generate } from "lean-qr";
import { expect, test } from "vitest";
import { type Change, ChangeWhat, make, status } from "../src/adsum.js";
import { readInvitation, writeInvitation } from "../src/model/link.js";
import { FIGURES, path, points, readFigures, total } from "../src/model/metrics.js";
import {
  type Received,
  type Sending,
  sentWords,
  threads,
  unreadOf,
  withReceipt,
} from "../src/model/threads.js";
import { changeWords, days } from "../src/model/timeline.js";
import { squares } from "../src/view/qr.js";
import { DAY } from "../src/words/times.js";

const MIDNIGHT = new Date(2026, 10, 27).getTime();
const HOUR = DAY / 24;

const received = (sequence: number, sender: string, atMs: number): Received => ({
  sequence,
  sender,
  atMs,
  text: `message ${sequence}`,
  isText: true,
  isWithheld: false,
});
const sent = (id: string, to: string, atMs: number): Sending => ({ id, to, atMs, text: id, state: "sent" });

test("conversations hold both sides in order, the latest one first", () => {
  const letters = [received(1, "bob", 10), received(2, "carol", 20), received(3, "bob", 40)];
  const all = threads(letters, [sent("a", "bob", 30)], { bob: 1 });
  expect(all.map((one) => one.with)).toEqual(["bob", "carol"]);
  expect(all[0]?.lines.map(({ atMs }) => atMs)).toEqual([10, 30, 40]);
  expect(all.map(({ unread }) => unread)).toEqual([1, 1]);
  expect(unreadOf(all)).toBe(2);
});

test("a receipt moves a message on and never back", () => {
  const read = withReceipt(sent("a", "bob", 1), "displayed", "");
  expect(sentWords(read)).toBe("Read");
  expect(withReceipt(read, "delivered", "")).toBe(read);
  expect(sentWords(withReceipt(sent("a", "bob", 1), "failed", "too large"))).toBe("Not delivered: too large");
});

const change = (atMs: number, what: keyof typeof ChangeWhat, basic?: "open" | "closed", device = 1): Change =>
  make("Change", {
    atMs,
    what: ChangeWhat[what],
    device: new Uint8Array(8).fill(device),
    document: basic ? status({ basic, note: "so" }) : null,
  });

test("a day shows from when to when one was here, over all devices", () => {
  const changes = [
    change(MIDNIGHT + 18 * HOUR, "ran-out", undefined, 2),
    change(MIDNIGHT + 12 * HOUR, "removed"),
    change(MIDNIGHT + 9 * HOUR, "published", "closed", 2),
    change(MIDNIGHT + 6 * HOUR, "published", "open"),
  ];
  const [day] = days(changes, MIDNIGHT + DAY);
  expect(day?.stretches).toEqual([
    { from: 0.25, to: 0.375, standing: "here" },
    { from: 0.375, to: 0.5, standing: "here" },
    { from: 0.5, to: 0.75, standing: "away" },
  ]);
});

test("what lasts over midnight is shown on both days, and ends now", () => {
  const changes = [
    change(MIDNIGHT + 6 * HOUR, "published", "closed"),
    change(MIDNIGHT - 6 * HOUR, "published", "open"),
  ];
  const found = days(changes, MIDNIGHT + 12 * HOUR);
  expect(found.map(({ stretches }) => stretches)).toEqual([
    [
      { from: 0, to: 0.25, standing: "here" },
      { from: 0.25, to: 0.5, standing: "away" },
    ],
    [{ from: 0.75, to: 1, standing: "here" }],
  ]);
});

test("changes are told in words", () => {
  expect(changeWords(change(1, "published", "open"))).toEqual({
    standing: "here",
    title: "Here",
    note: "so",
  });
  expect(changeWords(change(1, "removed")).title).toBe("Stopped showing anything");
});

const reading = (answers: number, atMs: number) =>
  readFigures(
    `# HELP adsum_answers_total answers\nadsum_answers_total{kind="send",code="ok"} ${answers}\n` +
      `adsum_answers_total{kind="hello",code="ok"} 1\nadsum_view_entries{view="feeds"} 3\nadsum_disk_bytes 9000\n`,
    atMs,
  );

test("figures are read, summed over labels and told by the second", () => {
  const readings = [reading(9, 0), reading(29, 2_000), reading(0, 4_000)];
  expect(total(readings[0] as never, "adsum_answers_total")).toBe(10);
  const [requests] = FIGURES;
  // A count that went back is one of a server that began anew.
  expect(points(requests as never, readings)).toEqual([null, 10, null]);
  const feeds = FIGURES.find(({ title }) => title === "Live followers");
  expect(points(feeds as never, readings)).toEqual([3, 3, 3]);
  const memory = FIGURES.find(({ title }) => title === "Memory");
  expect(points(memory as never, readings)).toEqual([null, null, null]);
});

test("a line leaves gaps where nothing is known, and ends at the right", () => {
  expect(path([1, null, 2], 20, 10, 3)).toBe("M0.0 5.0M20.0 0.0");
  expect(path([4, 8], 20, 10, 3)).toBe("M10.0 5.0L20.0 0.0");
});

test("an invite link says token and name, and reads back", () => {
  const link = writeInvitation("https://example.org/console/#/devices", {
    token: "abc",
    name: "bob@localhost",
  });
  expect(link).toBe("https://example.org/console/#invite=abc&name=bob@localhost");
  expect(readInvitation(new URL(link).hash)).toEqual({ token: "abc", name: "bob@localhost" });
  expect(readInvitation("#/messages/bob")).toBeNull();
});

test("a QR code is a square for each dark place, beside a margin", () => {
  const code = generate("adsum");
  const dark = Array.from({ length: code.size ** 2 }, (_, at) =>
    code.get(at % code.size, Math.floor(at / code.size)),
  );
  expect(squares(code).split("M").length - 1).toBe(dark.filter(Boolean).length);
  // The finder pattern begins in the corner.
  expect(squares(code)).toMatch(/^M4 4h1v1h-1z/);
});
