// A client over lost connections: requests done once, items handed out once, and what is told when nothing helps.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { make, toHex } from "../src/codec.js";
import { Refused } from "../src/errors.js";
import { status } from "../src/items.js";
import { CloseCode, RefusalCode } from "../src/protocol.js";
import { MemoryStore } from "../src/store.js";
import { FakeServer } from "./fake-server.js";
import { clientOf, codeOf, some, turns } from "./support.js";

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 5 });
});

afterEach(() => {
  vi.useRealTimers();
});

const refused = (code: RefusalCode, retryAfterMs: number | null = null) =>
  make("Refused", { code: RefusalCode[code], message: "because", retryAfterMs });

test("a request that was not answered is asked again with its operation, and done once", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  server.isMute = true;
  const publishing = client.publish(status({ note: "here" }));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.isMute = false;
  server.cut();
  const publication = await publishing;
  const operations = server.requests.map((one) => toHex((one as { operation: Uint8Array }).operation));
  expect(operations).toHaveLength(2);
  expect(new Set(operations).size).toBe(1);
  expect(publication.grantedMs).toBe(3_600_000);
  await client.close();
});

test("a refusal is told with the word of the protocol and asked no second time", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  server.answering = () => refused("inbox-full");
  const error = await client.send("im:alice@localhost", "hello").catch((fault) => fault);
  expect(error).toBeInstanceOf(Refused);
  expect([error.code, error.number, error.message]).toEqual(["inbox-full", 19, "because"]);
  server.cut();
  await client.welcome();
  expect(server.requests).toHaveLength(1);
  await client.close();
});

test("a request that nobody answers is of unknown outcome, with the id to repeat it by", async () => {
  const server = new FakeServer();
  const client = clientOf(server, new MemoryStore(), { answerMs: 500 });
  await client.welcome();
  server.isMute = true;
  const error = await client.send("im:alice@localhost", "hello", { id: "m-1" }).catch((fault) => fault);
  expect([error.code, error.id]).toEqual(["outcome-unknown", "m-1"]);
  server.isMute = false;
  server.cut();
  expect(await client.send("im:alice@localhost", "hello", { id: "m-1" })).toEqual({
    id: "m-1",
    isDuplicate: true,
  });
  await client.close();
});

test("without a server nothing is sent, and that is told", async () => {
  const server = new FakeServer();
  server.isDown = true;
  const client = clientOf(server, new MemoryStore(), { answerMs: 500 });
  expect(await codeOf(client.send("im:alice@localhost", "hello"))).toBe("unreachable");
  server.isDown = false;
  await client.welcome();
  expect(server.requests).toEqual([]);
  await client.close();
});

test("what a leaving server did not take is asked on the next connection, which is not made before its time", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  const control = server.last.streams[0];
  control?.write(make("Goaway", { deadlineMs: 5_000, reconnectAfterMs: 2_000 }));
  server.answering = () => refused("going-away");
  const sending = client.send("im:alice@localhost", "hello");
  const began = Date.now();
  await turns();
  server.answering = () => null;
  expect((await sending).isDuplicate).toBe(false);
  expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
  await client.close();
});

test("a server that lets nobody in is not asked again", async () => {
  const server = new FakeServer();
  server.entering = () => refused("key-revoked");
  const client = clientOf(server);
  expect(await codeOf(client.welcome())).toBe("key-revoked");
  expect(await codeOf(client.send("im:alice@localhost", "hello"))).toBe("key-revoked");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(server.connections).toHaveLength(1);
  await client.close();
});

test("a server that is busy is asked again after the time it says", async () => {
  const server = new FakeServer();
  server.entering = () => refused("busy", 3_000);
  const client = clientOf(server);
  await vi.waitFor(() => expect(server.hellos).toHaveLength(1));
  server.entering = () => null;
  await vi.advanceTimersByTimeAsync(2_900);
  expect(server.hellos).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(300);
  expect((await client.welcome()).principal).toBe("bob@localhost");
  await client.close();
});

test("a revoked device connects once more to be told why, and not again", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  server.entering = () => refused("key-revoked");
  server.close("auth-expired");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(server.connections).toHaveLength(2);
  expect(await codeOf(client.welcome())).toBe("key-revoked");
  await client.close();
});

test("what broke the protocol is not repeated", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  server.isMute = true;
  const sending = codeOf(client.send("im:alice@localhost", "hello"));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.close("protocol-violation", "a frame too many");
  expect(await sending).toBe("protocol");
  server.isMute = false;
  await client.welcome();
  expect(server.requests).toHaveLength(1);
  await client.close();
});

