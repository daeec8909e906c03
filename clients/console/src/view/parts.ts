// Small parts of pages that several of them show.

import { html, nothing, svg, type TemplateResult } from "lit-html";
import { hue, initial, localPart } from "../words/names.js";
import type { Standing } from "../words/presence.js";
import { exact, fromNow, machine } from "../words/times.js";

/** What a template can hold. */
export type View = TemplateResult | string | typeof nothing;

const ICONS = {
  people:
    "M16 19v-1.5a3.5 3.5 0 0 0-3.5-3.5h-5A3.5 3.5 0 0 0 4 17.5V19M10 10.500a3.250 3.250 0 1 0 0-6.5 3.250 3.250 0 0 0 0 6.500M20 19v-1.500a3.5 3.5 0 0 0-2.6-3.400M15.5 4.200a3.250 3.250 0 0 1 0 6.1",
  messages:
    "M4 6.500A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.500v7a2.5 2.5 0 0 1-2.5 2.500H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.500z",
  audience:
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.750a2.750 2.750 0 1 0 0-5.5 2.750 2.750 0 0 0 0 5.5",
  past: "M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17M12 7.500V12l3 2",
  devices: "M4 5.500h11v8.500H4zM2.5 18h9M16.5 9.500h5v10h-5zM18.5 17h1",
  server: "M4 4.500h16v6H4zM4 13.500h16v6H4zM7.5 7.500h.01M7.5 16.500h.01",
  back: "M14.5 5.5 8 12l6.5 6.5",
  close: "M6 6l12 12M18 6L6 18",
} as const;

/** A picture without words of its own. */
export function icon(name: keyof typeof ICONS): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${svg`<path d=${ICONS[name]} />`}</svg>`;
}

/** Somebody's letter, with how they stand. */
export function avatar(name: string, standing?: Standing): TemplateResult {
  const dot = standing ? html`<span class="dot ${standing}"></span>` : nothing;
  return html`<span class="avatar hue${hue(name)}" aria-hidden="true">${initial(name)}${dot}</span>`;
}

/** A name with its domain beside, which matters less. */
export function fullName(name: string): TemplateResult {
  return html`<span class="name">${localPart(name)}<span class="domain">${name.slice(localPart(name).length)}</span></span>`;
}

/** A moment, as one speaks of it. */
export function when(atMs: number): TemplateResult {
  return html`<time datetime=${machine(atMs)} title=${exact(atMs)}>${fromNow(atMs, Date.now())}</time>`;
}

/** What is said where there is nothing yet. */
export function empty(name: keyof typeof ICONS, title: string, text: View): TemplateResult {
  return html`<div class="empty">${icon(name)}<p class="title">${title}</p><p>${text}</p></div>`;
}

/** The head of a page. */
export function head(title: string, text: View = nothing, side: View = nothing): TemplateResult {
  return html`<header class="head"><div><h1 tabindex="-1">${title}</h1>${text === nothing ? nothing : html`<p>${text}</p>`}</div>${side}</header>`;
}

/** A fault that stays on its page. */
export function fault(text: string): View {
  return text ? html`<p class="fault" role="alert">${text}</p>` : nothing;
}

/** A part of a page with a heading. */
export function card(title: string, text: View, body: unknown, extra: View = nothing): TemplateResult {
  return html`<section class="card"><div class="cardhead"><div><h2>${title}</h2>${text === nothing ? nothing : html`<p class="hint">${text}</p>`}</div>${extra}</div>${body}</section>`;
}

/** What was entered into the form of an event, which is not sent anywhere. */
export function entered(event: Event): { form: HTMLFormElement; field: (name: string) => string } {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const data = new FormData(form);
  return { form, field: (name) => String(data.get(name) ?? "").trim() };
}
