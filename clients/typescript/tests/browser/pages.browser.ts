// Pages of real browsers against the program, over each transport that it speaks.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type * as Package from "../../src/index.js";
import { found, launch, Site, STRANGER } from "./browser.js";
import { FAKETIME, Server } from "./server.js";

declare const adsum: typeof Package;
/** What a page keeps between the steps of a test. */
declare const window: { client: Package.Client; seen: string[]; loop?: Promise<void> };

type Way = "webTransport" | "webSocket";

/** What `web.json` says. */
interface Card {
  path: string;
  port: number;
  server_key: string;
  certificate_hashes: string[];
  websocket?: { port: number; encrypted: boolean };
}

const WAYS: Way[] = ["webTransport", "webSocket"];
const CASES = found().flatMap((kind) => WAYS.map((way) => ({ kind, way })));
const MESSAGES = 40;
const BIG_BYTES = 65_536;
const BIG_COUNT = 160;
/** Written as it must be, and made by nobody. */
const UNKNOWN_INVITE = "obyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobye3cks";

test("there is a browser to try", () => {
  expect(found(), "install chromium or firefox-esr, or set CHROMIUM or FIREFOX").not.toEqual([]);
});

describe.each(CASES)("$kind over $way", ({ kind, way }) => {
  let server: Server;
  let site: Site;
  let browser: Browser;
  const faults: string[] = [];
  let isSpoken = true;

  beforeAll(async () => {
    server = await Server.start();
    const card = (await (await fetch(server.card)).json()) as Card;
    isSpoken = way === "webTransport" || !!card.websocket;
    if (!isSpoken) console.log(`${kind}: the server speaks no WebSocket; nothing of it was tried`);
    site = await Site.open();
    browser = await launch(kind, site);
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
    await server?.end();
    expect(faults).toEqual([]);
  });

  // A test that fails while the server is down fails no other.
  afterEach(() => server.revive());

  /** A page of a principal, connected. */
  async function page(name: string): Promise<Page> {
    const page = await site.page(browser, faults);
    await page.evaluate(
      async (card, principal, way) => {
        const ways = (one: Package.Server) => ({
          webTransport: one.webTransport ? adsum.webTransport(one.webTransport, one.certificateHashes) : null,
          webSocket: null,
        });
        const overTcp = (one: Package.Server) => ({
          webTransport: null,
          webSocket: adsum.webSocket(one.webSocket ?? ""),
        });
        const chosen = way === "webSocket" ? overTcp : ways;
        window.client = await adsum.connect({
          server: card,
          principal,
          name: `adsum ${principal}`,
          ways: chosen,
        });
        window.seen = [];
      },
      server.card,
      `${name}@localhost`,
      way,
    );
    return page;
  }

  /** Reads the inbox of a page on and on into `seen`. */
  const follow = (page: Page) =>
    page.evaluate(() => {
      const inbox = window.client.inbox();
      inbox.addEventListener("message", (event) => window.seen.push(event.detail.text));
    });

  const seen = (page: Page, count: number) =>
    page
      .waitForFunction((count) => window.seen.length >= count, { timeout: 40_000, polling: 100 }, count)
      .then(() => page.evaluate(() => window.seen));

  test("a page enrols, watches, publishes, sends and reads, with the command line on the other side", async (context) => {
    context.skip(!isSpoken);
    await server.command("enroll", "bob@localhost", "--server", server.address);
    await server.command("delivery", "receipts", "on", "--as", "bob@localhost");
    const alice = await page("alice");
    const watched = alice.evaluate(async () => {
      for await (const shown of window.client.watch("pres:bob@localhost"))
        if (shown.isOpen) return shown.notes;
      return [];
    });
    await server.command("publish", "open", "--note", "at my desk", "--as", "bob@localhost");
    expect(await watched).toEqual(["at my desk"]);
    await alice.evaluate(async () => {
      await window.client.publish(adsum.status({ note: "in a page" }));
      await window.client.send("im:bob@localhost", "from a page", { receipts: ["delivered"] });
    });
    const [presence] = await server.command("fetch", "pres:alice@localhost", "--as", "bob@localhost");
    expect(JSON.stringify(presence)).toContain("in a page");
    const [message] = await server.command("inbox", "--as", "bob@localhost");
    expect(message).toMatchObject({ from: "alice@localhost", body: "from a page" });
    await server.command("send", "im:alice@localhost", "from a shell", "--as", "bob@localhost");
    const letters = await alice.evaluate(async () => {
      const inbox = window.client.inbox();
      const found: (string | null)[] = [];
      for await (const letter of inbox) {
        found.push(letter.receiptKind ?? letter.text);
        await letter.acknowledge();
        if (found.length === 2) break;
      }
      return found;
    });
    expect(letters.sort()).toEqual(["delivered", "from a shell"]);
    await alice.close();
  });

  test("the device's key is kept where nobody can read it", async (context) => {
    context.skip(!isSpoken);
    const alice = await page("alice");
    const said = await alice.evaluate(async () => {
      const store = new adsum.IndexedDbStore("adsum alice@localhost");
      const device = (await store.get("device")) as { privateKey: CryptoKey };
      const exported = await crypto.subtle
        .exportKey("pkcs8", device.privateKey)
        .catch((error) => String(error));
      return { isExtractable: device.privateKey.extractable, isRead: typeof exported !== "string" };
    });
    expect(said).toEqual({ isExtractable: false, isRead: false });
    await alice.close();
  });

  test("nothing is lost or doubled when the server is killed and started again", async (context) => {
    context.skip(!isSpoken);
    const [carol, dave] = [await page("carol"), await page("dave")];
    await follow(dave);
    const sending = carol.evaluate(async (count) => {
      for (let number = 0; number < count; number++) {
        const id = `m-${number}`;
        const send = (): Promise<unknown> =>
          window.client.send("im:dave@localhost", `${number}`, { id }).catch((error) => {
            if (error.code !== "outcome-unknown") throw error;
            return send();
          });
        await send();
      }
    }, MESSAGES);
    await seen(dave, 5);
    await server.restart();
    await sending;
    const all = await seen(dave, MESSAGES);
    expect(all).toEqual(Array.from({ length: MESSAGES }, (_, number) => `${number}`));
    await server.restart();
    await carol.evaluate(() => window.client.send("im:dave@localhost", "after all"));
    expect((await seen(dave, MESSAGES + 1)).at(-1)).toBe("after all");
    await carol.close();
    await dave.close();
  });

  test("a page that is closed and opened goes on where it was, and sends what it had not sent", async (context) => {
    context.skip(!isSpoken);
    const [erin, frank] = [await page("erin"), await page("frank")];
    await erin.evaluate(async () => {
      for (const text of ["a", "b", "c"]) await window.client.send("im:frank@localhost", text);
    });
    const first = await frank.evaluate(async () => {
      const inbox = window.client.inbox();
      const found = [(await inbox.next()).value, (await inbox.next()).value];
      await found[1]?.acknowledge();
      await inbox.settled();
      return found.map((letter) => letter?.text);
    });
    await frank.close();
    await server.kill();
    await erin.evaluate(() => {
      window.client.send("im:frank@localhost", "written while nobody listened").catch(() => {});
    });
    await erin.waitForFunction(
      async () => {
        const kept = (await new adsum.IndexedDbStore("adsum erin@localhost").get("requests")) as unknown[];
        return kept?.length === 1;
      },
      { timeout: 10_000, polling: 100 },
    );
    await erin.close();
    await server.begin();
    const [again, back] = [await page("frank"), await page("erin")];
    await follow(again);
    expect([...first, ...(await seen(again, 2))]).toEqual(["a", "b", "c", "written while nobody listened"]);
    await again.close();
    await back.close();
  });

  test("an inbox of 10 MB is drained", async (context) => {
    context.skip(!isSpoken);
    const [grace, heidi] = [await page("grace"), await page("heidi")];
    await grace.evaluate(
      async (count, bytes) => {
        const body = new Uint8Array(bytes).fill(0x61);
        const send = () => window.client.send("im:heidi@localhost", body);
        for (let sent = 0; sent < count; sent += 16) await Promise.all(Array.from({ length: 16 }, send));
      },
      BIG_COUNT,
      BIG_BYTES,
    );
    const { bytes, took } = await heidi.evaluate(async (count) => {
      const began = performance.now();
      const inbox = window.client.inbox();
      let bytes = 0;
      for (let number = 0; number < count; number++)
        bytes += (await inbox.next()).value?.message?.body?.length ?? 0;
      return { bytes, took: performance.now() - began };
    }, BIG_COUNT);
    console.log(`${kind} over ${way}: 10 MB of inbox in ${Math.round(took)} ms`);
    expect(bytes).toBe(BIG_COUNT * BIG_BYTES);
    await grace.close();
    await heidi.close();
  });

  test("when the page that owns the connection is closed, another takes over", async (context) => {
    context.skip(!isSpoken);
    const [first, second, judy] = [await page("ivan"), await page("ivan"), await page("judy")];
    await first.evaluate(() => window.client.welcome());
    const locks = (page: Page) => page.evaluate(async () => (await navigator.locks.query()).held ?? []);
    const owner = async () =>
      (await locks(second)).find((lock) => lock.name === "adsum ivan@localhost owner")?.clientId;
    const before = await owner();
    await follow(second);
    await judy.evaluate(() => window.client.send("im:ivan@localhost", "one"));
    await seen(second, 1);
    await first.close();
    await judy.evaluate(() => window.client.send("im:ivan@localhost", "two"));
    expect(await seen(second, 2)).toEqual(["one", "two"]);
    await second.evaluate(() => window.client.send("im:judy@localhost", "three"));
    expect(await owner()).not.toBe(before);
    await second.close();
    await judy.close();
  });

  test("where UDP gets no answer a page is connected within two seconds, and at once the next time", async (context) => {
    const card = (await (await fetch(server.card)).json()) as Card;
    context.skip(!isSpoken || way !== "webSocket");
    const hole = createSocket("udp4").bind(0, "127.0.0.1");
    await once(hole, "listening");
    const kim = await site.page(browser, faults);
    const took = await kim.evaluate(
      async (card, port) => {
        const bytes = (hex: string) =>
          Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
        const server = {
          webTransport: `https://127.0.0.1:${port}${card.path}`,
          webSocket: `${card.websocket?.encrypted ? "wss" : "ws"}://127.0.0.1:${card.websocket?.port}${card.path}`,
          serverKey: bytes(card.server_key),
          certificateHashes: card.certificate_hashes.map(bytes),
        };
        const store = new adsum.MemoryStore();
        const took: number[] = [];
        for (let time = 0; time < 2; time++) {
          const began = performance.now();
          const client = await adsum.connect({ server, principal: "kim@localhost", store });
          await client.welcome();
          took.push(performance.now() - began);
          await client.close();
        }
        return took;
      },
      card,
      hole.address().port,
    );
    hole.close();
    console.log(
      `${kind}: connected around a blocked UDP in ${took.map(Math.round).join(" ms, then in ")} ms`,
    );
    expect(took[0]).toBeLessThan(2_000);
    expect(took[1]).toBeLessThan(500);
    await kim.close();
  });

  test("a certificate is renewed under an open page", async (context) => {
    context.skip(way !== "webTransport" || !FAKETIME, "only over WebTransport, and with libfaketime");
    const renewing = await Server.start("-9.5d");
    try {
      const card = (await (await fetch(renewing.card)).json()) as Card;
      const lena = await site.page(browser, faults);
      await lena.evaluate(async (card) => {
        const bytes = (hex: string) =>
          Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
        const server = {
          webTransport: `https://127.0.0.1:${card.port}${card.path}`,
          webSocket: null,
          serverKey: bytes(card.server_key),
          certificateHashes: card.certificate_hashes.map(bytes),
        };
        window.client = await adsum.connect({
          server,
          principal: "lena@localhost",
          store: new adsum.MemoryStore(),
        });
        await window.client.welcome();
      }, card);
      await renewing.kill();
      renewing.setClock("+14h");
      await renewing.begin();
      const fresh = (await (await fetch(renewing.card)).json()) as Card;
      expect(fresh.certificate_hashes[0]).toBe(card.certificate_hashes[1]);
      await lena.evaluate(() => window.client.send("im:lena@localhost", "after the renewal"));
      await lena.close();
    } finally {
      await renewing.end();
    }
  });

  test("rules, invites, devices and the past work from a page", async (context) => {
    context.skip(!isSpoken);
    const [mary, nick] = [await page("mary"), await page("nick")];
    const invite = await mary.evaluate(async () => {
      const { client } = window;
      await client.publish(adsum.status({ note: "one" }));
      await client.block("nick@localhost");
      return client.invite();
    });
    const fetched = () =>
      nick.evaluate(() =>
        window.client.fetch("pres:mary@localhost").then(
          (shown) => shown.notes.join(),
          (error) => error.code as string,
        ),
      );
    expect(await fetched()).toBe("refused");
    await server.command("enroll", "mary@localhost", "--server", server.address, "--invite", invite);
    await mary.evaluate(() => window.client.allow("nick@localhost"));
    expect(await fetched()).toBe("one");
    const said = await mary.evaluate(async () => {
      const { client } = window;
      const { version, rules } = await client.rules();
      const lists = [
        await client.devices(),
        await client.history(),
        await client.invites(),
        await client.requests(),
      ];
      const { fetch } = await client.explain("nick@localhost");
      const audience = client.audience();
      const watcher = (await audience.next()).value;
      audience.close();
      return {
        version,
        who: rules.map((rule) => rule.who),
        counts: lists.map((list) => list.length),
        fetch,
        watcher,
      };
    });
    expect(said).toMatchObject({ version: 2, who: ["nick@localhost"], counts: [2, 1, 0, 0], fetch: 4 });
    expect(said.watcher).toMatchObject({ watcher: "nick@localhost", presentity: "pres:mary@localhost" });
    await mary.close();
    await nick.close();
  });

  test("a wrong path, a wrong invite and a page of another origin are refused", async (context) => {
    context.skip(!isSpoken);
    const card = (await (await fetch(server.card)).json()) as Card;
    const code = (page: Page, path: string, invite: string) =>
      page.evaluate(
        async (card, path, invite, way) => {
          const bytes = (hex: string) =>
            Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
          const server = {
            webTransport: way === "webTransport" ? `https://127.0.0.1:${card.port}${path}` : null,
            webSocket: way === "webSocket" ? `ws://127.0.0.1:${card.websocket?.port}${path}` : null,
            serverKey: bytes(card.server_key),
            certificateHashes: card.certificate_hashes.map(bytes),
          };
          const options = { server, principal: "mallory@localhost", invite, store: new adsum.MemoryStore() };
          return adsum.connect(options).then(
            () => "let in",
            (error) => error.code,
          );
        },
        card,
        path,
        invite,
        way,
      );
    const mallory = await site.page(browser, faults);
    expect(await code(mallory, "/other", "")).toBe("unreachable");
    expect(await code(mallory, "/adsum", UNKNOWN_INVITE)).toBe("bad-invite");
    await mallory.close();
    const stranger = await site.page(browser, [], STRANGER);
    expect(await code(stranger, "/adsum", "")).toBe("unreachable");
    const read = await stranger.evaluate((card) => fetch(card).catch(() => null), server.card);
    expect(read).toBeNull();
    await stranger.close();
  });
});
