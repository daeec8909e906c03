// Requests that are not answered yet, over any number of connections: sections 7.1 and 7.2. No socket, no clock.

import { make } from "../codec.js";
import { ProtocolViolation } from "../errors.js";
import { type Body, REQUESTS_IN_FLIGHT_MAX, RefusalCode, type Refused, type Request } from "../protocol.js";

/** What a server says to a request. */
export type Answer = Exclude<Body, Request>;

interface Pending<T> {
  readonly request: Request;
  readonly token: T;
  repeated: boolean;
  withdrawn: boolean;
}

/** Repeats what was not answered, in order and under fresh numbers. `T` names a request to its owner. */
export class Requests<T> {
  private pending: Pending<T>[] = [];
  /** What a leaving server did not take. */
  private deferred: Pending<T>[] = [];
  private written = 0;
  private due = 1;

  /** Whether nothing that was written waits for its answer. */
  get isIdle(): boolean {
    return this.written === 0;
  }

  /** Whether one more may be submitted. */
  hasRoom(): boolean {
    return this.pending.length + this.deferred.length < REQUESTS_IN_FLIGHT_MAX;
  }

  /** Takes a request on. `again`: an earlier page did not learn what became of it. */
  submit(request: Request, token: T, again = false): void {
    this.pending.push({ request, token, repeated: again, withdrawn: false });
  }

  /** There is a new connection: everything unanswered is due again, numbered from 1. */
  connected(): void {
    for (const one of this.pending.slice(0, this.written)) one.repeated = true;
    this.pending = [...this.deferred, ...this.pending.filter((one) => !one.withdrawn)];
    this.deferred = [];
    this.written = 0;
    this.due = 1;
  }

  /** The next request to be written, with its number. */
  nextToWrite(): Request | null {
    const next = this.pending[this.written];
    if (!next) return null;
    const request = this.due + this.written;
    this.written += 1;
    return { ...next.request, request };
  }

  /** Whether the request has left on this connection, or did on one before. */
  isWritten(token: T): boolean {
    const place = this.pending.findIndex((one) => one.token === token);
    return place >= 0 && (place < this.written || this.pending[place]?.repeated === true);
  }

  /** Those for whose answers somebody waits, the oldest first. */
  unanswered(): T[] {
    return [...this.deferred, ...this.pending].filter((one) => !one.withdrawn).map((one) => one.token);
  }

  /** Nobody waits for the answer any more: it is not repeated, and not sent if it was not. */
  withdraw(token: T): void {
    for (const one of this.pending.slice(0, this.written)) one.withdrawn ||= one.token === token;
    this.pending = this.pending.filter((one, place) => place < this.written || one.token !== token);
    this.deferred = this.deferred.filter((one) => one.token !== token);
  }

  /** The server says that what was written broke the protocol: it must not be repeated. */
  abandonWritten(): T[] {
    const gone = this.pending.splice(0, this.written);
    this.written = 0;
    return gone.map((one) => one.token);
  }

  /**
   * The server answered `answer.request`.
   *
   * `null` if it did not take the request because it is going away: then it is due on the next connection.
   */
  answered(answer: Answer & { request: number }): { token: T; answer: Answer } | null {
    const one = answer.request === this.due && this.written > 0 ? this.pending.shift() : undefined;
    if (!one)
      throw new ProtocolViolation(`an answer to request ${answer.request} came where ${this.due} is due`);
    this.written -= 1;
    this.due += 1;
    if (isRefused(answer, "going-away") && !one.withdrawn) {
      this.deferred.push(one);
      return null;
    }
    return { token: one.token, answer: doneBefore(one, answer) };
  }
}

function isRefused(answer: Answer, code: RefusalCode): answer is Refused {
  return answer.type === "Refused" && answer.code === RefusalCode[code];
}

/** A repeat that is refused because its first time was done is a success. */
function doneBefore<T>(one: Pending<T>, answer: Answer): Answer {
  if (!one.repeated) return answer;
  if (one.request.type === "Unsubscribe" && isRefused(answer, "no-subscription")) return make("Unsubscribed");
  if (one.request.type === "RevokeKey" && isRefused(answer, "no-device")) return make("KeyRevoked");
  return answer;
}
