"""Makes `src/adsum/protocol.py` from `docs/protocol.json`.

Run without arguments it rewrites the file; `tests/test_codec.py` compares the two.
"""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
SCHEMA = HERE.parent.parent / "docs" / "protocol.json"
TARGET = HERE / "src" / "adsum" / "protocol.py"

HEAD = '''"""Kinds, structures, codes and limits of the adsum protocol.

Made by `tools/generate.py` from `docs/protocol.json`; never changed by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Union

'''

PLAIN = {"u8": "int", "u16": "int", "u32": "int", "u64": "int", "bool": "bool", "text": "str", "bytes": "bytes"}
EMPTY = {"int": "0", "bool": "False", "str": '""', "bytes": 'b""'}


def python_type(kind: str) -> str:
    """The Python type of a type of the protocol."""
    if kind.endswith("?"):
        return f"{python_type(kind[:-1])} | None"
    if kind.endswith("[]"):
        return f"tuple[{python_type(kind[:-2])}, ...]"
    if kind.startswith("u8["):
        return "bytes"
    return PLAIN.get(kind, kind)


def empty(kind: str) -> str:
    """What a field is when nothing is said of it."""
    if kind.endswith("?"):
        return "None"
    if kind.endswith("[]"):
        return "()"
    if kind.startswith("u8["):
        return f"bytes({kind[3:-1]})"
    return EMPTY[PLAIN[kind]] if kind in PLAIN else f"{kind}()"


def safe(name: str) -> str:
    """The name of a field where Python has the word for itself."""
    return f"{name}_" if keyword.iskeyword(name) else name


def camel(word: str) -> str:
    """`from_start` as `FromStart`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_.-]", word))


def constant(word: str) -> str:
    """`it-only-fetched` as `IT_ONLY_FETCHED`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", word).upper()


def dataclass_of(one: dict[str, Any]) -> list[str]:
    """The class of a kind or structure."""
    kind = one.get("kind")
    lines = ["", "", "@dataclass(frozen=True)", f"class {one['name']}:"]
    what = f"Kind 0x{kind:04X}, on {one['stream']}, from the {one['from']}." if kind else "A structure inside bodies."
    lines.append(f'    """{what}"""')
    lines.append("")
    fields = ", ".join(f'("{safe(field["name"])}", "{field["type"]}")' for field in one["fields"])
    if kind:
        lines.append(f"    KIND: ClassVar[int] = 0x{kind:04X}")
    lines.append(f"    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ({fields}{',' if one['fields'] else ''})")
    added = ", ".join(f'({it["tag"]}, "{it["name"]}", "{it["type"]}")' for it in one.get("additions", []))
    if kind:
        lines.append(f"    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ({added}{',' if added else ''})")
    if kind and one["from"] == "client" and one["stream"] == "QUERY":
        lines.append("    #: Whether the answer is any number of rows and then `End`.")
        lines.append(f"    HAS_ROWS: ClassVar[bool] = {bool(one.get('rows'))}")
    for field in one["fields"]:
        lines.append(f"    {safe(field['name'])}: {python_type(field['type'])} = {empty(field['type'])}")
    for it in one.get("additions", []):
        lines.append(f"    {it['name']}: {python_type(it['type'])} | None = None")
    if kind:
        lines.append("    #: Additions of later versions, by tag.")
        lines.append("    ext: tuple[Ext, ...] = ()")
    return lines


def codes(name: str, about: str, rows: list[dict[str, Any]]) -> list[str]:
    """An enumeration of codes with their words."""
    lines = ["", "", f"class {name}(IntEnum):", f'    """{about}"""', ""]
    lines += [f"    {constant(row['word'])} = {row['code']}" for row in rows]
    lines += ["", "    @property", "    def word(self) -> str:", '        """The word of the code."""']
    lines += ['        return self.name.lower().replace("_", "-")']
    return lines


def words(one: dict[str, Any]) -> list[str]:
    """An enumeration of what the numbers of a field mean."""
    base = "IntFlag" if one["bits"] else "IntEnum"
    lines = ["", "", f"class {camel(one['field'])}({base}):", f'    """The numbers of `{one["field"]}`."""', ""]
    return lines + [f"    {constant(word)} = {number}" for number, word in one["words"]]


def ordered(structures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Structures behind those that they hold."""
    known = {one["name"]: one for one in structures}
    done: list[dict[str, Any]] = []

    def add(one: dict[str, Any]) -> None:
        if one in done:
            return
        for field in one["fields"]:
            inner = re.sub(r"[\[\]?]", "", field["type"])
            if inner in known:
                add(known[inner])
        done.append(one)

    for one in structures:
        add(one)
    return done


def generate(schema: dict[str, Any]) -> str:
    """The whole module."""
    lines: list[str] = []
    for name in ["alpn", "version", "port", "ignorable_kind_min"]:
        value = schema[name]
        lines.append(f"{name.upper()} = {json.dumps(value)}")
    for name in ["exporter_context", "challenge_context"]:
        lines.append(f"{name.upper()} = {schema[name].encode()!r}".replace("'", '"'))
    for row in schema["streams"]:
        lines.append(f"STREAM_{row['name']} = {row['byte']}")
    lines += [f"{row['name']} = {row['most']}" for row in schema["limits"] + schema["timeouts"]]
    for row in schema["defaults"]:
        if row["means"] is not None:
            lines.append(f"{constant(row['field'])}_DEFAULT = {row['means']}")
    lines += codes("CloseCode", "Why a connection was closed.", schema["close_codes"])
    lines += codes("ResetCode", "Why a stream was reset, stopped or ended.", schema["reset_codes"])
    lines += codes("RefusalCode", "Why a request was refused.", schema["refusal_codes"])
    for one in schema["words"]:
        lines += words(one)
    structures = ordered(schema["structures"])
    if "Ext" not in [one["name"] for one in structures]:
        ext = {"name": "Ext", "fields": [{"name": "tag", "type": "u16"}, {"name": "value", "type": "bytes"}]}
        structures.insert(0, ext)
    for one in structures + schema["kinds"]:
        lines += dataclass_of(one)
    names = [one["name"] for one in schema["kinds"]]
    lines += ["", "", "#: A frame's body.", f"Body = Union[{', '.join(names)}]"]
    lines += ["#: Every kind by its number.", "KINDS: dict[int, type[Body]] = {"]
    lines += [f"    0x{one['kind']:04X}: {one['name']}," for one in schema["kinds"]] + ["}"]
    every = [one["name"] for one in structures] + names
    lines += ["#: Every structure and kind by its name.", "STRUCTURES: dict[str, type] = {"]
    lines += [f'    "{name}": {name},' for name in every] + ["}"]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Writes the module."""
    TARGET.write_text(generate(json.loads(SCHEMA.read_text())))


if __name__ == "__main__":
    main()
