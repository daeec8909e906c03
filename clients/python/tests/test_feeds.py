"""Feeds over connections in the hands of the test: how streams end, and what an application is told of another past."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import adsum
import pytest
from adsum import awake, codec
from adsum import protocol as p
from adsum.connection import Stream
from adsum.feeds import Feed
from adsum.resume import FeedResume, Kind, Position
from adsum.streams import Inbox, Watch
from test_client import soon

pytestmark = pytest.mark.asyncio
FRESH, RESUMED, ANEW = p.FeedReadyOutcome.FRESH, p.FeedReadyOutcome.RESUMED, p.FeedReadyOutcome.ANEW
ALICE = "pres:alice@example.com"


class Scripted(Stream):
    """A stream whose server says what the test has it say."""

    def __init__(self) -> None:
        super().__init__(None, 0)  # type: ignore[arg-type]
        self.written: list[Any] = []

    def write(self, *bodies: Any, first: bytes = b"", end: bool = False) -> None:
        self.written += bodies

    def cancel(self) -> None:
        """Nothing is to be given up."""

    def says(self, *bodies: Any) -> None:
        """The server writes this."""
        self.took(b"".join(codec.encode(one) for one in bodies))


class Server:
    """Gives a feed one stream after the other, and a renewal its subscriptions."""

    number = 1

    def __init__(self) -> None:
        self.opened: asyncio.Queue[Scripted] = asyncio.Queue()
        self.subscribed = 0

    def open(self) -> Scripted:
        self.opened.put_nowait(stream := Scripted())
        return stream

    async def linked(self) -> Any:
        return self

    async def pause(self, seconds: float, link: Any) -> None:
        """Nobody has to wait here."""

    async def request(self, body: Any, what: str = "", id: str = "", *, lasts: bool = True) -> Any:
        self.subscribed += 1
        return p.Subscribed(granted_ms=60_000)

    async def due(self, lease: Any, hurry: asyncio.Event | None = None, link: int | None = None) -> None:
        assert hurry is not None
        await hurry.wait()


class Process:
    """A process of the client: what it saves is there for the next."""

    def __init__(self, server: Server, saved: list[Position], kind: Kind = Kind.INBOX) -> None:
        opening = p.FeedOpen(p.FeedOpenKind.INBOX if kind is Kind.INBOX else p.FeedOpenKind.PRESENCE)
        resume: FeedResume[Any] = FeedResume(kind, saved[-1])
        with_cursor: Callable[[bytes], p.FeedOpen] = lambda cursor: p.FeedOpen(opening.kind, cursor)
        self.feed = Feed(server, resume, with_cursor, saved.append)
        self.inbox = Inbox(lambda: self.feed)


def letter(number: int, sequence: int, cursor: bytes) -> p.MessageEvent:
    return p.MessageEvent(number, cursor, p.MessageBody(sequence=sequence, body=b"m"))


def restored() -> p.FeedReady:
    return p.FeedReady(ANEW, b"new", b"new", restored=1)


async def had_another_past(saved: list[Position]) -> tuple[Server, Process, Scripted]:
    """A process that comes back to a store that was put back."""
    server = Server()
    process = Process(server, saved)
    stream = await soon(server.opened.get())
    assert (await opening_of(stream)).cursor == saved[-1].cursor
    stream.says(restored(), p.CaughtUp(b"new"))
    await soon(process.feed.caught_up())
    return server, process, stream


async def opening_of(stream: Scripted) -> p.FeedOpen:
    while not stream.written:
        await asyncio.sleep(0)
    opening: p.FeedOpen = stream.written[0]
    return opening


async def test_the_word_of_another_past_is_not_lost_with_the_connection_that_brought_it() -> None:
    server, process, stream = await had_another_past([Position(b"old", 7)])
    stream.ended(adsum.ConnectionLost("gone"))
    again = await soon(server.opened.get())
    assert (await opening_of(again)).cursor == b"new"
    again.says(p.FeedReady(RESUMED, b"new"), letter(1, 3, b"3"), letter(2, 4, b"4"))
    told = [await soon(process.inbox.__anext__()) for _ in range(2)]
    assert [(one.sequence, one.restored) for one in told] == [(3, True), (4, False)]
    await process.feed.close()


async def test_the_word_of_another_past_is_told_again_to_a_process_whose_last_was_killed_before_it_took_it() -> None:
    saved = [Position(b"old", 7)]
    for is_handed_out in (False, True):
        _, process, stream = await had_another_past(saved)
        await soon(process.feed.settled())
        if is_handed_out:
            stream.says(letter(1, 3, b"3"))
            assert (await soon(process.inbox.__anext__())).restored
            stream.says(letter(2, 4, b"4"))
            while len(process.feed._resume.entries) < 2:
                await asyncio.sleep(0)
        assert saved == [Position(b"old", 7)], "by a position of the new past the server would not tell it again"
        # The kill: nothing of it is taken.
        await process.feed.close()
    _, process, stream = await had_another_past(saved)
    stream.says(letter(1, 3, b"3"))
    told = await soon(process.inbox.__anext__())
    await told.acknowledge()
    assert told.restored and saved[-1] == Position(b"3", 3)
    while p.FeedAck(b"3") not in stream.written:
        await asyncio.sleep(0)
    await process.feed.close()


async def test_an_end_that_is_not_shown_does_not_take_the_word_of_another_past_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(awake, "now", lambda: clock[0])
    server = Server()
    process = Process(server, [Position(b"old", 0)], Kind.PRESENCE)
    shown = Watch(server, lambda: process.feed, (ALICE,), False, None)
    waiting = asyncio.ensure_future(shown.__anext__())
    stream = await soon(server.opened.get())
    while server.subscribed == 0:
        await asyncio.sleep(0)
    clock[0] = 3_600.0
    active = p.PresenceBody(ALICE, p.PresenceBodyState.ACTIVE)
    ran_out = p.PresenceBody(ALICE, p.PresenceBodyState.TERMINATED, p.PresenceBodyReason.TIMEOUT)
    stream.says(restored(), p.PresenceEvent(1, b"1", ran_out), p.PresenceEvent(2, b"2", active))
    told = await soon(waiting)
    assert told.state is not p.PresenceBodyState.TERMINATED and told.restored
    await shown.aclose()


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (adsum.StreamEnded(None), adsum.ProtocolViolation),
        (adsum.StreamEnded(int(p.ResetCode.CANCELLED)), adsum.StreamEnded),
        (adsum.ConnectionLost("gone"), adsum.ConnectionLost),
    ],
    ids=["an end", "a reset", "a lost connection"],
)
async def test_an_end_within_a_frame_is_damage(end: adsum.AdsumError, kind: type[adsum.AdsumError]) -> None:
    frame = codec.encode(p.Sent(1))
    for cut in range(len(frame) + 1):
        stream = Scripted()
        stream.took(frame + frame[:cut])
        stream.ended(end)
        assert await soon(stream.next()) == p.Sent(1), "what came whole is good"
        if cut == len(frame):
            await soon(stream.next())
        with pytest.raises(type(end) if cut in (0, len(frame)) else kind):
            await soon(stream.next())
