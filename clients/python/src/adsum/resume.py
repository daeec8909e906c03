"""What a client must remember to lose nothing and get nothing twice: sections 7.2, 9.2 and 11 of `docs/PROTOCOL.md`.

The same state machines as those of the Rust client (`src/client/resume/`), tried with the same table of cases.
No socket, no clock, no randomness, no file.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, TypeVar

from .protocol import (
    REQUESTS_IN_FLIGHT_MAX,
    WINDOW_BYTES_MAX,
    WINDOW_EVENTS_MAX,
    FeedReadyOutcome,
    KeyRevoked,
    RefusalCode,
    RevokeKey,
    Unsubscribe,
    Unsubscribed,
)
from .protocol import Body as AnyBody

T = TypeVar("T")

ITEMS_HELD_MAX = 2 * WINDOW_EVENTS_MAX
EARLY_ATTEMPTS = 12
EARLY_S_MAX = 0.25
LATE_S_MAX = 60.0
HEALTHY_S = 60.0
USEFUL_S = 1.0


class Fault(Exception):
    """What a server may not do. The connection is of no more use."""


class BackOff:
    """How long to wait before the next attempt: uniform between zero and a bound that doubles (6.4)."""

    def __init__(self) -> None:
        self.attempts = 0
        self.not_before = 0.0

    def stay_away(self, seconds: float) -> None:
        """The server asked to stay away: the next wait is at least that, once."""
        self.not_before = min(seconds, LATE_S_MAX)

    def lost_after(self, seconds: float) -> None:
        """A connection ended after it had been good for so long."""
        if seconds >= HEALTHY_S:
            self.attempts = 0
        elif seconds >= USEFUL_S:
            self.attempts = min(self.attempts, EARLY_ATTEMPTS // 2)

    def next_wait(self, random: float) -> float:
        """The wait before the next attempt, chosen by a uniform number below 1."""
        late = self.attempts - EARLY_ATTEMPTS
        bound = EARLY_S_MAX if late < 0 else min(0.5 * 2 ** min(late, 7), LATE_S_MAX)
        self.attempts += 1
        wait, self.not_before = self.not_before, 0.0
        return wait + random * bound


@dataclass
class Pending:
    """A request that is not answered."""

    request: AnyBody
    token: object
    repeated: bool = False
    withdrawn: bool = False


class Requests:
    """Requests that are not answered yet, over any number of connections: repeated in order under fresh numbers."""

    def __init__(self) -> None:
        self.pending: deque[Pending] = deque()
        self.deferred: deque[Pending] = deque()
        self.written = 0
        self.due = 1

    def has_room(self) -> bool:
        """Whether one more may be submitted."""
        return len(self.pending) + len(self.deferred) < REQUESTS_IN_FLIGHT_MAX

    def submit(self, request: AnyBody, token: object, *, again: bool = False) -> None:
        """Takes a request on; `token` names it when it is answered. `again`: an earlier process did not learn what became of it."""
        if not self.has_room():
            raise RuntimeError("more requests were submitted than there is room for")
        self.pending.append(Pending(request, token, repeated=again))

    def connected(self) -> None:
        """There is a new connection: everything unanswered is due again, numbered from 1."""
        for one in list(self.pending)[: self.written]:
            one.repeated = True
        self.pending = deque(one for one in self.pending if not one.withdrawn)
        self.pending.extendleft(reversed(self.deferred))
        self.deferred.clear()
        self.written, self.due = 0, 1

    def next_to_write(self) -> AnyBody | None:
        """The next request to be written, with its number."""
        if self.written == len(self.pending):
            return None
        request = self.pending[self.written].request
        number = self.due + self.written
        self.written += 1
        return replace(request, request=number)  # type: ignore[arg-type]

    def is_written(self, token: object) -> bool:
        """Whether the request has left on this connection, or did on one before."""
        places = {id(one.token): place for place, one in enumerate(self.pending)}
        place = places.get(id(token))
        return place is not None and (place < self.written or self.pending[place].repeated)

    def unanswered(self) -> list[object]:
        """The tokens of those for whose answers somebody waits, the oldest first."""
        return [one.token for one in [*self.deferred, *self.pending] if not one.withdrawn]

    def withdraw(self, token: object) -> None:
        """Nobody waits for the answer any more: it is not repeated, and not sent if it was not."""
        for one in list(self.pending)[: self.written]:
            one.withdrawn = one.withdrawn or one.token is token
        kept = [one for place, one in enumerate(self.pending) if place < self.written or one.token is not token]
        self.pending = deque(kept)
        self.deferred = deque(one for one in self.deferred if one.token is not token)

    def abandon_written(self) -> list[object]:
        """The server says that what was written broke the protocol: it must not be repeated."""
        tokens = [self.pending.popleft().token for _ in range(self.written)]
        self.written = 0
        return tokens

    def answered(self, number: int, answer: AnyBody | int) -> tuple[object, AnyBody | int] | None:
        """The server answered `number` with a frame, or refused it with a code.

        `None` if it did not take the request because it is going away: then it is due on the next connection.
        """
        if number != self.due or self.written == 0:
            raise Fault(f"an answer to request {number} came where {self.due} is due")
        one = self.pending.popleft()
        self.written -= 1
        self.due += 1
        if isinstance(answer, int) and answer == RefusalCode.GOING_AWAY and not one.withdrawn:
            self.deferred.append(one)
            return None
        return one.token, done_before(one, answer)


def done_before(pending: Pending, answer: AnyBody | int) -> AnyBody | int:
    """A repeat that is refused because its first time was done is a success."""
    if not pending.repeated or not isinstance(answer, int):
        return answer
    if isinstance(pending.request, Unsubscribe) and answer == RefusalCode.NO_SUBSCRIPTION:
        return Unsubscribed()
    if isinstance(pending.request, RevokeKey) and answer == RefusalCode.NO_DEVICE:
        return KeyRevoked()
    return answer


@dataclass(frozen=True)
class Position:
    """How far a feed was taken: the server's sealed bytes, and for an inbox the last message taken."""

    cursor: bytes = b""
    sequence: int = 0


