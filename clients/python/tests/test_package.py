"""How the package is laid out: modules that know each other one way only, in files that can be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "adsum"
#: Made by a program, and read by nobody from its beginning to its end.
GENERATED = "protocol"
LINES_MAX = 500


def imports(path: Path) -> set[str]:
    """The modules of the package that a file names, those it needs for types only included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module} if node.module else {one.name for one in node.names}
    return found


MODULES = {path.stem: imports(path) for path in SOURCE.glob("*.py") if path.stem != "__init__"}


def circles(modules: dict[str, set[str]]) -> set[str]:
    """The modules that stand in a circle, or need one that does."""
    left = dict(modules)
    while done := {name for name, needed in left.items() if not needed & left.keys()}:
        left = {name: needed for name, needed in left.items() if name not in done}
    return set(left)


def test_no_module_is_needed_by_what_it_needs() -> None:
    assert circles(MODULES) == set()
    assert circles({"client": {"streams"}, "streams": {"client"}, "items": set()}) == {"client", "streams"}


def test_what_is_kept_up_knows_no_client() -> None:
    for name in ("publication", "streams", "upkeep"):
        assert not MODULES[name] & {"client", "keeper", "outbox"}, name


def test_files_are_short() -> None:
    for name in MODULES.keys() - {GENERATED}:
        assert len((SOURCE / f"{name}.py").read_text().splitlines()) <= LINES_MAX, name
