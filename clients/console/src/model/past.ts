// The past: what was published for oneself.

import type { Change } from "../adsum.js";
import { DAY } from "../words/times.js";
import type { Ground } from "./ground.js";

/** How far back. */
export const SPANS: readonly { readonly days: number; readonly label: string }[] = [
  { days: 1, label: "24 hours" },
  { days: 7, label: "7 days" },
  { days: 30, label: "30 days" },
];

/** Changes within a span. */
export class Past {
  days = 7;
  changes: Change[] | null = null;

  constructor(private readonly ground: Ground) {}

  load(days = this.days): Promise<boolean> {
    this.days = days;
    return this.ground.act("history", "", async () => {
      const sinceMs = Date.now() - days * DAY;
      this.changes = await this.ground.client.history({ sinceMs, limit: 500 });
    });
  }
}
