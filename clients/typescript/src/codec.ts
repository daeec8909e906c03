// Frames and bodies: sections 3 and 4 of `docs/PROTOCOL.md`. No socket, no clock.

import { type Body, type Ext, FIELDS, FRAME_BYTES_MAX, IGNORABLE_KIND_MIN, KINDS } from "./protocol.js";

/** The body of a kind, by the kind's name. */
export type BodyOf<T extends Body["type"]> = Extract<Body, { type: T }>;
/** What a body may be made of: the fields that differ from their empty values. */
export type FieldsOf<T extends Body["type"]> = Partial<Omit<BodyOf<T>, "type">>;

/** Bytes that are no frame, or no body of their kind. */
export class Malformed extends Error {}
/** Text that is not UTF-8. */
export class BadUtf8 extends Malformed {}
/** A frame longer than allowed. */
export class TooLarge extends Malformed {}

type Field = readonly [name: string, kind: string];
type Addition = readonly [tag: number, name: string, kind: string];
type Values = Record<string, unknown>;

interface Known {
  type: Body["type"];
  fields: readonly Field[];
  additions: readonly Addition[];
}

const split = (text: string): string[][] => (text ? text.split(",").map((one) => one.split(" ")) : []);

const STRUCTURES = /* @__PURE__ */ new Map<string, readonly Field[]>(
  /* @__PURE__ */ Object.entries(FIELDS).map(([name, text]) => [name, split(text) as unknown as Field[]]),
);

const BY_NUMBER = /* @__PURE__ */ new Map<number, Known>(
  /* @__PURE__ */ (Object.keys(KINDS) as Body["type"][]).map((type) => [KINDS[type][0], known(type)]),
);

function known(type: Body["type"]): Known {
  const additions = split(KINDS[type][1]).map(([tag, name, kind]) => [Number(tag), name, kind]);
  return { type, fields: structure(type), additions: additions as unknown as Addition[] };
}

function structure(name: string): readonly Field[] {
  const fields = STRUCTURES.get(name);
  if (!fields) throw new Malformed(`there is no structure ${name}`);
  return fields;
}

/** Whether the kind is one of those of this version. */
export function isKnown(kind: number): boolean {
  return BY_NUMBER.has(kind);
}

/** A body of which all that is not said is empty: 0, none, no bytes. */
export function make<T extends Body["type"]>(type: T, fields: FieldsOf<T> = {}): BodyOf<T> {
  const empties = structure(type).map(([name, kind]) => [name, empty(kind)]);
  return { type, ...Object.fromEntries(empties), ...fields } as unknown as BodyOf<T>;
}

function empty(kind: string): unknown {
  if (kind.endsWith("?")) return null;
  if (kind.endsWith("[]")) return [];
  if (kind.startsWith("u8[")) return new Uint8Array(fixedLength(kind));
  if (kind in NUMBERS || kind === "u8") return 0;
  if (kind === "bool") return false;
  if (kind === "text") return "";
  if (kind === "bytes") return new Uint8Array();
  return Object.fromEntries(structure(kind).map(([name, inner]) => [name, empty(inner)]));
}

const fixedLength = (kind: string): number => Number(kind.slice(3, -1));

/** The most that a number of a type may be, and the most bytes it may take. */
const NUMBERS: Readonly<Record<string, readonly [most: bigint, bytesMax: number]>> = {
  u16: [0xffffn, 3],
  u32: [0xffff_ffffn, 5],
  u64: [0xffff_ffff_ffff_ffffn, 10],
};

/** Reads values from the front of bytes. */
export class Reader {
  private at = 0;

  constructor(private readonly data: Uint8Array) {}

  /** How many bytes are left. */
  get left(): number {
    return this.data.length - this.at;
  }

  /** The next bytes, a copy of their own. */
  take(count: number): Uint8Array {
    if (count > this.left) throw new Malformed("it ends too early");
    this.at += count;
    return this.data.slice(this.at - count, this.at);
  }

