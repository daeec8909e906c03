"""Whose files are, and who else of the machine can get at them: what is open is closed, what that does not cure is refused.

The same rules as `src/guard.rs` of the server. Elsewhere than on POSIX there are no such modes, and nothing is looked at.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from .errors import StateError

log = logging.getLogger("adsum")

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def close(folder: Path, ours: Iterable[str]) -> None:
    """Closes to others what is `ours` in a folder, and the folder unless something else is in it, too; says so once.

    Raises `StateError` if something else has to be done about one of them; then nothing is changed.
    """
    if os.name != "posix" or not folder.exists():
        return
    names = list(ours)
    found = [_top(folder, names)] + [_inside(folder / name) for name in names if os.path.lexists(folder / name)]
    is_open = [path for path in found if path is not None]
    for path in is_open:
        path.chmod(path.stat().st_mode & ~OTHERS & 0o7777)
        if path.stat().st_mode & OTHERS:
            raise _unsafe(f"{path} is open to others of this machine and cannot be closed; choose a disk that keeps modes")
    if is_open:
        log.warning("%s was open to others of this machine; it is closed now, but what was read before is known", is_open[0])


def _top(folder: Path, ours: list[str]) -> Path | None:
    """The folder, if it is to be closed."""
    if folder.is_symlink() and (owner := folder.lstat().st_uid) != 0:
        _owned(folder, owner)
    place = folder.resolve()
    _owned(folder, place.stat().st_uid)
    _stays(folder, place)
    if folder.is_symlink():
        _stays(folder, folder.parent.resolve() / folder.name)
    mode = place.stat().st_mode
    if all(_is_ours(name, ours) for name in os.listdir(place)):
        return place if mode & OTHERS else None
    if mode & OTHERS_WRITE:
        raise _unsafe(f"others may write to {folder}, which holds other things, too; choose a folder for this alone")
    return None


def _is_ours(name: str, ours: list[str]) -> bool:
    """Whether a file has a name of ours, or is what a replacement that was cut short has left."""
    return any(name == one or (name.startswith(one) and "." not in name[len(one) :]) for one in ours)


def _inside(path: Path) -> Path | None:
    """A file, if it is to be closed."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise _unsafe(f"{path} is a symbolic link to {os.readlink(path)}; put there what it leads to")
    if not stat.S_ISREG(found.st_mode):
        raise _unsafe(f"{path} is not a file; move it out of the way")
    _owned(path, found.st_uid)
    return path if found.st_mode & OTHERS else None


def _stays(path: Path, place: Path) -> None:
    """Whether nobody else can put another in its place."""
    for above in place.parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise _unsafe(f"{path} can be replaced by anybody, who may write to {above}; choose another place")


def _owned(path: Path, owner: int) -> None:
    us = os.geteuid()
    if owner != us:
        raise _unsafe(f"{path} belongs to user {owner}, and this runs as user {us}; run it as user {owner}, or chown it")


def _unsafe(text: str) -> StateError:
    return StateError("unsafe-files", text)