test("a server that answers out of order is left with the code for that, and what was asked is asked again", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  const first = server.last;
  server.isMute = true;
  const sending = client.send("im:alice@localhost", "hello", { id: "m-1" });
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.isMute = false;
  first.streams[0]?.write(make("Sent", { request: 9 }));
  expect(await first.closed).toMatchObject({ code: CloseCode["protocol-violation"] });
  expect(await sending).toEqual({ id: "m-1", isDuplicate: true });
  expect(server.connections).toHaveLength(2);
  await client.close();
});

test("a connection over which nothing comes back is given up after the time for an answer", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  server.isSilent = true;
  const sending = client.send("im:alice@localhost", "hello", { id: "m-1" });
  await turns();
  await vi.advanceTimersByTimeAsync(5_000);
  server.isSilent = false;
  await vi.advanceTimersByTimeAsync(4_900);
  await expect(sending).rejects.toMatchObject({ code: "outcome-unknown" });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(server.connections).toHaveLength(2);
  await client.close();
});

test("a silent connection is asked every 20 s whether it lives, and a busy one is not", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  await client.welcome();
  await vi.advanceTimersByTimeAsync(19_000);
  expect(server.probes).toBe(0);
  await vi.advanceTimersByTimeAsync(42_000);
  expect(server.probes).toBeGreaterThanOrEqual(2);
  expect(server.connections).toHaveLength(1);
  await client.close();
});

test("an inbox hands each message out once over lost connections, and acknowledges what is taken", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  for (const text of ["a", "b", "c"]) server.accept(text);
  const inbox = client.inbox();
  const seen = (await some(2, inbox)).map((letter) => letter.text);
  server.cut();
  server.accept("d");
  seen.push(...(await some(2, inbox)).map((letter) => letter.text));
  expect(seen).toEqual(["a", "b", "c", "d"]);
  await vi.waitFor(() => expect(server.acknowledged).toBe(3));
  inbox.close();
  expect((await inbox.next()).done).toBe(true);
  await client.close();
});

test("the next page goes on behind what this one took, and gets the rest again", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  for (const text of ["a", "b", "c"]) server.accept(text);
  const first = clientOf(server, store);
  const [one] = await some(2, first.inbox());
  expect(one?.text).toBe("a");
  await first.close();
  const second = clientOf(server, store);
  const letters = await some(2, second.inbox());
  expect(letters.map((letter) => letter.text)).toEqual(["b", "c"]);
  await letters[1]?.acknowledge();
  await second.close();
  expect(await store.get("inbox im:bob@localhost")).toMatchObject({ sequence: 3 });
});

test("a store that was put back is told with the first letter behind it", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  server.accept("a");
  const inbox = client.inbox();
  await some(1, inbox);
  server.key = 1;
  server.wasPutBack = true;
  server.messages.length = 0;
  server.accept("other");
  server.cut();
  const [letter] = await some(1, inbox);
  expect([letter?.text, letter?.anew, letter?.restored]).toEqual(["other", true, true]);
  await client.close();
});

test("letters come as events, too, and count as taken unless a listener prevents that", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  const inbox = client.inbox();
  const seen: string[] = [];
  inbox.addEventListener("message", (event) => {
    seen.push(event.detail.text);
    if (event.detail.text === "b") event.preventDefault();
  });
  server.accept("a");
  server.accept("b");
  await vi.waitFor(() => expect(seen).toEqual(["a", "b"]));
  await vi.waitFor(() => expect(server.acknowledged).toBe(1));
  server.accept("c");
  await vi.waitFor(() => expect(seen).toEqual(["a", "b", "c"]));
  server.accept("d");
  await vi.waitFor(() => expect(server.acknowledged).toBeGreaterThanOrEqual(3));
  await client.close();
});

test("a watch subscribes, tells of changes, and begins with the current state on the next page", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  server.show("pres:alice@localhost", status({ note: "at my desk" }));
  for (const page of [1, 2]) {
    const client = clientOf(server, store);
    const watch = client.watch("pres:alice@localhost");
    const [shown] = await some(1, watch);
    expect([page, shown?.isOpen, shown?.notes]).toEqual([page, true, ["at my desk"]]);
    await client.close();
  }
  expect(server.requests.map((one) => one.type)).toEqual(["Subscribe", "Subscribe"]);
});

