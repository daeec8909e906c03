// Messages: conversations, and one of them.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Console } from "../console.js";
import { type Line, type Received, type Sending, sentWords, type Thread } from "../model/threads.js";
import { typed } from "../words/names.js";
import { standingWord } from "../words/presence.js";
import { brief, clock, dayName, dayOf, exact, machine } from "../words/times.js";
import { avatar, empty, entered, fault, fullName, head, icon, type View } from "./parts.js";

const TEXT_MAX = 20_000;

/** The page. */
export function messagesView(page: Console): View {
  const { mail } = page;
  const { threads, open } = mail;
  const thread =
    threads.find((one) => one.with === open) ?? (open ? { with: open, lines: [], unread: 0 } : null);
  if (thread && document.visibilityState === "visible") mail.seen(thread);
  return html`${head("Messages", nothing, newForm(page))} ${fault(mail.fault)}
    <div class="mail ${thread ? "open" : ""}">
      <div class="threads">${list(page, threads)} ${settings(page)}</div>
      ${thread ? threadView(page, thread) : html`<div class="thread none">${empty("messages", "Choose a conversation", "Or write to somebody new, by name.")}</div>`}
    </div>`;
}

function newForm({ ground }: Console): View {
  const write = (event: Event) => {
    const { form, field } = entered(event);
    const name = typed(field("to"), ground.domain);
    if (!name) return ground.say("Write a name, such as bob.", true);
    form.reset();
    location.hash = `#/messages/${encodeURIComponent(name)}`;
  };
  return html`<form class="line new" @submit=${write}>
    <label class="grow"><span class="offscreen">Write to</span><input name="to" required placeholder="Write to…" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
    <button>Write</button>
  </form>`;
}

function list(page: Console, threads: readonly Thread[]): View {
  if (threads.length === 0) {
    return page.mail.isLoaded
      ? empty(
          "messages",
          "No messages yet",
          "What others write to you waits here, also while this page is closed.",
        )
      : html`<p class="hint">Reading…</p>`;
  }
  return html`<ul class="rows" aria-label="Conversations">${repeat(
    threads,
    (one) => one.with,
    (one) => threadRow(page, one),
  )}</ul>`;
}

function threadRow({ mail, people }: Console, thread: Thread): View {
  const last = thread.lines.at(-1);
  const isOpen = mail.open === thread.with;
  const text = mail.writing.has(thread.with) ? "is writing…" : last ? preview(last) : "";
  return html`<li><a class="row ${thread.unread ? "unread" : ""}" href="#/messages/${encodeURIComponent(thread.with)}" aria-current=${isOpen ? "true" : nothing}>
    ${avatar(thread.with, people.shown.has(thread.with) ? people.standingOf(thread.with) : undefined)}
    <span class="grow">${fullName(thread.with)}<span class="preview">${text}</span></span>
    <span class="side">${last ? html`<time datetime=${machine(last.atMs)}>${brief(last.atMs, Date.now())}</time>` : nothing}
      ${thread.unread ? html`<span class="badge">${thread.unread}<span class="offscreen"> unread</span></span>` : nothing}</span>
  </a></li>`;
}

function preview(line: Line): string {
  return line.mine ? `You: ${line.sent.text}` : bodyWords(line.received);
}

function bodyWords({ text, isText, isWithheld }: Received): string {
  if (isWithheld) return "Written before this device came; not shown to it.";
  return isText ? text : "Something that is no text; another program may show it.";
}

function settings({ mail, ground }: Console): View {
  const change = (event: Event) => void mail.giveReceipts((event.target as HTMLInputElement).checked);
  return html`<div class="settings"><label class="check"><input type="checkbox" role="switch" .checked=${mail.givesReceipts} ?disabled=${ground.busy.has("receipts")} @change=${change}>
    <span>Tell senders when I have read<span class="hint">Off: they do not learn whether their messages arrived either.</span></span></label></div>`;
}

