// How a page becomes a client: enrolment, the server's key, and sessions of nobody in particular.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type BodyOf, fromUtf8, make, toHex } from "../src/codec.js";
import { connect, connectAnonymously } from "../src/connect.js";
import { status } from "../src/items.js";
import { RefusalCode } from "../src/protocol.js";
import type { Server } from "../src/server.js";
import { MemoryStore, type Store } from "../src/store.js";
import { newSecret, writeToken } from "../src/token.js";
import { FakeServer } from "./fake-server.js";
import { codeOf, some, turns } from "./support.js";

const KEY = new Uint8Array(32).fill(0x5e);
const CARD = "http://127.0.0.1:2780/web.json";

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 5 });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const at = (serverKey: Uint8Array): Server => ({
  webTransport: "https://127.0.0.1:2778/adsum",
  webSocket: null,
  serverKey,
  certificateHashes: [],
});

const waysOf = (server: FakeServer) => () => ({ webTransport: server.dial, webSocket: null });

function options(server: FakeServer, store: Store, more: object = {}) {
  return { server: at(KEY), ways: waysOf(server), store, ...more };
}

/** Serves `web.json`. */
function serveCard(key: Uint8Array | null): void {
  const card = {
    protocol: "adsum/1",
    path: "/adsum",
    port: 2778,
    server_key: toHex(key ?? KEY),
    certificate_hashes: [],
  };
  const answer = async () => {
    if (!key) throw new TypeError("nobody listens");
    return new Response(JSON.stringify(card));
  };
  vi.stubGlobal("fetch", answer);
}

const refused = (code: RefusalCode) => make("Refused", { code: RefusalCode[code], message: "because" });

test("a device is enrolled once, and the next page is the same device", async () => {
  const [server, store] = [new FakeServer(), new MemoryStore()];
  const secret = newSecret();
  const invite = await writeToken({ secret, serverKey: KEY });
  const first = await connect(options(server, store, { principal: "bob@localhost", invite, label: "desk" }));
  await first.welcome();
  await first.close();
  const second = await connect(options(server, store));
  expect((await second.welcome()).principal).toBe("bob@localhost");
  await second.close();
  const [enrolling, ...entering] = server.hellos;
  expect(enrolling?.enroll).toEqual({ token: secret, label: "desk" });
  expect(entering.map((hello) => hello.enroll)).toEqual([null, null]);
  expect(new Set(server.hellos.map((hello) => toHex(hello.key))).size).toBe(1);
});

test("an enrolment whose answer was lost is made again with the same key", async () => {
  const [server, store] = [new FakeServer(), new MemoryStore()];
  server.entering = () => {
    server.last.end({ code: null, reason: "cut" });
    return null;
  };
  const wanted = { principal: "bob@localhost" };
  expect(await codeOf(connect(options(server, store, wanted)))).toBe("connection-lost");
  server.entering = () => null;
  await (await connect(options(server, store, wanted))).close();
  expect(new Set(server.hellos.map((hello) => toHex(hello.key))).size).toBe(1);
  expect(server.hellos[1]?.enroll).not.toBeNull();
});

test("an invite shows its secret to no other server than the one it names", async () => {
  const [server, store] = [new FakeServer(), new MemoryStore()];
  const invite = await writeToken({ secret: newSecret(), serverKey: new Uint8Array(32).fill(1) });
  const connecting = connect(options(server, store, { principal: "bob@localhost", invite }));
  expect(await codeOf(connecting)).toBe("server-key-changed");
  expect(server.connections).toEqual([]);
});

test("who may not be enrolled is told why, and who is somebody else already, too", async () => {
  const [server, store] = [new FakeServer(), new MemoryStore()];
  server.entering = () => refused("name-taken");
  expect(await codeOf(connect(options(server, store, { principal: "bob@localhost" })))).toBe("name-taken");
  expect(await codeOf(connect(options(server, store, { principal: "eve@localhost" })))).toBe(
    "already-enrolled",
  );
  expect(await codeOf(connect(options(server, new MemoryStore())))).toBe("bad-field");
});

test("a server whose key is another one later is told loudly, and nothing is sent to it", async () => {
  const [server, store] = [new FakeServer(), new MemoryStore()];
  serveCard(KEY);
  const where = { server: CARD, principal: "bob@localhost" };
  await (await connect(options(server, store, where))).close();
  serveCard(new Uint8Array(32).fill(9));
  const before = server.connections.length;
  const client = await connect(options(server, store, where));
  expect(await codeOf(client.welcome())).toBe("server-key-changed");
  expect(server.connections).toHaveLength(before);
  await client.close();
});

test("what web.json said last serves while it cannot be read", async () => {
  const [server, store] = [new FakeServer(), new MemoryStore()];
  serveCard(KEY);
  const where = { server: CARD, principal: "bob@localhost" };
  await (await connect(options(server, store, where))).close();
  serveCard(null);
  const client = await connect(options(server, store, where));
  expect((await client.welcome()).principal).toBe("bob@localhost");
  await client.close();
  expect(await codeOf(connect(options(server, new MemoryStore(), where)))).toBe("unreachable");
});

test("something that is no web.json is told as that", async () => {
  vi.stubGlobal("fetch", async () => new Response('{"hello":"world"}'));
  const where = { server: CARD, principal: "bob@localhost" };
  expect(await codeOf(connect(options(new FakeServer(), new MemoryStore(), where)))).toBe("bad-field");
});

test("nobody in particular has another key on each connection, and subscribes anew", async () => {
  const server = new FakeServer();
  const client = await connectAnonymously({ server: at(KEY), ways: waysOf(server) });
  server.show("pres:alice@localhost", status({ note: "here" }));
  const watch = client.watch("pres:alice@localhost");
  expect((await some(1, watch))[0]?.notes).toEqual(["here"]);
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.cut();
  await vi.waitFor(() => expect(server.requests).toHaveLength(2), { timeout: 3_000 });
  expect(server.hellos.map((hello: BodyOf<"Hello">) => hello.principal)).toEqual(["", ""]);
  expect(new Set(server.hellos.map((hello) => toHex(hello.key))).size).toBe(2);
  expect(() => client.presentity).toThrow(/anonymous/);
  await client.close();
});

test("what nobody in particular sent and was not answered is not sent again", async () => {
  const server = new FakeServer();
  const client = await connectAnonymously({ server: at(KEY), ways: waysOf(server) });
  await client.welcome();
  server.isMute = true;
  const sending = codeOf(client.send("im:alice@localhost", "hello"));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.isMute = false;
  server.cut();
  expect(await sending).toBe("outcome-unknown");
  await turns();
  expect(server.requests.map((one) => fromUtf8((one as BodyOf<"Send">).body))).toEqual(["hello"]);
  await client.close();
});
