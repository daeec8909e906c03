"""Keeps one connection: comes back when it is lost, repeats what was not answered, shows that it lives.

Sections 6, 7, 8 and 11 of `docs/PROTOCOL.md`. Must never know what an application asks for: that is `client.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from . import protocol as p
from .asked import Asked
from .awake import TICK_S, Lease, Sleeps
from .connection import Link, connect
from .errors import (
    AdsumError,
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
from .feeds import News
from .identity import Home, Identity
from .outbox import Outbox
from .resume import BackOff, Fault

PAUSE_S = 0.2
#: How long a server may be silent although something was sent, unless the client says how long an answer may take.
ANSWER_S = 10.0
#: A shorter silence says nothing: a packet that was lost comes again after about so long.
SILENCE_S_MIN = 1.0
#: Kinds that may come as an answer to a question.
ANSWERS = tuple(kind for kind in p.KINDS.values() if kind.KIND >= 0x0100)


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds."""

    #: For an answer; `None` for ever.
    answer: float | None = ANSWER_S
    #: For a connection.
    connect: float = 5.0
    #: Before a silent connection shows that it lives.
    keep_alive: float = p.KEEP_ALIVE_MS / 1_000

    @property
    def silence(self) -> float:
        """For anything at all to come back; over that the connection is given up."""
        return ANSWER_S if self.answer is None else max(self.answer, SILENCE_S_MIN)


