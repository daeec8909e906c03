// The token of an invite as people pass it on (B.8).

import { deriveKey } from "./blake3.js";
import { isSame, joined, utf8 } from "./codec.js";
import { Invalid } from "./errors.js";

const TOKEN_BYTES = 32;
const TOKEN_LETTERS = 56;
const BOUND_TOKEN_LETTERS = 112;
const CHECK_BYTES = 3;
const BOUND_CHECK_BYTES = 6;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** What a token says. */
export interface Token {
  /** The secret of the invite. */
  readonly secret: Uint8Array;
  /** The key of the server that it is for; `null` if it names none. */
  readonly serverKey: Uint8Array | null;
}

/** The secret of a new invite. */
export function newSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
}

/** The name by which the server knows the invite. */
export function inviteId(secret: Uint8Array): Uint8Array {
  return deriveKey("adsum 2026 invite id", secret);
}

/** The token as people pass it on. */
export async function writeToken({ secret, serverKey }: Token): Promise<string> {
  return toBase32(joined(secret, serverKey ?? new Uint8Array(), await check({ secret, serverKey })));
}

/** What a token says; case, hyphens and white space mean nothing. */
export async function readToken(text: string): Promise<Token> {
  const letters = text.replace(/[\s-]/g, "").toLowerCase();
  if (letters.length !== TOKEN_LETTERS && letters.length !== BOUND_TOKEN_LETTERS) {
    throw new Invalid(
      "the invite token must have 112 letters and digits, or 56 if it names no server; copy all of it",
    );
  }
  const bytes = fromBase32(letters);
  const isBound = letters.length === BOUND_TOKEN_LETTERS;
  const secret = bytes.slice(0, TOKEN_BYTES);
  const serverKey = isBound ? bytes.slice(TOKEN_BYTES, 2 * TOKEN_BYTES) : null;
  const found = bytes.slice(isBound ? 2 * TOKEN_BYTES : TOKEN_BYTES);
  const first = deriveKey("adsum 2026 invite token check", secret).slice(0, CHECK_BYTES);
  const isRight = isSame(found, await check({ secret, serverKey })) || (!isBound && isSame(found, first));
  if (!isRight)
    throw new Invalid("the invite token has a slip in it: its check does not match; copy it again");
  return { secret, serverKey };
}

async function check({ secret, serverKey }: Token): Promise<Uint8Array> {
  const about = serverKey ? "adsum bound invite token check" : "adsum invite token check";
  const hash = await crypto.subtle.digest(
    "SHA-256",
    joined(utf8(about), secret, serverKey ?? new Uint8Array()),
  );
  return new Uint8Array(hash).slice(0, serverKey ? BOUND_CHECK_BYTES : CHECK_BYTES);
}

function toBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => LETTERS[Number.parseInt(five, 2)]).join("");
}

function fromBase32(letters: string): Uint8Array {
  const values = Array.from(letters, (letter) => LETTERS.indexOf(letter));
  if (values.includes(-1))
    throw new Invalid("the invite token may hold only the letters a to z and the digits 2 to 7");
  const bits = values.map((value) => value.toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}
