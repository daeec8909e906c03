"""Who a client is, and the files in which it keeps that and how far it has taken its feeds.

A folder holds `identity.json` (readable by its owner only) and `positions.json`. Files are replaced whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ._blake3 import derive_key
from .errors import Invalid
from .protocol import PORT
from .resume import Position

TOKEN_BYTES = 32
CHECK_BYTES = 3
TOKEN_LETTERS = 56


@dataclass(frozen=True)
class Identity:
    """A device of a principal, and the server that knows it."""

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
    """The folder of one device."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()

    def load(self) -> Identity | None:
        """The identity kept here, if there is one."""
        found = self._read("identity.json")
        if found is None:
            return None
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
        found = (self._read("positions.json") or {}).get(feed)
        return Position(bytes.fromhex(found["cursor"]), found["sequence"]) if found else Position()

    def store_position(self, feed: str, position: Position) -> None:
        """Keeps how far a feed was taken."""
        kept = self._read("positions.json") or {}
        kept[feed] = {"cursor": position.cursor.hex(), "sequence": position.sequence}
        self._write("positions.json", kept)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            content = (self.folder / name).read_text()
        except FileNotFoundError:
            return None
        found: dict[str, Any] = json.loads(content)
        return found

    def _write(self, name: str, content: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp gives a file that only its owner reads.
        handle, path = tempfile.mkstemp(dir=self.folder, prefix=name)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(path, self.folder / name)
        except BaseException:
            os.unlink(path)
            raise


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


def write_token(token: bytes) -> str:
    """The token as people pass it on (B.8)."""
    return base64.b32encode(token + _check(token)).decode().lower()


def read_token(text: str) -> bytes:
    """The secret in a token; case, hyphens and white space mean nothing."""
    letters = "".join(text.split()).replace("-", "").upper()
    if len(letters) != TOKEN_LETTERS:
        raise Invalid("the invite token must have 56 letters and digits; copy all of it")
    try:
        found = base64.b32decode(letters)
    except ValueError as error:
        raise Invalid("the invite token may hold only the letters a to z and the digits 2 to 7") from error
    token, check = found[:TOKEN_BYTES], found[TOKEN_BYTES:]
    if check not in (_check(token), derive_key("adsum 2026 invite token check", token)[:CHECK_BYTES]):
        raise Invalid("the invite token has a slip in it: its check does not match; copy it again")
    return token


def _check(token: bytes) -> bytes:
    return hashlib.sha256(b"adsum invite token check" + token).digest()[:CHECK_BYTES]
