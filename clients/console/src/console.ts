// The console of somebody who is in: its parts, which page is shown, and whether the server is there.

import { AdsumError, type Client, WelcomeRole } from "./adsum.js";
import { Audience } from "./model/audience.js";
import { Devices } from "./model/devices.js";
import { Ground } from "./model/ground.js";
import { isOfKept, loadKept } from "./model/kept.js";
import { Mail } from "./model/mail.js";
import { Past } from "./model/past.js";
import { People } from "./model/people.js";
import { ServerPage } from "./model/server.js";
import { unreadOf } from "./model/threads.js";
import { domainOf } from "./words/names.js";

/** The pages, as they stand behind `#/`. */
export const PAGES = ["people", "messages", "audience", "past", "devices", "server"] as const;
export type PageName = (typeof PAGES)[number];

const LOOK_MS = 10_000;
const ANSWER_MS = 4_000;
const REST_MS = 30_000;
/** After these nothing comes of trying again. */
const FINAL = ["key-revoked", "unknown-key", "not-authenticated", "server-key-changed", "erased", "version"];

/** Everything that is shown. */
export class Console {
  readonly ground: Ground;
  readonly people: People;
  readonly audience: Audience;
  readonly mail: Mail;
  readonly past: Past;
  readonly devices: Devices;
  readonly server: ServerPage;
  page: PageName = "people";
  isAdministrator = false;
  isOnline = true;
  private isDue = false;
  /** Nothing is shown of it any more. */
  private isOver = false;
  private isResting = false;
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    client: Client,
    private readonly show: () => void,
    private readonly stop: (error: unknown) => void,
  ) {
    const me = client.principal;
    const [changed, heard] = [() => this.changed(), (error: unknown) => this.heed(error)];
    this.ground = new Ground(client, me, domainOf(me), loadKept(me), changed, heard);
    this.people = new People(this.ground);
    this.audience = new Audience(this.ground);
    this.mail = new Mail(this.ground);
    this.past = new Past(this.ground);
    this.devices = new Devices(this.ground);
    this.server = new ServerPage(this.ground);
  }

  async begin(): Promise<void> {
    addEventListener("hashchange", () => this.turn(true));
    addEventListener("online", () => void this.look());
    addEventListener("offline", () => void this.look());
    addEventListener("storage", (event) => this.heard(event));
    document.addEventListener("visibilitychange", () => this.seen());
    setInterval(() => void this.look(), LOOK_MS);
    void this.learn();
    this.turn(false);
    await Promise.all([this.people.begin(), this.audience.begin(), this.mail.begin()]);
  }

  /** How many messages nobody read. */
  get unread(): number {
    return unreadOf(this.mail.threads);
  }

  /** Shows it again, once for all that changes in a turn. */
  private changed(): void {
    if (this.isDue) return;
    this.isDue = true;
    queueMicrotask(() => {
      this.isDue = false;
      if (!this.isOver) this.show();
    });
  }

  /** Goes to the page that the address names. */
  private turn(isChosen: boolean): void {
    const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
    this.page = PAGES.find((page) => page === name) ?? "people";
    if (this.page === "messages") this.mail.open = decodeURIComponent(rest.join("/"));
    this.server.follow(this.page === "server");
    if (this.page === "past") void this.past.load();
    if (this.page === "devices") void this.devices.load();
    if (this.page === "audience") void this.audience.load();
    if (this.page === "server") void this.server.load();
    if (!this.isOver) this.show();
    if (isChosen) this.attend();
  }

  /** Whoever hears the page is told where it went. */
  private attend(): void {
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }

  /** Another page of this browser has changed what is kept. */
  private heard(event: StorageEvent): void {
    const { kept, me } = this.ground;
    if (!isOfKept(event, me)) return;
    const before = kept.people.join();
    Object.assign(kept, loadKept(me));
    if (kept.people.join() !== before) this.people.wake();
    this.changed();
  }

  /** A page that nobody looks at for a while lets go of what other pages of the device need. */
  private seen(): void {
    clearTimeout(this.resting);
    if (document.visibilityState === "hidden") {
      this.resting = setTimeout(() => this.rest(), REST_MS);
    } else if (this.isResting) {
      this.isResting = false;
      this.people.wake();
      this.audience.wake();
    } else this.changed();
  }

  /** Somebody does not want to wait: the client takes this for a word of the browser that the network is back. */
  retry(): void {
    dispatchEvent(new Event("online"));
  }

  /** Shows, follows and takes nothing any more. */
  end(): void {
    this.isOver = true;
    this.rest();
    this.mail.end();
  }

  /** Follows nothing any more, until it is looked at again. */
  rest(): void {
    this.isResting = true;
    this.people.rest();
    this.audience.rest();
  }

  private async learn(): Promise<void> {
    try {
      const welcome = await this.ground.client.welcome();
      this.isAdministrator = welcome.role === WelcomeRole.administrator;
      this.changed();
    } catch (error) {
      this.halt(error);
    }
  }

  /** Says for good why nothing more comes. */
  private halt(error: unknown): void {
    if (this.isOver) return;
    this.end();
    this.stop(error);
  }

  private heed(error: unknown): void {
    if (error instanceof AdsumError && FINAL.includes(error.code)) this.halt(error);
  }

  /** Asks the server for a sign of life. */
  private async look(): Promise<void> {
    const late = new Promise<boolean>((done) => setTimeout(() => done(false), ANSWER_MS));
    const asked = this.ground.client.inboxState().then(
      () => true,
      (error: unknown) => this.isLiving(error),
    );
    this.found(await Promise.race([asked, late]));
    // A late answer is a sign of life, too.
    if (await asked) this.found(true);
  }

  private found(isOnline: boolean): void {
    if (isOnline === this.isOnline) return;
    this.isOnline = isOnline;
    this.changed();
  }

  private isLiving(error: unknown): boolean {
    const code = error instanceof AdsumError ? error.code : "";
    this.heed(error);
    return !["unreachable", "connection-lost", "outcome-unknown", "stream-ended"].includes(code);
  }
}
