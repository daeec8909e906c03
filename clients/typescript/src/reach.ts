// Which transport to take: WebTransport, and WebSocket where that does not get through.
//
// It falls back within two seconds, and at once next time on the same network. What a browser is and has is told from outside.

import { asFault, Unreachable, VersionMismatch } from "./errors.js";
import type { Dial, Transport } from "./transport.js";
import { atMost } from "./waiting.js";

/** How long WebTransport may take before WebSocket is tried beside it. */
export const HEAD_START_MS = 1_000;
/** For how long it is believed that WebTransport does not get through here. */
export const BELIEVED_MS = 3_600_000;

/** What is known of the network, kept between pages. */
export interface Belief {
  /** Until when WebTransport is not tried, by the wall clock; 0 if it is. */
  blockedUntil(): Promise<number>;
  block(until: number): Promise<void>;
}

/** The ways there are to a server. */
export interface Ways {
  readonly webTransport: Dial | null;
  readonly webSocket: Dial | null;
}

interface Attempt {
  readonly transport: Promise<Transport>;
  readonly abort: AbortController;
}

/** Makes a connection by the best way that works. */
export async function reach(ways: Ways, belief: Belief, signal: AbortSignal): Promise<Transport> {
  const { webTransport, webSocket } = ways;
  if (!webSocket) return only(webTransport, signal);
  if (!webTransport) return only(webSocket, signal);
  if (Date.now() < (await belief.blockedUntil())) {
    try {
      return await only(webSocket, signal);
    } catch (error) {
      // The network is another one, or the server is away.
      await belief.block(0);
      if (signal.aborted) throw error;
    }
  }
  return both(webTransport, webSocket, belief, signal);
}

async function only(dial: Dial | null, signal: AbortSignal): Promise<Transport> {
  if (!dial)
    throw new Unreachable("this browser has no way to the server: neither WebTransport nor WebSocket");
  try {
    return await dial(signal);
  } catch (error) {
    throw unreachable([error]);
  }
}

/** Begins with one, and tries the other beside it when the first fails or takes long; whichever is first is taken. */
async function both(first: Dial, second: Dial, belief: Belief, signal: AbortSignal): Promise<Transport> {
  const quick = attempt(first, signal);
  const isSlow = await atMost(HEAD_START_MS, quick.transport);
  const early = isSlow ? null : await quick.transport.catch(() => null);
  if (early) return early;
  const sure = attempt(second, signal);
  const won = (isBlocked: boolean) => (transport: Transport) => ({ transport, isBlocked });
  try {
    const { transport, isBlocked } = await Promise.any([
      quick.transport.then(won(false)),
      sure.transport.then(won(true)),
    ]);
    giveUp(isBlocked ? quick : sure);
    if (isBlocked) await belief.block(Date.now() + BELIEVED_MS);
    return transport;
  } catch (error) {
    throw unreachable((error as AggregateError).errors);
  }
}

function attempt(dial: Dial, signal: AbortSignal): Attempt {
  const abort = new AbortController();
  const transport = dial(AbortSignal.any([signal, abort.signal]));
  transport.catch(() => {});
  return { transport, abort };
}

/** Ends an attempt, also if it succeeds later. */
function giveUp({ transport, abort }: Attempt): void {
  abort.abort();
  transport.then(
    (late) => late.close(0, ""),
    () => {},
  );
}

function unreachable(errors: unknown[]): Error {
  const mismatch = errors.find((error) => error instanceof VersionMismatch);
  if (mismatch) return mismatch as VersionMismatch;
  const words = errors.map((error) => (error instanceof Error ? error.message : asFault(error).message));
  return new Unreachable(
    `cannot reach the server: ${words.join("; ")}; check that it runs and is reached from here`,
    {
      cause: errors[0],
    },
  );
}

/** Whether this is WebKit, whose flow control stalls after 16 MiB: there it is always WebSocket. */
export function isWebKit(agent: string): boolean {
  return /AppleWebKit\//.test(agent) && !/(Chrome|Chromium|Edg|OPR|SamsungBrowser)\//.test(agent);
}
