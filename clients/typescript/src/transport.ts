// What a connection is to all that stands above it: streams of bytes, and an end. Nothing here knows a browser.

/** Why a connection is over. */
export interface Ending {
  /** The close code of the protocol (A.2); `null` if the connection was lost without one. */
  readonly code: number | null;
  readonly reason: string;
}

/** A bidirectional stream. One reads and one writes at a time. */
export interface ByteStream {
  /** Resolves when there is room for more. Rejects when the peer or the connection does not take it. */
  write(data: Uint8Array): Promise<void>;
  /** Ends the half that is written. */
  end(): Promise<void>;
  /** The next bytes; `null` at the end. Rejects with `StreamEnded` on a reset, with `ConnectionLost` if the connection is over. */
  read(): Promise<Uint8Array | null>;
  /** Gives both halves up, with a reset code (A.3). */
  cancel(code: number): void;
}

/** A connection that is made and on which nothing was said. */
export interface Transport {
  /** What it is made of, for people. */
  readonly name: string;
  /** A new stream. Only the client opens streams. */
  open(): Promise<ByteStream>;
  /** Resolves when the connection is over; never rejects. */
  readonly closed: Promise<Ending>;
  close(code: number, reason: string): void;
}

/** Makes a connection, or rejects; gives up when `signal` is aborted. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;
