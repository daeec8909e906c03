// Several pages of one device: one connection, each item once, and another owner when one is gone.

import { afterEach, expect, test, vi } from "vitest";
import { Client } from "../src/client.js";
import { make } from "../src/codec.js";
import { Refused } from "../src/errors.js";
import { status } from "../src/items.js";
import { RefusalCode } from "../src/protocol.js";
import { MemoryStore, type Store } from "../src/store.js";
import { type Locks, Tabs } from "../src/tabs.js";
import { FakeServer } from "./fake-server.js";
import { BOB, codeOf, keeperOf, some } from "./support.js";

/** Locks of a browser: each held by one at a time, in order; those of a page that is gone are free. */
class Browser {
  private readonly queues = new Map<string, { page: Page; grant: () => void }[]>();

  /** What a page sees of them. */
  locksOf(page: Page): Locks {
    return {
      request: (name, { signal }, held) =>
        new Promise((done, failed) => {
          const queue = this.queues.get(name) ?? [];
          this.queues.set(name, queue);
          const entry = {
            page,
            grant: () =>
              void held()
                .then(done, failed)
                .finally(() => this.leave(name, entry)),
          };
          signal?.addEventListener("abort", () => queue[0] !== entry && this.leave(name, entry));
          queue.push(entry);
          if (queue.length === 1) entry.grant();
        }),
    };
  }

  private leave(name: string, entry: { page: Page; grant: () => void }): void {
    const queue = this.queues.get(name) ?? [];
    const at = queue.indexOf(entry);
    if (at >= 0) queue.splice(at, 1);
    if (at === 0) queue[0]?.grant();
  }

  /** A page is gone without a word. */
  kill(page: Page): void {
    page.channel?.close();
    for (const [name, queue] of this.queues) {
      for (const entry of [...queue].reverse().filter((one) => one.page === page)) this.leave(name, entry);
    }
  }
}

interface Page {
  client: Client;
  tabs: Tabs;
  channel?: BroadcastChannel;
}

const NAME = "adsum test";
const pages: Page[] = [];

function open(browser: Browser, server: FakeServer, store: Store): Page {
  const page = {} as Page;
  page.tabs = new Tabs(NAME, () => keeperOf(server, store), browser.locksOf(page));
  page.channel = (page.tabs as unknown as { channel: BroadcastChannel }).channel;
  page.client = new Client(page.tabs, BOB);
  pages.push(page);
  return page;
}

afterEach(async () => {
  for (const page of pages.splice(0)) await page.client.close();
});

function three(): { browser: Browser; server: FakeServer; first: Page; second: Page; third: Page } {
  const [browser, server, store] = [new Browser(), new FakeServer(), new MemoryStore()];
  const [first, second, third] = [1, 2, 3].map(() => open(browser, server, store)) as [Page, Page, Page];
  return { browser, server, first, second, third };
}

test("all pages ask over one connection, and are answered each its own", async () => {
  const { server, first, second, third } = three();
  const sent = await Promise.all(
    [first, second, third].map(({ client }) => client.send("im:alice@localhost", "hi")),
  );
  expect(new Set(sent.map((one) => one.id)).size).toBe(3);
  expect(server.messages).toHaveLength(3);
  expect(server.connections).toHaveLength(1);
  expect((await third.client.welcome()).principal).toBe("bob@localhost");
  server.show("pres:alice@localhost", status({ note: "here" }));
  expect((await second.client.fetch("pres:alice@localhost")).notes).toEqual(["here"]);
});

test("what is refused is refused on every page as what it is", async () => {
  const { server, second } = three();
  server.answering = () =>
    make("Refused", { code: RefusalCode["inbox-full"], message: "full", retryAfterMs: 7 });
  const error = await second.client.send("im:alice@localhost", "hi").catch((fault) => fault);
  expect(error).toBeInstanceOf(Refused);
  expect([error.code, error.message, error.retryAfterMs]).toEqual(["inbox-full", "full", 7]);
});

