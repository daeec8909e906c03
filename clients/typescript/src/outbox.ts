// What was asked and is not answered yet: it waits for its answer, and what lasts is kept before it is sent.

import { Asked, type Kept } from "./asked.js";
import { type AdsumError, asFault, OutcomeUnknown, Refused, StateError } from "./errors.js";
import type { Request } from "./protocol.js";
import { type Answer, Requests } from "./resume/requests.js";
import type { Store } from "./store.js";
import { News } from "./waiting.js";

const NAME = "requests";

/** The requests of a device, over any number of connections and pages. */
export class Outbox {
  readonly requests = new Requests<Asked>();
  /** What an earlier page asked and did not learn the outcome of. */
  readonly unfinished: Asked[] = [];
  /** Whether there may be something to write. */
  readonly news = new News();
  private isChanged = false;
  private keeping: Promise<void> | null = null;

  /** Requests are kept in `store`; `fail` is told when that cannot be done. */
  constructor(
    private readonly store: Store,
    private readonly fail: (fault: AdsumError) => void,
  ) {}

  /** Takes a request on. `again`: an earlier page did not learn what became of it. */
  put(asked: Asked, again = false): void {
    this.requests.submit(asked.body, asked, again);
    this.changed(asked);
  }

  /** Asks again what an earlier page did not learn the outcome of. */
  async takeUp(): Promise<void> {
    const kept = (await this.store.get<Kept[]>(NAME)) ?? [];
    for (const asked of kept.map(read)) {
      this.unfinished.push(asked);
      if (asked.isRemembered()) this.put(asked, true);
      else asked.failed(asked.forgotten());
    }
    this.isChanged ||= kept.length > 0;
  }

  /** Nobody waits for its answer any more. */
  withdraw(asked: Asked): void {
    this.requests.withdraw(asked);
    this.changed(asked);
  }

  /** There is a new connection, on which all that was not answered and can be repeated is due again. */
  connected(isAnonymous: boolean): void {
    for (const asked of this.requests.unanswered()) {
      // A message of an anonymous session is another one on the next connection.
      const isKnown = asked.isRemembered() && !(isAnonymous && asked.body.type === "Send");
      if (isKnown || !this.requests.isWritten(asked)) continue;
      this.withdraw(asked);
      asked.failed(asked.forgotten());
    }
    this.requests.connected();
    this.news.tell();
  }

  /** What is to be written now. Nothing leaves before it is kept, and nothing if the connection is over by then. */
  async toWrite(isOpen: () => boolean): Promise<Request[]> {
    while (this.isChanged || this.keeping) await this.keep();
    if (!isOpen()) return [];
    const requests: Request[] = [];
    for (let next = this.requests.nextToWrite(); next; next = this.requests.nextToWrite())
      requests.push(next);
    return requests;
  }

  /** The server answered one. */
  answered(answer: Answer & { request: number }): void {
    const resolved = this.requests.answered(answer);
    if (!resolved) return;
    const { token: asked, answer: result } = resolved;
    this.changed(asked);
    if (result.type === "Refused") asked.failed(Refused.of(result));
    else asked.done(result);
  }

  /** What was written must not be repeated. */
  abandonWritten(fault: AdsumError): void {
    for (const asked of this.requests.abandonWritten()) {
      asked.failed(fault);
      this.changed(asked);
    }
  }

  /** Nothing can be asked any more. What was sent stays for the next page. */
  async end(fault: AdsumError): Promise<void> {
    for (const asked of this.requests.unanswered()) {
      if (this.requests.isWritten(asked)) asked.failed(new OutcomeUnknown(asked.what, asked.id));
      else {
        this.withdraw(asked);
        asked.failed(fault);
      }
    }
    await this.keep();
  }

  private changed(asked: Asked): void {
    if (asked.lasts) {
      this.isChanged = true;
      // Also without a connection: the page may be closed before there is one.
      this.keep().catch(() => {});
    }
    this.news.tell();
  }

  /** Keeps what is not answered, and what changes while that is kept. */
  private keep(): Promise<void> {
    this.keeping ??= this.keepAll().finally(() => {
      this.keeping = null;
    });
    return this.keeping;
  }

  private async keepAll(): Promise<void> {
    // All that changes in one turn is kept together.
    await Promise.resolve();
    try {
      while (this.isChanged) await this.keepNow();
    } catch (error) {
      this.fail(asFault(error));
      throw error;
    }
  }

  private async keepNow(): Promise<void> {
    this.isChanged = false;
    const unanswered = this.requests.unanswered().filter((one) => one.lasts);
    await this.store.set(
      NAME,
      unanswered.map((one) => one.toKeep()),
    );
  }
}

function read(kept: Kept): Asked {
  try {
    return Asked.kept(kept);
  } catch (error) {
    const words = "what was asked before cannot be read; clear what the browser keeps for this page";
    throw new StateError(words, "state-damaged", { cause: error });
  }
}
