"""A publication that is kept up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from . import protocol as p
from .awake import Lease
from .errors import AdsumError, Closed, ConnectionLost, OutcomeUnknown, Refused, Unreachable
from .items import operation
from .upkeep import PAUSE_S, Upkeep


class Publication:
    """A publication that is refreshed at half of its lifetime as long as the client lives.

    Used with `async with` it is removed at the end of the block.
    """

    def __init__(self, upkeep: Upkeep, body: p.Publish, published: p.Published) -> None:
        self._upkeep = upkeep
        self._body = body
        #: Its tag, which is another one after each change.
        self.tag = published.tag
        #: How long it is good, in milliseconds.
        self.granted_ms = published.granted_ms
        #: Why it is not kept up any more, if it is not.
        self.fault: AdsumError | None = None
        self._lease = Lease(published.granted_ms)
        self._lock = asyncio.Lock()
        self._task = asyncio.create_task(self._keep_up())

    async def __aenter__(self) -> Publication:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.remove()

    async def change(self, document: p.Document) -> None:
        """Publishes another document in its place."""
        async with self._lock:
            await self._publish(document)

    async def remove(self) -> None:
        """Removes it."""
        # A refreshment that is under way is waited for, because it gives the tag that is removed.
        async with self._lock:
            self.forget()
            body = replace(self._body, operation=operation(), if_match=self.tag, lifetime_ms=0, document=None)
            try:
                await self._upkeep.request(body, "the removal", body.operation.hex())
            except Refused as refused:
                if refused.refusal is not p.RefusalCode.STALE_TAG:
                    raise

    def forget(self) -> None:
        """Lets it run out."""
        self._task.cancel()

    def when_over(self, then: Callable[[], None]) -> None:
        """Calls `then` when it is not kept up any more."""
        self._task.add_done_callback(lambda _: then())

    async def failed(self) -> AdsumError:
        """Waits until it cannot be kept up any more, and tells why."""
        await asyncio.gather(self._task, return_exceptions=True)
        return self.fault or Closed("the publication is not kept up any more; publish again")

    async def _publish(self, document: p.Document | None) -> None:
        body = replace(self._body, operation=operation(), if_match=self.tag, document=document)
        # What only makes it good for longer is of no use to a later process.
        lasts = document is not None
        try:
            published = await self._upkeep.request(body, "the publication", body.operation.hex(), lasts=lasts)
        except Refused as refused:
            if refused.refusal is not p.RefusalCode.STALE_TAG:
                raise
            # It ran out while this client was away: it is made anew, in place of whatever is there.
            body = replace(body, operation=operation(), if_match=None, document=document or self._body.document)
            published = await self._upkeep.request(body, "the publication", body.operation.hex(), lasts=lasts)
        if document is not None:
            self._body = replace(self._body, document=document)
        self.tag, self.granted_ms = published.tag, published.granted_ms
        self._lease = Lease(published.granted_ms)

    async def _keep_up(self) -> None:
        try:
            while True:
                await self._upkeep.due(self._lease)
                async with self._lock:
                    await self._refresh()
        except AdsumError as fault:
            self.fault = fault

    async def _refresh(self) -> None:
        if self._lease.left() > 0:
            # It was changed meanwhile.
            return
        try:
            await self._publish(None)
        except (OutcomeUnknown, Unreachable, ConnectionLost):
            await asyncio.sleep(PAUSE_S)
