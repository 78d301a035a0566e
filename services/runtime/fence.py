"""A process that was paused ends itself before it touches anything.

While it stood still the broker gave its partitions to another, which has begun to work on them. What wakes up
does not know that. A ticker notes the time five times a second; a note that is older than half the session
timeout says that everybody else may think this process dead. It narrows the window and is no proof: that the
ledger's facts have unique ids is.
"""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

log = structlog.get_logger(__name__)

TEMPORARY_FAILURE: Final = 75  # exit status (sysexits.h): the supervisor starts the process afresh
_TICK: Final = 0.2  # seconds


class Fence:
    """Ends the process where the last tick is too old; armed by the first tick, since a start may be slow."""

    def __init__(
        self,
        *,
        session: timedelta,
        ticks: Callable[[], float] = time.monotonic,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """`session`: after which silence the broker takes the partitions away; `ticks` in seconds."""
        self._limit = session.total_seconds() / 2
        self._ticks = ticks
        self._end = end
        self._ticked_at: float | None = None

    def check(self) -> None:
        """End the process if it stood still; called before anything is touched."""
        if self._ticked_at is None:
            return
        silent = self._ticks() - self._ticked_at
        if silent > self._limit:
            log.error("the process stood still, its work may be another's now", seconds=round(silent, 1))
            self._end(TEMPORARY_FAILURE)

    def tick(self) -> None:
        """Note the time; end the process if the last note is too old."""
        self.check()
        self._ticked_at = self._ticks()

    async def run(self) -> None:
        """Tick until cancelled: also while a stop drains, for what is in flight still touches things."""
        while True:
            self.tick()
            await asyncio.sleep(_TICK)
