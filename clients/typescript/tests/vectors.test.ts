// The codec against every vector of `docs/vectors.json`.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  BadUtf8,
  Cutter,
  decode,
  encode,
  fromHex,
  Malformed,
  Reader,
  toHex,
  writeValue,
} from "../src/codec.js";
import { type Body, FIELDS, KINDS } from "../src/protocol.js";

interface Said {
  name: string;
  frame: string;
  body: string;
  value: unknown;
  ext: unknown[];
}

interface Varint {
  hex: string;
  is: string;
  type: string;
  value: string;
}

interface Wrong {
  name: string;
  to: string;
  bytes: string;
  expect: { skipped?: true; decodes?: true };
}

const VECTORS: { frames: Said[]; varints: Varint[]; wrong: Wrong[] } = JSON.parse(
  readFileSync(new URL("../../../docs/vectors.json", import.meta.url), "utf8"),
);

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** A value as the vectors write it: bytes as digits, fields by their names in the document. */
function shaped(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(shaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shaped(inner)]));
}

function named(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(named);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), named(inner)]));
}

/** The fields of a body, without what its additions hold. */
function fields(body: Body): unknown {
  const names = (FIELDS[body.type] ?? "").split(",").map((field) => field.split(" ")[0] ?? "");
  const own = names
    .filter((name) => name !== "")
    .map((name) => [name, (body as unknown as Record<string, unknown>)[name]]);
  return shaped(Object.fromEntries(own));
}

function body(frame: string): Body | null {
  const cutter = new Cutter();
  cutter.push(fromHex(frame));
  const found = cutter.nextBody();
  expect(cutter.isEmpty).toBe(true);
  return found;
}

test("every kind has a vector", () => {
  const seen = new Set(VECTORS.frames.map((one) => one.body));
  expect([...seen].sort()).toEqual(Object.keys(KINDS).sort());
});

describe("frames", () => {
  test.each(VECTORS.frames)("$name", ({ frame, body: type, value, ext }) => {
    const found = body(frame) as Body;
    expect(found.type).toBe(type);
    expect(fields(found)).toEqual(named(value));
    expect(toHex(encode(found))).toBe(frame);
    if (ext.length === 0) expect(found.ext).toBeUndefined();
  });

  test("come out the same however the bytes come in", () => {
    const all = VECTORS.frames.map((one) => one.frame).join("");
    const cutter = new Cutter();
    const found: Body[] = [];
    for (const byte of fromHex(all)) {
      cutter.push(new Uint8Array([byte]));
      for (let one = cutter.nextBody(); one; one = cutter.nextBody()) found.push(one);
    }
    expect(found.map(encode).map(toHex).join("")).toBe(all);
  });
});

describe("varints", () => {
  test.each(VECTORS.varints)("$hex as $type", ({ hex, is, type, value }) => {
    const reader = new Reader(fromHex(hex));
    if (is === "wrong") {
      expect(() => reader.exact(type)).toThrow(Malformed);
      return;
    }
    expect(reader.exact(type)).toBe(BigInt(value));
    expect(reader.left).toBe(0);
    if (is === "shortest") expect(toHex(writeValue(BigInt(value), type))).toBe(hex);
  });
});

describe("wrong bytes for a client", () => {
  const wrong = VECTORS.wrong.filter((one) => one.to === "client");
  const ofTheCodec = wrong.filter((one) => !/not made|not follow/.test(one.name));

  test.each(ofTheCodec)("$name", ({ bytes, expect: expected }) => {
    if (expected.skipped) expect(body(bytes)).toBeNull();
    else if (expected.decodes) expect(body(bytes)).not.toBeNull();
    else expect(() => body(bytes)).toThrow(Malformed);
  });

  test("text that is not UTF-8 is told apart", () => {
    const vector = wrong.find((one) => one.name.includes("UTF-8")) as Wrong;
    expect(() => body(vector.bytes)).toThrow(BadUtf8);
  });
});

test("random bytes decode or are malformed, and nothing else", () => {
  let seed = 1;
  const random = (most: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % most;
  };
  const kinds = Object.values(KINDS).map(([number]) => number);
  for (let round = 0; round < 20_000; round++) {
    const data = Uint8Array.from({ length: random(40) }, () => random(random(2) ? 4 : 256));
    try {
      decode(kinds[random(kinds.length)] as number, data);
    } catch (error) {
      expect(error).toBeInstanceOf(Malformed);
    }
  }
});

test("numbers that no field can hold are refused before they are sent", () => {
  expect(() => writeValue(-1, "u64")).toThrow(RangeError);
  expect(() => writeValue(1.5, "u64")).toThrow(RangeError);
  expect(() => writeValue(65_536, "u16")).toThrow(RangeError);
  expect(() => writeValue(new Uint8Array(15), "u8[16]")).toThrow(RangeError);
});
