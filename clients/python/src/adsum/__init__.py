"""A client for adsum, the presence and instant messaging store.

    async with Client(home="~/.local/state/bot") as client:
        await client.publish(document("open", "here to help"))
        async for letter in client.inbox():
            await client.send(f"im:{letter.sender}", "you wrote: " + letter.text)
"""

from . import protocol
from .asked import Asked
from .client import Client
from .enrolment import enroll
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
    StateError,
    StreamEnded,
    Unreachable,
    VersionMismatch,
)
from .identity import Home, Identity, read_token, write_token
from .items import Composing, Letter, Receipts, Sent, Shown, document, operation, rule
from .publication import Publication
from .streams import Inbox, Watch

__all__ = [
    "AdsumError",
    "Asked",
    "Client",
    "Closed",
    "Composing",
    "ConnectionLost",
    "Home",
    "Identity",
    "Inbox",
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
    "StateError",
    "StreamEnded",
    "Unreachable",
    "VersionMismatch",
    "Watch",
    "document",
    "enroll",
    "operation",
    "protocol",
    "read_token",
    "rule",
    "write_token",
]
