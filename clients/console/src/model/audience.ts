// Who sees me: requests to answer, who watches, and the rules.

import {
  type AccessRule,
  type Explanation,
  type FieldsOf,
  type Handling,
  rule,
  type WatcherBody,
  WatcherBodyState,
  type Audience as WatcherStream,
} from "../adsum.js";
import type { Ground } from "./ground.js";

/** A rule as a person makes it. */
export interface Wanted {
  readonly who: string;
  readonly handling: Handling;
  readonly notes: boolean;
  readonly contact: boolean;
}

/** Watchers and rules. */
export class Audience {
  readonly watchers = new Map<string, WatcherBody>();
  rules: AccessRule[] | null = null;
  explained: { readonly name: string; readonly said: Explanation } | null = null;
  fault = "";
  private stream: WatcherStream | null = null;

  constructor(private readonly ground: Ground) {}

  async begin(): Promise<void> {
    this.wake();
    await this.load();
  }

  /** This page is looked at, again. */
  wake(): void {
    this.stream?.close();
    const audience = this.ground.client.audience();
    this.stream = audience;
    audience.addEventListener("watcher", ({ detail }) => this.told(detail));
    audience.addEventListener("error", ({ detail }) => {
      this.fault = this.ground.fault(detail);
      this.ground.changed();
    });
  }

  /** Nobody looks at this page: others of the device need what it takes. */
  rest(): void {
    this.stream?.close();
  }

  load(): Promise<boolean> {
    return this.ground.act("rules", "", async () => {
      this.rules = (await this.ground.client.rules()).rules;
    });
  }

  /** Who waits for an answer. */
  get requests(): WatcherBody[] {
    const { pending, waiting } = WatcherBodyState;
    return this.others.filter(({ state }) => state === pending || state === waiting);
  }

  /** Who watches now, or looked lately. */
  get seeing(): WatcherBody[] {
    const { active } = WatcherBodyState;
    const looked = WatcherBodyState["it-only-fetched"];
    return this.others.filter(({ state }) => state === active || state === looked);
  }

  private get others(): WatcherBody[] {
    const { me } = this.ground;
    return [...this.watchers.values()]
      .filter(({ watcher }) => watcher !== me)
      .sort((a, b) => b.lastAtMs - a.lastAtMs);
  }

  /** Answers a request, which makes a rule. */
  answer(who: string, handling: Handling): Promise<boolean> {
    const done = handling === "allow" ? `${who} may see you from now on.` : `${who} does not see you.`;
    return this.put(done, rule(who, handling));
  }

  /** Sets a rule. */
  set({ who, handling, notes, contact }: Wanted): Promise<boolean> {
    const shown = { tuples: null, notes, contact, markup: true };
    return this.put("The rule is set.", rule(who, handling, { shown }));
  }

  private put(done: string, made: AccessRule): Promise<boolean> {
    return this.change(done, { put: [made] });
  }

  remove(name: string): Promise<boolean> {
    return this.change("The rule is taken back.", { remove: [name] });
  }

  private async change(done: string, change: FieldsOf<"ChangeRules">): Promise<boolean> {
    const isDone = await this.ground.act("rule", done, () => this.ground.client.changeRules(change));
    await this.load();
    if (this.explained) await this.explain(this.explained.name);
    return isDone;
  }

  /** What a named person would see. */
  explain(name: string): Promise<boolean> {
    return this.ground.act("explain", "", async () => {
      this.explained = { name, said: await this.ground.client.explain(name) };
    });
  }

  private told(watcher: WatcherBody): void {
    this.fault = "";
    this.watchers.set(watcher.watcher, watcher);
    this.ground.changed();
  }
}
