// What somebody may take of what all share, and how an administrator changes it.

import { html, nothing } from "lit-html";
import type { QuotaState } from "../adsum.js";
import type { Console } from "../console.js";
import { quotaAmount, quotaName, quotaSource } from "../words/quotas.js";
import { entered, type View } from "./parts.js";

/** The limits of a person, or of everybody in a domain; `owner` is a name or `@domain`. */
export function quotaTable(page: Console, owner: string, quotas: readonly QuotaState[]): View {
  const isCounted = quotas.some(({ used }) => used !== null);
  return html`<div class="scroll"><table class="quotas"><thead><tr><th scope="col">Of what</th>
      ${isCounted ? html`<th scope="col" class="number">Taken</th>` : nothing}<th scope="col" class="number">At most</th><th scope="col">Set by</th><th></th></tr></thead>
    <tbody>${quotas.map((one) => quotaRow(page, owner, one, isCounted))}</tbody></table></div>`;
}

function quotaRow(page: Console, owner: string, state: QuotaState, isCounted: boolean): View {
  const { quota, max, used } = state;
  const share = used !== null && max > 0 ? Math.min(1, used / max) : 0;
  const meter = html`<meter min="0" max="1" high="0.8" .value=${share} aria-label="Share that is taken"></meter>`;
  return html`<tr><th scope="row">${quotaName(quota)}${used === null ? nothing : meter}</th>
    ${isCounted ? html`<td class="number taken">${used === null ? "–" : quotaAmount(quota, used)}</td>` : nothing}
    <td class="number most">${quotaAmount(quota, max)}</td><td class="source">${quotaSource(state)}</td>
    <td class="end">${changeForm(page, owner, state)}</td></tr>`;
}

function changeForm({ server, ground }: Console, owner: string, { quota, max, source }: QuotaState): View {
  const set = async (event: Event) => {
    const { form, field } = entered(event);
    const text = field("most");
    if (!/^\d{0,15}$/.test(text)) return ground.say("Write a whole number, such as 500.", true);
    const isDone = await server.limit(owner, quota, text === "" ? null : Number(text));
    if (isDone) form.closest("details")?.removeAttribute("open");
  };
  return html`<details class="inline"><summary aria-label="Change the limit: ${quotaName(quota)}">Change</summary>
    <form class="line" @submit=${set}><label><span class="offscreen">New limit; empty takes back what was set</span>
      <input name="most" inputmode="numeric" size="10" placeholder=${source === 0 ? String(max) : "empty: take back"}></label><button>Set</button></form></details>`;
}
