"""Room for so many at a time: who waits is let in by urgency, not by who came first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

_Waiting = tuple[int, int, asyncio.Future[None]]


class Room:
    """Lets ``places`` in at a time; belongs to one event loop. Who may wait, and for how long, its users bound."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[_Waiting] = []
        self._asked: Final = count()

    @asynccontextmanager
    async def place(self, *, urgency: int) -> AsyncIterator[None]:
        """Hold a place; 0 is let in first, and those alike in the order in which they asked."""
        await self._enter(urgency)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, urgency: int) -> None:
        if self._free:
            self._free -= 1
            return
        one = (urgency, next(self._asked), asyncio.get_running_loop().create_future())
        heappush(self._waiting, one)
        try:
            await one[2]
        except asyncio.CancelledError:
            if one in self._waiting:
                self._waiting.remove(one)
                heapify(self._waiting)
            else:  # the place came together with the end of the wait
                self._leave()
            raise

    def _leave(self) -> None:
        if self._waiting:
            heappop(self._waiting)[2].set_result(None)  # the place goes from hand to hand
        else:
            self._free += 1
