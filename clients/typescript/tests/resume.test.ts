// `docs/resume.json`, the cases of resuming that the clients in all languages run, and a model of a server.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromUtf8, make, utf8 } from "../src/codec.js";
import { type AdsumError, ProtocolViolation, wordOf } from "../src/errors.js";
import { FeedReadyOutcome, REQUESTS_IN_FLIGHT_MAX, RefusalCode } from "../src/protocol.js";
import { BackOff } from "../src/resume/back-off.js";
import {
  type FeedKind,
  FeedResume,
  type Handed,
  NOWHERE,
  type Position,
  type Unsaved,
} from "../src/resume/feed.js";
import { type Answer, Requests } from "../src/resume/requests.js";

interface Step {
  do: string;
  fault?: boolean;
  cursor: string;
  sequence?: number;
  outcome: keyof typeof FeedReadyOutcome;
  number: number;
  position: number;
  key: number;
  through?: number;
  item: number | null;
  anew: boolean;
  count: number;
  handed: number;
  is: boolean;
  name: string;
  kind: "Send";
  again?: boolean;
  numbers: number[];
  names: string[];
  with: RefusalCode | "done";
  resolved: [name: string, outcome: string] | null;
  ms: number;
  random: "most" | "least";
}

interface Case {
  name: string;
  kind: FeedKind;
  from_start?: boolean;
  position?: { cursor: string; sequence: number };
  steps: Step[];
}

const CASES: { feeds: Case[]; requests: Case[]; back_off: Case[] } = JSON.parse(
  readFileSync(new URL("../../../docs/resume.json", import.meta.url), "utf8"),
);

const shown = (cursor: Uint8Array | null | undefined): string | null => (cursor ? fromUtf8(cursor) : null);

class Feed {
  private readonly resume: FeedResume<number>;
  private readonly handed: Handed<number>[] = [];
  private saved: Position;

  constructor(private readonly one: Case) {
    const { position } = one;
    this.saved = position ? { cursor: utf8(position.cursor), sequence: position.sequence } : NOWHERE;
    this.resume = new FeedResume(one.kind, this.saved, one.from_start);
  }

  take(step: Step): void {
    const { resume } = this;
    switch (step.do) {
      case "open":
        expect(shown(resume.open())).toBe(step.cursor);
        break;
      case "ready":
        resume.ready(FeedReadyOutcome[step.outcome], utf8(step.cursor));
        break;
      case "arrived":
        this.arrive(step);
        break;
      case "caught-up":
        resume.caughtUp(utf8(step.cursor));
        break;
      case "lost":
        resume.lost();
        break;
      case "next":
        this.next(step);
        break;
      case "drain":
        for (let count = step.count; count > 0; count--)
          this.handed.push(resume.nextItem() as Handed<number>);
        expect(resume.nextItem()).toBeNull();
        break;
      case "taken":
        resume.taken((this.handed[step.handed - 1] as Handed<number>).number);
        break;
      case "save":
        this.save();
        break;
      case "acknowledged":
        resume.acknowledged(utf8(step.cursor));
        break;
      default:
        this.look(step);
    }
  }

  private arrive(step: Step): void {
    const [first, position] = [step.number, step.position];
    for (let number = first; number <= (step.through ?? first); number++) {
      const item = position + number - first;
      const sequence = this.one.kind === "presence" ? 0 : item;
      this.resume.arrived({ number, cursor: utf8(`${step.key}:${item}`), sequence, bytes: 10, item });
    }
  }

  private next(step: Step): void {
    const next = this.resume.nextItem();
    expect(next?.item ?? null).toBe(step.item);
    if (!next) return;
    expect(next.anew).toBe(step.anew);
    this.handed.push(next);
  }

  private save(): void {
    const unsaved = this.resume.unsaved();
    if (!unsaved) return;
    this.saved = unsaved.position;
    this.resume.isSaved(unsaved);
  }

  private look(step: Step): void {
    const { resume } = this;
    switch (step.do) {
      case "unsaved":
        return isPosition(resume.unsaved()?.position ?? null, step);
      case "saved":
        return isPosition(this.saved, step);
      case "acknowledgement":
        return expect(shown(resume.nextAcknowledgement())).toBe(step.cursor);
      case "settled":
        return expect(resume.isSettled()).toBe(step.is);
      case "room":
        return expect(resume.hasRoom()).toBe(step.is);
      case "caught-up-now":
        return expect(resume.isCaughtUp()).toBe(step.is);
      case "must-reopen":
        return expect(resume.mustReopen()).toBe(step.is);
      default:
        throw new Error(`${step.do} is no step`);
    }
  }
}

