"""Who a client is, and the files in which it keeps that and how far it has taken its feeds.

A folder holds `identity.json`, `positions.json`, and `requests.json` with what was asked and is not answered, all readable by
their owner only. Files are replaced whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # pragma: no cover - a system without locks on files
    fcntl = None  # type: ignore[assignment]

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import guard
from ._blake3 import derive_key
from .errors import Invalid, StateError
from .protocol import PORT
from .resume import Position

TOKEN_BYTES = 32
CHECK_BYTES = 3
TOKEN_LETTERS = 56
KEY_BYTES = 32
BOUND_CHECK_BYTES = 6
BOUND_TOKEN_LETTERS = 112
#: What lies in a folder. `minimal.json` is of the example of that name.
FILES = ("identity.json", "positions.json", "requests.json", "lock", "minimal.json", "minimal.new")


@dataclass(frozen=True, repr=False)
class Identity:
    """A device of a principal, and the server that knows it."""

    #: `local@domain`; empty for an anonymous session.
    principal: str
    #: `host`, `host:port` or `[address]:port`.
    server: str
    #: The seed of the device's Ed25519 key.
    seed: bytes
    #: SHA-256 of the server's public key; `None` until it was seen.
    server_key: bytes | None = None

    @classmethod
    def generate(cls, principal: str, server: str, server_key: bytes | None = None) -> Identity:
        """A device with a new key."""
        return cls(principal, server, secrets.token_bytes(32), server_key)

    @classmethod
    def anonymous(cls, server: str, server_key: bytes | None = None) -> Identity:
        """Nobody in particular, with a key that is told to nobody else."""
        return cls.generate("", server, server_key)

    @property
    def is_anonymous(self) -> bool:
        """Whether it stands for nobody in particular."""
        return self.principal == ""

    def __repr__(self) -> str:
        # The seed is a secret and stands in no log.
        return f"<Identity {self.principal or 'anonymous'} at {self.server}>"

    @property
    def key(self) -> Ed25519PrivateKey:
        """The device's private key."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public_key(self) -> bytes:
        """The device's public key, 32 bytes."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def device(self) -> str:
        """The device's name, 16 hexadecimal digits."""
        return derive_key("adsum 2026 device id", self.public_key)[:8].hex()


