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
    async def place(self, *, urgency: int) -> AsyncIterator[bool]:
        """Hold a place; 0 is let in first, and those alike in the order in which they asked.

        Yields whether it had to be waited for.
        """
        waited = await self._enter(urgency)
        try:
            yield waited
        finally:
            self._leave()

    async def _enter(self, urgency: int) -> bool:
        if self._free:
            self._free -= 1
            return False
        turn = asyncio.get_running_loop().create_future()
        one = (urgency, next(self._asked), turn)
        heappush(self._waiting, one)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came together with the end of the wait
                self._leave()
            elif one in self._waiting:  # else whoever left has passed it over
                self._waiting.remove(one)
                heapify(self._waiting)
            raise
        return True

    def _leave(self) -> None:
        while self._waiting:
            turn = heappop(self._waiting)[2]
            if not turn.done():  # else its wait was ended in this turn of the loop, and it has not run since
                turn.set_result(None)  # the place goes from hand to hand
                return
        self._free += 1
