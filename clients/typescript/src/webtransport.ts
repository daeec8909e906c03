// Connections over the browser's WebTransport (HTTP/3, UDP).

import { VersionMismatch } from "./errors.js";
import { ALPN } from "./protocol.js";
import { type SessionLike, SessionTransport } from "./session-transport.js";
import type { Dial } from "./transport.js";

/** The options this package gives; some browsers know them before their types do. */
interface Options {
  allowPooling: boolean;
  protocols: string[];
  serverCertificateHashes?: { algorithm: string; value: Uint8Array }[];
}

type Session = SessionLike & { readonly ready: Promise<unknown>; readonly protocol?: string };
type Constructor = new (url: string, options: Options) => Session;

/** Whether there is one here. */
export function hasWebTransport(): boolean {
  return "WebTransport" in globalThis;
}

/** Dials `https://host:port/adsum`; `hashes` are of the certificates that are taken, none for one of an authority. */
export function webTransport(url: string, hashes: readonly Uint8Array[]): Dial {
  return async (signal) => {
    const { WebTransport } = globalThis as unknown as { WebTransport: Constructor };
    const pins = hashes.map((value) => ({ algorithm: "sha-256", value }));
    const pinned = pins.length > 0 ? { serverCertificateHashes: pins } : {};
    const session = new WebTransport(url, { allowPooling: false, protocols: [ALPN], ...pinned });
    return ready("webtransport", session, signal, session.protocol !== undefined ? ALPN : undefined);
  };
}

/** The transport of a session once it is ready, on which `protocol` was agreed. */
export async function ready(
  name: string,
  session: Session,
  signal: AbortSignal,
  protocol: string | undefined,
): Promise<SessionTransport> {
  const transport = new SessionTransport(name, session);
  const give = () => transport.close(0, "");
  signal.addEventListener("abort", give);
  if (signal.aborted) give();
  try {
    await session.ready;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", give);
  }
  if (protocol !== undefined && session.protocol !== protocol) {
    transport.close(0, "");
    throw new VersionMismatch(`the server does not speak ${protocol}; use a matching client`);
  }
  return transport;
}
