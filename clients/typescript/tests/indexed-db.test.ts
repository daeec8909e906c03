// The browser's store: what was set is there for the next page.

import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { loadDevice } from "../src/device.js";
import { IndexedDbStore } from "../src/indexed-db.js";
import { codeOf } from "./support.js";

test("what was set is there for the next page, and under another name it is not", async () => {
  const position = { cursor: new Uint8Array([1, 2, 3]), sequence: 7 };
  await new IndexedDbStore("one").set("inbox", position);
  const next = new IndexedDbStore("one");
  expect(await next.get("inbox")).toEqual(position);
  expect(await new IndexedDbStore("two").get("inbox")).toBeUndefined();
  await next.delete("inbox");
  expect(await next.get("inbox")).toBeUndefined();
});

test("a store that another page deletes is made anew", async () => {
  const store = new IndexedDbStore("three");
  await store.set("a", 1);
  await new Promise((done, failed) => {
    const request = indexedDB.deleteDatabase("three");
    request.onsuccess = done;
    request.onerror = failed;
  });
  expect(await store.get("a")).toBeUndefined();
  await store.set("a", 2);
  expect(await store.get("a")).toBe(2);
});

test("what cannot be kept is told, with the cure", async () => {
  const store = new IndexedDbStore("four");
  const error = await store.set("a", () => {}).catch((fault) => fault);
  expect([error.code, error.message]).toEqual([
    "state-io",
    expect.stringContaining("allow it to store data"),
  ]);
});

test("a device that is no device is told as damage", async () => {
  const store = new IndexedDbStore("five");
  await store.set("device", { principal: "bob@localhost", privateKey: "nonsense" });
  expect(await codeOf(loadDevice(store))).toBe("state-damaged");
  await store.delete("device");
  expect(await loadDevice(store)).toBeUndefined();
});
