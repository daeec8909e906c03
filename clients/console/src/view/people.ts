// Who is here: oneself, and whom one follows.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Console } from "../console.js";
import type { Choice } from "../model/kept.js";
import { typed } from "../words/names.js";
import { contactsOf, notesOf, type Standing, standingWord } from "../words/presence.js";
import { avatar, empty, entered, fault, fullName, head, icon, type View } from "./parts.js";

const NOTE_MAX = 200;
const SHOWS: readonly {
  readonly shows: Choice["shows"];
  readonly label: string;
  readonly standing: Standing;
}[] = [
  { shows: "here", label: "Here", standing: "here" },
  { shows: "away", label: "Away", standing: "away" },
  { shows: "nothing", label: "Show nothing", standing: "unknown" },
];

/** The page. */
export function peopleView(page: Console): View {
  const { people } = page;
  const names = people.names;
  const here = names.filter((name) => people.standingOf(name) === "here").length;
  const text =
    names.length === 0
      ? "Your status, and the people you follow."
      : `${here} of ${names.length} ${names.length === 1 ? "person" : "people"} here now.`;
  return html`${head("Who is here", text)} ${fault(people.fault)} ${statusCard(page)} ${followForm(page)}
    ${
      names.length === 0 && people.isLoaded
        ? nobody()
        : html`<ul class="rows" aria-label="People you follow">${repeat(
            names,
            (name) => name,
            (name) => row(page, name),
          )}</ul>`
    }`;
}

const nobody = () =>
  empty(
    "people",
    "You follow nobody yet",
    "Enter a name above. As soon as that person lets you, you see here whether they are there.",
  );

function statusCard(page: Console): View {
  const { people, ground } = page;
  const { choice } = ground.kept;
  const set = (event: Event) => {
    const { field } = entered(event);
    void people
      .show({ ...choice, note: field("note") })
      .then((isDone) => isDone && ground.say("Your note is shown."));
  };
  return html`<section class="card mine" aria-label="My status">
    <fieldset><legend>My status</legend><div class="segments">${SHOWS.map((one) => segment(page, one))}</div></fieldset>
    <form class="line" @submit=${set}>
      <label class="grow"><span class="offscreen">My note</span>
        <input name="note" maxlength=${NOTE_MAX} .value=${choice.note} placeholder="What are you up to?" ?disabled=${choice.shows === "nothing"} autocomplete="off"></label>
      <button ?disabled=${choice.shows === "nothing" || ground.busy.has("status")}>Set note</button>
    </form>
  </section>`;
}

function segment({ people, ground }: Console, { shows, label, standing }: (typeof SHOWS)[number]): View {
  const { choice } = ground.kept;
  const choose = () =>
    void people
      .show({ ...choice, shows })
      .then((isDone) => isDone && ground.say(`You show: ${label.toLowerCase()}.`));
  return html`<label><input type="radio" name="shows" value=${shows} .checked=${choice.shows === shows} @change=${choose}><span><i class="dot ${standing}"></i>${label}</span></label>`;
}

function followForm({ people, ground }: Console): View {
  const follow = async (event: Event) => {
    const { form, field } = entered(event);
    const name = typed(field("who"), ground.domain);
    if (!name) return ground.say("Write a name, such as bob.", true);
    if (name === ground.me) return ground.say("That is you. Your own status stands above.");
    if (await people.add(name)) form.reset();
  };
  return html`<form class="line follow" @submit=${follow}>
    <label class="grow"><span class="offscreen">Name of somebody to follow</span>
      <input name="who" required placeholder="Follow somebody: bob or bob@${ground.domain}" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
    <button class="primary" ?disabled=${ground.busy.has("follow")}>Follow</button>
  </form>`;
}

function row({ people, ground }: Console, name: string): View {
  const standing = people.standingOf(name);
  const shown = people.shown.get(name);
  const note = shown && (standing === "here" || standing === "away") ? notesOf(shown.document) : "";
  const stop = () =>
    ground.ask({
      title: `Stop following ${name}?`,
      text: "You no longer see whether they are here. You can follow them again at any time.",
      yes: "Stop following",
      act: () => people.remove(name),
    });
  return html`<li class="row ${standing}">
    ${avatar(name, standing)}
    <div class="grow">${fullName(name)}
      <p class="state"><span class="word ${standing}">${shown ? standingWord(standing) : "Asking…"}</span>${note ? html`<span class="note">${note}</span>` : nothing}</p>
      ${shown ? contacts(contactsOf(shown.document)) : nothing}
    </div>
    <div class="actions">
      <a class="button" href="#/messages/${encodeURIComponent(name)}" aria-label="Write to ${name}">${icon("messages")}<span>Write</span></a>
      <button class="plain" aria-label="Stop following ${name}" title="Stop following" @click=${stop}>${icon("close")}</button>
    </div>
  </li>`;
}

function contacts(found: ReturnType<typeof contactsOf>): View {
  if (found.length === 0) return nothing;
  return html`<p class="contacts">${found.map(({ text, href }) => (href ? html`<a href=${href} rel="noreferrer">${text}</a>` : html`<span>${text}</span>`))}</p>`;
}
