"""BLAKE3 in key-derivation mode over at most 64 bytes, which is all that a client needs of it (B.8)."""

from __future__ import annotations

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
WHOLE = 1 | 2 | 8  # chunk start, chunk end, root
CONTEXT = 32
MATERIAL = 64
COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def _turned(word: int, by: int) -> int:
    return (word >> by | word << (32 - by)) & 0xFFFFFFFF


def _mixed(v: list[int], places: tuple[int, int, int, int], x: int, y: int) -> None:
    a, b, c, d = places
    for word, first, second in ((x, 16, 12), (y, 8, 7)):
        v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
        v[d] = _turned(v[d] ^ v[a], first)
        v[c] = (v[c] + v[d]) & 0xFFFFFFFF
        v[b] = _turned(v[b] ^ v[c], second)


def _block(key: tuple[int, ...], data: bytes, flags: int) -> tuple[int, ...]:
    if len(data) > 64:
        raise ValueError("more than a block")
    padded = data + bytes(64 - len(data))
    words = [int.from_bytes(padded[at : at + 4], "little") for at in range(0, 64, 4)]
    v = [*key, *IV[:4], 0, 0, len(data), flags]
    for _ in range(7):
        for index, places in enumerate(COLUMNS + DIAGONALS):
            _mixed(v, places, words[2 * index], words[2 * index + 1])
        words = [words[place] for place in PERMUTATION]
    return tuple(v[place] ^ v[place + 8] for place in range(8))


def derive_key(context: str, material: bytes) -> bytes:
    """The 32 bytes that BLAKE3 derives from `material` in this context."""
    key = _block(IV, context.encode(), WHOLE | CONTEXT)
    return b"".join(word.to_bytes(4, "little") for word in _block(key, material, WHOLE | MATERIAL))