function isPosition(position: Position | null, step: Step): void {
  expect(shown(position?.cursor)).toBe(step.cursor);
  if (step.sequence !== undefined) expect(position?.sequence).toBe(step.sequence);
}

class Asked {
  private readonly requests = new Requests<string>();

  take(step: Step): void {
    const { requests } = this;
    switch (step.do) {
      case "submit":
        return requests.submit(make(step.kind), step.name, step.again === true);
      case "write":
        return expect(written(requests)).toEqual(step.numbers);
      case "connected":
        return requests.connected();
      case "abandon":
        return expect(requests.abandonWritten()).toEqual(step.names);
      default: {
        const resolved = requests.answered(answer(step.number, step.with));
        const found = resolved && [resolved.token, outcome(resolved.answer)];
        expect(found).toEqual(step.resolved);
      }
    }
  }
}

function written(requests: Requests<string>): number[] {
  const numbers: number[] = [];
  for (let next = requests.nextToWrite(); next; next = requests.nextToWrite()) numbers.push(next.request);
  return numbers;
}

function answer(request: number, said: RefusalCode | "done"): Answer & { request: number } {
  if (said === "done") return make("Sent", { request });
  return make("Refused", { request, code: RefusalCode[said] });
}

function outcome(found: Answer): string | undefined {
  return found.type === "Refused" ? wordOf(RefusalCode, found.code) : "done";
}

/** Takes each step of a case, and expects a fault where there is to be one. */
function run(steps: Step[], take: (step: Step) => void): void {
  for (const step of steps) {
    if (step.fault) expect(() => take(step), JSON.stringify(step)).toThrow(ProtocolViolation);
    else take(step);
  }
}

describe("feeds", () => {
  test.each(CASES.feeds)("$name", (one) => {
    const feed = new Feed(one);
    run(one.steps, (step) => feed.take(step));
  });
});

describe("requests", () => {
  test.each(CASES.requests)("$name", ({ steps }) => {
    const asked = new Asked();
    run(steps, (step) => asked.take(step));
  });

  test("there is room for a bounded number", () => {
    const requests = new Requests<number>();
    for (let one = 0; one < REQUESTS_IN_FLIGHT_MAX; one++) requests.submit(make("Send"), one);
    expect(requests.hasRoom()).toBe(false);
  });

  test("what nobody waits for is not sent, and its answer still counts", () => {
    const requests = new Requests<string>();
    requests.submit(make("Send"), "a");
    expect(written(requests)).toEqual([1]);
    requests.submit(make("Send"), "b");
    requests.withdraw("a");
    requests.withdraw("b");
    expect([requests.isWritten("a"), requests.unanswered()]).toEqual([true, []]);
    expect(written(requests)).toEqual([]);
    expect(requests.answered(answer(1, "done"))?.token).toBe("a");
    requests.submit(make("Send"), "c");
    expect(written(requests)).toEqual([2]);
    requests.withdraw("c");
    requests.connected();
    expect(written(requests), "it is not repeated either").toEqual([]);
  });
});

describe("back-off", () => {
  test.each(CASES.back_off)("$name", ({ steps }) => {
    const backOff = new BackOff();
    for (const step of steps) {
      if (step.do === "stay-away") backOff.stayAway(step.ms);
      else if (step.do === "lost-after") backOff.lostAfter(step.ms);
      else expect(backOff.nextWait(step.random === "most" ? 1 : 0)).toBe(step.ms);
    }
  });
});

/** A server with one inbox, and a client that is cut off, killed and met with new keys. */
class World {
  private head = 0;
  private acknowledged = 0;
  private key = 0;
  private sent = { number: 0, position: 0 };
  private feed = new FeedResume<number>("inbox");
  private position = NOWHERE;
  private saving: Unsaved | null = null;
  private out: Handed<number>[] = [];
  private expected = 1;
  /** What may come again, each once: what was not acknowledged when the server forgot its key. */
  private again: number[] = [];

  constructor() {
    this.cut();
  }

  private cursor(position: number): Uint8Array {
    return utf8(`${this.key}:${position}`);
  }

