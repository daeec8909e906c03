// How a device comes to a connection: where the server is, which way leads there, and the proof.

import { enter, type Link, SOFTWARE } from "./connection.js";
import { type Device, newDevice, prover } from "./device.js";
import { type Enter, PATIENCE } from "./keeper.js";
import { CloseCode, type Enroll } from "./protocol.js";
import { type Belief, isWebKit, reach, type Ways } from "./reach.js";
import { readServer, type Server, sameKey } from "./server.js";
import type { Store } from "./store.js";
import { webSocket } from "./websocket.js";
import { hasWebTransport, webTransport } from "./webtransport.js";

const BLOCKED = "webtransport blocked until";

/** Where to connect, and how. */
export interface Route {
  /** The address of the server's `web.json`, or what it says. */
  readonly server: string | Server;
  /** How long a connection may take, in milliseconds. */
  readonly connectMs?: number;
  /** What the client calls itself. */
  readonly software?: string;
  /** Which transports to take, instead of what this browser has. */
  readonly ways?: (server: Server) => Ways;
}

/** Connects as `device`, whoever that is then; learns the server's key. */
export function entering(route: Route, store: Store, device: () => Promise<Device>): Enter {
  return async (signal) => {
    const server = await serverOf(route, store, signal);
    const who = await device();
    return come(route, store, server, who, null, signal);
  };
}

/** As nobody in particular: each session is of a key of its own, so that none can be told to be of whom another was. */
export function enteringAnonymously(route: Route, store: Store): Enter {
  return entering(route, store, () => newDevice("", null));
}

/** Has a device enrolled: a connection that may act. */
export async function enrolling(
  route: Route,
  store: Store,
  device: Device,
  enroll: Enroll,
  signal: AbortSignal,
): Promise<{ link: Link; serverKey: Uint8Array }> {
  const server = await serverOf(route, store, signal);
  const serverKey = sameKey(server, device.serverKey);
  return { link: await come(route, store, server, device, enroll, signal), serverKey };
}

async function serverOf({ server }: Route, store: Store, signal: AbortSignal): Promise<Server> {
  return typeof server === "string" ? readServer(server, store, signal) : server;
}

async function come(
  { connectMs = PATIENCE.answerMs as number, software = SOFTWARE, ways = waysOfBrowser }: Route,
  store: Store,
  server: Server,
  device: Device,
  enroll: Enroll | null,
  signal: AbortSignal,
): Promise<Link> {
  const who = prover(device, sameKey(server, device.serverKey));
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  const transport = await reach(ways(server), belief(store), bounded);
  const giveUp = () => transport.close(CloseCode["no-error"], "");
  bounded.addEventListener("abort", giveUp);
  try {
    return await enter(transport, who, software, enroll);
  } finally {
    bounded.removeEventListener("abort", giveUp);
  }
}

function waysOfBrowser({ webTransport: url, webSocket: socket, certificateHashes }: Server): Ways {
  const isUsable = url && hasWebTransport() && !isWebKit(globalThis.navigator?.userAgent ?? "");
  return {
    webTransport: isUsable ? webTransport(url, certificateHashes) : null,
    webSocket: socket && "WebSocket" in globalThis ? webSocket(socket) : null,
  };
}

/** What is believed of the network, kept for the next page. */
export function belief(store: Store): Belief {
  return {
    blockedUntil: async () => (await store.get<number>(BLOCKED)) ?? 0,
    block: (until) => store.set(BLOCKED, until),
  };
}
