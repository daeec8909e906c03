// A request and what becomes of it.

import { Cutter, encode } from "./codec.js";
import { OutcomeUnknown } from "./errors.js";
import { DEDUPLICATION_MS, OPERATION_MS, type Request } from "./protocol.js";
import type { Answer } from "./resume/requests.js";
import { deferred } from "./waiting.js";

/** A request as it is kept for a later page. */
export interface Kept {
  readonly frame: Uint8Array;
  readonly what: string;
  readonly id: string;
  readonly at: number;
}

/** A request that waits for its answer, perhaps since an earlier page. */
export class Asked {
  private readonly answer = deferred<Answer>();
  private isOver = false;

  /**
   * `what` it is about, in words; `id` by which it can be made again: a message's, or in hexadecimal digits an operation's;
   * `lasts`, whether a later page asks it again; `at`, when it was asked, by the wall clock.
   */
  constructor(
    readonly body: Request,
    readonly what: string,
    readonly id: string,
    readonly lasts: boolean,
    private readonly at: number = Date.now(),
  ) {}

  /** Its answer, however long that takes; rejects with `Refused`, or `OutcomeUnknown` if it was asked too long ago. */
  outcome(): Promise<Answer> {
    return this.answer.promise;
  }

  /** Whether something has become of it. */
  get isDone(): boolean {
    return this.isOver;
  }

  /** The server answered. */
  done(answer: Answer): void {
    this.isOver = true;
    this.answer.resolve(answer);
  }

  /** There is no answer. */
  failed(error: Error): void {
    this.isOver = true;
    this.answer.reject(error);
  }

  /** A request as an earlier page kept it. */
  static kept({ frame, what, id, at }: Kept): Asked {
    const cutter = new Cutter();
    cutter.push(frame);
    return new Asked(cutter.nextBody() as Request, what, id, true, at);
  }

  /** What a later page needs to ask it again. */
  toKeep(): Kept {
    const { what, id, at } = this;
    return { frame: encode({ ...this.body, request: 0 }), what, id, at };
  }

  /** Whether the server still recognises it as a repeat (7.2). */
  isRemembered(): boolean {
    const known = this.body.type === "Send" ? DEDUPLICATION_MS : OPERATION_MS;
    return Math.abs(Date.now() - this.at) < known;
  }

  /** What to say when the server would judge it anew: then its id does not make a repeat safe. */
  forgotten(): OutcomeUnknown {
    return new OutcomeUnknown(this.what, "");
  }
}
