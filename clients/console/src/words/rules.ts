// Rules about who may see somebody, in words. Pure.

import {
  type AccessRule,
  AccessRuleFetch,
  type Explanation,
  type Handling,
  type ShownParts,
} from "../adsum.js";
import { exact } from "./times.js";

/** What a person can choose, the most open first. */
export const CHOICES: readonly {
  readonly handling: Handling;
  readonly label: string;
  readonly help: string;
}[] = [
  { handling: "allow", label: "May see me", help: "sees your status as it changes" },
  { handling: "confirm", label: "Must ask first", help: "sees nothing until you have answered" },
  { handling: "polite-block", label: "Sees me as away", help: "is not told that you hide" },
  { handling: "block", label: "Is turned away", help: "is refused, as if you were not here" },
];

const DOES: Readonly<Record<Handling, string>> = {
  "says-nothing": "is not mentioned",
  allow: "may see you",
  confirm: "must ask you first",
  "polite-block": "always sees you as away",
  block: "is turned away",
};

/** Whom a rule is about, in words. */
export function whom(who: string): string {
  if (who === "everyone") return "Anyone at all";
  if (who === "anonymous") return "Anyone without a name";
  if (who === "authenticated") return "Everyone who has a name";
  return who.startsWith("@") ? `Everyone at ${who.slice(1)}` : who;
}

/** The word of a number. */
export function handlingOf(number: number): Handling {
  const words = Object.keys(AccessRuleFetch) as Handling[];
  return words.find((word) => AccessRuleFetch[word] === number) ?? "says-nothing";
}

/** What the rule does, in words, to stand behind whom it is about. */
export function does(rule: AccessRule): string {
  const [fetch, subscribe] = [handlingOf(rule.fetch), handlingOf(rule.subscribe)];
  const parts = fetch === subscribe ? [DOES[fetch]] : halves(fetch, subscribe);
  const allows = fetch === "allow" || subscribe === "allow";
  return [...parts, ...(allows ? hidden(rule.shown) : []), ...period(rule)].join(", ");
}

function halves(fetch: Handling, subscribe: Handling): string[] {
  const once = fetch === "says-nothing" ? [] : [`looking once: ${DOES[fetch]}`];
  const along = subscribe === "says-nothing" ? [] : [`following you: ${DOES[subscribe]}`];
  return [...once, ...along];
}

/** What is left out of what is shown. */
export function hidden({ tuples, notes, contact }: ShownParts): string[] {
  const only = tuples
    ? [tuples.length === 0 ? "without your status" : `of ${tuples.join(" and ")} only`]
    : [];
  return [...only, ...(notes ? [] : ["without your note"]), ...(contact ? [] : ["without your addresses"])];
}

function period({ fromMs, untilMs }: AccessRule): string[] {
  const from = fromMs === null ? [] : [`from ${exact(fromMs)}`];
  return [...from, ...(untilMs === null ? [] : [`until ${exact(untilMs)}`])];
}

/** What a named person would see, and why, in words. */
export function preview(name: string, said: Explanation): { handling: Handling; sees: string; why: string } {
  const handling = handlingOf(said.subscribe);
  const sees = `${name} ${[DOES[handling], ...(handling === "allow" ? hidden(said.subscribeShown) : [])].join(", ")}.`;
  return { handling, sees, why: why(said) };
}

function why({ subscribeRule, byDomain }: Explanation): string {
  const own = subscribeRule
    ? `Your rule about “${whom(subscribeRule)}” says so.`
    : "None of your rules is about this name, so what the server does by itself holds.";
  return byDomain ? `${own} A rule of your domain takes something away.` : own;
}
