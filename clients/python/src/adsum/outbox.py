"""What was asked and is not answered yet: it waits for its answer, and what lasts lies in the folder before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from . import protocol as p
from .asked import Asked
from .errors import AdsumError, OutcomeUnknown, Refused
from .identity import Home
from .resume import Requests


class Outbox:
    """The requests of a device, over any number of connections and processes."""

    def __init__(self, home: Home | None, fail: Callable[[AdsumError], None]) -> None:
        #: Where requests are kept for the next process, if they are.
        self._home = home
        self._fail = fail
        self.requests = Requests()
        #: What an earlier process asked and did not learn the outcome of.
        self.unfinished: list[Asked] = []
        #: Whether there may be something to write.
        self.news = asyncio.Event()
        self._kept: list[Asked] = []
        self._is_keeping = False

    @property
    def keeps(self) -> bool:
        """Whether requests are kept for the next process."""
        return self._home is not None

    def put(self, asked: Asked, again: bool = False) -> None:
        """Takes a request on. `again`: an earlier process did not learn what became of it."""
        self.requests.submit(asked.body, asked, again=again)
        self._keep_soon(asked)
        self.news.set()

    def take_up(self) -> None:
        """Asks again what an earlier process did not learn the outcome of."""
        if self._home is None:
            return
        with self._home.told("requests.json"):
            found = [Asked.kept(one) for one in self._home.requests()]
        for asked in found:
            self.unfinished.append(asked)
            self._kept.append(asked)
            if asked.is_remembered():
                self.put(asked, again=True)
            else:
                end(asked, asked.forgotten())
                self._keep_soon(asked)

    def withdraw(self, asked: Asked) -> None:
        """Nobody waits for its answer any more."""
        self.requests.withdraw(asked)
        self._keep_soon(asked)

    def connected(self, is_anonymous: bool) -> None:
        """There is a new connection, on which all that was not answered and can be repeated is due again."""
        for asked in self._unanswered():
            if self.requests.is_written(asked) and not self._is_known(asked, is_anonymous):
                self.withdraw(asked)
                end(asked, asked.forgotten())
        self.requests.connected()

    def to_write(self) -> list[p.Body]:
        """What is to be written now."""
        self.news.clear()
        # Nothing leaves before it is kept.
        self.keep()
        frames = []
        while (request := self.requests.next_to_write()) is not None:
            frames.append(request)
        return frames

    def answered(self, body: Any) -> None:
        """The server answered one."""
        refused = body if isinstance(body, p.Refused) else None
        resolved = self.requests.answered(body.request, refused.code if refused else body)
        if resolved is None:
            return
        asked, result = resolved
        assert isinstance(asked, Asked)
        self._keep_soon(asked)
        if isinstance(result, int) and refused is not None:
            end(asked, Refused.of(refused))
        elif not asked.answer.done():
            asked.answer.set_result(result)

    def abandon_written(self, fault: AdsumError) -> None:
        """What was written must not be repeated."""
        for asked in self.requests.abandon_written():
            assert isinstance(asked, Asked)
            end(asked, fault)

    def fail(self, fault: AdsumError) -> None:
        """Nothing can be asked any more. What was sent stays for the next process."""
        for asked in self._unanswered():
            if self.requests.is_written(asked):
                end(asked, OutcomeUnknown(asked.what, asked.id))
            else:
                self.requests.withdraw(asked)
                end(asked, fault)
        self.keep()

    def keep(self) -> None:
        """Keeps what is not answered, if that changed."""
        self._is_keeping = False
        unanswered = [one for one in self._unanswered() if one.lasts]
        if self._home is None or unanswered == self._kept:
            return
        try:
            self._home.store_requests([one.to_keep() for one in unanswered])
            self._kept = unanswered
        except AdsumError as fault:
            self._fail(fault)

    def _keep_soon(self, asked: Asked) -> None:
        """Keeps what is not answered, all that changes in one turn of the loop at once."""
        if asked.lasts and not self._is_keeping:
            self._is_keeping = True
            asyncio.get_running_loop().call_soon(self.keep)

    def _is_known(self, asked: Asked, is_anonymous: bool) -> bool:
        """Whether the server recognises a repeat; a message of an anonymous session is another one on the next connection."""
        return asked.is_remembered() and not (is_anonymous and isinstance(asked.body, p.Send))

    def _unanswered(self) -> list[Asked]:
        return [one for one in self.requests.unanswered() if isinstance(one, Asked)]


def end(asked: Asked, fault: AdsumError) -> None:
    """There is no answer."""
    if not asked.answer.done():
        asked.answer.set_exception(fault)
