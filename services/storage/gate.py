"""Who may use one of a few connections: so many at a time, the urgent ones first, and no endless queue."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.errors import Transient


class Gate:
    """Lets ``places`` callers in at a time; belongs to one event loop."""

    def __init__(self, places: int, *, most_waiting: int, patience: timedelta) -> None:
        """Let at most ``most_waiting`` callers wait, each for at most ``patience``."""
        self._free = places
        self._most_waiting = most_waiting
        self._patience = patience.total_seconds()
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self, *, first: bool = False) -> AsyncIterator[None]:
        """Hold a place; with ``first`` ahead of all that wait without. `Transient`: too many wait, or too long."""
        await self._enter(first=first)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, *, first: bool) -> None:
        if self._free and not self._first and not self._others:
            self._free -= 1
            return
        if len(self._first) + len(self._others) >= self._most_waiting:
            raise Transient("the ledger's queue is full")
        turn = asyncio.get_running_loop().create_future()
        queue = self._first if first else self._others
        queue.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as fault:
            if turn.done() and not turn.cancelled():  # the place came together with the end of the wait
                self._leave()
            elif turn in queue:
                queue.remove(turn)
            if isinstance(fault, TimeoutError):
                raise Transient("the ledger's queue does not move") from fault
            raise

    def _leave(self) -> None:
        for queue in (self._first, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)  # the place goes from hand to hand
                    return
        self._free += 1
