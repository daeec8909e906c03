// What somebody published, as stretches of a day. Pure.

import { type Change, ChangeWhat, toHex } from "../adsum.js";
import { notesOf, type Standing, standingOf } from "../words/presence.js";
import { DAY, dayOf } from "../words/times.js";

/** A stretch of a day, both ends as parts of it from 0 to 1. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly standing: Standing;
}

/** A day and what happened in it, newest first. */
export interface Day {
  readonly at: number;
  readonly changes: readonly Change[];
  readonly stretches: readonly Stretch[];
}

/** The days with changes, newest first; `changes` are newest first, too. */
export function days(changes: readonly Change[], now: number): Day[] {
  const starts = [...new Set(changes.map(({ atMs }) => dayOf(atMs)))];
  const moments = momentsOf(changes);
  return starts.map((at) => ({
    at,
    changes: changes.filter(({ atMs }) => dayOf(atMs) === at),
    stretches: stretchesOf(moments, at, now),
  }));
}

interface Moment {
  readonly at: number;
  readonly standing: Standing;
}

/** How one stood from each change on, oldest first. */
function momentsOf(changes: readonly Change[]): Moment[] {
  const live = new Map<string, Standing>();
  return [...changes].reverse().map((change) => {
    const name = `${toHex(change.device)} ${change.name}`;
    if (change.what === ChangeWhat.published && change.document) live.set(name, standingOf(change.document));
    else live.delete(name);
    return { at: change.atMs, standing: together([...live.values()]) };
  });
}

/** One is here if some device says so. */
function together(all: readonly Standing[]): Standing {
  if (all.includes("here")) return "here";
  return all.includes("away") ? "away" : "unknown";
}

function stretchesOf(moments: readonly Moment[], day: number, now: number): Stretch[] {
  const end = Math.min(day + DAY, now);
  return moments.flatMap(({ at, standing }, index) => {
    const from = Math.max(at, day);
    const to = Math.min(moments[index + 1]?.at ?? end, end);
    const isShown = standing !== "unknown" && from < to;
    return isShown ? [{ from: (from - day) / DAY, to: (to - day) / DAY, standing }] : [];
  });
}

/** What a change was, in words. */
export function changeWords(change: Change): { standing: Standing; title: string; note: string } {
  if (change.what === ChangeWhat.published && change.document) {
    const standing = standingOf(change.document);
    const title = standing === "here" ? "Here" : standing === "away" ? "Away" : "Showed something";
    return { standing, title, note: notesOf(change.document) };
  }
  return { standing: "unknown", title: ENDS[change.what] ?? "Changed", note: "" };
}

const ENDS: Readonly<Record<number, string>> = {
  [ChangeWhat.removed]: "Stopped showing anything",
  [ChangeWhat["ran-out"]]: "Ran out, because no page refreshed it",
  [ChangeWhat.withdrawn]: "Taken back",
};