@dataclass(frozen=True)
class Unsaved:
    """A position that is taken and must be saved."""

    position: Position
    era: int


class Kind(Enum):
    """What the items of a feed are, and so what to do when the server sends them again."""

    #: States that replace one another: what comes anew is handed out anew.
    PRESENCE = 1
    #: Numbered messages: one that was handed out is dropped when it comes again, unless the server has another past.
    INBOX = 2
    #: Numbered messages that are only looked at: nothing is ever saved or acknowledged.
    INBOX_KEPT = 3


class Phase(Enum):
    """Where a feed stands."""

    CLOSED = 0
    ASKED = 1
    CATCHING_UP = 2
    LIVE = 3


@dataclass(frozen=True)
class Arrived(Generic[T]):
    """An item as it came."""

    number: int
    cursor: bytes
    sequence: int
    bytes: int
    item: T


@dataclass(frozen=True)
class Handed(Generic[T]):
    """An item on its way to the application."""

    number: int
    cursor: bytes
    #: Whether it was sent because the cursor was of no use: it replaces what was known.
    anew: bool
    item: T


@dataclass
class Entry(Generic[T]):
    """An item that is not taken."""

    number: int
    cursor: bytes | None
    sequence: int
    anew: bool
    shown_cursor: bytes
    item: T | None


