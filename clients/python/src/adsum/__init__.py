"""A client for adsum, the presence and instant messaging store.

    async with Client(home="~/.local/state/bot") as client:
        await client.publish(document("open", "here to help"))
        async for letter in client.inbox():
            await client.send(f"im:{letter.sender}", "you wrote: " + letter.text)
"""

from . import protocol
from .client import Client, Letter, Publication, Receipts, Sent, Shown, document, enroll, operation, rule
from .errors import (
    AdsumError,
    Closed,
    ConnectionLost,
    Invalid,
    NotAuthenticated,
    OutcomeUnknown,
    ProtocolViolation,
    Refused,
    ServerKeyChanged,
    StreamEnded,
    Unreachable,
    VersionMismatch,
)
from .identity import Home, Identity, read_token, write_token

__all__ = [
    "AdsumError",
    "Client",
    "Closed",
    "ConnectionLost",
    "Home",
    "Identity",
    "Invalid",
    "Letter",
    "NotAuthenticated",
    "OutcomeUnknown",
    "ProtocolViolation",
    "Publication",
    "Receipts",
    "Refused",
    "Sent",
    "ServerKeyChanged",
    "Shown",
    "StreamEnded",
    "Unreachable",
    "VersionMismatch",
    "document",
    "enroll",
    "operation",
    "protocol",
    "read_token",
    "rule",
    "write_token",
]
