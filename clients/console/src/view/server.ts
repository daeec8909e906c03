// The server, for administrators.

import { html, nothing } from "lit-html";
import { type DomainState, type PrincipalState, WelcomeRole } from "../adsum.js";
import type { Console } from "../console.js";
import { FIGURES } from "../model/metrics.js";
import type { Person } from "../model/server.js";
import { domainOf, typed } from "../words/names.js";
import { actWords } from "../words/quotas.js";
import { avatar, card, entered, fullName, head, type View, when } from "./parts.js";
import { plotView } from "./plot.js";
import { quotaTable } from "./quotas.js";

/** As many people as are listed. */
const PEOPLE_SHOWN_MAX = 100;

/** The page. */
export function serverView(page: Console): View {
  return html`${head("Server", page.server.software ? `It runs ${page.server.software}.` : "What administrators see and do.")} ${figuresCard(page)} ${domainsCard(page)} ${peopleCard(page)} ${personCard(page)} ${limitsCard(page)}`;
}

function figuresCard({ server }: Console): View {
  const { readings, hasFigures } = server;
  if (hasFigures === false) {
    return card(
      "Now",
      nothing,
      html`<p class="quiet">The server does not show its figures at this address. They stand at /metrics of its HTTP side.</p>`,
    );
  }
  const plots = FIGURES.map((figure) => plotView(figure, readings)).filter((view) => view !== nothing);
  return card(
    "Now",
    "Read every two seconds while this page is open.",
    html`<div class="plots">${plots.length > 0 ? plots : html`<p class="hint">Reading…</p>`}</div>`,
  );
}

function domainsCard(page: Console): View {
  const { server, ground } = page;
  if (!server.domains) return nothing;
  const add = async (event: Event) => {
    const { form, field } = entered(event);
    if (await server.domain("create-a-domain", field("domain"))) form.reset();
  };
  const body = html`<div class="scroll"><table><thead><tr><th scope="col">Domain</th><th scope="col" class="number">People</th><th scope="col">Status</th><th scope="col">Messages</th><th></th></tr></thead>
      <tbody>${server.domains.map((one) => domainRow(page, one))}</tbody></table></div>
    <details class="add"><summary>Add a domain</summary><form class="line" @submit=${add}><label class="grow"><span class="offscreen">Name of the domain</span><input name="domain" required placeholder="example.org" autocomplete="off" autocapitalize="none" spellcheck="false"></label><button ?disabled=${ground.busy.has("administer")}>Add</button></form></details>`;
  return card("Domains", nothing, body);
}

function domainRow({ server, ground }: Console, state: DomainState): View {
  const { domain, principals, isConfigured } = state;
  const toggle = (
    which: "presence" | "messaging",
    label: string,
  ) => html`<label class="check"><input type="checkbox" role="switch" .checked=${state[which]} aria-label="${label} of ${domain}"
      @change=${(event: Event) => void server.service(domain, which, (event.target as HTMLInputElement).checked).then(() => server.load())}><span aria-hidden="true">${state[which] ? "on" : "off"}</span></label>`;
  const remove = () =>
    ground.ask({
      title: `Remove ${domain}?`,
      text: "Nobody can act in it any more. What was stored stays in the log.",
      yes: "Remove",
      act: () => server.domain("remove-it", domain),
    });
  return html`<tr><th scope="row">${domain}</th><td class="number">${principals.toLocaleString("en")}</td><td>${toggle("presence", "Status")}</td><td>${toggle("messaging", "Messages")}</td>
    <td class="end">${isConfigured ? html`<span class="hint fixed">in the settings</span>` : html`<button aria-label="Remove ${domain}" @click=${remove}>Remove</button>`}</td></tr>`;
}

function peopleCard(page: Console): View {
  const { people } = page.server;
  if (!people) return nothing;
  const shown = people.slice(0, PEOPLE_SHOWN_MAX);
  const rest = people.length - shown.length;
  const more =
    rest > 0
      ? html`<p class="hint">And ${rest.toLocaleString("en")} more: look them up by name.</p>`
      : nothing;
  const rows = shown.map((one) => principalRow(page, one));
  return card(
    "People",
    `Who has a name at ${page.ground.domain}.`,
    html`<ul class="rows">${rows}</ul>${more}`,
  );
}

function principalRow({ server, ground }: Console, one: PrincipalState): View {
  const { principal, devices, enrolledAtMs } = one;
  const tag = (isSo: boolean, word: string) => (isSo ? html` <span class="tag">${word}</span>` : nothing);
  const how = `${devices} ${devices === 1 ? "device" : "devices"}`;
  return html`<li class="row">${avatar(principal)}<div class="grow">${fullName(principal)}${tag(one.role === WelcomeRole.administrator, "administrator")}${tag(one.isSuspended, "suspended")}
      <p class="state">${how}, came ${when(enrolledAtMs)}</p></div>
    <button aria-label="Look up ${principal}" ?disabled=${ground.busy.has("person")} @click=${() => void server.lookUp(principal)}>Look up</button></li>`;
}

function personCard(page: Console): View {
  const { server, ground } = page;
  const look = (event: Event) => {
    const name = typed(entered(event).field("who"), ground.domain);
    if (name) void server.lookUp(name);
    else ground.say("Write a name, such as bob.", true);
  };
  const form = html`<form class="line" @submit=${look}><label class="grow"><span class="offscreen">Name of the person</span><input name="who" required placeholder="A name, such as bob" autocomplete="off" autocapitalize="none" spellcheck="false"></label><button ?disabled=${ground.busy.has("person")}>Look up</button></form>`;
  return card(
    "A person",
    "Devices, limits, and what administrators did.",
    html`${form}<div aria-live="polite">${server.person ? personView(page, server.person) : nothing}</div>`,
  );
}

function personView(page: Console, { name, keys, quotas, acts }: Person): View {
  const { server, ground } = page;
  const live = keys.filter(({ revokedAtMs }) => revokedAtMs === null).length;
  const state = acts.filter(({ act }) => act === 3 || act === 4).at(-1);
  const isSuspended = state?.act === 3;
  const suspend = () =>
    ground.ask({
      title: `Suspend ${name}?`,
      text: "They can do nothing until it is lifted, and are not shown to others.",
      yes: "Suspend",
      act: () => server.suspend(name, true),
    });
  const button = isSuspended
    ? html`<button @click=${() => void server.suspend(name, false)}>Lift the suspension</button>`
    : html`<button @click=${suspend} ?disabled=${name === ground.me}>Suspend</button>`;
  return html`<div class="person"><div class="row">${avatar(name)}<div class="grow">${fullName(name)}${isSuspended ? html` <span class="tag">suspended</span>` : nothing}
      <p class="state">${live} ${live === 1 ? "device" : "devices"}${live ? html`, the first came ${when(Math.min(...keys.map(({ enrolledAtMs }) => enrolledAtMs)))}` : nothing}</p></div>${button}</div>
    ${quotaTable(page, name, quotas)}
    <h3>What administrators did</h3>
    ${acts.length === 0 ? html`<p class="quiet">Nothing.</p>` : html`<ul class="plainlist">${[...acts].reverse().map((act) => html`<li>${act.by || "The operator"} ${actWords(act)} <span class="hint">${when(act.atMs)}</span></li>`)}</ul>`}</div>`;
}

function limitsCard(page: Console): View {
  const owner = `@${domainOf(page.ground.me)}`;
  const quotas = page.server.limits.get(owner);
  if (!quotas) return nothing;
  return card(
    "Limits",
    `What each person at ${owner.slice(1)} may take, unless they have limits of their own.`,
    quotaTable(page, owner, quotas),
  );
}
