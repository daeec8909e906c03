// Devices of one's own, and invites.

import { html, nothing } from "lit-html";
import { type Key, type OpenInvite, toHex } from "../adsum.js";
import type { Console } from "../console.js";
import type { Fresh } from "../model/devices.js";
import { forgetDevice } from "../model/entrance.js";
import { typed } from "../words/names.js";
import { card, entered, head, icon, type View, when } from "./parts.js";
import { qrView } from "./qr.js";

/** The page. */
export function devicesView(page: Console): View {
  const { devices, ground } = page;
  const add = html`<button class="primary" ?disabled=${ground.busy.has("invite")} @click=${() => void devices.invite()}>Add a device</button>`;
  return html`${head("Devices", "Each has a key of its own, so that a lost one is signed out alone.", add)}
    ${devices.fresh ? freshView(page, devices.fresh) : nothing} ${keysCard(page)} ${page.isAdministrator ? inviteCard(page) : nothing} ${invitesCard(page)}`;
}

function freshView({ devices, ground }: Console, { link, token, name }: Fresh): View {
  const title = name === ground.me ? "Open this on your other device" : `For ${name}`;
  const close = html`<button class="plain" aria-label="Close" @click=${() => devices.forget()}>${icon("close")}</button>`;
  const copy = (text: string, what: string) => () =>
    void navigator.clipboard.writeText(text).then(
      () => ground.say(`The ${what} is copied.`),
      () =>
        ground.say(`The browser does not let the ${what} be copied: select it and copy it by hand.`, true),
    );
  const body = html`<div class="fresh">${qrView(link, `QR code of the invite link for ${name}`)}<div class="grow">
      <p>Scan the code, or open the link there. It works once, and whoever has it comes in as <strong>${name}</strong>: show it to nobody else. It is shown only now.</p>
      <label>Link<input readonly .value=${link} @focus=${(event: Event) => (event.target as HTMLInputElement).select()}></label>
      <div class="buttons"><button class="primary" @click=${copy(link, "link")}>Copy link</button><button @click=${copy(token, "code")}>Copy code for the command line</button></div>
    </div></div>`;
  return card(title, nothing, body, close);
}

function keysCard(page: Console): View {
  const { keys } = page.devices;
  if (!keys) return html`<p class="hint">Reading…</p>`;
  const live = keys.filter(({ revokedAtMs }) => revokedAtMs === null);
  const gone = keys.filter(({ revokedAtMs }) => revokedAtMs !== null);
  const rows = (some: readonly Key[]) => html`<ul class="rows">${some.map((one) => keyRow(page, one))}</ul>`;
  const past =
    gone.length > 0
      ? html`<details><summary>${gone.length} signed out</summary>${rows(gone)}</details>`
      : nothing;
  return card("My devices", nothing, html`${rows(live)} ${past}`);
}

function keyRow(page: Console, key: Key): View {
  const { devices } = page;
  const id = toHex(key.device);
  const isOwn = id === devices.own;
  const name = key.label || `Device ${id.slice(0, 6)}`;
  const state =
    key.revokedAtMs === null
      ? html`came ${when(key.enrolledAtMs)}`
      : html`signed out ${when(key.revokedAtMs)}`;
  const out =
    key.revokedAtMs === null
      ? html`<button aria-label="Sign out ${name}" @click=${() => askOut(page, key, name, isOwn)}>Sign out</button>`
      : nothing;
  return html`<li class="row"><span class="tile" aria-hidden="true">${icon("devices")}</span>
    <div class="grow"><span class="name">${name}</span>${isOwn ? html` <span class="tag">this one</span>` : nothing}<p class="state">${state}</p></div>${out}</li>`;
}

function askOut(page: Console, key: Key, name: string, isOwn: boolean): void {
  const { devices, ground } = page;
  const here = "This browser forgets its key. You need an invite from another device to come back.";
  const there = "It can do nothing in your name any more, and can come back only by a new invite.";
  const leave = async () => {
    page.end();
    await devices.leave(key);
    await forgetDevice();
    location.reload();
  };
  ground.ask({
    title: `Sign out ${isOwn ? "this device" : name}?`,
    text: isOwn ? here : there,
    yes: "Sign out",
    act: () => (isOwn ? leave() : devices.revoke(key)),
  });
}

function inviteCard({ devices, ground }: Console): View {
  const invite = (event: Event) => {
    const { form, field } = entered(event);
    const principal = typed(field("who"), ground.domain);
    if (!principal) return ground.say("Write the name that the person is to have, such as bob.", true);
    const administrator = field("administrator") !== "";
    void devices.invite({ principal, administrator }).then(() => form.reset());
  };
  const body = html`<form class="line wrap" @submit=${invite}>
    <label class="grow"><span class="offscreen">Name for the person</span><input name="who" required placeholder="Their name, such as bob" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
    <label class="check"><input type="checkbox" name="administrator" value="1"><span>as administrator</span></label>
    <button ?disabled=${ground.busy.has("invite")}>Make an invite</button></form>`;
  return card("Invite somebody", `To have a name at ${ground.domain}.`, body);
}

function invitesCard(page: Console): View {
  const { invites } = page.devices;
  if (invites.length === 0) return nothing;
  return card(
    "Open invites",
    nothing,
    html`<ul class="rows">${invites.map((one) => inviteRow(page, one))}</ul>`,
  );
}

function inviteRow({ devices, ground }: Console, open: OpenInvite): View {
  const whom =
    open.principal === ground.me
      ? "Another device of yours"
      : open.principal || `Any free name at ${open.domain}`;
  const role = open.role === 1 ? html` <span class="tag">administrator</span>` : nothing;
  const back = () =>
    ground.ask({
      title: "Take this invite back?",
      text: "Its link stops working.",
      yes: "Take back",
      act: () => devices.withdraw(open),
    });
  return html`<li class="row"><div class="grow"><span class="name">${whom}</span>${role}
    <p class="state">${open.by ? html`made by ${open.by}, ` : html`made by whoever runs the server, `}runs out ${when(open.expiresAtMs)}</p></div>
    <button aria-label="Take back the invite: ${whom}" @click=${back}>Take back</button></li>`;
}
