"""How a device becomes one of a principal."""

from __future__ import annotations

import os
from dataclasses import replace

from .connection import SOFTWARE, connect
from .errors import Invalid, StateError
from .identity import Home, Identity, split_token
from .protocol import Enroll


async def enroll(
    principal: str,
    server: str,
    *,
    home: Home | str | os.PathLike[str] | None = None,
    invite: str | None = None,
    label: str = "",
    server_key: bytes | None = None,
    timeout: float = 5.0,
) -> Identity:
    """Has a new key enrolled for a principal, with an invite or on a server that is open.

    The key is kept in `home` before anything is sent, so that a call whose answer was lost can be made again as it was.
    The server's key is pinned: to `server_key` if it is given, else to the one that the invite names, else to the one seen now. Raises `Refused` with the code of
    the refusal (`bad-invite`, `name-taken`, …), `Unreachable`, or `StateError` if the folder is somebody else's.
    """
    token, named = split_token(invite) if invite is not None else (b"", None)
    if server_key is not None and named not in (None, server_key):
        raise Invalid("the server key is not that of the server the invite is for; ask who made the invite")
    server_key = server_key or named
    kept = home if isinstance(home, Home) or home is None else Home(home)
    found = kept.load() if kept is not None else None
    if found is not None and found.principal != principal:
        taken = f"{kept and kept.folder} is the folder of {found.principal}; give {principal} a folder of its own"
        raise StateError("already-enrolled", taken)
    identity = found or Identity.generate(principal, server)
    identity = replace(identity, server=server, server_key=server_key or identity.server_key)
    if kept is not None:
        kept.store(identity)
    link, seen = await connect(identity, SOFTWARE, timeout, Enroll(token, label))
    identity = replace(identity, server_key=seen, principal=link.welcome.principal)
    if kept is not None:
        kept.store(identity)
    await link.close()
    return identity
