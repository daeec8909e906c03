// Keys, proofs and invites, against the vectors.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { deriveKey } from "../src/blake3.js";
import { fromHex, toHex, utf8 } from "../src/codec.js";
import { challenged } from "../src/connection.js";
import { loadDevice, newDevice, prover, storeDevice } from "../src/device.js";
import { MemoryStore } from "../src/store.js";
import { inviteId, newSecret, readToken, writeToken } from "../src/token.js";
import { codeOf } from "./support.js";

interface Proof {
  context: string;
  seed: string;
  key: string;
  principal: string;
  server_key_hash: string;
  fresh: string;
  signature: string;
}

const VECTORS: { proofs: Proof[]; names: { what: string; of: string; is: string }[] } = JSON.parse(
  readFileSync(new URL("../../../docs/vectors.json", import.meta.url), "utf8"),
);
const SECRET = new Uint8Array(32).fill(0x70);
/** What stands before the seed in a PKCS #8 of an Ed25519 key (RFC 8410). */
const PKCS8 = "302e020100300506032b657004220420";

test("what is signed over a challenge is what the vectors say", async () => {
  const proof = VECTORS.proofs.find((one) => fromHex(one.context).includes("c".charCodeAt(0))) as Proof;
  const [principal, publicKey, serverKey] = [
    proof.principal,
    fromHex(proof.key),
    fromHex(proof.server_key_hash),
  ];
  const over = VECTORS.proofs.find((one) =>
    new TextDecoder().decode(fromHex(one.context)).includes("challenge"),
  ) as Proof;
  const signed = challenged({ principal, publicKey, serverKey }, fromHex(over.fresh));
  const key = await crypto.subtle.importKey("pkcs8", fromHex(PKCS8 + over.seed), "Ed25519", false, ["sign"]);
  expect(toHex(new Uint8Array(await crypto.subtle.sign("Ed25519", key, signed)))).toBe(over.signature);
});

test("names that are made of a key are those of the vectors", () => {
  const names = Object.fromEntries(VECTORS.names.map((one) => [one.what, one]));
  expect(toHex(inviteId(fromHex(names.invite?.of ?? "")))).toBe(names.invite?.is);
  const device = deriveKey("adsum 2026 device id", fromHex(names.device?.of ?? ""));
  expect(toHex(device.slice(0, 8))).toBe(names.device?.is);
});

test("a token without a server is written as the document says, and read in any case", async () => {
  const text = "obyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobye3cks";
  expect(await writeToken({ secret: SECRET, serverKey: null })).toBe(text);
  expect(await readToken(text.toUpperCase().replace(/(.{8})/g, "$1-\n"))).toEqual({
    secret: SECRET,
    serverKey: null,
  });
});

test("a token names its server, and a slip in it is found", async () => {
  const token = { secret: newSecret(), serverKey: newSecret() };
  const text = await writeToken(token);
  expect(text).toMatch(/^[a-z2-7]{112}$/);
  expect(await readToken(text)).toEqual(token);
  for (const at of [0, 50, 70, 111]) {
    const wrong = text[at] === "a" ? "b" : "a";
    expect(await codeOf(readToken(text.slice(0, at) + wrong + text.slice(at + 1)))).toBe("bad-field");
  }
  expect(await codeOf(readToken(text.slice(1)))).toBe("bad-field");
  expect(await codeOf(readToken(`${text.slice(1)}1`))).toBe("bad-field");
});

test("a token of the first form is read", async () => {
  const check = deriveKey("adsum 2026 invite token check", SECRET).slice(0, 3);
  const text = await writeToken({ secret: SECRET, serverKey: null });
  const bits = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = (bits(Uint8Array.from([...SECRET, ...check])).match(/.{5}/g) ?? []).map(
    (five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five, 2)],
  );
  expect(letters.join("")).not.toBe(text);
  expect((await readToken(letters.join(""))).secret).toEqual(SECRET);
});

test("a device's key cannot be read out, is kept as it is, and signs", async () => {
  const store = new MemoryStore();
  const device = await newDevice("bob@localhost", null);
  expect(device.privateKey.extractable).toBe(false);
  expect(await codeOf(crypto.subtle.exportKey("pkcs8", device.privateKey))).not.toBe("nothing was thrown");
  await storeDevice(store, device);
  const again = (await loadDevice(store)) as typeof device;
  const data = utf8("what is signed");
  const signature = await prover(again, new Uint8Array(32)).sign(data);
  const key = await crypto.subtle.importKey("raw", device.publicKey.slice(), "Ed25519", false, ["verify"]);
  expect(await crypto.subtle.verify("Ed25519", key, signature.slice(), data)).toBe(true);
});
