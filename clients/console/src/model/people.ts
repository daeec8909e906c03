// Who is here: whom one follows, as it changes, and what one shows of oneself.

import {
  type Publication,
  type Shown,
  type Status,
  SubscriptionState,
  status,
  toHex,
  type Watch,
} from "../adsum.js";
import { bare } from "../words/names.js";
import { type Standing, standing } from "../words/presence.js";
import type { Ground } from "./ground.js";
import type { Choice } from "./kept.js";

const RANK: readonly Standing[] = ["here", "away", "unknown", "waiting", "declined", "ended"];

/** People, and oneself. */
export class People {
  readonly shown = new Map<string, Shown>();
  isLoaded = false;
  /** Whether what is shown was published once by this page. */
  private isSettled = false;
  fault = "";
  private watch: Watch | null = null;
  private publication: Publication | null = null;

  constructor(private readonly ground: Ground) {}

  /** Begins to watch and to be shown. */
  async begin(): Promise<void> {
    await this.ground.act("people", "", async () => {
      const rows = await this.ground.client.subscriptions();
      const live = rows.filter(({ state }) => state !== SubscriptionState.terminated);
      this.keep([...this.ground.kept.people, ...live.map(({ presentity }) => bare(presentity))]);
    });
    this.isLoaded = true;
    this.follow();
    await this.show(this.ground.kept.choice);
    this.isSettled = true;
  }

  /** Names, those who are here first. */
  get names(): string[] {
    const rank = (name: string) => RANK.indexOf(this.standingOf(name));
    return [...this.ground.kept.people].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  }

  standingOf(name: string): Standing {
    const shown = this.shown.get(name);
    return shown ? standing(shown) : "unknown";
  }

  /** Follows somebody from now on. */
  add(name: string): Promise<boolean> {
    return this.ground.act("follow", "", async () => {
      if (this.ground.kept.people.includes(name)) return;
      // A fetch would be refused where a follower waits, so the subscription itself is what is tried.
      this.keep([...this.ground.kept.people, name]);
      this.follow();
    });
  }

  /** Follows somebody no more. */
  remove(name: string): Promise<boolean> {
    return this.ground.act(`unfollow ${name}`, `You no longer follow ${name}.`, async () => {
      this.keep(this.ground.kept.people.filter((one) => one !== name));
      this.shown.delete(name);
      this.follow();
      await this.ground.client.unsubscribe(`pres:${name}`).catch(() => {});
    });
  }

  /** Shows this of oneself, for as long as the page is open. */
  show(choice: Choice): Promise<boolean> {
    return this.ground.act("status", "", async () => {
      this.ground.kept.choice = choice;
      this.ground.save();
      await this.publish(choice);
    });
  }

  private async publish({ shows, note }: Choice): Promise<void> {
    const { publication } = this;
    if (shows === "nothing") {
      this.publication = null;
      return void (await publication?.remove());
    }
    const said: Status = { basic: shows === "here" ? "open" : "closed", ...(note ? { note } : {}) };
    if (publication) return publication.change(status(said));
    const made = await this.ground.client.publish(status(said));
    this.publication = made;
    // Another page of this device shows something in its place, or the right is gone.
    void made.over.then(() => {
      if (this.publication === made) this.publication = null;
    });
  }

  /** Shows anew what ran out with the page that showed it. */
  private async keepShowing(): Promise<void> {
    const { client, kept } = this.ground;
    if (kept.choice.shows === "nothing" || this.publication || !this.isSettled) return;
    const [{ device }, rows] = await Promise.all([
      client.welcome(),
      client.ask("ListPublications", { presentity: client.presentity }),
    ]);
    const isThere = rows.some((row) => row.name === "" && toHex(row.device) === toHex(device));
    if (!isThere && !this.publication) await this.show(kept.choice);
  }

  private keep(names: readonly string[]): void {
    this.ground.kept.people = [...new Set(names)].filter((name) => name !== this.ground.me);
    this.ground.save();
  }

  /** Another page has changed whom one follows, or this page is looked at again. */
  wake(): void {
    if (this.isLoaded) this.follow();
  }

  /** Nobody looks at this page: others of the device need what it takes. */
  rest(): void {
    this.watch?.close();
  }

  /** Watches all of them anew, oneself too. */
  private follow(): void {
    this.watch?.close();
    const names = [this.ground.me, ...this.ground.kept.people];
    const watch = this.ground.client.watch(names.map((name) => `pres:${name}`));
    watch.addEventListener("presence", ({ detail }) => this.told(detail));
    watch.addEventListener("error", ({ detail }) => {
      this.fault = this.ground.fault(detail);
      this.ground.changed();
    });
    this.watch = watch;
    this.ground.changed();
  }

  private told(shown: Shown): void {
    this.fault = "";
    const name = bare(shown.presentity);
    this.shown.set(name, shown);
    if (name === this.ground.me) void this.keepShowing().catch(() => {});
    this.ground.changed();
  }
}
