// How somebody comes in, and what is shown when nothing more is to be had.

import { html, nothing } from "lit-html";
import type { Entrance } from "../model/entrance.js";
import { localPart } from "../words/names.js";
import { entered, fault, type View } from "./parts.js";

const MARK = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="14" /><circle class="inner" cx="16" cy="16" r="6" /></svg>`;

/** The first page of somebody new. */
export function entranceView(entrance: Entrance): View {
  const { invitation, domain } = entrance;
  const join = (event: Event) => {
    const { field } = entered(event);
    void entrance.join({ name: field("name"), pasted: field("pasted"), label: field("label") });
  };
  const isNamed = !!invitation?.name;
  return html`<main class="entrance">
    ${MARK}
    <h1>${isNamed ? html`Welcome, ${localPart(invitation.name)}` : "Welcome"}</h1>
    <p>${wordsFor(entrance)}</p>
    <form @submit=${join}>
      ${isNamed ? nothing : nameField(domain)} ${invitation ? nothing : inviteField()}
      <label>What to call this device<input name="label" maxlength="60" .value=${entrance.label()} autocomplete="off"></label>
      ${fault(entrance.fault)}
      <button class="primary" ?disabled=${entrance.isBusy}>${entrance.isBusy ? "One moment…" : "Come in"}</button>
    </form>
    <p class="hint">A key is made that cannot leave this browser. There is no password to remember.</p>
  </main>`;
}

function wordsFor({ invitation }: Entrance): View {
  if (invitation?.name)
    return html`This invite makes this browser a device of <strong>${invitation.name}</strong>.`;
  if (invitation) return "You have an invite. Say which name it is for, or choose one if it is for any.";
  return "See who is here, and write to them. Open the invite link that you were given, or choose a name if this server lets everybody in.";
}

function nameField(domain: string): View {
  return html`<label>Your name
    <input name="name" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" placeholder="alice" aria-describedby="namehint">
    <span class="hint" id="namehint">You will be <em>name</em>@${domain}. Write the whole of it if what stands behind the @ is another one.</span>
  </label>`;
}

function inviteField(): View {
  return html`<details><summary>I have an invite</summary>
    <label>Invite link or code<input name="pasted" autocomplete="off" spellcheck="false"></label>
  </details>`;
}

/** Nothing more is to be had for this device. */
export function stoppedView(text: string, again: () => void): View {
  return html`<main class="entrance">
    ${MARK}
    <h1>This cannot go on</h1>
    <p role="alert">${text}</p>
    <div class="buttons">
      <button class="primary" @click=${() => location.reload()}>Try again</button>
      <button @click=${again}>Start anew on this device</button>
    </div>
    <p class="hint">Starting anew forgets the key of this browser. You need an invite link to have your name again.</p>
  </main>`;
}
