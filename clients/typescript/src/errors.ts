// What may go wrong, each as a class of its own, with the word of the protocol in `code`.

import { RefusalCode, type Refused as RefusedBody } from "./protocol.js";

/** Any fault of this package. */
export class AdsumError extends Error {
  /** The word for programs. */
  readonly code: string;

  constructor(message: string, code = "error", options?: ErrorOptions) {
    super(message, options);
    this.name = "AdsumError";
    this.code = code;
  }
}

/** The server said no; nothing was changed. `code` is the word of the refusal, such as `inbox-full`. */
export class Refused extends AdsumError {
  /** The number of the refusal; the word of one that this version does not know is `refused`. */
  readonly number: number;
  /** When the same may be tried again; `null` if it would be refused again. */
  readonly retryAfterMs: number | null;

  constructor(number: number, message: string, retryAfterMs: number | null = null) {
    super(message, refusalWord(number));
    this.number = number;
    this.retryAfterMs = retryAfterMs;
  }

  /** The error that the frame tells. */
  static of(body: RefusedBody): Refused {
    return new Refused(body.code, printable(body.message), body.retryAfterMs);
  }

  /** Whether it is of this kind. */
  is(...codes: RefusalCode[]): boolean {
    return codes.some((code) => RefusalCode[code] === this.number);
  }
}

/** The word of a refusal. */
function refusalWord(number: number): RefusalCode | "refused" {
  return wordOf(RefusalCode, number) ?? "refused";
}

/** The word of a number, if it is known. */
export function wordOf<T extends string>(words: Readonly<Record<T, number>>, number: number): T | undefined {
  return (Object.keys(words) as T[]).find((word) => words[word] === number);
}

/** A value was wrong before it was sent. */
export class Invalid extends AdsumError {
  constructor(message: string) {
    super(message, "bad-field");
  }
}

/** No connection could be made, and nothing was sent. */
export class Unreachable extends AdsumError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, "unreachable", options);
  }
}

/** The server does not accept this device, or no longer. */
export class NotAuthenticated extends AdsumError {
  constructor(message: string) {
    super(message, "not-authenticated");
  }
}

/** The server is another one than the one that is known. Nothing was sent to it. */
export class ServerKeyChanged extends AdsumError {
  constructor(message: string) {
    super(message, "server-key-changed");
  }
}

/** Client and server speak no common version of the protocol. */
export class VersionMismatch extends AdsumError {
  constructor(message: string) {
    super(message, "version");
  }
}

/** One side broke the protocol. */
export class ProtocolViolation extends AdsumError {
  constructor(message: string) {
    super(message, "protocol");
  }
}

/** The connection ended. The client connects again by itself. */
export class ConnectionLost extends AdsumError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, "connection-lost", options);
  }
}

/** The server ended a stream before its last frame. */
export class StreamEnded extends AdsumError {
  /** The reset code; `null` for an end without one. */
  readonly reset: number | null;

  constructor(reset: number | null) {
    const how = reset === null ? "ended it" : `reset it with 0x${reset.toString(16)}`;
    super(`the server ${how} before the answer was whole`, "stream-ended");
    this.reset = reset;
  }
}

/**
 * The request was sent and no answer came in time: it is not known whether it was done.
 *
 * Ask the same again with `id`: what was done already is not done twice. Without an id it may be.
 */
export class OutcomeUnknown extends AdsumError {
  /** What to give as `id` of a message, `token` of an invite or `operation` of anything else, to repeat it. */
  readonly id: string;

  constructor(what: string, id: string) {
    const cure = id ? `repeat it with the id ${id}, which is safe` : "asked again it may be done twice";
    super(
      `it is not known whether ${what} was done: it was sent, and no answer came in time; ${cure}`,
      "outcome-unknown",
    );
    this.id = id;
  }
}

/** What the browser keeps for this device cannot be used. */
export class StateError extends AdsumError {}

/** The client, or a part of it, was closed. */
export class Closed extends AdsumError {
  constructor(message: string) {
    super(message, "closed");
  }
}

/** What a peer wrote, safe to show: control characters replaced, at most 1,000 characters. */
export function printable(text: string): string {
  return text.slice(0, 1_000).replace(/\p{C}/gu, "\ufffd");
}

/** Anything that was thrown, as an error of this package. */
export function asFault(error: unknown): AdsumError {
  if (error instanceof AdsumError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new AdsumError(`the client failed: ${words}; please report this`, "error", { cause: error });
}
