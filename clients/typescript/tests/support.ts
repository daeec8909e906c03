// Clients of a server in memory.

import { Client } from "../src/client.js";
import { enter, type Prover } from "../src/connection.js";
import type { Device } from "../src/device.js";
import { asFault } from "../src/errors.js";
import { Keeper, PATIENCE, type Patience } from "../src/keeper.js";
import { reach } from "../src/reach.js";
import { MemoryStore, type Store } from "../src/store.js";
import type { FakeServer } from "./fake-server.js";

const BELIEF = { blockedUntil: async () => 0, block: async () => {} };

export const BOB = { principal: "bob@localhost", serverKey: null } as unknown as Device;

/** Bob, whose signature nobody checks. */
export const PROVER: Prover = {
  principal: "bob@localhost",
  publicKey: new Uint8Array(32),
  serverKey: new Uint8Array(32),
  sign: async () => new Uint8Array(64),
};

export function keeperOf(
  server: FakeServer,
  store: Store = new MemoryStore(),
  patience: Partial<Patience> = {},
): Keeper {
  const come = async (signal: AbortSignal) => {
    const transport = await reach({ webTransport: server.dial, webSocket: null }, BELIEF, signal);
    return enter(transport, PROVER, "test");
  };
  const keeper = new Keeper(come, store, false, { ...PATIENCE, ...patience }, () => 0.5);
  keeper.begin();
  return keeper;
}

/** Bob's client. */
export function clientOf(
  server: FakeServer,
  store: Store = new MemoryStore(),
  patience: Partial<Patience> = {},
): Client {
  return new Client(keeperOf(server, store, patience), BOB);
}

/** The code of what is thrown. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "nothing was thrown",
    (error) => asFault(error).code,
  );
}

/** The next `count` items of an iterator. */
export async function some<T>(count: number, items: AsyncIterator<T>): Promise<T[]> {
  const found: T[] = [];
  while (found.length < count) {
    const { done, value } = await items.next();
    if (done) throw new Error(`it ended after ${found.length}`);
    found.push(value);
  }
  return found;
}

/** Lets all that is due now happen. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}
