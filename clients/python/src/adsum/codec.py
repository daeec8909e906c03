"""Frames and bodies: section 3 and 4 of `docs/PROTOCOL.md`. No socket, no clock."""

from __future__ import annotations

from typing import Any

from .protocol import FRAME_BYTES_MAX, IGNORABLE_KIND_MIN, KINDS, STRUCTURES, Body, Ext


class Malformed(ValueError):
    """Bytes that are no frame, or no body of their kind."""


class BadUtf8(Malformed):
    """Text that is not UTF-8."""


class TooLarge(Malformed):
    """A frame longer than allowed."""


class Unknown(Malformed):
    """A kind below 0x8000 that this version does not know."""


#: The most that a number of a type may be, and the most bytes it may take.
NUMBERS = {"u16": (0xFFFF, 3), "u32": (0xFFFFFFFF, 5), "u64": (0xFFFFFFFFFFFFFFFF, 10)}


def write_number(value: int, out: bytearray) -> None:
    """Appends a varint in its shortest form."""
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


class Reader:
    """Reads values from the front of bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self.data) - self.at:
            raise Malformed("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, kind: str) -> int:
        """A varint."""
        most, bytes_max = NUMBERS[kind]
        value = 0
        for place in range(bytes_max):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if value > most:
                    break
                return value
        raise Malformed(f"a number is no {kind}")

    def count(self) -> int:
        """A count of bytes or elements, of which each takes a byte or more."""
        return self.number("u64")

    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self.data)


def read_value(reader: Reader, kind: str) -> Any:
    """A value of a type of the protocol."""
    if kind.endswith("?"):
        flag = reader.take(1)[0]
        if flag > 1:
            raise Malformed(f"{flag} is neither none nor some")
        return read_value(reader, kind[:-1]) if flag else None
    if kind.endswith("[]"):
        return tuple(read_value(reader, kind[:-2]) for _ in range(bounded(reader)))
    if kind.startswith("u8["):
        return reader.take(int(kind[3:-1]))
    if kind == "u8":
        return reader.take(1)[0]
    if kind in NUMBERS:
        return reader.number(kind)
    if kind == "bool":
        flag = reader.take(1)[0]
        if flag > 1:
            raise Malformed(f"{flag} is neither false nor true")
        return flag == 1
    if kind == "bytes":
        return reader.take(reader.count())
    if kind == "text":
        try:
            return reader.take(reader.count()).decode()
        except UnicodeDecodeError as error:
            raise BadUtf8("text is not UTF-8") from error
    structure = STRUCTURES[kind]
    return structure(**{name: read_value(reader, inner) for name, inner in structure.FIELDS})  # type: ignore[attr-defined]


def bounded(reader: Reader) -> int:
    """A count of elements, which are at most as many as bytes are left."""
    count = reader.count()
    if count > len(reader.data) - reader.at:
        raise Malformed("it claims more elements than bytes are left")
    return count


def write_value(value: Any, kind: str, out: bytearray) -> None:
    """Appends a value of a type of the protocol."""
    if kind.endswith("?"):
        out.append(0 if value is None else 1)
        if value is not None:
            write_value(value, kind[:-1], out)
    elif kind.endswith("[]"):
        write_number(len(value), out)
        for one in value:
            write_value(one, kind[:-2], out)
    elif kind.startswith("u8["):
        if len(value) != int(kind[3:-1]):
            raise ValueError(f"{len(value)} bytes stand where {kind} must")
        out += value
    elif kind in ("u8", "bool"):
        out.append(int(value))
    elif kind in NUMBERS:
        if not 0 <= value <= NUMBERS[kind][0]:
            raise ValueError(f"{value} is no {kind}")
        write_number(value, out)
    elif kind in ("bytes", "text"):
        data = value.encode() if kind == "text" else value
        write_number(len(data), out)
        out += data
    else:
        for name, inner in STRUCTURES[kind].FIELDS:  # type: ignore[attr-defined]
            write_value(getattr(value, name), inner, out)


def additions(body: Body) -> list[Ext]:
    """What stands in `ext`: the additions that have names, then the others."""
    named = []
    for tag, name, kind in body.ADDITIONS:
        value = getattr(body, name)
        if value is not None:
            named.append(Ext(tag, bytes([value]) if kind == "u8" else bytes(value)))
    return named + list(body.ext)


def encode(body: Body) -> bytes:
    """The frame of a body."""
    out = bytearray(4)
    out += body.KIND.to_bytes(2, "big")
    write_value(body, type(body).__name__, out)
    write_value(additions(body), "Ext[]", out)
    length = len(out) - 4
    if length > FRAME_BYTES_MAX:
        raise TooLarge(f"a frame of {length} bytes is longer than any receiver takes")
    out[:4] = length.to_bytes(4, "big")
    return bytes(out)


def decode(kind: int, data: bytes) -> Body:
    """The body of a frame, to its last byte. Additions without a name stay in `ext`."""
    known = KINDS.get(kind)
    if known is None:
        raise Unknown(f"the kind {kind:#06x} is not known")
    reader = Reader(data)
    fields = {name: read_value(reader, inner) for name, inner in known.FIELDS}
    found = list(read_value(reader, "Ext[]"))
    if not reader.is_done():
        raise Malformed("bytes are left over behind it")
    for tag, name, inner in known.ADDITIONS:
        first = next((one for one in found if one.tag == tag), None)
        if first is not None and (inner != "u8" or len(first.value) == 1):
            fields[name] = first.value[0] if inner == "u8" else first.value
            found = [one for one in found if one.tag != tag]
    return known(**fields, ext=tuple(found))


class Cutter:
    """Cuts the bytes of a stream into frames."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def push(self, data: bytes) -> None:
        """Takes the stream's next bytes."""
        self.buffer += data

    def next_frame(self) -> tuple[int, bytes] | None:
        """Kind and body of the next whole frame; the length is judged before anything is waited for."""
        if len(self.buffer) < 4:
            return None
        length = int.from_bytes(self.buffer[:4], "big")
        if length > FRAME_BYTES_MAX:
            raise TooLarge(f"a frame of {length} bytes is announced")
        if length < 2:
            raise Malformed(f"a frame of {length} bytes has no kind")
        if len(self.buffer) < 4 + length:
            return None
        frame = bytes(self.buffer[4 : 4 + length])
        del self.buffer[: 4 + length]
        return int.from_bytes(frame[:2], "big"), frame[2:]

    def next_body(self) -> Body | None:
        """The next body; kinds from 0x8000 that are not known are skipped."""
        while (frame := self.next_frame()) is not None:
            kind, data = frame
            if kind >= IGNORABLE_KIND_MIN and kind not in KINDS:
                continue
            return decode(kind, data)
        return None
