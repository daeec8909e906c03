// One connection to a server: proof, streams of frames, and how it ends. Sections 2 and 6 of `docs/PROTOCOL.md`.

import { type BodyOf, Cutter, encode, joined, Malformed, make, utf8 } from "./codec.js";
import {
  type AdsumError,
  asFault,
  ConnectionLost,
  NotAuthenticated,
  ProtocolViolation,
  printable,
  Refused,
  StreamEnded,
  VersionMismatch,
  wordOf,
} from "./errors.js";
import {
  type Body,
  CHALLENGE_CONTEXT,
  CloseCode,
  type Enroll,
  HELLO_MS_MAX,
  IGNORABLE_KIND_MIN,
  KINDS,
  ResetCode,
  STREAM_CONTROL,
  VERSION,
  type Welcome,
} from "./protocol.js";
import type { ByteStream, Ending, Transport } from "./transport.js";
import { atMost, now, within } from "./waiting.js";

/** What a client calls itself unless it is told otherwise. */
export const SOFTWARE = "adsum-typescript/0.1.0";
/** How long to wait for the code of a connection whose CONTROL has ended. */
const LAST_WORDS_MS = 2_000;

/** Who proves to be who. */
export interface Prover {
  /** `local@domain`; empty for nobody in particular. */
  readonly principal: string;
  /** The device's Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** SHA-256 over the server's `SubjectPublicKeyInfo`: a proof made for one server is worth nothing at another. */
  readonly serverKey: Uint8Array;
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

/** A stream of frames. */
export class FrameStream {
  private readonly cutter = new Cutter();

  constructor(
    private readonly bytes: ByteStream,
    private readonly heard: () => void,
  ) {}

  /** Writes the frames of these bodies together. */
  async write(...bodies: Body[]): Promise<void> {
    await this.writeBytes(joined(...bodies.map(encode)));
  }

  /** Writes bytes. A server that does not want them says so when it is read. */
  async writeBytes(data: Uint8Array): Promise<void> {
    try {
      await this.bytes.write(data);
    } catch {
      return;
    }
  }

  /** Ends the half that is written. */
  async end(): Promise<void> {
    await this.bytes.end().catch(() => {});
  }

  /** Gives the stream up in both directions. */
  cancel(): void {
    this.bytes.cancel(ResetCode.cancelled);
  }

  /** The next body. */
  async next(): Promise<Body> {
    for (;;) {
      const body = this.cut();
      if (body) return body;
      const data = await this.bytes.read();
      if (!data) throw this.ended();
      this.heard();
      this.cutter.push(data);
    }
  }

  /** The next body of one of these kinds; others than those that may be skipped must not come, but a refusal. */
  async expect<T extends Body["type"]>(...types: T[]): Promise<BodyOf<T>> {
    for (;;) {
      const body = await this.next();
      if ((types as string[]).includes(body.type)) return body as BodyOf<T>;
      if (KINDS[body.type][0] >= IGNORABLE_KIND_MIN) continue;
      if (body.type === "Refused") throw Refused.of(body);
      throw new ProtocolViolation(`the server broke the protocol: a ${body.type} came where it may not`);
    }
  }

  private cut(): Body | null {
    try {
      return this.cutter.nextBody();
    } catch (error) {
      if (error instanceof Malformed)
        throw new ProtocolViolation(`the server broke the protocol: ${error.message}`);
      throw error;
    }
  }

  /** An end within a frame is damage. */
  private ended(): AdsumError {
    if (this.cutter.isEmpty) return new StreamEnded(null);
    return new ProtocolViolation("the server broke the protocol: it ended a stream within a frame");
  }
}

/** A connection that may act. */
export class Link {
  /** The server is about to shut down: nothing new is asked of it. */
  leaving = false;
  /** Why the connection is over. */
  end: AdsumError | null = null;
  /** Resolves when it is. */
  readonly over: Promise<void>;
  /** When anything came last. */
  heardAt = now();
  control!: FrameStream;
  welcome!: Welcome;

