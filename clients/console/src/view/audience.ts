// Who sees me: requests to answer, rules in words, a preview, and who watches.

import { html, nothing } from "lit-html";
import type { AccessRule, Handling, WatcherBody } from "../adsum.js";
import { WatcherBodyState } from "../adsum.js";
import type { Console } from "../console.js";
import { typed } from "../words/names.js";
import { contactsOf, notesOf, standingOf, standingWord } from "../words/presence.js";
import { CHOICES, does, handlingOf, preview, whom } from "../words/rules.js";
import { avatar, card, empty, entered, fault, fullName, head, type View, when } from "./parts.js";

/** The page. */
export function audienceView(page: Console): View {
  return html`${head("Who sees me", "You decide who may see whether you are here.")} ${fault(page.audience.fault)}
    ${requestsCard(page)} ${rulesCard(page)} ${previewCard(page)} ${watchersCard(page)}`;
}

function requestsCard(page: Console): View {
  const { requests } = page.audience;
  const body =
    requests.length === 0
      ? html`<p class="quiet">Nobody is waiting for an answer.</p>`
      : html`<ul class="rows">${requests.map((one) => requestRow(page, one))}</ul>`;
  return card("Requests to answer", nothing, html`<div aria-live="polite">${body}</div>`);
}

function requestRow({ audience, ground }: Console, { watcher, firstAtMs }: WatcherBody): View {
  const answer = (handling: Handling) => () => void audience.answer(watcher, handling);
  const isBusy = ground.busy.has("rule");
  return html`<li class="row request">${avatar(watcher)}
    <div class="grow">${fullName(watcher)}<p class="state">asked ${when(firstAtMs)} to see you</p></div>
    <div class="actions">
      <button class="primary" aria-label="Let ${watcher} see me" ?disabled=${isBusy} @click=${answer("allow")}>Allow</button>
      <button aria-label="Always appear away to ${watcher}" ?disabled=${isBusy} @click=${answer("polite-block")}>Appear away</button>
      <button aria-label="Refuse ${watcher}" ?disabled=${isBusy} @click=${answer("block")}>Refuse</button>
    </div></li>`;
}

function rulesCard(page: Console): View {
  const { rules } = page.audience;
  const list = !rules?.length
    ? html`<p class="quiet">You have made no rule. Whoever wants to see you is treated as the server decides: mostly, they have to ask.</p>`
    : html`<ul class="rows rules">${rules.map((one) => ruleRow(page, one))}</ul>`;
  return card(
    "My rules",
    "The rule about a person wins over one about a domain, and that over one about everybody.",
    html`${list} ${ruleForm(page)}`,
  );
}

function ruleRow({ audience, ground }: Console, rule: AccessRule): View {
  const remove = () =>
    ground.ask({
      title: "Take this rule back?",
      text: `${whom(rule.who)} ${does(rule)}. Without it, the next broader rule holds, or what the server does by itself.`,
      yes: "Take back",
      act: () => audience.remove(rule.name),
    });
  const handling = handlingOf(rule.subscribe || rule.fetch);
  return html`<li class="row"><span class="mark-${handling} rulemark" aria-hidden="true"></span>
    <p class="grow"><strong>${whom(rule.who)}</strong> ${does(rule)}.</p>
    <button aria-label="Take back the rule about ${whom(rule.who)}" @click=${remove}>Take back</button></li>`;
}