  /** The next byte. */
  byte(): number {
    const byte = this.data[this.at];
    if (byte === undefined) throw new Malformed("it ends too early");
    this.at += 1;
    return byte;
  }

  /** A byte that is 0 or 1. */
  flag(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new Malformed(`${byte} is neither 0 nor 1`);
    return byte === 1;
  }

  /** A varint, to its last digit. */
  exact(kind: string): bigint {
    const [most, bytesMax] = NUMBERS[kind] as readonly [bigint, number];
    let value = 0n;
    for (let place = 0; place < bytesMax; place++) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * place);
      if (byte < 0x80 && value <= most) return value;
      if (byte < 0x80) break;
    }
    throw new Malformed(`a number is no ${kind}`);
  }

  /** A varint as a number: beyond 2^53 the nearest there is, which no count, length or moment reaches. */
  number(kind: string): number {
    const first = this.data[this.at];
    return first !== undefined && first < 0x80 ? this.byte() : Number(this.exact(kind));
  }

  /** A count of bytes or elements, of which each takes a byte or more. */
  count(): number {
    const count = this.number("u64");
    if (count > this.left) throw new Malformed("it claims more than there are bytes left");
    return count;
  }
}

const UTF8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readText(reader: Reader): string {
  const bytes = reader.take(reader.count());
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new BadUtf8("text is not UTF-8");
  }
}

/** A value of a type of the protocol. */
export function readValue(reader: Reader, kind: string): unknown {
  if (kind.endsWith("?")) return reader.flag() ? readValue(reader, kind.slice(0, -1)) : null;
  if (kind.endsWith("[]"))
    return Array.from({ length: reader.count() }, () => readValue(reader, kind.slice(0, -2)));
  if (kind.startsWith("u8[")) return reader.take(fixedLength(kind));
  if (kind in NUMBERS) return reader.number(kind);
  switch (kind) {
    case "u8":
      return reader.byte();
    case "bool":
      return reader.flag();
    case "bytes":
      return reader.take(reader.count());
    case "text":
      return readText(reader);
    default:
      return readFields(reader, structure(kind));
  }
}

function readFields(reader: Reader, fields: readonly Field[]): Values {
  const values: Values = {};
  for (const [name, kind] of fields) values[name] = readValue(reader, kind);
  return values;
}

/** Bytes that grow. */
class Writer {
  private bytes = new Uint8Array(256);
  length = 0;

  room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.length + count));
    larger.set(this.bytes);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  put(data: Uint8Array): void {
    this.room(data.length);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }

  number(value: number | bigint): void {
    let rest = BigInt(value);
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  counted(data: Uint8Array): void {
    this.number(data.length);
    this.put(data);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}

/** A value as bytes. */
export function writeValue(value: unknown, kind: string): Uint8Array {
  const out = new Writer();
  write(out, value, kind);
  return out.finish();
}

function write(out: Writer, value: unknown, kind: string): void {
  if (kind.endsWith("?")) {
    out.byte(value === null ? 0 : 1);
    if (value !== null) write(out, value, kind.slice(0, -1));
  } else if (kind.endsWith("[]")) {
    out.number((value as unknown[]).length);
    for (const one of value as unknown[]) write(out, one, kind.slice(0, -2));
  } else if (kind.startsWith("u8[")) out.put(fixed(value as Uint8Array, kind));
  else if (kind in NUMBERS) out.number(checked(value as number, kind));
  else writePlain(out, value, kind);
}

function writePlain(out: Writer, value: unknown, kind: string): void {
  if (kind === "u8" || kind === "bool") out.byte(Number(value));
  else if (kind === "bytes") out.counted(value as Uint8Array);
  else if (kind === "text") out.counted(utf8(value as string));
  else for (const [name, inner] of structure(kind)) write(out, (value as Values)[name], inner);
}

function fixed(value: Uint8Array, kind: string): Uint8Array {
  if (value.length !== fixedLength(kind))
    throw new RangeError(`${value.length} bytes stand where ${kind} must`);
  return value;
}

function checked(value: number | bigint, kind: string): number | bigint {
  const [most] = NUMBERS[kind] as readonly [bigint, number];
  const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!isWhole || value < 0 || value > most) throw new RangeError(`${value} is no ${kind}`);
  return value;
}

