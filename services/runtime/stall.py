"""Notices a reader that stands still while there is something to read, and ends the process.

Faust passes over records that it fetched before a rebalance and does not fetch them again; the strict commits
then wait for them for ever. A fresh start reads them. The broker is asked for both ends, so nothing here rests on
what the reader thinks of itself.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from services.errors import Transient
from services.runtime.fence import TEMPORARY_FAILURE
from services.storage.kafka_reach import Partition, Reach

log = structlog.get_logger(__name__)

_EVERY: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Standing:
    committed: int
    counted: timedelta = field(default=timedelta(0))


class Stall:
    """Counts for each partition how long it stood still. Only the time between two answers is ever counted."""

    def __init__(self, limit: timedelta) -> None:
        """`limit`: how long a partition may stand still; longer than a rebalance takes."""
        self._limit = limit
        self._standing: dict[Partition, _Standing] = {}

    def look(self, reaches: Mapping[Partition, Reach], *, passed: timedelta) -> frozenset[Partition]:
        """Take one answer of the broker, `passed` after the one before; return what stood still for too long.

        What is not among `reaches` is another's now, or has been read to its end, and counts anew.
        """
        before = self._standing
        self._standing = {}
        for partition, reach in reaches.items():
            if reach.committed >= reach.end:
                continue
            known = before.get(partition)
            if known is None or known.committed != reach.committed:
                known = _Standing(reach.committed)
            else:
                known.counted += passed
            self._standing[partition] = known
        return frozenset(name for name, one in self._standing.items() if one.counted > self._limit)


async def watch(
    stop: asyncio.Event,
    *,
    stall: Stall,
    ask: Callable[[], Awaitable[Mapping[Partition, Reach]]],
    excused: Callable[[], bool],
    end: Callable[[int], object] = os._exit,
    every: timedelta = _EVERY,
) -> None:
    """Look every so often; end the process where a partition stands still.

    `ask` raises `Transient` while the broker does not answer: that time is not counted. Nor is time that is
    `excused`: while the ledger is out of reach nothing can be acknowledged, and a restart would help nobody.
    """
    while not stop.is_set():
        try:
            async with asyncio.timeout(every.total_seconds()):
                await stop.wait()
        except TimeoutError:
            pass
        try:
            reaches = await ask()
        except Transient:
            continue
        stalled = stall.look(reaches, passed=timedelta(0) if excused() else every)
        if stalled:
            log.error(
                "reading stands still", partitions=[f"{topic}-{number}" for topic, number in sorted(stalled)]
            )
            end(TEMPORARY_FAILURE)