function ruleForm(page: Console): View {
  const { audience, ground } = page;
  const set = async (event: Event) => {
    const { form, field } = entered(event);
    const who = field("about") === "person" ? typed(field("who"), ground.domain) : field("about");
    if (!who) return ground.say("Write the name of the person that the rule is about, such as bob.", true);
    const wanted = {
      who,
      handling: field("handling") as Handling,
      notes: field("notes") !== "",
      contact: field("contact") !== "",
    };
    if (await audience.set(wanted)) form.reset();
  };
  return html`<details class="add"><summary>Add a rule</summary><form class="grid" @submit=${set}>
    <label>About<select name="about">
      <option value="person">A person, by name</option>
      <option value="@${ground.domain}">Everyone at ${ground.domain}</option>
      <option value="authenticated">Everyone who has a name</option>
      <option value="everyone">Anyone at all</option></select></label>
    <label class="ifperson">Name<input name="who" placeholder="bob" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
    <fieldset class="wide choices"><legend>What they may do</legend>${CHOICES.map(choice)}</fieldset>
    <fieldset class="wide"><legend>What they are shown, if they may see me</legend>
      <label class="check"><input type="checkbox" name="notes" value="1" checked><span>My note</span></label>
      <label class="check"><input type="checkbox" name="contact" value="1" checked><span>My addresses, such as a telephone number</span></label></fieldset>
    <div class="wide"><button class="primary" ?disabled=${ground.busy.has("rule")}>Set rule</button></div>
  </form></details>`;
}

function choice({ handling, label, help }: (typeof CHOICES)[number], index: number): View {
  return html`<label class="check"><input type="radio" name="handling" value=${handling} ?checked=${index === 0}><span>${label}<span class="hint">${help}</span></span></label>`;
}

function previewCard(page: Console): View {
  const { audience, ground } = page;
  const look = (event: Event) => {
    const name = typed(entered(event).field("who"), ground.domain);
    if (name) void audience.explain(name);
    else ground.say("Write a name, such as bob.", true);
  };
  const form = html`<form class="line" @submit=${look}>
    <label class="grow"><span class="offscreen">Whose eyes to look through</span><input name="who" required placeholder="A name, such as bob" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
    <button ?disabled=${ground.busy.has("explain")}>Look</button></form>`;
  return card(
    "Look through somebody’s eyes",
    "See what a person would be shown of you now, and why.",
    html`${form}<div aria-live="polite">${seen(page)}</div>`,
  );
}

function seen({ audience, people, ground }: Console): View {
  if (!audience.explained) return nothing;
  const { name, said } = audience.explained;
  const { handling, sees, why } = preview(name, said);
  const document = people.shown.get(ground.me)?.document;
  const { subscribeShown: parts } = said;
  const isShown = handling === "allow" && document && parts.tuples === null;
  const hides = handling === "polite-block" ? "away" : "unknown";
  const standing = isShown ? standingOf(document) : hides;
  const note = isShown && parts.notes ? notesOf(document) : "";
  const contacts = isShown && parts.contact ? contactsOf(document).map(({ text }) => text) : [];
  const word =
    handling === "confirm"
      ? "Has to wait for your answer"
      : handling === "block"
        ? "Is refused"
        : standingWord(standing);
  return html`<div class="eyes"><div class="row">${avatar(ground.me, standing)}<div class="grow">${fullName(ground.me)}
      <p class="state"><span class="word ${standing}">${word}</span>${note ? html`<span class="note">${note}</span>` : nothing}</p>
      ${contacts.length > 0 ? html`<p class="contacts">${contacts.map((text) => html`<span>${text}</span>`)}</p>` : nothing}</div></div>
    <p>${sees} ${why}</p></div>`;
}

function watchersCard({ audience }: Console): View {
  const { seeing } = audience;
  const body =
    seeing.length === 0
      ? empty("audience", "Nobody watches you", "Who follows you, or looks at you once, stands here.")
      : html`<ul class="rows">${seeing.map(watcherRow)}</ul>`;
  return card("Who watches me", nothing, body);
}

function watcherRow({ watcher, state, firstAtMs, lastAtMs, handling }: WatcherBody): View {
  const follows = state === WatcherBodyState.active;
  const absent = handlingOf(handling) === "polite-block" ? " · you appear away to them" : "";
  return html`<li class="row">${avatar(watcher)}<div class="grow">${fullName(watcher)}
    <p class="state">${follows ? html`follows you since ${when(firstAtMs)}` : html`looked ${when(lastAtMs)}`}${absent}</p></div></li>`;
}
