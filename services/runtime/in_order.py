"""Many records in flight, acknowledged in the order in which they came.

One alert is one transaction of the ledger, which mostly waits; a bounded number of them wait together. One task
acknowledges: a record only once it and all before it are done with.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class InOrder(Generic[T]):
    """Handles at most `most` items at a time; a fault of one ends `run` before anything behind it is acknowledged."""

    def __init__(
        self,
        *,
        handle: Callable[[T], Coroutine[Any, Any, None]],
        acknowledge: Callable[[T], None],
        most: int,
    ) -> None:
        """`handle` does the work of one item, `acknowledge` is called in the order of `put`."""
        self._handle = handle
        self._acknowledge = acknowledge
        self._room = asyncio.Semaphore(most)
        self._flying: asyncio.Queue[tuple[T, asyncio.Task[None]]] = asyncio.Queue(most)
        self._group: asyncio.TaskGroup | None = None

    async def put(self, item: T) -> None:
        """Begin with one item as soon as there is room. Only while `run` is running."""
        await self._room.acquire()
        if self._group is None:
            raise RuntimeError("nobody acknowledges")
        self._flying.put_nowait((item, self._group.create_task(self._handle(item))))
        # What a record takes of the processor comes first: dozens that begin in one turn of the loop would hold up
        # everything else in the process for seconds, and the fence would take that for a halt.
        await asyncio.sleep(0)

    def is_full(self) -> bool:
        """Return whether no more can be begun: what comes next waits for room, and says nothing of who brings it."""
        return self._room.locked()

    async def run(self) -> None:
        """Acknowledge what is done with, until cancelled; a fault of `handle` comes out."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                while True:
                    item, task = await self._flying.get()
                    await task
                    self._acknowledge(item)
                    self._room.release()
            finally:
                self._group = None
