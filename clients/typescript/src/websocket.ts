// Connections over WebSocket, where UDP does not get through: streams by QMux (draft-ietf-quic-qmux-02).
//
// The library is loaded when it is needed first, so that pages which never fall back do not load it.

import type { Dial } from "./transport.js";
import { type Deferred, deferred } from "./waiting.js";
import { ready } from "./webtransport.js";

/** The token that both sides must name; `/` is not allowed in one. */
const PROTOCOL = "adsum-1";
const TOKEN = `qmux-02.${PROTOCOL}`;
const WINDOW_BYTES = 524_288n;
const STREAM_WINDOW_BYTES = 262_144n;

/** Only the client opens streams, and there are no datagrams. */
const CONFIG = {
  maxStreamsBidi: 0n,
  maxStreamsUni: 0n,
  maxData: WINDOW_BYTES,
  maxStreamDataBidiLocal: STREAM_WINDOW_BYTES,
  maxDatagramFrameSize: 0n,
  maxIdleTimeout: 60_000n,
};

/** Dials `wss://host:port/adsum`. */
export function webSocket(url: string): Dial {
  return async (signal) => {
    fill();
    const { default: Session } = await import("@moq/qmux");
    signal.throwIfAborted();
    // The socket is made here, because the library would take a WebSocketStream where there is one: in Chromium 156 a page that
    // is closed with one open stops the pages beside it.
    const socket = new WebSocket(url, TOKEN) as unknown as ConstructorParameters<typeof Session>[0];
    const session = new Session(socket, { config: CONFIG });
    return ready("websocket", session, signal, PROTOCOL);
  };
}

/** What the library takes for granted, and Node 20 has not yet. */
function fill(): void {
  const promise = Promise as unknown as { withResolvers?: () => Deferred<unknown> };
  promise.withResolvers ??= deferred;
}