  cut(): void {
    this.feed.lost();
    const [key, position] = fromUtf8(this.feed.open()).split(":").map(Number);
    const isKnown = key === this.key && position !== undefined;
    const after = isKnown ? position : this.acknowledged;
    this.sent = { number: 0, position: after };
    const { fresh, resumed, anew } = FeedReadyOutcome;
    this.feed.ready(isKnown ? resumed : position === undefined ? fresh : anew, this.cursor(after));
  }

  accept(): void {
    this.head += 1;
  }

  send(): void {
    if (this.sent.position >= this.head || !this.feed.hasRoom()) return;
    const [number, item] = [this.sent.number + 1, this.sent.position + 1];
    this.sent = { number, position: item };
    this.feed.arrived({ number, cursor: this.cursor(item), sequence: item, bytes: 10, item });
  }

  hand(): void {
    const one = this.feed.nextItem();
    if (!one) return;
    if (one.item !== this.expected) {
      expect(this.again, "only what was not acknowledged comes again").toContain(one.item);
      this.again = this.again.slice(this.again.indexOf(one.item) + 1);
    }
    this.expected = one.item + 1;
    this.out.push(one);
  }

  take(): void {
    const half = Math.floor(this.out.length / 2);
    const one = this.out[half];
    if (!one) return;
    this.feed.taken(one.number);
    this.out = this.out.slice(half + 1);
  }

  save(): void {
    if (this.saving) this.feed.isSaved(this.saving);
    this.saving = this.feed.unsaved();
    if (!this.saving) return;
    const { position } = this.saving;
    const keys = [position, this.position].map((one) => fromUtf8(one.cursor).split(":")[0]);
    if (keys[0] === keys[1]) expect(position.sequence).toBeGreaterThanOrEqual(this.position.sequence);
    this.position = position;
  }

  acknowledge(): void {
    const sent = this.feed.nextAcknowledgement();
    if (!sent) return;
    const [key, position] = fromUtf8(sent).split(":").map(Number) as [number, number];
    expect(key, "a cursor of another key was sent back").toBe(this.key);
    this.acknowledged = Math.max(this.acknowledged, position);
    this.feed.acknowledged(sent);
    expect(this.acknowledged).toBeLessThanOrEqual(this.savedAt());
  }

  private savedAt(): number {
    return Number(fromUtf8(this.position.cursor).split(":")[1] ?? 0);
  }

  forgetKey(): void {
    this.key += 1;
    this.again.push(this.acknowledged + 1);
    this.cut();
  }

  crash(): void {
    const isKnown = Number(fromUtf8(this.position.cursor).split(":")[0]) === this.key;
    this.feed = new FeedResume("inbox", this.position);
    this.out = [];
    this.saving = null;
    this.expected = (isKnown && this.position.cursor.length > 0 ? this.savedAt() : this.acknowledged) + 1;
    this.cut();
  }

  /** Everything is done that can be; each message was seen. */
  finish(): void {
    for (let round = 0; round < 3 * this.head + 10; round++) {
      for (const act of ["send", "hand", "take", "save", "acknowledge"] as const) this[act]();
    }
    expect(this.expected).toBe(this.head + 1);
  }
}

test("each message is handed out once and in order, whatever is lost", () => {
  const acts = (
    "accept accept accept accept send send send send send send hand hand hand hand hand hand take take take take " +
    "save save save acknowledge acknowledge acknowledge cut forgetKey crash"
  ).split(" ") as (
    | "accept"
    | "send"
    | "hand"
    | "take"
    | "save"
    | "acknowledge"
    | "cut"
    | "forgetKey"
    | "crash"
  )[];
  let seed = 7;
  for (let round = 0; round < 300; round++) {
    const world = new World();
    for (let step = 0; step < 200; step++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const act = acts[(seed >> 8) % acts.length];
      if (act) world[act]();
    }
    world.finish();
  }
});

test("a fault is told with the word of the protocol", () => {
  const feed = new FeedResume<number>("inbox");
  feed.open();
  feed.ready(FeedReadyOutcome.fresh, utf8("0:0"));
  const arrive = () => feed.arrived({ number: 2, cursor: utf8("0:2"), sequence: 2, bytes: 10, item: 2 });
  expect(arrive).toThrow("event 2 of a feed came where 1 is due");
  try {
    arrive();
  } catch (error) {
    expect((error as AdsumError).code).toBe("protocol");
  }
});
