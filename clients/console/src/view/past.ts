// The past on a time line: a band for each day, and what happened in it.

import { html, nothing, svg } from "lit-html";
import type { Change } from "../adsum.js";
import type { Console } from "../console.js";
import { SPANS } from "../model/past.js";
import { changeWords, type Day, days, type Stretch } from "../model/timeline.js";
import { clock, dayName, exact, machine } from "../words/times.js";
import { empty, head, type View } from "./parts.js";

const WIDTH = 960;
const HOURS = [0, 6, 12, 18, 24];

/** The page. */
export function pastView(page: Console): View {
  const { past } = page;
  const found = past.changes ? days(past.changes, Date.now()) : [];
  const spans = html`<div class="segments small" role="group" aria-label="How far back">${SPANS.map(
    ({ days: count, label }) =>
      html`<label><input type="radio" name="span" .checked=${past.days === count} @change=${() => void past.load(count)}><span>${label}</span></label>`,
  )}</div>`;
  return html`${head("Past", "What you showed to others, on all of your devices.", spans)} ${past.changes === null ? html`<p class="hint">Reading…</p>` : body(found)}`;
}

function body(found: readonly Day[]): View {
  if (found.length === 0)
    return empty("past", "Nothing in this time", "As soon as you show a status, it stands here.");
  return html`${found.map(dayView)}`;
}

function dayView(day: Day): View {
  const name = dayName(day.at, Date.now());
  return html`<section class="card past"><h2>${name}</h2>${band(day.stretches, name)}
    <ol class="events">${day.changes.map(eventView)}</ol></section>`;
}

/** The day from midnight to midnight; the list beneath says the same in words. */
function band(stretches: readonly Stretch[], name: string): View {
  const bars = stretches.map(
    ({ from, to, standing }) =>
      svg`<rect class=${standing} x=${from * WIDTH} y="0" width=${Math.max(2, (to - from) * WIDTH)} height="16" rx="2"></rect>`,
  );
  const marks = HOURS.slice(1, -1).map(
    (hour) => svg`<line x1=${(hour / 24) * WIDTH} x2=${(hour / 24) * WIDTH} y1="0" y2="16"></line>`,
  );
  return html`<div class="band"><svg viewBox="0 0 ${WIDTH} 16" preserveAspectRatio="none" role="img" aria-label="When you were here on ${name}">${marks}${bars}</svg>
    <div class="hours" aria-hidden="true">${HOURS.map((hour) => html`<span>${String(hour).padStart(2, "0")}</span>`)}</div></div>`;
}

function eventView(change: Change): View {
  const { standing, title, note } = changeWords(change);
  return html`<li><span class="dot ${standing}"></span><time datetime=${machine(change.atMs)} title=${exact(change.atMs)}>${clock(change.atMs)}</time>
    <p><strong>${title}</strong>${note ? html` <span class="note">${note}</span>` : nothing}</p></li>`;
}
