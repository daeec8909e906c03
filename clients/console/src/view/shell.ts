// The frame of all pages: where one can go, what is said, and what is asked.

import { html, nothing } from "lit-html";
import type { Console, PageName } from "../console.js";
import { audienceView } from "./audience.js";
import { devicesView } from "./devices.js";
import { messagesView } from "./messages.js";
import { avatar, fullName, icon, type View } from "./parts.js";
import { pastView } from "./past.js";
import { peopleView } from "./people.js";
import { serverView } from "./server.js";

interface Entry {
  readonly name: PageName;
  /** For the narrow bar of a phone. */
  readonly label: string;
  readonly view: (page: Console) => View;
  readonly count?: (page: Console) => number;
  readonly counted?: string;
}

const ENTRIES: readonly Entry[] = [
  { name: "people", label: "People", view: peopleView },
  {
    name: "messages",
    label: "Messages",
    view: messagesView,
    count: (page) => page.unread,
    counted: "unread",
  },
  {
    name: "audience",
    label: "Sees me",
    view: audienceView,
    count: (page) => page.audience.requests.length,
    counted: "to answer",
  },
  { name: "past", label: "Past", view: pastView },
  { name: "devices", label: "Devices", view: devicesView },
  { name: "server", label: "Server", view: serverView },
];

/** The whole page. */
export function shellView(page: Console): View {
  const entry = ENTRIES.find(({ name }) => name === page.page) as Entry;
  speak(page, entry);
  return html`
    <a class="skip" href="#main" @click=${skip}>Skip to the page</a>
    <div class="shell">
      <nav aria-label="Pages">
        <div class="brand">${avatar(page.ground.me, page.people.standingOf(page.ground.me))}${fullName(page.ground.me)}</div>
        <ul>${ENTRIES.filter(({ name }) => name !== "server" || page.isAdministrator).map((one) => entryView(page, one))}</ul>
      </nav>
      <main id="main" class="page-${entry.name} ${entry.name === "messages" && page.mail.open ? "inside" : ""}">
        ${page.isOnline ? nothing : offlineView(page)}
        ${entry.view(page)}
      </main>
      ${noticeView(page)} ${questionView(page)}
    </div>`;
}

function offlineView(page: Console): View {
  const words = "No connection to the server. What you see may be old; it is tried again by itself.";
  return html`<p class="offline">${words} <button class="linklike" @click=${() => page.retry()}>Try now</button></p>`;
}

function entryView(page: Console, { name, label, count, counted }: Entry): View {
  const number = count?.(page) ?? 0;
  const badge =
    number > 0
      ? html`<span class="badge">${number}<span class="offscreen"> ${counted}</span></span>`
      : nothing;
  return html`<li><a href="#/${name}" aria-current=${page.page === name ? "page" : nothing}>${icon(name)}<span>${label}</span>${badge}</a></li>`;
}

/** Tells those who hear the page, and names it for the tab. */
function speak({ ground, isOnline, unread }: Console, { label }: Entry): void {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${label} · adsum`;
  const said = document.getElementById("said");
  const text =
    ground.notice && !ground.notice.isFault
      ? ground.notice.text
      : isOnline
        ? ""
        : "No connection to the server.";
  if (said && said.textContent !== text) said.textContent = text;
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("h1")?.focus();
}

function noticeView({ ground }: Console): View {
  const { notice } = ground;
  if (!notice) return nothing;
  const close = html`<button class="plain" aria-label="Close" @click=${() => ground.hush()}>${icon("close")}</button>`;
  return notice.isFault
    ? html`<div class="notice bad" role="alert"><p>${notice.text}</p>${close}</div>`
    : html`<div class="notice"><p>${notice.text}</p>${close}</div>`;
}

/** Asks in a dialog of the browser, which keeps the keyboard inside and Escape working. */
function questionView({ ground }: Console): View {
  const { question } = ground;
  if (!question) return nothing;
  // Closed by the browser first, which gives the focus back to where it was.
  const closed = (event: Event) => {
    ground.question = null;
    ground.changed();
    if ((event.currentTarget as HTMLDialogElement).returnValue === "yes") void question.act();
  };
  const close = (answer: string) => (event: Event) =>
    (event.currentTarget as HTMLElement).closest("dialog")?.close(answer);
  queueMicrotask(() => {
    const dialog = document.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  });
  return html`<dialog aria-labelledby="asked" @close=${closed}>
    <h2 id="asked">${question.title}</h2>
    <p>${question.text}</p>
    <div class="buttons"><button @click=${close("")}>Cancel</button><button class="danger" @click=${close("yes")}>${question.yes}</button></div>
  </dialog>`;
}
