// Errors as plain values, so that they go from one page to another and stay what they are.

import {
  AdsumError,
  asFault,
  Closed,
  ConnectionLost,
  Invalid,
  NotAuthenticated,
  OutcomeUnknown,
  ProtocolViolation,
  Refused,
  ServerKeyChanged,
  StateError,
  StreamEnded,
  Unreachable,
  VersionMismatch,
} from "./errors.js";

/** An error without its class. */
export interface PlainError {
  readonly kind: string;
  readonly message: string;
  readonly code: string;
  readonly number?: number;
  readonly retryAfterMs?: number | null;
  readonly reset?: number | null;
  readonly id?: string;
}

/** Errors that say no more than their words and code. */
const CLASSES = /* @__PURE__ */ Object.entries({
  Closed,
  ConnectionLost,
  Invalid,
  NotAuthenticated,
  ProtocolViolation,
  ServerKeyChanged,
  Unreachable,
  VersionMismatch,
});

/** What is sent of an error. */
export function toPlain(error: unknown): PlainError {
  const fault = asFault(error);
  const { message, code } = fault;
  if (fault instanceof Refused) {
    return { kind: "Refused", message, code, number: fault.number, retryAfterMs: fault.retryAfterMs };
  }
  if (fault instanceof StreamEnded) return { kind: "StreamEnded", message, code, reset: fault.reset };
  if (fault instanceof OutcomeUnknown) return { kind: "OutcomeUnknown", message, code, id: fault.id };
  if (fault instanceof StateError) return { kind: "StateError", message, code };
  const kind = CLASSES.find(([, one]) => fault instanceof one)?.[0] ?? "AdsumError";
  return { kind, message, code };
}

/** The error that was sent. */
export function fromPlain(plain: PlainError): AdsumError {
  const error = revived(plain);
  Object.defineProperty(error, "message", { value: plain.message });
  return error;
}

function revived({
  kind,
  message,
  code,
  number = 0,
  retryAfterMs = null,
  reset = null,
  id = "",
}: PlainError): AdsumError {
  if (kind === "Refused") return new Refused(number, message, retryAfterMs);
  if (kind === "StreamEnded") return new StreamEnded(reset);
  if (kind === "OutcomeUnknown") return new OutcomeUnknown(message, id);
  if (kind === "StateError") return new StateError(message, code);
  const found = CLASSES.find(([name]) => name === kind)?.[1];
  return found ? new found(message) : new AdsumError(message, code);
}
