"""A server in a process of its own, on loopback and a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import adsum
import pytest
import pytest_asyncio

#: What the server prints when it takes clients.
SERVES = "adsum serves"
#: How long anything may take that must happen.
PATIENCE_S = 30.0
DOMAIN = "example.com"


def program() -> Path:
    """The program under test: `ADSUM_PROGRAM`, or the debug build of this tree."""
    found = os.environ.get("ADSUM_PROGRAM")
    return Path(found) if found else Path(__file__).resolve().parents[3] / "target" / "debug" / "adsum"


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


class Server:
    """`adsum serve`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"127.0.0.1:{self.port}"

    def start(self, *more: str) -> None:
        """Starts it, and waits until it serves; whoever else was given its port has a moment to give it back."""
        served = self.log().count(SERVES)
        until = time.monotonic() + PATIENCE_S
        self._spawn(*more)
        while self.log().count(SERVES) == served:
            assert time.monotonic() < until, f"the server does not serve: {self.log()}"
            if self.process is not None and self.process.poll() is not None:
                assert "in use" in self.log(), f"the server ended: {self.log()}"
                if served == 0:
                    self.port = free_port()
                self._spawn(*more)
            time.sleep(0.02)

    def log(self) -> str:
        """What it has printed."""
        path = self.folder / "server.log"
        return path.read_text() if path.exists() else ""

    def _spawn(self, *more: str) -> None:
        command = [str(program()), "serve", "--data", str(self.folder / "data"), "--listen", self.address]
        command += ["--domain", DOMAIN, "--no-http", "--default-access", "allow", "--anonymous", *more]
        log = open(self.folder / "server.log", "a")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADSUM_")}
        self.process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=environment)
        log.close()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ends it in order."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)

    async def enroll(self, name: str, **more: object) -> adsum.Identity:
        """A device of this name, kept in a folder of its own."""
        home = self.folder / name
        return await adsum.enroll(f"{name}@{DOMAIN}", self.address, home=home, **more)  # type: ignore[arg-type]

    async def client(self, name: str, **more: object) -> adsum.Client:
        """A client of this name, enrolled if it was not."""
        await self.enroll(name)
        return adsum.Client(home=self.folder / name, **more)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that anybody may enrol with."""
    if not program().exists():
        pytest.fail(f"{program()} is not there; run cargo build first")
    found = Server(tmp_path)
    found.start("--open-enrollment")
    yield found
    if found.process is not None and found.process.poll() is None:
        found.kill()
