// Whatever went wrong, in words that say what to do. Pure.

import { AdsumError } from "../adsum.js";

const WORDS: Readonly<Record<string, string>> = {
  unreachable:
    "The server cannot be reached. It is tried again by itself; check that it runs and that you are online.",
  "connection-lost": "The connection was lost and is being made again. Try it once more in a moment.",
  "outcome-unknown":
    "No answer came in time, so it is not known whether it was done. Look, and do it again if it was not.",
  "server-key-changed":
    "The server has another key than before. Somebody may be in between: do nothing, and ask whoever runs it.",
  "key-revoked": "This device was signed out from another one. Open a new invite link to come back.",
  "unknown-key": "The server does not know this device any more. Open a new invite link to come back.",
  "unknown-principal": "Nobody has this name here. Check how it is written.",
  "bad-invite": "This invite is used up, has run out, or is for somebody else. Ask for a new one.",
  "invite-needed": "This server lets nobody in without an invite. Ask whoever runs it for a link.",
  "name-taken": "Somebody has this name already. Choose another one, or ask for an invite if it is yours.",
  "name-refused": "This name looks too much like another one, or is not allowed. Choose another one.",
  "foreign-domain": "This server is not responsible for that domain. Check what stands behind the @.",
  "bad-address": "This is not a name as it must be, such as alice@example.org. Check how it is written.",
  "unknown-presentity": "Nobody has this name here. Check how it is written.",
  "unknown-inbox": "Nobody has this name here, or no messages are taken. Check how it is written.",
  refused: "That person does not let you see this.",
  "delivery-refused": "That person does not take this message from you.",
  "inbox-closed": "That person takes no messages now. Try it when they are here.",
  "inbox-full": "That person's inbox is full. Try it again later.",
  "sender-full": "Too many of your messages wait there unread. Try it again when some were read.",
  "service-off": "This is switched off here. Ask an administrator.",
  suspended: "This name is suspended. Ask an administrator.",
  forbidden: "You may not do this. Ask an administrator.",
  "devices-full": "There are 16 devices already. Sign one out first.",
  "invites-full": "Too many invites are open. Take one back first.",
  "domain-exists": "There is such a domain already.",
  "domain-configured": "This domain stands in the server's settings, and is removed there.",
  "domain-inhabited": "People have names in this domain, so it cannot be removed.",
  "recovery-needed": "This name is somebody's already. Its return has to be started on the command line.",
  "storage-full": "The server's disk is full. Tell whoever runs it.",
  busy: "The server has too much to do. Try it again in a moment.",
  "going-away": "The server is being restarted. Try it again in a moment.",
  "stale-version": "The rules were changed elsewhere meanwhile. Look at them and try again.",
  "too-large": "This is too long. Make it shorter.",
};

/** What went wrong and what to do. */
export function faultWords(error: unknown): string {
  if (error instanceof AdsumError) return WORDS[error.code] ?? sentence(error.message);
  return sentence(error instanceof Error ? error.message : String(error));
}

function sentence(text: string): string {
  const words = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(words) ? words : `${words}.`;
}
