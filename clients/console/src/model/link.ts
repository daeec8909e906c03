// Invite links: the token and the name stand behind the `#`, which browsers send to nobody. Pure.

import { domainOf } from "../words/names.js";

/** What a link says. */
export interface Invitation {
  readonly token: string;
  /** For whom it is; empty if it does not say. */
  readonly name: string;
}

/** The invite in a fragment; `null` if there is none. */
export function readInvitation(fragment: string): Invitation | null {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const token = fields.get("invite");
  return token ? { token, name: fields.get("name") ?? "" } : null;
}

/** The link to a page at `base` that enrols whoever opens it. */
export function writeInvitation(base: string, { token, name }: Invitation): string {
  const fields = new URLSearchParams({ invite: token, ...(domainOf(name) ? { name } : {}) });
  return `${base.split("#")[0]}#${fields.toString().replaceAll("%40", "@")}`;
}
