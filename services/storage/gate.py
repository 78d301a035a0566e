"""Who may use one of a few connections: so many at a time, the urgent ones first, and no endless queue.

Urgent are the units for which a sender waits, and every short query: it holds no lock and is done in a moment, and
mostly somebody waits for its answer or a unit follows from it. So that neither a crowd of senders nor one of readers
keeps the work of the stages waiting for ever, one place in four is kept for what is not urgent.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from services.errors import Transient

_MOST_IN_A_ROW: Final = 3  # urgent ones while others wait


class Gate:
    """Lets ``places`` callers in at a time; belongs to one event loop."""

    def __init__(self, places: int, *, most_waiting: int, patience: timedelta) -> None:
        """Let at most ``most_waiting`` callers wait, each for at most ``patience``."""
        self._free = places
        self._most_waiting = most_waiting
        self._patience = patience.total_seconds()
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @asynccontextmanager
    async def place(self, *, first: bool = False) -> AsyncIterator[None]:
        """Hold a place; three of four go to those with ``first``. `Transient`: too many wait, or too long."""
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
        others_turn = self._in_a_row >= _MOST_IN_A_ROW
        for queue in (self._others, self._first) if others_turn else (self._first, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)  # the place goes from hand to hand
                    self._in_a_row = self._in_a_row + 1 if queue is self._first and self._others else 0
                    return
        self._free += 1
