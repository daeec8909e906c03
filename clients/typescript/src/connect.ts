// How a page becomes a client: its device, its store, the pages beside it, and what the browser tells of the network.

import { Client } from "./client.js";
import { type Device, loadDevice } from "./device.js";
import { type Enrolment, enrolled } from "./enrolment.js";
import { belief, entering, enteringAnonymously, type Route } from "./enter.js";
import { Invalid } from "./errors.js";
import type { Hub } from "./hub.js";
import { IndexedDbStore } from "./indexed-db.js";
import { Keeper, PATIENCE, type Patience } from "./keeper.js";
import { MemoryStore, type Store } from "./store.js";
import { type Locks, Tabs } from "./tabs.js";

/** How to connect. */
export interface Options extends Route, Partial<Enrolment>, Partial<Patience> {
  /** Under which name the browser keeps the device: one for each principal. */
  readonly name?: string;
  /** Where else the device is kept. */
  readonly store?: Store;
  /** Whether pages of the same name use one connection together; so unless `store` is given. */
  readonly shares?: boolean;
}

/**
 * The client of the device that this browser keeps, which is enrolled first if `principal` is given and it is not.
 *
 * Resolves before there is a connection; asking waits for one. Rejects with `Refused` if the device cannot be enrolled.
 */
export async function connect(options: Options): Promise<Client> {
  const { name = "adsum", store = new IndexedDbStore(name), shares = !options.store } = options;
  const device = await alone(name, shares, () => enrolled(options, store, options));
  const begin = () => kept(options, store, device);
  const locks = globalThis.navigator?.locks as Locks | undefined;
  const hub = shares && locks ? new Tabs(name, begin, locks) : begin();
  return new Client(hub, device, heed(hub, store));
}

/**
 * A client that is nobody in particular: it may fetch, watch and send, where rules let it.
 *
 * A message that was sent and not answered is not sent again by itself, because the server cannot know that it is the same.
 */
export async function connectAnonymously(options: Route & Partial<Patience>): Promise<Client> {
  const store = new MemoryStore();
  const keeper = new Keeper(enteringAnonymously(options, store), store, true, { ...PATIENCE, ...options });
  keeper.begin();
  return new Client(keeper, null, heed(keeper, store));
}

/** Who is enrolled here, `local@domain`, if anybody is. */
export async function whoIsHere(name = "adsum"): Promise<string | undefined> {
  const device = await loadDevice(new IndexedDbStore(name));
  return device?.isEnrolled ? device.principal : undefined;
}

function kept(options: Options, store: Store, device: Device): Hub {
  const current = async () => (await loadDevice(store)) ?? gone();
  const keeper = new Keeper(entering(options, store, current), store, false, { ...PATIENCE, ...options });
  keeper.begin();
  return keeper;

  function gone(): never {
    throw new Invalid(`the device of ${device.principal} is not here any more; enrol it again`);
  }
}

/** Two pages that are opened together enrol one device. */
function alone<T>(name: string, shares: boolean, act: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  return shares && locks ? (locks.request(`${name} enrolment`, act) as Promise<T>) : act();
}

/** Heeds what the browser tells: a page that is shown again, a network that has changed. Returns how to stop. */
function heed(hub: Hub, store: Store): () => void {
  const { document, addEventListener, removeEventListener } = globalThis;
  if (!document || !addEventListener) return () => {};
  const look = () => hub.nudge();
  const changed = () => {
    void belief(store)
      .block(0)
      .catch(() => {});
    hub.nudge();
  };
  const shown = () => document.visibilityState === "visible" && look();
  const connection = (globalThis.navigator as { connection?: EventTarget }).connection;
  addEventListener("online", changed);
  addEventListener("pageshow", look);
  document.addEventListener("visibilitychange", shown);
  connection?.addEventListener("change", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("pageshow", look);
    document.removeEventListener("visibilitychange", shown);
    connection?.removeEventListener("change", changed);
  };
}
