// Where a server is, and what must be known of it before one connects.

import { fromHex, isSame, toHex } from "./codec.js";
import { Invalid, ServerKeyChanged, Unreachable } from "./errors.js";
import { ALPN } from "./protocol.js";
import type { Store } from "./store.js";

const NAME = "server";
const CARD_MS_MAX = 5_000;

/** A server, as `web.json` of its HTTP side says it. */
export interface Server {
  /** `https://host:port/adsum`; `null` where there is no WebTransport. */
  readonly webTransport: string | null;
  /** `wss://host:port/adsum`; `null` where there is no WebSocket. */
  readonly webSocket: string | null;
  /** SHA-256 over the `SubjectPublicKeyInfo` of the key that proofs are bound to. */
  readonly serverKey: Uint8Array;
  /** SHA-256 of the certificates that it shows to pages, now and next; none if an authority made them. */
  readonly certificateHashes: readonly Uint8Array[];
}

/** `web.json`. */
interface Card {
  protocol: string;
  path: string;
  /** Of WebTransport. */
  port?: number;
  server_key: string;
  certificate_hashes: string[];
  websocket?: { port: number; encrypted: boolean };
}

/** Reads `web.json`; what it said last if it cannot be had now. */
export async function readServer(url: string, store: Store, signal: AbortSignal): Promise<Server> {
  try {
    const server = ofCard(await fetched(url, signal), new URL(url, globalThis.location?.href));
    await store.set(NAME, server);
    return server;
  } catch (error) {
    const known = error instanceof Invalid ? undefined : await store.get<Server>(NAME);
    if (known) return known;
    throw error;
  }
}

async function fetched(url: string, signal: AbortSignal): Promise<Card> {
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(CARD_MS_MAX)]);
    const response = await fetch(url, { signal: bounded, cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return (await response.json()) as Card;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Unreachable(`cannot read ${url}: ${words}; check that the server runs and lets this page in`, {
      cause: error,
    });
  }
}

function ofCard(card: Card, { hostname, href }: URL): Server {
  if (card.protocol !== ALPN || !/^[0-9a-f]{64}$/.test(card.server_key)) {
    throw new Invalid(`${href} is not what an adsum server says of itself; give the address of its web.json`);
  }
  const { websocket } = card;
  return {
    webTransport: card.port ? `https://${hostname}:${card.port}${card.path}` : null,
    webSocket: websocket
      ? `${websocket.encrypted ? "wss" : "ws"}://${hostname}:${websocket.port}${card.path}`
      : null,
    serverKey: fromHex(card.server_key),
    certificateHashes: card.certificate_hashes.map(fromHex),
  };
}

/** The key of the server, which is the one that is known already. */
export function sameKey({ serverKey }: Server, known: Uint8Array | null): Uint8Array {
  if (!known || isSame(serverKey, known)) return serverKey;
  throw new ServerKeyChanged(
    `THE KEY OF THE SERVER HAS CHANGED. Somebody may be in between, or its operator made a new key. known: ${toHex(known)} ` +
      `found: ${toHex(serverKey)}. Nothing was sent. Ask the operator; if it is right, enrol this device anew`,
  );
}
