"""A feed over any number of connections: items once and in order, positions saved before they are acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from .connection import Link
from .errors import AdsumError, Closed, ConnectionLost, ProtocolViolation, Refused, StreamEnded
from .items import Composing
from .protocol import (
    STREAM_FEED,
    CaughtUp,
    CloseCode,
    ComposingEvent,
    FeedAck,
    FeedAcked,
    FeedEnd,
    FeedOpen,
    FeedReady,
    MessageEvent,
    PresenceEvent,
    ReceiptEvent,
    RefusalCode,
    ResetCode,
    WatcherEvent,
)
from .resume import Arrived, Fault, FeedResume, Handed, Position

REOPEN_S = 1.0
#: Who is composing is held of so many; the oldest is forgotten beyond.
COMPOSING_HELD_MAX = 16


class News:
    """Wakes all who wait when something has changed. It has no lock: nothing changes between a look and a wait."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def tell(self) -> None:
        """Something has changed."""
        for one in self._waiting:
            if not one.done():
                one.set_result(None)

    async def wait(self) -> None:
        """Waits for the next change."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(mine)
        try:
            await mine
        finally:
            self._waiting.discard(mine)


class Connections(Protocol):
    """Where a feed gets its connections from, one after the other."""

    async def linked(self) -> Link:
        """The connection there is, or the next one."""

    async def pause(self, seconds: float, link: Link) -> None:
        """Waits, at most until `link` is gone."""


class Feed:
    """A feed and the task that keeps it open."""

    def __init__(
        self,
        connections: Connections,
        resume: FeedResume[Any],
        opening: Callable[[bytes], FeedOpen],
        save: Callable[[Position], None],
    ) -> None:
        self._connections = connections
        self._resume = resume
        self._opening = opening
        self._save = save
        self._news = News()
        #: Whether the server was found to have another past, and the application was not told: its store was put back to an
        #: earlier state.
        self._restored = False
        #: The number of the item with which it was told, until that is taken.
        self._told_with: int | None = None
        self._composing: dict[str, Composing] = {}
        self._trouble: AdsumError | None = None
        self._fault: BaseException | None = None
        self._task = asyncio.create_task(self._run())

    async def next(self) -> Handed[Any]:
        """The next item, however long it takes. Nothing is lost when it is cancelled."""
        while True:
            found = await self.next_event()
            if not isinstance(found, Composing):
                return found

    async def next_event(self) -> Handed[Any] | Composing:
        """The next item, or who is composing when there is none."""
        while (found := self._ready()) is None:
            await self._news.wait()
        return found

    def _ready(self) -> Handed[Any] | Composing | None:
        item = self._resume.next_item()
        if item is not None:
            # There may be room again.
            self._news.tell()
            return item
        if self._composing:
            return self._composing.pop(next(iter(self._composing)))
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        if self._fault is not None:
            raise self._fault
        return None

    def was_restored(self, number: int) -> bool:
        """Whether the server was found to have another past since this was asked last; told with the item of this number."""
        restored, self._restored = self._restored, False
        if restored:
            self._told_with = number
        return restored

    def trouble(self, error: AdsumError) -> None:
        """Has something that went wrong beside the feed told once, behind what is here already."""
        self._trouble = error
        self._news.tell()

    async def taken(self, number: int) -> None:
        """The application has taken this item for good, and all before it: saves that, then acknowledges it."""
        self._resume.taken(number)
        if self._told_with is not None and number >= self._told_with:
            self._told_with = None
        self._settle()
        self._news.tell()

    async def caught_up(self) -> None:
        """Waits until all that was missed has arrived."""
        while not self._resume.is_caught_up():
            if self._fault is not None:
                raise self._fault
            await self._news.wait()

    async def settled(self) -> None:
        """Waits until all that was taken is saved and acknowledged, or cannot be before the next item is taken."""
        while not (self._resume.is_settled() or self._is_held_up() or self._fault is not None):
            await self._news.wait()

    def when_over(self, then: Callable[[], None]) -> None:
        """Calls `then` when the feed has ended."""
        self._task.add_done_callback(lambda _: then())

    async def close(self) -> None:
        """Ends the feed, also for whoever waits for its next item."""
        self.abandon()
        await asyncio.gather(self._task, return_exceptions=True)

    def abandon(self) -> None:
        """Ends the feed without waiting for that."""
        self._task.cancel()
        if self._fault is None:
            self._fault = Closed("the feed was closed; open a new one")
        self._news.tell()

    def _is_held_up(self) -> bool:
        """Whether the word of another past is on its way. No position of it is saved until it has arrived, because by that
        the server would take the next process for one that knows."""
        return self._restored or self._told_with is not None

    def _settle(self) -> None:
        unsaved = self._resume.unsaved()
        if unsaved is not None and not self._is_held_up():
            self._save(unsaved.position)
            self._resume.saved(unsaved)

    async def _run(self) -> None:
        try:
            while True:
                await self._once(await self._connections.linked())
        except asyncio.CancelledError:
            raise
        except BaseException as fault:
            self._fault = fault
            self._news.tell()

    async def _once(self, link: Link) -> None:
        """One opening of the feed, until it ends; what trying again does not cure is raised."""
        stream = link.open()
        opening = self._opening(self._resume.open())
        stream.write(opening, first=bytes([STREAM_FEED]))
        reader = asyncio.create_task(self._read(stream))
        writer = asyncio.create_task(self._acknowledge(stream))
        try:
            done, _ = await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (Fault, ProtocolViolation) as fault:
            await link.close(CloseCode.PROTOCOL_VIOLATION, str(fault))
        except Refused as refused:
            if refused.refusal not in (RefusalCode.BUSY, RefusalCode.GOING_AWAY):
                raise
            await self._connections.pause((refused.retry_after_ms or REOPEN_S * 1_000) / 1_000, link)
        except StreamEnded as ended:
            if ended.reset in (ResetCode.MALFORMED, ResetCode.FRAME_TOO_LARGE, ResetCode.UNSUPPORTED):
                raise
            await self._connections.pause(REOPEN_S, link)
        except ConnectionLost:
            await self._connections.pause(REOPEN_S, link)
        except AdsumError:
            # The connection ended; whether there will be another one, the client knows.
            await self._connections.pause(REOPEN_S, link)
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            self._resume.lost()
            stream.cancel()

    async def _read(self, stream: Any) -> None:
        ready = await stream.expect(FeedReady)
        self._restored = self._restored or ready.restored == 1
        self._resume.ready(ready.outcome, ready.from_)
        self._news.tell()
        while True:
            while not self._resume.has_room():
                await self._news.wait()
            body = await stream.expect(
                PresenceEvent,
                MessageEvent,
                ReceiptEvent,
                WatcherEvent,
                ComposingEvent,
                CaughtUp,
                FeedAcked,
                FeedEnd,
            )
            if isinstance(body, ComposingEvent):
                self._hear(Composing.of(body))
                continue
            if isinstance(body, FeedEnd):
                raise ConnectionLost(f"the server ended the feed: {body.message}")
            if self._take(body):
                return
            self._news.tell()

    def _hear(self, composing: Composing | None) -> None:
        """The newest word of a sender takes the place of the one before. It is nothing to take, and lasts nowhere."""
        if composing is None:
            return
        self._composing.pop(composing.sender, None)
        if len(self._composing) == COMPOSING_HELD_MAX:
            self._composing.pop(next(iter(self._composing)))
        self._composing[composing.sender] = composing
        self._news.tell()

    def _take(self, body: Any) -> bool:
        """Takes a frame; whether the feed should be opened again."""
        if isinstance(body, CaughtUp):
            self._resume.caught_up(body.cursor)
        elif isinstance(body, FeedAcked):
            self._resume.acknowledged(body.cursor)
        else:
            self._resume.arrived(arrived(body))
        self._settle()
        return self._resume.must_reopen()

    async def _acknowledge(self, stream: Any) -> None:
        while True:
            cursor = self._resume.next_acknowledgement()
            if cursor is not None:
                stream.write(FeedAck(cursor))
            await self._news.wait()


def arrived(body: PresenceEvent | MessageEvent | ReceiptEvent | WatcherEvent) -> Arrived[Any]:
    """An event as an item."""
    if isinstance(body, PresenceEvent):
        return Arrived(body.number, body.cursor, 0, _bytes(body), body.presence)
    if isinstance(body, WatcherEvent):
        return Arrived(body.number, body.cursor, 0, _bytes(body), body)
    item = body.message if isinstance(body, MessageEvent) else body.receipt
    return Arrived(body.number, body.cursor, item.sequence, _bytes(body), item)


def _bytes(body: Any) -> int:
    """About what the event counts in the window."""
    message = getattr(body, "message", None)
    return 256 + (len(message.body or b"") if message is not None else 0)
