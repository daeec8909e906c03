// What was asked outlasts the page, and leaves no earlier than it is kept.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Kept } from "../src/asked.js";
import { make } from "../src/codec.js";
import { StateError } from "../src/errors.js";
import { DEDUPLICATION_MS, OPERATION_MS, RefusalCode } from "../src/protocol.js";
import { MemoryStore, type Store } from "../src/store.js";
import { deferred } from "../src/waiting.js";
import { FakeServer } from "./fake-server.js";
import { clientOf, codeOf, keeperOf, turns } from "./support.js";

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 5 });
});

afterEach(() => {
  vi.useRealTimers();
});

const kept = async (store: Store) => (await store.get<Kept[]>("requests")) ?? [];

/** A page that is closed while a message waits for its answer. */
async function closedWhileSending(server: FakeServer, store: Store): Promise<void> {
  const client = clientOf(server, store);
  await client.welcome();
  server.isMute = true;
  const sending = codeOf(client.send("im:alice@localhost", "hello", { id: "m-1" }));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  await client.close();
  expect(await sending).toBe("outcome-unknown");
  server.isMute = false;
}

test("nothing leaves before it is kept", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  const written = deferred<void>();
  const set = store.set.bind(store);
  store.set = async (name, value) => {
    if (name === "requests") await written.promise;
    await set(name, value);
  };
  const client = clientOf(server, store);
  await client.welcome();
  const sending = client.send("im:alice@localhost", "hello");
  await turns();
  expect(server.requests).toEqual([]);
  written.resolve();
  await sending;
  expect(server.requests).toHaveLength(1);
  await client.close();
  expect(await kept(store)).toEqual([]);
});

test("what this page asked and was not answered, the next page asks again under the same id", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  await closedWhileSending(server, store);
  expect(await kept(store)).toMatchObject([{ what: "the message to im:alice@localhost", id: "m-1" }]);
  const keeper = keeperOf(server, store);
  await vi.waitFor(() => expect(server.requests).toHaveLength(2));
  expect(server.requests[1]).toMatchObject({ type: "Send", id: "m-1", request: 1 });
  const [asked] = await keeper.unfinished();
  expect(asked).toMatchObject({
    what: "the message to im:alice@localhost",
    id: "m-1",
    body: { type: "Send" },
  });
  expect(await asked?.outcome()).toMatchObject({ type: "Sent", duplicate: true });
  await vi.waitFor(async () => expect(await kept(store)).toEqual([]));
  await keeper.close();
});

test("what is asked without a connection is kept at once, and asked by the next page if this one is gone", async () => {
  const [away, server, store] = [new FakeServer(), new FakeServer(), new MemoryStore()];
  away.isDown = true;
  const first = clientOf(away, store);
  void codeOf(first.send("im:alice@localhost", "hello", { id: "m-1" }));
  await vi.waitFor(async () => expect(await kept(store)).toMatchObject([{ id: "m-1" }]));
  const second = clientOf(server, store);
  await vi.waitFor(() => expect(server.messages.map((one) => one.id)).toEqual(["m-1"]));
  await second.close();
  await first.close();
});

test("a subscription of this page is not asked again by the next: whoever watches there does that", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  const client = clientOf(server, store);
  const watch = client.watch("pres:alice@localhost");
  server.isMute = true;
  void watch.next();
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  await client.close();
  expect(await kept(store)).toEqual([]);
});

test("what the server would judge anew is not repeated", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  await closedWhileSending(server, store);
  vi.setSystemTime(Date.now() + DEDUPLICATION_MS);
  const keeper = keeperOf(server, store);
  await keeper.welcome();
  const [asked] = await keeper.unfinished();
  await expect(asked?.outcome()).rejects.toMatchObject({ code: "outcome-unknown", id: "" });
  await turns();
  expect(server.requests).toHaveLength(1);
  expect(await kept(store)).toEqual([]);
  await keeper.close();
});

test("a day without a connection ends what was sent, and not what was not", async () => {
  const server = new FakeServer();
  const keeper = keeperOf(server, new MemoryStore(), { answerMs: null });
  await keeper.welcome();
  server.isMute = true;
  const asking = { what: "the end", id: "", lasts: true };
  const sent = codeOf(keeper.request(make("Unsubscribe", { presentity: "pres:a@localhost" }), asking));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.isDown = true;
  server.cut();
  const waiting = keeper.request(make("Unsubscribe", { presentity: "pres:b@localhost" }), asking);
  vi.setSystemTime(Date.now() + OPERATION_MS);
  server.isMute = false;
  server.isDown = false;
  expect(await sent).toBe("outcome-unknown");
  expect((await waiting).type).toBe("Unsubscribed");
  await keeper.close();
});

test("a repeat that finds its work done has succeeded", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  server.isMute = true;
  const ending = client.unsubscribe("pres:alice@localhost");
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.isMute = false;
  server.answering = () => make("Refused", { code: RefusalCode["no-subscription"] });
  server.cut();
  await ending;
  expect(await codeOf(client.unsubscribe("pres:alice@localhost"))).toBe("no-subscription");
  await client.close();
});

test("a browser that keeps nothing is told, and nothing is sent", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  store.set = async () => {
    throw new StateError("the browser keeps nothing for this page", "state-io");
  };
  const client = clientOf(server, store);
  expect(await codeOf(client.send("im:alice@localhost", "hello"))).toBe("state-io");
  expect(server.requests).toEqual([]);
  await client.close();
});

test("what was kept by another version of the package is damage that is told", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  await store.set("requests", [
    { frame: new Uint8Array([0, 0, 0, 2, 0x7f, 0]), what: "x", id: "", at: Date.now() },
  ]);
  const client = clientOf(server, store);
  expect(await codeOf(client.welcome())).toBe("state-damaged");
  await client.close();
});

test("what is being kept while a connection is lost is written on the next one", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  const client = clientOf(server, store);
  await client.welcome();
  const set = store.set.bind(store);
  const written = deferred<void>();
  store.set = async (name, value) => {
    if (name === "requests") await written.promise;
    await set(name, value);
  };
  const sending = client.send("im:alice@localhost", "hello");
  await turns();
  server.cut();
  await vi.waitFor(() => expect(server.hellos).toHaveLength(2));
  await turns();
  written.resolve();
  expect((await sending).isDuplicate).toBe(false);
  await client.close();
});
