// How a subscription is kept up for as long as somebody watches.

import { make, toHex } from "./codec.js";
import { ConnectionLost, OutcomeUnknown, Refused, Unreachable } from "./errors.js";
import type { Hub } from "./hub.js";
import { operation } from "./items.js";
import { Lease } from "./lease.js";
import { SubscribeMode } from "./protocol.js";
import { atMost, News } from "./waiting.js";

/** Before something that got no answer is asked again. */
const PAUSE_MS = 200;
/** How long to wait after a renewal was refused. */
const REFUSED_MS = 60_000;
/** A timer stands still while the machine sleeps, so that it is looked at the clock now and then. */
const LOOK_MS = 30_000;
/** How often it is looked whether a session of nobody in particular is another one. */
const ANONYMOUS_LOOK_MS = 1_000;

/** Waits until `lease` is to be renewed. */
export async function due(lease: Lease, isDue: () => boolean, news: News, lookMs = LOOK_MS): Promise<void> {
  while (!isDue() && lease.left() > 0) await atMost(Math.min(lease.left(), lookMs), news.wait());
}

/** Whether asking again cures it. */
export function isPassing(error: unknown): boolean {
  return error instanceof OutcomeUnknown || error instanceof Unreachable || error instanceof ConnectionLost;
}

/** How a subscription is wished. */
export interface Wish {
  readonly presentity: string;
  readonly every: boolean;
  readonly lifetimeMs: number | null;
  /** Whether the session stands for nobody, so that a subscription ends with its connection. */
  readonly isAnonymous: boolean;
}

/** Keeps one subscription of a watch. */
export class Renewal {
  private lease: Lease | null = null;
  private hadLapsed = false;
  private isHurried = false;
  private isStopped = false;
  private readonly news = new News();

  private refusal: number | null = null;

  /** `denied` is told once that it is refused, and why. */
  constructor(
    private readonly hub: Hub,
    private readonly wish: Wish,
    private readonly denied: (refusal: Refused) => void,
  ) {
    void this.run();
  }

  /** Lets it run out. */
  stop(): void {
    this.isStopped = true;
    this.news.tell();
  }

  /** Subscribes again at once. */
  hurry(): void {
    this.isHurried = true;
    this.news.tell();
  }

  /** It ended for its time. Begins it again if it was this client that was late; else its watcher ended it elsewhere. */
  ranOut(): boolean {
    if (this.lease?.hasLapsed()) {
      this.hurry();
      return true;
    }
    if (this.hadLapsed && this.lease?.isNew()) return true;
    this.stop();
    return false;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.once();
      } catch (error) {
        if (error instanceof Refused) {
          if (this.refusal !== error.number) this.denied(error);
          this.refusal = error.number;
          await atMost(REFUSED_MS, this.news.wait());
        } else if (isPassing(error)) await atMost(PAUSE_MS);
        // The feed ends with the same.
        else return;
      }
    }
  }

  private async once(): Promise<void> {
    this.isHurried = false;
    const grantedMs = await this.subscribe();
    this.refusal = null;
    const { session } = this.hub;
    this.hadLapsed = this.lease?.hasLapsed() ?? false;
    this.lease = new Lease(grantedMs);
    const isElsewhere = () => this.wish.isAnonymous && this.hub.session !== session;
    const isDue = () => this.isHurried || this.isStopped || isElsewhere();
    await due(this.lease, isDue, this.news, this.wish.isAnonymous ? ANONYMOUS_LOOK_MS : LOOK_MS);
  }

  /** Subscribes; the next page does it again by itself, so that nothing of it is kept. */
  private async subscribe(): Promise<number> {
    const { presentity, every, lifetimeMs } = this.wish;
    const named = operation();
    const mode = every ? SubscribeMode.every : SubscribeMode.latest;
    const body = make("Subscribe", { presentity, mode, lifetimeMs, operation: named });
    const what = `the subscription to ${presentity}`;
    return (await this.hub.request(body, { what, id: toHex(named), lasts: false })).grantedMs;
  }
}
