// What every part of the console stands on: the client, whose it is, and how to act, say and show again.

import type { Client } from "../adsum.js";
import { faultWords } from "../words/faults.js";
import { type Kept, saveKept } from "./kept.js";

/** A question to answer before something is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly act: () => Promise<unknown>;
}

/** What is said at the foot of the page. */
export interface Notice {
  readonly text: string;
  readonly isFault: boolean;
}

const NOTICE_MS = 6_000;

/** Shared by all parts of a page. */
export class Ground {
  notice: Notice | null = null;
  question: Question | null = null;
  /** What is being done, so that it is not begun twice. */
  readonly busy = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `changed` has the page shown again; `heard` is told of every fault. */
  constructor(
    readonly client: Client,
    readonly me: string,
    readonly domain: string,
    readonly kept: Kept,
    readonly changed: () => void,
    private readonly heard: (error: unknown) => void,
  ) {}

  /** What went wrong, in words. */
  fault(error: unknown): string {
    this.heard(error);
    return faultWords(error);
  }

  /** Does it; says `done` when it is done, or what went wrong. Whether it was done. */
  async act(name: string, done: string, doing: () => Promise<unknown>): Promise<boolean> {
    if (this.busy.has(name)) return false;
    this.busy.add(name);
    this.changed();
    try {
      await doing();
      if (done) this.say(done);
      return true;
    } catch (error) {
      this.say(this.fault(error), true);
      return false;
    } finally {
      this.busy.delete(name);
      this.changed();
    }
  }

  /** Asks before it is done. */
  ask(question: Question): void {
    this.question = question;
    this.changed();
  }

  /** Says something at the foot of the page; faults stay until they are closed. */
  say(text: string, isFault = false): void {
    clearTimeout(this.timer);
    this.notice = { text, isFault };
    if (!isFault) this.timer = setTimeout(() => this.hush(), NOTICE_MS);
    this.changed();
  }

  hush(): void {
    this.notice = null;
    this.changed();
  }

  save(): void {
    saveKept(this.me, this.kept);
  }
}