  constructor(readonly transport: Transport) {
    this.over = transport.closed.then((ending) => {
      this.end ??= told(ending);
    });
  }

  /** A new stream that begins with this byte and these bodies. */
  async open(type: number, ...bodies: Body[]): Promise<FrameStream> {
    const stream = new FrameStream(await this.opened(), () => {
      this.heardAt = now();
    });
    await stream.writeBytes(joined(new Uint8Array([type]), ...bodies.map(encode)));
    return stream;
  }

  private async opened(): Promise<ByteStream> {
    try {
      return await this.transport.open();
    } catch (error) {
      await atMost(LAST_WORDS_MS, this.over);
      throw this.end ?? new ConnectionLost("no stream could be opened", { cause: error });
    }
  }

  /** Why the connection ended; CONTROL may end a moment before the close tells it. */
  async why(): Promise<AdsumError> {
    if (await atMost(LAST_WORDS_MS, this.over)) this.close("protocol-violation", "CONTROL ended");
    return this.end ?? new ConnectionLost("CONTROL ended");
  }

  /** Closes the connection. */
  close(code: CloseCode = "no-error", reason = "done"): void {
    this.transport.close(CloseCode[code], reason);
  }
}

/** Why a connection ended, in the words of this package. */
function told({ code, reason }: Ending): AdsumError {
  const said = printable(reason);
  if (code === null) return new ConnectionLost(`the connection was lost: ${said || "no word came"}`);
  const word = wordOf(CloseCode, code) ?? `0x${code.toString(16)}`;
  const words = said ? `${said} (${word})` : word;
  switch (word) {
    case "auth-failed":
    case "auth-expired":
      return new NotAuthenticated(
        `the server does not accept this device: ${words}; enrol it again with an invite`,
      );
    case "protocol-violation":
    case "frame-too-large":
    case "unsupported-feature":
      return new ProtocolViolation(`the server says that this client broke the protocol: ${words}`);
    default:
      return new ConnectionLost(`closed by the server: ${words}`);
  }
}

/** Whether a stream was reset for what was written to it. */
export function isOurFault(reset: number | null): boolean {
  const { malformed, unsupported } = ResetCode;
  return reset === malformed || reset === ResetCode["frame-too-large"] || reset === unsupported;
}

/** Proves who one is on a fresh connection, which may act from then on. */
export async function enter(
  transport: Transport,
  prover: Prover,
  software: string,
  enroll: Enroll | null = null,
): Promise<Link> {
  const link = new Link(transport);
  const late = () => new ConnectionLost("the server did not answer Hello in time");
  try {
    await within(HELLO_MS_MAX, prove(link, prover, software, enroll), late);
    return link;
  } catch (error) {
    link.close("no-error", "");
    throw asFault(error);
  }
}

async function prove(link: Link, prover: Prover, software: string, enroll: Enroll | null): Promise<void> {
  const { principal, publicKey: key } = prover;
  const hello = make("Hello", { version: VERSION, principal, key, enroll, client: software });
  link.control = await link.open(STREAM_CONTROL, hello);
  try {
    const { nonce } = await link.control.expect("Challenge");
    const signature = await prover.sign(challenged(prover, nonce));
    await link.control.write(make("ChallengeAnswer", { signature }));
    link.welcome = await link.control.expect("Welcome");
  } catch (error) {
    if (error instanceof StreamEnded) throw await link.why();
    if (error instanceof Refused && error.is("version")) throw new VersionMismatch(error.message);
    throw error;
  }
}

/** What is signed over a challenge (6.2). */
export function challenged(prover: Omit<Prover, "sign">, nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const { principal, publicKey, serverKey } = prover;
  return joined(utf8(CHALLENGE_CONTEXT), serverKey, nonce, publicKey, utf8(principal));
}
