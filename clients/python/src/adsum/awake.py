"""Time that goes on while the machine sleeps, and notice of its sleeps.

The timers of asyncio stand still in a suspend, so what is due by them is late by the length of it.
"""

from __future__ import annotations

import time

#: A sleep shorter than this is none: no connection and no subscription suffers from it.
SLEEP_S_MIN = 2.0
#: How often the clocks are compared.
TICK_S = 1.0
#: What is renewed is renewed at most twice a second.
RENEWAL_S_MIN = 0.5


def now() -> float:
    """Seconds since the machine was started, its sleeps included; the wall clock where no clock counts them."""
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if clock is None else time.clock_gettime(clock)


class Sleeps:
    """Notices the sleeps of the machine."""

    def __init__(self) -> None:
        self._machine, self._timers = now(), time.monotonic()

    def slept(self) -> float | None:
        """How long the machine slept since the last look, if it did."""
        machine, timers = now(), time.monotonic()
        slept = (machine - self._machine) - (timers - self._timers)
        self._machine, self._timers = machine, timers
        return slept if slept >= SLEEP_S_MIN else None


class Lease:
    """Something that is good for a time, was granted just now, and must be renewed before."""

    def __init__(self, good_for_ms: int) -> None:
        self._since = now()
        self._good_for = good_for_ms / 1_000

    def left(self) -> float:
        """How long it need not be renewed: up to half of its time."""
        return max(self._good_for / 2, RENEWAL_S_MIN) - (now() - self._since)

    def is_new(self) -> bool:
        """Whether it was granted a moment ago, so that word of what ran out before may still be on its way."""
        return now() - self._since < 60

    def has_lapsed(self) -> bool:
        """Whether it may have run out: awake and connected, it would have been renewed long before."""
        return now() - self._since >= 0.75 * self._good_for
