// A transport over whatever has the shape of a WebTransport session: the browser's own, or one over WebSocket.

import { ConnectionLost, StreamEnded } from "./errors.js";
import type { ByteStream, Ending, Transport } from "./transport.js";

/** What is needed of a session. */
export interface SessionLike {
  readonly closed: Promise<{ closeCode?: number; reason?: string } | undefined>;
  createBidirectionalStream(): Promise<{ readable: ReadableStream; writable: WritableStream }>;
  close(info?: { closeCode?: number; reason?: string }): void;
}

/** The most bytes of a close's reason. */
const REASON_BYTES_MAX = 1_024;

/** A session that is ready. */
export class SessionTransport implements Transport {
  readonly closed: Promise<Ending>;

  constructor(
    readonly name: string,
    private readonly session: SessionLike,
  ) {
    this.closed = session.closed.then(
      (info) => ({ code: info?.closeCode ?? 0, reason: info?.reason ?? "" }),
      (error) => ({ code: null, reason: error instanceof Error ? error.message : String(error) }),
    );
  }

  async open(): Promise<ByteStream> {
    const { readable, writable } = await this.session.createBidirectionalStream();
    return new SessionStream(readable.getReader(), writable.getWriter());
  }

  close(code: number, reason: string): void {
    try {
      this.session.close({ closeCode: code, reason: reason.slice(0, REASON_BYTES_MAX / 4) });
    } catch {
      // It was over already.
    }
  }
}

class SessionStream implements ByteStream {
  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly writer: WritableStreamDefaultWriter<Uint8Array>,
  ) {
    // Whoever reads and writes is told; nobody waits for these.
    reader.closed.catch(() => {});
    writer.closed.catch(() => {});
  }

  write(data: Uint8Array): Promise<void> {
    return this.writer.write(data);
  }

  end(): Promise<void> {
    return this.writer.close();
  }

  async read(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.reader.read();
      return done ? null : value;
    } catch (error) {
      throw ended(error);
    }
  }

  cancel(code: number): void {
    const error = resetError(code);
    this.reader.cancel(error).catch(() => {});
    this.writer.abort(error).catch(() => {});
  }
}

/** Why nothing more can be read. */
function ended(error: unknown): StreamEnded | ConnectionLost {
  const { source, streamErrorCode, message } = error as Partial<WebTransportError>;
  if (source === "stream" && typeof streamErrorCode === "number") return new StreamEnded(streamErrorCode);
  return new ConnectionLost(`the connection was lost: ${message ?? "no word came"}`, { cause: error });
}

/** What a stream is given up with, so that the code goes to the peer. */
function resetError(code: number): unknown {
  const options = { source: "stream", streamErrorCode: code } as const;
  try {
    const error = new WebTransportError("cancelled", options);
    if (error.streamErrorCode === code) return error;
  } catch {
    // There is none here, or it is made another way.
  }
  return Object.assign(new Error("cancelled"), options);
}
