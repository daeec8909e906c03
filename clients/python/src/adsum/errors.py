"""What may go wrong, each as a type of its own with the word that the command line uses in its JSON."""

from __future__ import annotations

from .protocol import Refused as RefusedBody
from .protocol import RefusalCode


class AdsumError(Exception):
    """Any fault of this package."""

    #: The word for programs.
    code: str = "error"


class Refused(AdsumError):
    """The server said no; nothing was changed."""

    def __init__(self, number: int, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.retry_after_ms = retry_after_ms
        known = number in RefusalCode._value2member_map_
        #: The code, if this version knows it.
        self.refusal = RefusalCode(number) if known else None
        self.code = self.refusal.word if self.refusal is not None else "refused"

    @classmethod
    def of(cls, body: RefusedBody) -> Refused:
        """The error that the frame tells."""
        return cls(body.code, printable(body.message), body.retry_after_ms)

    @property
    def is_authentication(self) -> bool:
        """Whether the device is not who it must be, rather than the request being wrong."""
        return self.refusal in AUTHENTICATION


#: Refusals of `Hello` that no repeat cures.
AUTHENTICATION = frozenset(
    {
        RefusalCode.UNKNOWN_KEY,
        RefusalCode.KEY_REVOKED,
        RefusalCode.ERASED,
        RefusalCode.BAD_PROOF,
        RefusalCode.BAD_INVITE,
        RefusalCode.INVITE_NEEDED,
        RefusalCode.NAME_TAKEN,
        RefusalCode.DEVICES_FULL,
        RefusalCode.SUSPENDED,
    }
)


class Invalid(AdsumError, ValueError):
    """A value was wrong before it was sent."""

    code = "bad-field"


class Unreachable(AdsumError):
    """No connection could be made, and nothing was sent."""

    code = "unreachable"


class NotAuthenticated(AdsumError):
    """The server does not accept this device, or no longer."""

    code = "not-authenticated"


class ServerKeyChanged(AdsumError):
    """The server showed another key than the one pinned. Nothing was sent to it."""

    code = "server-key-changed"

    def __init__(self, server: str, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"THE KEY OF {server} HAS CHANGED. Somebody may be in between, or its operator made a new key. "
            f"known: {expected.hex()} found: {found.hex()}. Nothing was sent. Ask the operator for the key's hash; "
            "only if it is the one found, write it as server_key into the identity file"
        )
        self.expected = expected
        self.found = found


class VersionMismatch(AdsumError):
    """Client and server speak no common version of the protocol."""

    code = "version"


class ProtocolViolation(AdsumError):
    """One side broke the protocol."""

    code = "protocol"


class ConnectionLost(AdsumError):
    """The connection ended. The client connects again by itself."""

    code = "connection-lost"


class StreamEnded(AdsumError):
    """The server ended a stream before its last frame."""

    code = "stream-ended"

    def __init__(self, reset: int | None) -> None:
        words = "ended it" if reset is None else f"reset it with {reset:#x}"
        super().__init__(f"the server {words} before the answer was whole")
        #: The reset code; `None` for an end without one.
        self.reset = reset


class OutcomeUnknown(AdsumError):
    """The request was sent and no answer came in time: it is not known whether it was done.

    Ask the same again with `id`: what was done already is not done twice. Without an id it may be.
    """

    code = "outcome-unknown"

    def __init__(self, what: str, id: str) -> None:
        cure = f"repeat it with the id {id}, which is safe" if id else "asked again it may be done twice"
        super().__init__(f"it is not known whether {what} was done: it was sent, and no answer came in time; {cure}")
        self.what = what
        #: What to give as `id` (of a message), `token` (of an invite) or `operation_id` (of anything else) to repeat it.
        self.id = id


class StateError(AdsumError):
    """Something is wrong with the files of the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Closed(AdsumError):
    """The client was closed."""

    code = "closed"


def printable(text: str) -> str:
    """What a peer wrote, safe for a terminal: control characters replaced, at most 1,000 characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:1_000])
