"""What an application gives and gets: documents, rules, and what watches and inboxes bring."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntFlag
from xml.parsers import expat
from xml.sax.saxutils import escape

from . import protocol as p
from .errors import Invalid

TEXT = "text/plain; charset=utf-8"
#: Of what says that somebody composes a message (RFC 3994).
COMPOSING = "application/im-iscomposing+xml"
COMPOSING_NAMESPACE = "urn:ietf:params:xml:ns:im-iscomposing"
#: What RFC 3994, 3.4, lets a receiver assume.
COMPOSING_REFRESH_S = 120


class Receipts(IntFlag):
    """Which receipts a sender wants."""

    NONE = 0
    STORED = 1
    DELIVERED = 2
    DISPLAYED = 4
    FAILED = 8
    EXPIRED = 16


@dataclass(frozen=True)
class Shown:
    """A presentity as the watcher is shown it now."""

    presence: p.PresenceBody
    #: Whether it was sent because the cursor was of no use: it replaces what was known.
    anew: bool
    #: Whether the server was found to have another past since the item before: its store was put back to an earlier state.
    restored: bool = False

    @property
    def presentity(self) -> str:
        """Whose presence it is."""
        return self.presence.presentity

    @property
    def state(self) -> p.PresenceBodyState:
        """Where the subscription stands."""
        return p.PresenceBodyState(self.presence.state)

    @property
    def is_open(self) -> bool:
        """Whether some tuple says open."""
        return any(one.basic == p.TupleBasic.OPEN for one in self.presence.document.tuples)

    @property
    def notes(self) -> list[str]:
        """What the presentity says in words."""
        document = self.presence.document
        notes = [note for one in document.tuples for note in one.notes] + list(document.notes)
        return [note.text.decode() for note in notes if note.text is not None]


@dataclass(frozen=True)
class Sent:
    """A message that is in its inbox."""

    id: str
    duplicate: bool
    #: Whether the answer means that it is on stable storage.
    is_synced: bool


class Letter:
    """A message or receipt from an inbox."""

    def __init__(
        self,
        item: p.MessageBody | p.ReceiptBody,
        take: Callable[[], Awaitable[None]],
        *,
        anew: bool = False,
        restored: bool = False,
    ) -> None:
        self._take = take
        self.message = item if isinstance(item, p.MessageBody) else None
        self.receipt = item if isinstance(item, p.ReceiptBody) else None
        #: The position in the inbox.
        self.sequence: int = item.sequence
        #: Whether it was sent because the cursor was of no use.
        self.anew = anew
        #: Whether the server was found to have another past since the letter before: its store was put back to an earlier
        #: state, and what was acknowledged since then has to be sent again.
        self.restored = restored

    def __repr__(self) -> str:
        what = f"message of {self.sender}" if self.message is not None else "receipt"
        return f"<Letter #{self.sequence}: {what}>"

    @property
    def sender(self) -> str:
        """Who sent the message; empty for a receipt."""
        return self.message.sender if self.message is not None else ""

    @property
    def text(self) -> str:
        """The body of a message as text; what is not UTF-8 is shown by U+FFFD."""
        body = self.message.body if self.message is not None else None
        return (body or b"").decode(errors="replace")

    async def acknowledge(self) -> None:
        """This device has taken it for good, and all before it."""
        await self._take()


@dataclass(frozen=True)
class Composing:
    """Somebody composes a message for the inbox, or has stopped to. Nothing to take, and kept nowhere."""

    inbox: str
    sender: str
    is_active: bool
    #: For how many seconds that holds unless it is said again.
    refresh: int = COMPOSING_REFRESH_S
    #: The type of what is composed, such as `text/plain`.
    content_type: str | None = None

    @classmethod
    def of(cls, event: p.ComposingEvent) -> Composing | None:
        """What the event says; `None` if it cannot be read (RFC 3994)."""
        body = event.body
        if not event.content_type.lower().startswith(COMPOSING):
            # Inside a `message/cpim`: behind its headers and those of its content.
            body = body.replace(b"\r\n", b"\n").split(b"\n\n", 2)[-1]
        said = _composing_fields(body)
        if said is None or "state" not in said:
            return None
        refresh = said.get("refresh", "")
        return cls(
            event.inbox,
            event.sender,
            said["state"] == "active",
            int(refresh) if refresh.isascii() and refresh.isdigit() else COMPOSING_REFRESH_S,
            said.get("contenttype") or None,
        )

    @staticmethod
    def document(active: bool, refresh: int | None = None, content_type: str | None = None) -> bytes:
        """The body that says it."""
        parts = [f"<state>{'active' if active else 'idle'}</state>"]
        if content_type is not None:
            parts.append(f"<contenttype>{escape(content_type)}</contenttype>")
        if refresh is not None:
            parts.append(f"<refresh>{refresh}</refresh>")
        root = f'<isComposing xmlns="{COMPOSING_NAMESPACE}">{"".join(parts)}</isComposing>'
        return f'<?xml version="1.0" encoding="UTF-8"?>{root}'.encode()


def _composing_fields(body: bytes) -> dict[str, str] | None:
    """What stands in the elements right below `isComposing`."""
    path: list[str] = []
    said: dict[str, str] = {}

    def begin(name: str, _: dict[str, str]) -> None:
        path.append(name)
        if path == [f"{COMPOSING_NAMESPACE} isComposing", name] and name.startswith(f"{COMPOSING_NAMESPACE} "):
            said.setdefault(name.rpartition(" ")[2], "")

    def text(data: str) -> None:
        if len(path) == 2 and (known := path[1].rpartition(" ")[2]) in said:
            said[known] += data.strip()

    def refuse(*_: object) -> None:
        raise ValueError("a document type could define entities without end")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError):
        return None
    return said


def operation() -> bytes:
    """Names a new operation."""
    return secrets.token_bytes(16)


def document(
    status: str | None = "open", note: str | None = None, contact: str | None = None, id: str = "adsum"
) -> p.Document:
    """A document of one tuple."""
    basic = {None: 0, "open": 1, "closed": 2}.get(status)
    if basic is None:
        raise Invalid(f"the status {status!r} is neither open nor closed; say one of them")
    notes = (p.Note("", note.encode()),) if note is not None else ()
    where = p.Contact(contact.encode()) if contact is not None else None
    return p.Document((p.Tuple(id, basic, (), where, notes),))


def rule(who: str, handling: p.AccessRuleFetch) -> p.AccessRule:
    """A rule about fetching and subscribing, named after whom it is about."""
    return p.AccessRule(who, who, handling, handling, p.Shown(None, True, True, True))


def milliseconds(seconds: float | None) -> int | None:
    """A length of time as the protocol has it."""
    return None if seconds is None else round(seconds * 1_000)