class Keeper:
    """The connection of a device, and whatever waits for an answer over it."""

    def __init__(self, identity: Identity, home: Home | None, patience: Patience, software: str) -> None:
        #: Who it is; the server's key is in it once it was seen.
        self.identity = identity
        #: Why the last connection ended, or could not be made.
        self.last: AdsumError | None = None
        #: Whether an answer means that what it is about is on stable storage.
        self.is_synced = False
        self.link: Link | None = None
        self.outbox = Outbox(home, self.fail)
        self._patience = patience
        self._software = software
        self._back_off = BackOff()
        self._links = 0
        self._news = News()
        self._fault: AdsumError | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def begin(self) -> None:
        """Begins to connect."""
        self.outbox.take_up()
        self._task = asyncio.create_task(self._run())

    def closes(self) -> None:
        """What is not answered yet will not be withdrawn: the next process asks it again."""
        self._is_closing = True

    async def close(self, fault: AdsumError) -> None:
        """Closes the connection for good, with the reason that whoever waits is told."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.fail(fault)

    def is_open(self) -> bool:
        """Whether it ever began."""
        return self._task is not None

    def check(self) -> None:
        """Raises why nothing can be asked, if nothing can."""
        if self._fault is not None:
            raise self._fault
        if self._task is None:
            raise Invalid("the client is not open; use it with: async with client")

    async def linked(self) -> Link:
        """The connection, when there is one."""
        self.check()
        while True:
            if self._fault is not None:
                raise self._fault
            if self.link is not None and self.link.quic.end is None and not self.link.leaving:
                return self.link
            await self._news.wait()

    async def pause(self, seconds: float, link: Link) -> None:
        """A pause before something is tried again; over at once when the connection is gone."""
        await at_most(link.quic.over.wait(), seconds)

    async def request(self, body: Any, what: str = "the request", id: str = "", *, lasts: bool = True) -> Any:
        """A request of CONTROL and its answer, see `Client.request`."""
        self.check()
        asked = Asked(body, what, id, lasts=lasts and self.outbox.keeps)
        try:
            return await asyncio.wait_for(self._answer(asked), self._patience.answer)
        except asyncio.TimeoutError:
            if self.outbox.requests.is_written(asked):
                raise OutcomeUnknown(what, id) from None
            raise self._unreachable() from None
        finally:
            if not self._is_closing and self._fault is None:
                self.outbox.withdraw(asked)
                self._news.tell()

    async def ask(self, question: Any) -> list[Any]:
        """A question and its rows without `End`; asked again when a connection is lost, until the time is up."""
        self.check()
        try:
            return await asyncio.wait_for(self._ask(question), self._patience.answer)
        except asyncio.TimeoutError:
            raise self._unreachable() from None

    async def due(self, lease: Lease, hurry: asyncio.Event | None = None, link: int | None = None) -> None:
        """Waits until `lease` is to be renewed, see `Upkeep.due`."""
        while (left := lease.left()) > 0 and not (hurry is not None and hurry.is_set()):
            if self.identity.is_anonymous and link is not None and self._links != link:
                return
            waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._news.wait())]
            if hurry is not None:
                waits.append(asyncio.ensure_future(hurry.wait()))
            try:
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def fail(self, fault: AdsumError) -> None:
        """Nothing can be asked any more."""
        if self._fault is not None:
            return
        self._fault = fault
        self.outbox.fail(fault)
        self._news.tell()

    def _unreachable(self) -> AdsumError:
        return self.last or Unreachable(f"no answer from {self.identity.server}; check that it runs")

    async def _answer(self, asked: Asked) -> Any:
        while not self.outbox.requests.has_room():
            await self._news.wait()
            self.check()
        self.outbox.put(asked)
        return await asyncio.shield(asked.answer)

    async def _ask(self, question: Any) -> list[Any]:
        while True:
            link = await self.linked()
            stream = link.open()
            stream.write(question, first=bytes([p.STREAM_QUERY]), end=True)
            try:
                return await self._rows(stream, question.HAS_ROWS)
            except StreamEnded as ended:
                if ended.reset in (p.ResetCode.MALFORMED, p.ResetCode.FRAME_TOO_LARGE, p.ResetCode.UNSUPPORTED):
                    raise
                await self.pause(PAUSE_S, link)
            except (ConnectionLost, NotAuthenticated):
                await self.pause(PAUSE_S, link)
            finally:
                stream.cancel()

    async def _rows(self, stream: Any, has_rows: bool) -> list[Any]:
        rows: list[Any] = []
        while True:
            body = await stream.expect(*ANSWERS)
            if isinstance(body, p.End):
                return rows
            rows.append(body)
            if not has_rows:
                return rows

    async def _run(self) -> None:
        """Keeps the connection; a fault that nobody foresaw ends the client and is told to whoever waits."""
        try:
            await self._connect()
        except asyncio.CancelledError:
            raise
        except BaseException as fault:
            unforeseen = AdsumError(f"the client failed: {fault!r}; please report this")
            unforeseen.__cause__ = fault
            self.fail(unforeseen)

    async def _connect(self) -> None:
        """Connects again and again, until it cannot help."""
        while True:
            try:
                link = await self._reach()
            except Refused as refused:
                if refused.refusal not in (p.RefusalCode.BUSY, p.RefusalCode.GOING_AWAY):
                    return self.fail(refused)
                self.last = refused
                self._back_off.stay_away((refused.retry_after_ms or 0) / 1_000)
            except (ServerKeyChanged, VersionMismatch, NotAuthenticated) as fault:
                return self.fail(fault)
            except AdsumError as fault:
                self.last = fault
            else:
                if self._is_closing:
                    # Until Python 3.12 `asyncio.wait_for` loses a cancellation that comes with its result.
                    return await link.close(p.CloseCode.NO_ERROR, "done")
                began = asyncio.get_running_loop().time()
                self.last = await self._serve(link)
                self._back_off.lost_after(asyncio.get_running_loop().time() - began)
            await self._rest(self._back_off.next_wait(random.random()))

    async def _reach(self) -> Link:
        """A connection; its server's key is the one for as long as the client lives."""
        identity = self.identity
        if identity.is_anonymous:
            # Each session is of a key of its own, so that none can be told to be of whom another was.
            identity = Identity.anonymous(identity.server, identity.server_key)
        link, server_key = await connect(identity, self._software, self._patience.connect)
        self.identity = replace(self.identity, server_key=server_key)
        return link

    async def _rest(self, seconds: float) -> None:
        """Waits before the next attempt, but not when the machine slept: the network may be another one."""
        clock, sleeps = asyncio.get_running_loop().time, Sleeps()
        until = clock() + seconds
        while (left := until - clock()) > 0:
            await asyncio.sleep(min(left, TICK_S))
            if sleeps.slept() is not None:
                self._back_off = BackOff()
                return

    async def _serve(self, link: Link) -> AdsumError:
        """Uses one connection to its end; why it ended."""
        self.outbox.connected(self.identity.is_anonymous)
        self.is_synced = link.welcome.durability == p.WelcomeDurability.SYNCED
        self._links += 1
        link.number = self._links
        self.link = link
        self._news.tell()
        code, why = p.CloseCode.NO_ERROR, None
        try:
            await until_one_ends(self._write(link), self._read(link), self._live(link))
        except StreamEnded:
            why = await link.why()
        except (Fault, ProtocolViolation) as fault:
            code, why = p.CloseCode.PROTOCOL_VIOLATION, ProtocolViolation(str(fault))
        except AdsumError as fault:
            why = fault
        finally:
            self.link = None
            ended = link.quic.end
            await link.close(code, str(why or "done"))
        if isinstance(ended, ProtocolViolation):
            self.outbox.abandon_written(ended)
        return ended or why or ConnectionLost("the server goes away")

    async def _write(self, link: Link) -> None:
        while not link.leaving:
            frames = self.outbox.to_write()
            if frames:
                link.control.write(*frames)
            await self.outbox.news.wait()

    async def _read(self, link: Link) -> None:
        """Reads answers until the connection ends, or until a leaving server has answered all."""
        while not (link.leaving and self.outbox.requests.written == 0):
            body = await link.control.next()
            if isinstance(body, p.Goaway):
                link.leaving = True
                self._back_off.stay_away(body.reconnect_after_ms / 1_000)
                continue
            if body.KIND >= p.IGNORABLE_KIND_MIN:
                continue
            if not hasattr(body, "request"):
                raise ProtocolViolation(f"the server broke the protocol: a {type(body).__name__} came on CONTROL")
            self.outbox.answered(body)
            self._news.tell()

    async def _live(self, link: Link) -> None:
        """Shows that the connection lives, until it does not."""
        loop, sleeps = asyncio.get_running_loop(), Sleeps()
        bound, keep_alive = self._patience.silence, self._patience.keep_alive
        tick = min(TICK_S, keep_alive, bound / 4)
        while not await at_most(link.quic.over.wait(), tick):
            if (slept := sleeps.slept()) is not None:
                # The server may have given this device up, and the network be another one.
                self._back_off = BackOff()
                raise ConnectionLost(f"this machine slept for {slept:.0f} s")
            if (silent := link.quic.silent_for()) > bound:
                raise ConnectionLost(f"no answer to anything for {silent:.1f} s")
            if loop.time() - link.quic.spoke >= keep_alive:
                link.quic.ping()
        raise link.quic.end or ConnectionLost("the connection is gone")


async def at_most(wait: Any, seconds: float) -> bool:
    """Whether what is waited for came in time."""
    try:
        await asyncio.wait_for(wait, seconds)
    except asyncio.TimeoutError:
        return False
    return True


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Does all of it until one is done; raises what that one did."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
