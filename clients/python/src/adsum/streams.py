"""What an application reads from: watches and inboxes, each over any number of connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import protocol as p
from .errors import Closed
from .feeds import Feed
from .items import Composing, Letter, Shown
from .resume import Handed
from .upkeep import Renewal, Upkeep

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
AGAIN = (p.PresenceBodyReason.TIMEOUT, p.PresenceBodyReason.DEACTIVATED)


class Stream(Generic[T]):
    """An asynchronous iterator over a feed, opened when the first item is asked for.

    Waiting for an item may be cancelled, as by `asyncio.wait_for`: the item is there the next time. Close it, or use it
    with `async with`; the server allows a client eight feeds at once.
    """

    def __init__(self, opening: Callable[[], Feed]) -> None:
        self._opening = opening
        self._feed: Feed | None = None
        self._in_hand: int | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        self._opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        raise NotImplementedError

    def __del__(self) -> None:
        if self._feed is not None and not self._is_closed:
            self._feed.abandon()

    async def aclose(self) -> None:
        """Ends it. What was handed out last and not acknowledged comes again the next time."""
        self._is_closed = True
        if self._feed is not None:
            await self._feed.close()

    async def caught_up(self) -> None:
        """Waits until all that was missed has arrived, if there is room for it."""
        await self._opened().caught_up()

    async def settled(self) -> None:
        """Waits until all that was taken is saved and, of an inbox, acknowledged durably."""
        await self._opened().settled()

    def _opened(self) -> Feed:
        if self._is_closed:
            raise Closed("it was closed; open a new one")
        if self._feed is None:
            self._feed = self._opening()
        return self._feed

    async def _take(self) -> None:
        """What was handed out last counts as taken when the next is asked for."""
        if self._in_hand is not None:
            number, self._in_hand = self._in_hand, None
            await self._opened().taken(number)


class Inbox(Stream[Letter]):
    """Messages and receipts, those that wait first, each once."""

    async def __anext__(self) -> Letter:
        await self._take()
        return self._letter(await self._opened().next())

    async def next_event(self) -> Letter | Composing:
        """The next letter, or who composes one when none is here."""
        await self._take()
        found = await self._opened().next_event()
        return found if isinstance(found, Composing) else self._letter(found)

    async def events(self) -> AsyncIterator[Letter | Composing]:
        """All of these, as they come."""
        while True:
            yield await self.next_event()

    def _letter(self, handed: Handed[Any]) -> Letter:
        feed = self._opened()
        self._in_hand = handed.number
        restored = feed.was_restored(handed.number)
        return Letter(handed.item, lambda: feed.taken(handed.number), anew=handed.anew, restored=restored)


class Watch(Stream[Shown]):
    """The presence of presentities as it changes. Subscribes, renews in time, and goes on where the last one stopped."""

    def __init__(
        self,
        upkeep: Upkeep,
        opening: Callable[[], Feed],
        presentities: tuple[str, ...],
        every: bool,
        lifetime: float | None,
    ) -> None:
        super().__init__(opening)
        self._upkeep = upkeep
        self._presentities = presentities
        self._every = every
        self._lifetime = lifetime
        self._renewals: dict[str, Renewal] = {}

    def _opened(self) -> Feed:
        feed = super()._opened()
        if not self._renewals:
            for one in self._presentities:
                self._renewals[one] = Renewal(self._upkeep, feed, one, self._every, self._lifetime)
        return feed

    def __del__(self) -> None:
        for renewal in self._renewals.values():
            renewal.stop()
        super().__del__()

    async def aclose(self) -> None:
        """Ends it. The subscriptions stand until their lifetimes are over."""
        for renewal in self._renewals.values():
            renewal.stop()
        await asyncio.gather(*(one.task for one in self._renewals.values()), return_exceptions=True)
        await super().aclose()

    async def __anext__(self) -> Shown:
        while True:
            await self._take()
            feed = self._opened()
            handed = await feed.next()
            self._in_hand = handed.number
            if not self._begins_again(handed.item):
                # Asked for only now: what is not shown must not take the word with it.
                return Shown(handed.item, handed.anew, feed.was_restored(handed.number))

    def _begins_again(self, presence: p.PresenceBody) -> bool:
        """Whether it is the end of a subscription that ran out while this machine slept, and is begun again unseen."""
        renewal = self._renewals.get(presence.presentity)
        if renewal is None or presence.state != p.PresenceBodyState.TERMINATED:
            return False
        if presence.reason == p.PresenceBodyReason.TIMEOUT:
            return renewal.ran_out()
        if presence.reason in AGAIN:
            renewal.hurry()
        else:
            renewal.stop()
        return False
