"""Files of a client that others of the machine could get at: closed if that is enough, else not used."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import adsum
import pytest

STRANGER = 65_534


@pytest.fixture
def home(tmp_path: Path) -> adsum.Home:
    """A folder with an identity, a position, a request and a lock."""
    home = adsum.Home(tmp_path / "home")
    home.store(adsum.Identity.generate("alice@example.com", "127.0.0.1"))
    home.store_position("feed", adsum.resume.Position(b"x", 1))
    home.store_requests([])
    home.lock()
    home.unlock()
    return home


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def kept(home: adsum.Home) -> list[Path]:
    return [home.folder, *sorted(home.folder.iterdir())]


def refused(home: adsum.Home) -> str:
    with pytest.raises(adsum.StateError) as told:
        home.load()
    assert told.value.code == "unsafe-files"
    return str(told.value)


def test_files_are_made_for_their_user_alone_whatever_the_process_allows(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home = adsum.Home(tmp_path / "home")
        home.store(adsum.Identity.generate("alice@example.com", "127.0.0.1"))
        home.store_requests([])
        home.lock()
        home.unlock()
    finally:
        os.umask(before)
    assert {path.name: mode(path) for path in kept(home)} == {
        "home": 0o700,
        "identity.json": 0o600,
        "requests.json": 0o600,
        "lock": 0o600,
    }


def test_what_is_open_to_others_is_closed_and_said_once(home: adsum.Home, caplog: pytest.LogCaptureFixture) -> None:
    for path in kept(home):
        closed = mode(path)
        path.chmod(closed | 0o044)
        with caplog.at_level(logging.WARNING, "adsum"):
            assert home.load() is not None and home.load() is not None
        assert [one.getMessage().split(" was open")[0] for one in caplog.records] == [str(path)]
        assert mode(path) == closed
        caplog.clear()


def test_what_else_lies_in_the_folder_is_left_alone(home: adsum.Home) -> None:
    other = home.folder / "notes.txt"
    other.touch()
    other.chmod(0o644)
    home.folder.chmod(0o755)
    home.load()
    assert (mode(other), mode(home.folder)) == (0o644, 0o755)
    home.folder.chmod(0o775)
    assert "choose a folder for this alone" in refused(home)


def test_what_somebody_else_can_change_is_not_used(home: adsum.Home, tmp_path: Path) -> None:
    for path in kept(home)[1:]:
        path.rename(tmp_path / "aside")
        path.symlink_to(tmp_path / "aside")
        assert f"{path} is a symbolic link" in refused(home)
        path.unlink()
        path.mkdir()
        assert f"{path} is not a file" in refused(home)
        path.rmdir()
        (tmp_path / "aside").rename(path)
    tmp_path.chmod(0o777)
    assert f"who may write to {tmp_path}" in refused(home)
    tmp_path.chmod(0o1777)
    assert home.load() is not None
    if os.geteuid() != 0:
        assert "/usr belongs to user 0" in refused(adsum.Home("/usr"))
        return
    for path in kept(home):
        os.chown(path, STRANGER, -1)
        assert f"{path} belongs to user {STRANGER}, and this runs as user 0" in refused(home)
        os.chown(path, 0, -1)
