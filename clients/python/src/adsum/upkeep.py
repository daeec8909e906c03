"""What is kept up needs of whoever keeps the connection, and how a subscription is kept up.

Must never know a `Client`: publications and watches see no more of it than `Upkeep`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from . import protocol as p
from .awake import Lease
from .connection import Link
from .errors import AdsumError, ConnectionLost, OutcomeUnknown, Refused, Unreachable
from .feeds import Feed
from .items import milliseconds, operation

#: Before something that got no answer is asked again.
PAUSE_S = 0.2
#: How long to wait after a renewal was refused.
REFUSED_S = 60.0


class Upkeep(Protocol):
    """Asks again and again, over whatever connection there is."""

    async def linked(self) -> Link:
        """The connection, when there is one."""

    async def request(self, body: Any, what: str = "the request", id: str = "", *, lasts: bool = True) -> Any:
        """A request and its answer, see `Client.request`."""

    async def due(self, lease: Lease, hurry: asyncio.Event | None = None, link: int | None = None) -> None:
        """Waits until `lease` is to be renewed: in time, or when there is a connection again after a sleep; at once when told.

        Nobody in particular is somebody else on each connection: what it had on the one numbered `link` is gone with it.
        """


class Renewal:
    """Keeps one subscription of a watch."""

    def __init__(self, upkeep: Upkeep, feed: Feed, presentity: str, every: bool, lifetime: float | None) -> None:
        self._upkeep = upkeep
        self._feed = feed
        self._presentity = presentity
        self._every = every
        self._lifetime = lifetime
        self._lease: Lease | None = None
        self._had_lapsed = False
        self._hurry = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Lets it run out."""
        self.task.cancel()

    def hurry(self) -> None:
        """Subscribes again at once."""
        self._hurry.set()

    def ran_out(self) -> bool:
        """It ended for its time. Begins it again if it was this client that was late; else its watcher ended it elsewhere."""
        if self._lease is not None and self._lease.has_lapsed():
            self.hurry()
            return True
        if self._lease is not None and self._had_lapsed and self._lease.is_new():
            return True
        self.stop()
        return False

    async def _run(self) -> None:
        while True:
            try:
                link = await self._upkeep.linked()
            except AdsumError:
                # The feed ends with the same.
                return
            try:
                self._hurry.clear()
                subscribed = await self._subscribe()
                self._had_lapsed = self._lease is not None and self._lease.has_lapsed()
                self._lease = Lease(subscribed.granted_ms)
                await self._upkeep.due(self._lease, self._hurry, link.number)
            except (OutcomeUnknown, Unreachable, ConnectionLost):
                await asyncio.sleep(PAUSE_S)
            except Refused as refused:
                self._feed.trouble(refused)
                await asyncio.sleep(REFUSED_S)
            except AdsumError:
                return

    async def _subscribe(self) -> p.Subscribed:
        """Subscribes; the next process does it again by itself, so that nothing of it is kept."""
        named = operation()
        body = p.Subscribe(0, self._presentity, int(self._every), milliseconds(self._lifetime), named)
        what = f"the subscription to {self._presentity}"
        subscribed: p.Subscribed = await self._upkeep.request(body, what, named.hex(), lasts=False)
        return subscribed