class Home:
    """The folder of one device. One client at a time uses it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        self._lock: IO[bytes] | None = None

    def lock(self) -> None:
        """Keeps other clients out, of this process and others, until `unlock` or the end of the process."""
        with self.told("lock"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._guard()
            # Made for its owner only, whatever the process allows.
            lock = os.fdopen(os.open(self.folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "wb")
        try:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            used = f"{self.folder} is used by another client; end that one, or give each client a folder of its own"
            raise StateError("locked", used) from error
        self._lock = lock

    def unlock(self) -> None:
        """Lets others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def load(self) -> Identity | None:
        """The identity kept here, if there is one; nobody else of the machine can get at it from then on."""
        with self.told("identity.json"):
            self._guard()
        found = self._read("identity.json")
        if found is None:
            return None
        with self.told("identity.json"):
            key = found.get("server_key")
            pinned = bytes.fromhex(key) if key else None
            return Identity(found["principal"], found["server"], bytes.fromhex(found["seed"]), pinned)

    def store(self, identity: Identity) -> None:
        """Keeps the identity."""
        pinned = identity.server_key.hex() if identity.server_key else None
        kept = {
            "principal": identity.principal,
            "server": identity.server,
            "seed": identity.seed.hex(),
            "server_key": pinned,
        }
        self._write("identity.json", kept)

    def position(self, feed: str) -> Position:
        """How far a feed was taken."""
        with self.told("positions.json"):
            found = (self._read("positions.json") or {}).get(feed)
            return Position(bytes.fromhex(found["cursor"]), found["sequence"]) if found else Position()

    def store_position(self, feed: str, position: Position) -> None:
        """Keeps how far a feed was taken."""
        kept = self._read("positions.json") or {}
        kept[feed] = {"cursor": position.cursor.hex(), "sequence": position.sequence}
        self._write("positions.json", kept)

    def requests(self) -> list[dict[str, Any]]:
        """What was asked and not answered, the oldest first."""
        found: list[dict[str, Any]] = (self._read("requests.json") or {}).get("requests", [])
        return found

    def store_requests(self, requests: list[dict[str, Any]]) -> None:
        """Keeps what was asked and is not answered."""
        self._write("requests.json", {"requests": requests})

    @contextmanager
    def told(self, name: str) -> Iterator[None]:
        """Says which file it was, and what to do."""
        path = self.folder / name
        try:
            yield
        except OSError as error:
            raise StateError("state-io", f"cannot use {path}: {error.strerror or error}; check who owns it and the space left") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError("state-damaged", f"{path} is damaged: {error!r}; restore it, or move it away and begin anew") from error

    def _guard(self) -> None:
        guard.close(self.folder, FILES)

    def _read(self, name: str) -> dict[str, Any] | None:
        with self.told(name):
            try:
                found: dict[str, Any] = json.loads((self.folder / name).read_text())
            except FileNotFoundError:
                return None
            return found

    def _write(self, name: str, content: dict[str, Any]) -> None:
        with self.told(name):
            if not self.folder.exists():
                self.folder.mkdir(parents=True, mode=0o700)
                self._guard()
            # mkstemp gives a file that only its owner reads.
            handle, path = tempfile.mkstemp(dir=self.folder, prefix=name)
            try:
                with os.fdopen(handle, "w") as file:
                    json.dump(content, file, indent=1)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(path, self.folder / name)
                self._sync_folder()
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(path)
                raise

    def _sync_folder(self) -> None:
        """Makes a replaced file outlast a power cut, where folders can be opened."""
        if os.name != "posix":
            return
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def server_address(server: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `address` or `[address]:port`."""
    if server.startswith("["):
        host, _, port = server[1:].partition("]")
        port = port.removeprefix(":")
    elif server.count(":") == 1:
        host, _, port = server.partition(":")
    else:
        host, port = server, ""
    if not host or (port and not port.isascii()) or (port and not port.isdigit()):
        raise Invalid(f"the server {server!r} is neither host, host:port nor [address]:port; write it so")
    return host, int(port) if port else PORT


def new_token() -> bytes:
    """The secret of a new invite."""
    return secrets.token_bytes(TOKEN_BYTES)


def invite_id(token: bytes) -> bytes:
    """The name by which the server knows the invite (B.8)."""
    return derive_key("adsum 2026 invite id", token)


def write_token(token: bytes, server_key: bytes | None = None) -> str:
    """The token as people pass it on, with the key of the server that it is for (B.8)."""
    return base64.b32encode(token + (server_key or b"") + _check(token, server_key)).decode().lower()


def read_token(text: str) -> bytes:
    """The secret in a token; case, hyphens and white space mean nothing."""
    return split_token(text)[0]


def split_token(text: str) -> tuple[bytes, bytes | None]:
    """The secret in a token and the key of the server that it is for; case, hyphens and white space mean nothing."""
    letters = "".join(text.split()).replace("-", "").upper()
    if len(letters) not in (TOKEN_LETTERS, BOUND_TOKEN_LETTERS):
        raise Invalid("the invite token must have 112 letters and digits, or 56 if it names no server; copy all of it")
    try:
        found = base64.b32decode(letters)
    except ValueError as error:
        raise Invalid("the invite token may hold only the letters a to z and the digits 2 to 7") from error
    token, rest = found[:TOKEN_BYTES], found[TOKEN_BYTES:]
    server_key = rest[:KEY_BYTES] if len(letters) == BOUND_TOKEN_LETTERS else None
    check = rest[len(server_key or b"") :]
    first = derive_key("adsum 2026 invite token check", token)[:CHECK_BYTES]
    if check != _check(token, server_key) and (server_key or check != first):
        raise Invalid("the invite token has a slip in it: its check does not match; copy it again")
    return token, server_key


def _check(token: bytes, server_key: bytes | None = None) -> bytes:
    if server_key:
        return hashlib.sha256(b"adsum bound invite token check" + token + server_key).digest()[:BOUND_CHECK_BYTES]
    return hashlib.sha256(b"adsum invite token check" + token).digest()[:CHECK_BYTES]