@dataclass
class FeedResume(Generic[T]):
    """The state of one feed at the client."""

    kind: Kind
    taken_position: Position = field(default_factory=Position)
    from_start: bool = False

    def __post_init__(self) -> None:
        self.phase = Phase.CLOSED
        self.anew = False
        self.due = 1
        self.bytes = 0
        self.received = Position() if self.from_start else self.taken_position
        self.entries: deque[Entry[T]] = deque()
        self.handed = 0
        self.numbered = 0
        # How often the server forgot its cursors. One from an earlier era must never be sent back.
        self.era = 0
        self.taken_era = 0
        self.saved_position = self.taken_position
        self.saved_era = 0
        self.acknowledgement: bytes | None = None
        self.covered: tuple[int, bytes] | None = None
        self.sent: bytes | None = None
        self.unconfirmed = 0
        self.confirmed: bytes | None = None

    def open(self) -> bytes:
        """There is a connection: the cursor to open the feed at, empty for the beginning."""
        self.phase = Phase.ASKED
        self.due, self.bytes = 1, 0
        self.sent, self.unconfirmed = None, 0
        known = self.saved_era == self.era and self.saved_position.cursor != b""
        self.acknowledgement = self.saved_position.cursor if known else None
        return self.received.cursor

    def lost(self) -> None:
        """The connection or the stream is gone."""
        self.phase = Phase.CLOSED

    def ready(self, outcome: int, begin: bytes) -> None:
        """The server opened the feed, which begins at the cursor `begin`."""
        if self.phase is not Phase.ASKED:
            raise Fault("a feed was not opened by exactly one FeedReady")
        given = self.received.cursor != b""
        anew = outcome == FeedReadyOutcome.ANEW or (outcome == FeedReadyOutcome.FRESH and given)
        self.phase = Phase.CATCHING_UP
        if anew:
            self.anew = True
            self._forget_past(begin)

    def _forget_past(self, begin: bytes) -> None:
        # The server has another past than the one that was received. Its cursors are worth nothing to it, and what bears an
        # old number may be something else, so that nothing that comes may be dropped for its number.
        for entry in self.entries:
            entry.cursor, entry.sequence = None, 0
        self.acknowledgement = None
        self.covered = None
        self.era += 1
        self.received = Position(begin)
        if self.kind is Kind.INBOX:
            self.taken_position, self.taken_era = Position(begin), self.era

    def arrived(self, arrived: Arrived[T]) -> None:
        """An item arrived."""
        if self.phase in (Phase.CLOSED, Phase.ASKED):
            raise Fault("an event came before the feed was open")
        if arrived.number != self.due:
            raise Fault(f"event {arrived.number} of a feed came where {self.due} is due")
        self.due += 1
        self.bytes += arrived.bytes
        again = self.kind is not Kind.PRESENCE and arrived.sequence <= self.received.sequence
        self.received = replace(self.received, cursor=arrived.cursor)
        if again:
            self._arrived_again(arrived.sequence, arrived.cursor)
        else:
            self.received = Position(arrived.cursor, arrived.sequence)
            self._push(arrived)

    def _push(self, arrived: Arrived[T]) -> None:
        self.numbered += 1
        self.entries.append(
            Entry(self.numbered, arrived.cursor, arrived.sequence, self.anew, arrived.cursor, arrived.item)
        )

    def _arrived_again(self, sequence: int, cursor: bytes) -> None:
        # A message that was received before is dropped, but its cursor is one that the server knows.
        entry = next((one for one in self.entries if one.sequence == sequence), None)
        if entry is not None:
            entry.cursor = cursor
        elif sequence == self.taken_position.sequence:
            self._move_to(cursor)
        else:
            self._acknowledge_covered(sequence, cursor)

    def _acknowledge_covered(self, sequence: int, cursor: bytes) -> None:
        # An old message has nothing to save, but the server's window must open.
        if sequence <= self.saved_position.sequence:
            self.acknowledgement = cursor
        else:
            self.covered = (sequence, cursor)

    def caught_up(self, cursor: bytes) -> None:
        """Everything that was missed has arrived; from here on the feed is live."""
        if self.phase is not Phase.CATCHING_UP:
            raise Fault("CaughtUp came where it may not")
        self.phase, self.anew = Phase.LIVE, False
        if self.kind is not Kind.PRESENCE:
            # The position of an inbox is that of a message, so there is nothing beyond the last one to know.
            return
        self.received = replace(self.received, cursor=cursor)
        if self.entries:
            self.entries[-1].cursor = cursor
        else:
            self._move_to(cursor)

    def has_room(self) -> bool:
        """Whether one more item should be read: a reader that stops makes the server stop."""
        return len(self.entries) < ITEMS_HELD_MAX

    def is_caught_up(self) -> bool:
        """Whether the feed is open and everything that was missed has arrived."""
        return self.phase is Phase.LIVE

    def next_item(self) -> Handed[T] | None:
        """The next item for the application; each is handed out once."""
        if self.handed >= len(self.entries):
            return None
        entry = self.entries[self.handed]
        item, entry.item = entry.item, None
        if item is None:
            raise RuntimeError("entries behind those handed out hold their item")
        if self.kind is Kind.INBOX_KEPT:
            self.entries.popleft()
        else:
            self.handed += 1
        return Handed(entry.number, entry.shown_cursor, entry.anew, item)

    def taken(self, number: int) -> None:
        """The application has taken `number` for good, and with it everything before."""
        while self.handed > 0 and self.entries and self.entries[0].number <= number:
            self.handed -= 1
            self._take(self.entries.popleft())

    def _take(self, entry: Entry[T]) -> None:
        beyond = self.kind is Kind.PRESENCE or entry.sequence > self.taken_position.sequence
        if beyond:
            self.taken_position = replace(self.taken_position, sequence=entry.sequence)
            if entry.cursor is not None:
                self._move_to(entry.cursor)
        elif entry.cursor is not None:
            self._acknowledge_covered(entry.sequence, entry.cursor)

    def _move_to(self, cursor: bytes) -> None:
        self.taken_position = replace(self.taken_position, cursor=cursor)
        self.taken_era = self.era

    def unsaved(self) -> Unsaved | None:
        """The position that is taken and must be saved now, if it moved."""
        moved = self.kind is not Kind.INBOX_KEPT and self.taken_position != self.saved_position
        return Unsaved(self.taken_position, self.taken_era) if moved else None

    def saved(self, unsaved: Unsaved) -> None:
        """A position was saved for good."""
        position, era = unsaved.position, unsaved.era
        if era == self.era and position.cursor != self.saved_position.cursor:
            self.acknowledgement = position.cursor
        elif self.covered is not None and self.covered[0] <= position.sequence:
            self.acknowledgement, self.covered = self.covered[1], None
        self.saved_position, self.saved_era = position, era

    def next_acknowledgement(self) -> bytes | None:
        """The cursor to acknowledge now on the open feed, if one is due."""
        is_open = self.phase in (Phase.CATCHING_UP, Phase.LIVE)
        if not is_open or self.kind is Kind.INBOX_KEPT or self.acknowledgement is None:
            return None
        cursor, self.acknowledgement = self.acknowledgement, None
        self.sent = cursor
        self.unconfirmed += 1
        return cursor

    def acknowledged(self, cursor: bytes) -> None:
        """The server made an acknowledgement durable; it may answer several at once, with the last one's cursor."""
        self.unconfirmed = max(0, self.unconfirmed - 1)
        if self.unconfirmed == 0 or self.sent == cursor:
            self.unconfirmed = 0
            self.confirmed = self.sent

    def is_settled(self) -> bool:
        """Whether everything taken is saved, and for an inbox also acknowledged durably."""
        if self.kind is not Kind.INBOX:
            return self.unsaved() is None
        # What cannot be acknowledged any more is as settled as it can be: it comes again, and is dropped.
        impossible = self.saved_position.cursor == b"" or self.saved_era != self.era
        return self.unsaved() is None and (impossible or self.confirmed == self.saved_position.cursor)

    def must_reopen(self) -> bool:
        """Whether the feed should be opened again, because it is never acknowledged and the window would close."""
        return self.kind is Kind.INBOX_KEPT and (
            self.due > WINDOW_EVENTS_MAX // 2 or self.bytes > WINDOW_BYTES_MAX // 2
        )


__all__ = ["Arrived", "BackOff", "Fault", "FeedResume", "Handed", "Kind", "Position", "Requests", "Unsaved"]