test("a watch that resumes is told only what is new on the next page", async () => {
  const server = new FakeServer();
  const store = new MemoryStore();
  server.show("pres:alice@localhost", status({ note: "one" }));
  const first = clientOf(server, store);
  const watch = first.watch("pres:alice@localhost", { resume: true });
  await some(1, watch);
  void watch.next();
  await watch.settled();
  await first.close();
  const second = clientOf(server, store);
  const again = second.watch("pres:alice@localhost", { resume: true });
  const next = some(1, again);
  await again.caughtUp();
  server.show("pres:alice@localhost", status({ note: "two" }));
  expect((await next)[0]?.notes).toEqual(["two"]);
  await second.close();
});

test("a subscription and a publication are renewed at half of their lifetimes", async () => {
  const server = new FakeServer();
  server.grantedMs = 60_000;
  const client = clientOf(server);
  const watch = client.watch("pres:alice@localhost");
  void watch.next();
  await client.publish(status());
  const count = (type: string) => server.requests.filter((one) => one.type === type).length;
  await vi.waitFor(() => expect([count("Subscribe"), count("Publish")]).toEqual([1, 1]));
  await vi.advanceTimersByTimeAsync(29_000);
  expect([count("Subscribe"), count("Publish")]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([count("Subscribe"), count("Publish")]).toEqual([2, 2]);
  expect(server.requests.findLast((one) => one.type === "Publish")).toMatchObject({ document: null });
  await client.close();
  expect((await watch.next()).done).toBe(true);
});

test("a publication that ran out meanwhile is made anew", async () => {
  const server = new FakeServer();
  server.grantedMs = 60_000;
  const client = clientOf(server);
  const publication = await client.publish(status({ note: "kept" }));
  server.answering = (request) =>
    request.type === "Publish" && request.ifMatch && request.lifetimeMs !== 0 ? refused("stale-tag") : null;
  await vi.advanceTimersByTimeAsync(31_000);
  expect(server.requests.at(-1)).toMatchObject({ ifMatch: null, document: status({ note: "kept" }) });
  await publication.remove();
  expect(server.requests.at(-1)).toMatchObject({ lifetimeMs: 0, document: null });
  await client.close();
});

test("a subscription that is refused is told once, and the watch goes on for the others", async () => {
  const server = new FakeServer();
  const alice = "pres:alice@localhost";
  server.answering = (request) =>
    request.type === "Subscribe" && request.presentity === alice ? refused("refused") : null;
  const client = clientOf(server);
  const watch = client.watch([alice, "pres:carol@localhost"]);
  const [denied] = await some(1, watch);
  expect([denied?.presentity, denied?.state, denied?.isOpen, denied?.refusal?.code]).toEqual([
    alice,
    "terminated",
    false,
    "refused",
  ]);
  const next = some(1, watch);
  await vi.advanceTimersByTimeAsync(130_000);
  expect(server.requests.filter((one) => one.type === "Subscribe")).toHaveLength(4);
  server.show("pres:carol@localhost", status());
  expect((await next)[0]?.presentity).toBe("pres:carol@localhost");
  await client.close();
});

test("a feed that the server resets is opened again on the same connection", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  server.accept("a");
  const inbox = client.inbox();
  await some(1, inbox);
  const next = inbox.next();
  await turns();
  server.last.streams.at(-1)?.reset(0x102);
  await vi.advanceTimersByTimeAsync(1_100);
  server.accept("b");
  expect((await next).value?.text).toBe("b");
  expect(server.connections).toHaveLength(1);
  await client.close();
});

test("a feed whose numbers do not follow ends the connection, and resumes on the next", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  server.accept("a");
  const inbox = client.inbox();
  await some(1, inbox);
  const next = inbox.next();
  await turns();
  const first = server.last;
  first.streams.at(-1)?.write(make("MessageEvent", { number: 7 }));
  expect(await first.closed).toMatchObject({ code: CloseCode["protocol-violation"] });
  server.accept("b");
  expect((await next).value?.text).toBe("b");
  await client.close();
});

test("leaving a loop closes what it read", async () => {
  const server = new FakeServer();
  const client = clientOf(server);
  server.accept("a");
  const inbox = client.inbox();
  for await (const letter of inbox) {
    expect(letter.text).toBe("a");
    break;
  }
  expect((await inbox.next()).done).toBe(true);
  expect(await codeOf(Promise.resolve().then(() => inbox.caughtUp()))).not.toBe("nothing was thrown");
  await client.close();
});
