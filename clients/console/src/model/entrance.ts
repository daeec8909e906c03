// How somebody comes in: by an invite, or by choosing a name where the server lets everybody.

import { AdsumError, type Client, connect } from "../adsum.js";
import { faultWords } from "../words/faults.js";
import { likelyDomain, typed } from "../words/names.js";
import { deviceLabel } from "./kept.js";
import { type Invitation, readInvitation } from "./link.js";

const DATABASE = "adsum";

/** What is asked before somebody is in. */
export class Entrance {
  readonly domain = likelyDomain(location.hostname);
  readonly entered: Promise<Client>;
  fault = "";
  isBusy = false;
  private enter!: (client: Client) => void;

  constructor(
    readonly invitation: Invitation | null,
    private readonly changed: () => void,
  ) {
    this.entered = new Promise((enter) => {
      this.enter = enter;
    });
  }

  /** What to call this device, until its owner says it. */
  label(): string {
    return deviceLabel(navigator.userAgent);
  }

  /** Enrols this browser; `pasted` is a link or a token. */
  async join({ name, pasted, label }: { name: string; pasted: string; label: string }): Promise<void> {
    const invitation = pasted ? fromPasted(pasted) : this.invitation;
    const principal = typed(name || invitation?.name || "", this.domain);
    if (!principal) return this.failed("Say your name, such as alice.");
    this.isBusy = true;
    this.failed("");
    try {
      this.enter(await enrol(principal, invitation, label));
    } catch (error) {
      this.isBusy = false;
      this.failed(faultWords(error));
    }
  }

  private failed(fault: string): void {
    this.fault = fault;
    this.changed();
  }
}

/** Enrols; what an attempt under another name left behind is nobody's, and is cleared away. */
async function enrol(principal: string, invitation: Invitation | null, label: string): Promise<Client> {
  const server = new URL("web.json", location.href).href;
  const options = { server, principal, label, ...(invitation ? { invite: invitation.token } : {}) };
  try {
    return await connect(options);
  } catch (error) {
    if (!(error instanceof AdsumError && error.code === "already-enrolled")) throw error;
    await forgetDevice();
    return connect(options);
  }
}

/** Deletes the key of this browser, so that somebody can come in anew. */
export function forgetDevice(): Promise<void> {
  return new Promise((done) => {
    const request = indexedDB.deleteDatabase(DATABASE);
    request.onsuccess = request.onerror = request.onblocked = () => done();
  });
}

/** A link, or what stands in one. */
function fromPasted(text: string): Invitation {
  const cut = text.indexOf("#");
  return (cut >= 0 && readInvitation(text.slice(cut))) || { token: text.trim(), name: "" };
}
