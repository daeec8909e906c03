// Streams, resets and ends over WebSocket, with the library on both sides of a socket in memory.

import Session, { selectSubprotocol } from "@moq/qmux";
import { afterEach, expect, test, vi } from "vitest";
import { utf8 } from "../src/codec.js";
import { StreamEnded } from "../src/errors.js";
import type { Transport } from "../src/transport.js";
import { webSocket } from "../src/websocket.js";
import { codeOf } from "./support.js";

type Handler = ((event: { data?: unknown; code?: number; reason?: string }) => void) | null;

/** One end of a socket. */
class Socket {
  static readonly OPEN = 1;
  binaryType = "arraybuffer";
  readonly bufferedAmount = 0;
  readonly extensions = "";
  readyState = 0;
  protocol = "";
  onopen: Handler = null;
  onmessage: Handler = null;
  onerror: Handler = null;
  onclose: Handler = null;
  private peer: Socket | null = null;

  constructor(
    readonly url: string,
    protocols: string | string[] = [],
  ) {
    const offered = [protocols].flat();
    if (url) queueMicrotask(() => this.dial(offered));
  }

  private dial(offered: string[]): void {
    this.protocol = chosen(offered) ?? "";
    const peer = new Socket("");
    [this.peer, peer.peer, peer.protocol] = [peer, this, this.protocol];
    this.readyState = peer.readyState = Socket.OPEN;
    last = peer;
    accepted(Session.accept(peer as never));
    this.onopen?.({});
  }

  send(data: ArrayBufferView | ArrayBufferLike): void {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const copy = bytes.slice().buffer;
    queueMicrotask(() => this.peer?.onmessage?.({ data: copy }));
  }

  close(code = 1000, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    queueMicrotask(() => {
      this.onclose?.({ code, reason });
      this.peer?.close(code, reason);
    });
  }
}

let chosen: (offered: string[]) => string | undefined = () => undefined;
let last: Socket | undefined;
let accepted: (session: Session) => void = () => {};

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A transport, and the session that the server has of it. */
async function dialled(token = "adsum-1"): Promise<{ transport: Transport; session: Session }> {
  vi.stubGlobal("WebSocket", Socket);
  chosen = (offered) =>
    selectSubprotocol(offered, { protocols: [`qmux-02.${token}`], requireProtocol: true });
  const serving = new Promise<Session>((done) => {
    accepted = done;
  });
  const transport = await webSocket("ws://127.0.0.1:1/adsum")(new AbortController().signal);
  return { transport, session: await serving };
}

async function incoming(session: Session) {
  const reader = session.incomingBidirectionalStreams.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return value as WebTransportBidirectionalStream;
}

test("bytes go both ways, and an end is an end", async () => {
  const { transport, session } = await dialled();
  expect(transport.name).toBe("websocket");
  const stream = await transport.open();
  await stream.write(utf8("up"));
  await stream.end();
  const served = await incoming(session);
  const reader = served.readable.getReader();
  expect((await reader.read()).value).toEqual(utf8("up"));
  expect((await reader.read()).done).toBe(true);
  const writer = served.writable.getWriter();
  await writer.write(utf8("down"));
  await writer.close();
  expect(await stream.read()).toEqual(utf8("down"));
  expect(await stream.read()).toBeNull();
  transport.close(0, "");
});

test("the code of a reset arrives, in both directions", async () => {
  const { transport, session } = await dialled();
  const stream = await transport.open();
  await stream.write(utf8("a question"));
  const served = await incoming(session);
  await served.writable.abort(Object.assign(new Error("no"), { source: "stream", streamErrorCode: 0x107 }));
  const error = await stream.read().catch((fault) => fault);
  expect(error).toBeInstanceOf(StreamEnded);
  expect(error.reset).toBe(0x107);
  const other = await transport.open();
  await other.write(utf8("given up"));
  const given = await incoming(session);
  const reader = given.readable.getReader();
  await reader.read();
  other.cancel(0x100);
  await expect(reader.read()).rejects.toMatchObject({ streamErrorCode: 0x100 });
  transport.close(0, "");
});

test("the code of a close arrives with its reason, and a loss has none", async () => {
  const closing = await dialled();
  closing.session.close({ closeCode: 9, reason: "no Hello came" });
  expect(await closing.transport.closed).toEqual({ code: 9, reason: "no Hello came" });
  const lost = await dialled();
  const stream = await lost.transport.open();
  await stream.write(utf8("x"));
  const reading = codeOf(stream.read());
  last?.close(1006);
  expect((await lost.transport.closed).code).toBeNull();
  expect(await reading).toBe("connection-lost");
});

test("a server that speaks something else is not spoken to", async () => {
  expect(await codeOf(dialled("other-1"))).toBe("version");
});