test("every page is told of presence and of messages, and one that is opened later of what nobody took", async () => {
  const { server, first, second, third } = three();
  server.show("pres:alice@localhost", status({ note: "here" }));
  for (const { client } of [first, second]) {
    const [shown] = await some(1, client.watch("pres:alice@localhost"));
    expect(shown?.notes).toEqual(["here"]);
  }
  server.accept("a");
  server.accept("b");
  const one = first.client.inbox();
  expect((await some(2, one)).map((letter) => letter.text)).toEqual(["a", "b"]);
  await vi.waitFor(() => expect(server.acknowledged).toBe(1));
  const other = third.client.inbox();
  expect((await some(1, other)).map((letter) => letter.text)).toEqual(["b"]);
  server.accept("c");
  for (const inbox of [one, other]) expect((await some(1, inbox))[0]?.text).toBe("c");
  expect(server.last.streams.length).toBeLessThanOrEqual(4);
});

test("when the owner is gone another page takes over, and nothing is lost or handed out twice", async () => {
  const { browser, server, first, second, third } = three();
  await first.client.welcome();
  const inbox = second.client.inbox();
  server.accept("a");
  server.accept("b");
  const [a] = await some(1, inbox);
  expect(a?.text).toBe("a");
  const watch = third.client.watch("pres:alice@localhost");
  const shown = some(1, watch);
  browser.kill(first);
  server.connections[0]?.end({ code: null, reason: "the page is gone" });
  server.accept("c");
  expect((await some(2, inbox)).map((letter) => letter.text)).toEqual(["b", "c"]);
  await vi.waitFor(() => expect(server.acknowledged).toBe(2));
  server.show("pres:alice@localhost", status({ note: "here" }));
  expect((await shown)[0]?.notes).toEqual(["here"]);
  expect(server.connections).toHaveLength(2);
});

test("what a page asked of an owner that is gone is asked again of the next, and done once", async () => {
  const { browser, server, first, second } = three();
  await first.client.welcome();
  server.isMute = true;
  const sending = second.client.send("im:alice@localhost", "hi", { id: "m-1" });
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  server.isMute = false;
  browser.kill(first);
  server.connections[0]?.end({ code: null, reason: "the page is gone" });
  expect((await sending).id).toBe("m-1");
  expect(server.messages).toHaveLength(1);
});

test("an owner that is closed in order leaves the connection to another page", async () => {
  const { server, first, second } = three();
  await second.client.welcome();
  pages.splice(pages.indexOf(first), 1);
  await first.client.close();
  expect((await second.client.send("im:alice@localhost", "hi")).isDuplicate).toBe(false);
  expect(server.connections).toHaveLength(2);
  expect(server.connections[0]?.isOver).toBe(true);
  expect(await codeOf(first.client.fetch("pres:alice@localhost").then(() => {}))).not.toBe("unreachable");
});

test("a page that is shown has the owner look at once whether the connection lives", async () => {
  const { server, first, second } = three();
  await first.client.welcome();
  await second.client.welcome();
  expect(server.probes).toBe(0);
  second.tabs.nudge();
  await vi.waitFor(() => expect(server.probes).toBe(1));
});

test("feeds of a page that is gone are closed", async () => {
  const { browser, server, first, second } = three();
  await first.client.welcome();
  const watch = second.client.watch();
  const next = watch.next();
  await vi.waitFor(() => expect(server.last.streams.length).toBe(2));
  browser.kill(second);
  pages.splice(pages.indexOf(second), 1);
  const feed = server.last.streams[1];
  expect(await feed?.up.read()).toBeNull();
  void next;
});

test("every page learns what became of what a page before them asked", async () => {
  const [browser, server, store] = [new Browser(), new FakeServer(), new MemoryStore()];
  const before = open(browser, server, store);
  await before.client.welcome();
  server.isMute = true;
  void codeOf(before.client.send("im:alice@localhost", "hello", { id: "m-1" }));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  await before.client.close();
  server.isMute = false;
  const [first, second] = [open(browser, server, store), open(browser, server, store)];
  for (const { client } of [first, second]) {
    const [left] = await client.unfinished();
    expect(left).toMatchObject({ id: "m-1", body: { type: "Send" } });
    expect(await left?.outcome()).toMatchObject({ type: "Sent", duplicate: true });
  }
  const [left] = await second.client.unfinished();
  await first.client.close();
  // The next owner has nothing to ask again: it was answered.
  expect(await second.client.unfinished()).toEqual([]);
  expect(await codeOf(left?.outcome() as Promise<unknown>)).toBe("outcome-unknown");
});