const ENCODER = /* @__PURE__ */ new TextEncoder();

/** Text as bytes. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}

/** Bytes as text; what is not UTF-8 is shown by U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The frame of a body. */
export function encode(body: Body): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  const kind = KINDS[body.type][0];
  out.put(new Uint8Array([0, 0, 0, 0, kind >> 8, kind & 0xff]));
  write(out, body, body.type);
  write(out, additions(body), "Ext[]");
  const frame = out.finish();
  const length = frame.length - 4;
  if (length > FRAME_BYTES_MAX)
    throw new TooLarge(`a frame of ${length} bytes is longer than any receiver takes`);
  new DataView(frame.buffer).setUint32(0, length);
  return frame;
}

/** What stands in `ext`: the additions that have names, then the others. */
function additions(body: Body): Ext[] {
  const named: Ext[] = [];
  for (const [tag, name, kind] of (BY_NUMBER.get(KINDS[body.type][0]) as Known).additions) {
    const value = (body as unknown as Values)[name];
    if (value === undefined) continue;
    named.push({ tag, value: kind === "u8" ? new Uint8Array([value as number]) : (value as Uint8Array) });
  }
  return named.concat(body.ext ?? []);
}

/** The body of a frame, to its last byte. Additions without a name stay in `ext`. */
export function decode(kind: number, data: Uint8Array): Body {
  const known = BY_NUMBER.get(kind);
  if (!known) throw new Malformed(`the kind 0x${kind.toString(16)} is not known`);
  const reader = new Reader(data);
  const values: Values = { type: known.type, ...readFields(reader, known.fields) };
  let rest = readValue(reader, "Ext[]") as Ext[];
  if (reader.left > 0) throw new Malformed("bytes are left over behind it");
  for (const [tag, name, inner] of known.additions) {
    const first = rest.find((one) => one.tag === tag);
    if (!first || (inner === "u8" && first.value.length !== 1)) continue;
    values[name] = inner === "u8" ? first.value[0] : first.value;
    rest = rest.filter((one) => one.tag !== tag);
  }
  if (rest.length > 0) values.ext = rest;
  return values as unknown as Body;
}

/** Cuts the bytes of a stream into frames. */
export class Cutter {
  private buffer = new Uint8Array();

  /** Whether no part of a frame waits for its rest. */
  get isEmpty(): boolean {
    return this.buffer.length === 0;
  }

  /** Takes the stream's next bytes. */
  push(data: Uint8Array): void {
    const whole = new Uint8Array(this.buffer.length + data.length);
    whole.set(this.buffer);
    whole.set(data, this.buffer.length);
    this.buffer = whole;
  }

  /** The next frame, if all of it is here. */
  nextFrame(): { kind: number; data: Uint8Array } | null {
    if (this.buffer.length < 4) return null;
    const view = new DataView(this.buffer.buffer, this.buffer.byteOffset);
    const length = view.getUint32(0);
    if (length > FRAME_BYTES_MAX) throw new TooLarge(`a frame of ${length} bytes is announced`);
    if (length < 2) throw new Malformed(`a frame of ${length} bytes has no kind`);
    if (this.buffer.length < 4 + length) return null;
    const frame = { kind: view.getUint16(4), data: this.buffer.slice(6, 4 + length) };
    this.buffer = this.buffer.subarray(4 + length);
    return frame;
  }

  /** The next body; kinds from 0x8000 that are not known are skipped. */
  nextBody(): Body | null {
    for (let frame = this.nextFrame(); frame; frame = this.nextFrame()) {
      if (frame.kind >= IGNORABLE_KIND_MIN && !isKnown(frame.kind)) continue;
      return decode(frame.kind, frame.data);
    }
    return null;
  }
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Hexadecimal digits as bytes. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes one behind the other. */
export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether both hold the same bytes. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
