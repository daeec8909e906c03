"""A request and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from . import codec
from . import protocol as p
from .errors import AdsumError, OutcomeUnknown

log = logging.getLogger("adsum")


class Asked:
    """A request that waits for its answer, perhaps since an earlier process."""

    def __init__(self, body: Any, what: str, id: str, *, lasts: bool, at: float | None = None) -> None:
        #: The request, as a body of `adsum.protocol`.
        self.body = body
        #: What it is about, in words.
        self.what = what
        #: By what it can be made again: a message's id, or in hexadecimal digits an operation's.
        self.id = id
        self.lasts = lasts
        self._at = time.time() if at is None else at
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<Asked: {self.what}>"

    async def outcome(self) -> Any:
        """Its answer, however long that takes; raises `Refused`, or `OutcomeUnknown` if it was asked too long ago."""
        return await asyncio.shield(self.answer)

    @classmethod
    def kept(cls, found: dict[str, Any]) -> Asked:
        """A request as an earlier process kept it."""
        cutter = codec.Cutter()
        cutter.push(bytes.fromhex(found["frame"]))
        asked = cls(cutter.next_body(), found["what"], found["id"], lasts=True, at=found["at"])
        asked.answer.add_done_callback(asked._tell)
        return asked

    def to_keep(self) -> dict[str, Any]:
        """What a later process needs to ask it again."""
        frame = codec.encode(replace(self.body, request=0))
        return {"frame": frame.hex(), "what": self.what, "id": self.id, "at": self._at}

    def is_remembered(self) -> bool:
        """Whether the server still recognises it as a repeat (7.2)."""
        known_ms = p.DEDUPLICATION_MS if isinstance(self.body, p.Send) else p.OPERATION_MS
        return abs(time.time() - self._at) * 1_000 < known_ms

    def forgotten(self) -> OutcomeUnknown:
        """What to say when the server would judge it anew: then its id does not make a repeat safe."""
        return OutcomeUnknown(self.what, "")

    def _tell(self, answer: asyncio.Future[Any]) -> None:
        """Says what became of it, because nobody need be waiting."""
        if answer.cancelled():
            return
        fault = answer.exception()
        if isinstance(fault, AdsumError):
            log.warning("%s, asked by an earlier process: %s", self.what, fault)
