// Begins the page: takes an invite out of the address, and shows the enrolment or the console.

import { render } from "lit-html";
import { type Client, connect, whoIsHere } from "./adsum.js";
import { Console } from "./console.js";
import { Entrance, forgetDevice } from "./model/entrance.js";
import { readInvitation } from "./model/link.js";
import { entranceView, stoppedView } from "./view/entrance.js";
import type { View } from "./view/parts.js";
import { shellView } from "./view/shell.js";
import { faultWords } from "./words/faults.js";

const SERVER = new URL("web.json", location.href).href;

const place = document.getElementById("app") as HTMLElement;

/** Shows a view in place of what was there. */
function show(view: View): void {
  place.querySelector(":scope > .boot")?.remove();
  render(view, place);
}

async function begin(): Promise<void> {
  const invitation = readInvitation(location.hash);
  // The token is a secret: it must not stay in the address or the history.
  if (invitation) history.replaceState(null, "", location.pathname + location.search);
  const me = await whoIsHere();
  if (me)
    return open(
      await connect({ server: SERVER }),
      invitation ? `This browser is ${me} already, so the invite was not used.` : "",
    );
  const entrance = new Entrance(invitation, () => show(entranceView(entrance)));
  entrance.entered.then((client) => open(client, "")).catch(stop);
  show(entranceView(entrance));
}

async function open(client: Client, said: string): Promise<void> {
  const page = new Console(client, () => show(shellView(page)), stop);
  await page.begin();
  if (said) page.ground.say(said);
}

function stop(error: unknown): void {
  show(stoppedView(faultWords(error), () => void forgetDevice().then(() => location.reload())));
}

begin().catch(stop);