function threadView(page: Console, thread: Thread): View {
  const { people, mail } = page;
  const name = thread.with;
  const shown = people.shown.has(name);
  queueMicrotask(toEnd);
  return html`<section class="thread" aria-label="Conversation with ${name}">
    <header><a class="plain back" href="#/messages" aria-label="All conversations">${icon("back")}</a>
      ${avatar(name, shown ? people.standingOf(name) : undefined)}
      <div class="grow"><h2>${fullName(name)}</h2>${shown ? html`<p class="hint">${standingWord(people.standingOf(name))}</p>` : nothing}</div></header>
    <ol class="lines" tabindex="0" aria-label="Messages" aria-live="polite" data-with=${name}>
      ${thread.lines.length === 0 ? html`<li class="hint begin">Nothing was written yet.</li>` : nothing}
      ${repeat(thread.lines, keyOf, (line, index) => [dayMark(thread.lines, index), lineView(page, line)])}
      ${mail.writing.has(name) ? html`<li class="hint writing">${name} is writing…</li>` : nothing}
    </ol>
    ${composeForm(page, name)}
  </section>`;
}

const keyOf = (line: Line) => (line.mine ? line.sent.id : line.received.sequence);

function dayMark(lines: readonly Line[], index: number): View {
  const [line, before] = [lines[index] as Line, lines[index - 1]];
  if (before && dayOf(before.atMs) === dayOf(line.atMs)) return nothing;
  return html`<li class="day"><span>${dayName(line.atMs, Date.now())}</span></li>`;
}

function lineView(page: Console, line: Line): View {
  return line.mine ? mine(page, line.sent) : theirs(page, line.received);
}

function mine({ mail }: Console, sent: Sending): View {
  const isBad = sent.state === "unsent" || sent.state === "failed";
  const again =
    sent.state === "unsent"
      ? html` <button class="linklike" @click=${() => void mail.again(sent)}>Send again</button>`
      : nothing;
  return html`<li class="line-mine ${sent.state}"><p class="bubble">${sent.text}</p><p class="meta ${isBad ? "bad" : ""}">${moment(sent.atMs)} · ${sentWords(sent)}${again}</p></li>`;
}

function theirs({ mail, ground }: Console, received: Received): View {
  const { sequence, sender, isText, isWithheld, atMs } = received;
  const remove = () =>
    ground.ask({
      title: "Delete this message?",
      text: `It is deleted on all of your devices. ${sender} is not told.`,
      yes: "Delete",
      act: () => mail.delete(sequence),
    });
  return html`<li class="line-theirs"><p class="bubble ${isText && !isWithheld ? "" : "odd"}">${bodyWords(received)}</p>
    <p class="meta">${moment(atMs)} <button class="linklike" aria-label="Delete this message of ${clock(atMs)}" @click=${remove}>Delete</button></p></li>`;
}

const moment = (atMs: number) =>
  html`<time datetime=${machine(atMs)} title=${exact(atMs)}>${clock(atMs)}</time>`;

function composeForm({ mail, ground }: Console, to: string): View {
  const send = (event: Event) => {
    const { form, field } = entered(event);
    const text = field("text");
    if (!text) return;
    form.reset();
    void mail.send(to, text);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    (event.currentTarget as HTMLTextAreaElement).form?.requestSubmit();
  };
  return html`<form class="line compose" @submit=${send}>
    <label class="grow"><span class="offscreen">Message to ${to}</span>
      <textarea name="text" rows="1" maxlength=${TEXT_MAX} placeholder="Message" enterkeyhint="send" @keydown=${key} @input=${() => mail.compose(to)}></textarea></label>
    <button class="primary" ?disabled=${ground.busy.has("send")}>Send</button>
  </form>`;
}

let ending = "";

/** Shows the newest line when another conversation is opened or a line comes. */
function toEnd(): void {
  const lines = document.querySelector<HTMLElement>(".lines");
  if (!lines) return;
  const now = `${lines.dataset.with} ${lines.childElementCount}`;
  if (now !== ending) lines.scrollTop = lines.scrollHeight;
  ending = now;
}
