// BLAKE3 in key-derivation mode over at most 64 bytes, which is all that a client needs of it (B.8).

import { utf8 } from "./codec.js";

const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
/** Chunk start, chunk end, root. */
const WHOLE = 1 | 2 | 8;
const CONTEXT = 32;
const MATERIAL = 64;
/** Columns, then diagonals. */
const PLACES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const at = (words: ArrayLike<number>, place: number): number => words[place] as number;
const turned = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

function mix(
  v: Uint32Array,
  [a, b, c, d]: readonly [number, number, number, number],
  x: number,
  y: number,
): void {
  for (const [word, first, second] of [
    [x, 16, 12],
    [y, 8, 7],
  ] as const) {
    v[a] = at(v, a) + at(v, b) + word;
    v[d] = turned(at(v, d) ^ at(v, a), first);
    v[c] = at(v, c) + at(v, d);
    v[b] = turned(at(v, b) ^ at(v, c), second);
  }
}

function block(key: ArrayLike<number>, data: Uint8Array, flags: number): Uint32Array {
  if (data.length > 64) throw new RangeError("more than a block");
  const padded = new DataView(new ArrayBuffer(64));
  data.forEach((byte, place) => {
    padded.setUint8(place, byte);
  });
  let words = Array.from({ length: 16 }, (_, place) => padded.getUint32(4 * place, true));
  const v = Uint32Array.from([...Array.from(key), ...IV.slice(0, 4), 0, 0, data.length, flags]);
  for (let round = 0; round < 7; round++) {
    PLACES.forEach((places, index) => {
      mix(v, places, at(words, 2 * index), at(words, 2 * index + 1));
    });
    words = PERMUTATION.map((place) => at(words, place));
  }
  return v.slice(0, 8).map((word, place) => word ^ at(v, place + 8));
}

/** The 32 bytes that BLAKE3 derives from `material` in this context. */
export function deriveKey(context: string, material: Uint8Array): Uint8Array {
  const words = block(block(IV, utf8(context), WHOLE | CONTEXT), material, WHOLE | MATERIAL);
  const out = new DataView(new ArrayBuffer(32));
  words.forEach((word, place) => {
    out.setUint32(4 * place, word, true);
  });
  return new Uint8Array(out.buffer);
}
