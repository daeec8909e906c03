// What is shown of somebody, in words. Pure.

import { type Document, fromUtf8, type Shown, TupleBasic } from "../adsum.js";

/** How somebody stands; decides colour and words. */
export type Standing = "here" | "away" | "unknown" | "waiting" | "declined" | "ended";

const WORDS: Readonly<Record<Standing, string>> = {
  here: "Here",
  away: "Away",
  unknown: "Shows nothing",
  waiting: "Has not answered yet whether you may see this",
  declined: "Does not let you see this",
  ended: "No longer followed",
};

/** The word for it. */
export function standingWord(standing: Standing): string {
  return WORDS[standing];
}

/** How a document makes somebody stand. */
export function standingOf(document: Document): Standing {
  if (document.tuples.some(({ basic }) => basic === TupleBasic.open)) return "here";
  return document.tuples.some(({ basic }) => basic === TupleBasic.closed) ? "away" : "unknown";
}

/** How somebody who is followed stands. */
export function standing(shown: Shown): Standing {
  if (shown.refusal || shown.reason === "rejected") return "declined";
  if (shown.state === "pending") return "waiting";
  if (shown.state === "terminated") return "ended";
  return standingOf(shown.document);
}

/** What a document says in words. */
export function notesOf(document: Document): string {
  const notes = [...document.tuples.flatMap((tuple) => tuple.notes), ...document.notes];
  return notes.flatMap(({ text }) => (text ? [fromUtf8(text)] : [])).join(" · ");
}

/** Addresses that are offered, safe to link to or not at all. */
export function contactsOf(document: Document): { text: string; href: string | null }[] {
  const uris = document.tuples.flatMap(({ contact }) => (contact?.uri ? [fromUtf8(contact.uri)] : []));
  return [...new Set(uris)].filter((uri) => !/^(im|pres):/i.test(uri)).map(contact);
}

function contact(uri: string): { text: string; href: string | null } {
  const isSafe = /^(mailto|tel|sip|sips|xmpp|https):/i.test(uri);
  return { text: uri.replace(/^(mailto|tel):/i, ""), href: isSafe ? uri : null };
}
