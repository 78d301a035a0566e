"""Notices a reader that stands still while there is something to read, or has no place, and ends the process.

Faust passes over records that it fetched before a rebalance and does not fetch them again; the strict commits
then wait for them for ever. aiokafka has stood still after a broker's restart, and either may hang in a rebalance.
A fresh start reads on. The broker is asked for both ends, so that nothing rests on what the reader thinks of itself.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from services.errors import Transient
from services.runtime.consume import Intake
from services.runtime.fence import TEMPORARY_FAILURE
from services.runtime.lifecycle import pause
from services.storage.kafka_reach import Partition, Reach

log = structlog.get_logger(__name__)

_EVERY: Final = timedelta(seconds=1)
_BEHIND: Final = 6  # times that a partition's turn may come later behind a backlog of others


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long what must pass may last. Only time in which the brokers answer and nothing excuses it is counted."""

    stall: timedelta = timedelta(seconds=20)  # above the session: after a death the others wait for that long
    passed_over: timedelta = timedelta(
        seconds=3
    )  # where a later record is done with: the one before never comes
    unplaced: timedelta = timedelta(
        seconds=90
    )  # above the minute that brokers wait for a member to join again
    held_up: timedelta = timedelta(seconds=2)  # longer than any transaction while the ledger answers
    # Above what a record's calls take at most, each of which ends within a minute: beyond it one hangs.
    one_try: timedelta = timedelta(minutes=5)


@dataclass(slots=True)
class _Standing:
    committed: int
    counted: timedelta = field(default=timedelta(0))


class Stall:
    """Counts for each partition how long it stood still. Only the time between two answers is ever counted."""

    def __init__(self, limit: timedelta, *, passed_over: timedelta | None = None) -> None:
        """`limit`: how long a partition may stand still; longer than a rebalance takes. See `Limits`."""
        self._limit = limit
        self._passed_over = limit if passed_over is None else passed_over
        self._standing: dict[Partition, _Standing] = {}

    def look(
        self,
        reaches: Mapping[Partition, Reach],
        *,
        passed: timedelta,
        passed_over: Collection[Partition] = frozenset(),
    ) -> frozenset[Partition]:
        """Take one answer of the broker, `passed` after the one before; return what stood still for too long.

        What is not among `reaches` is another's now, or has been read to its end, and counts anew. Of what is
        `passed_over` the next record is missing, and later ones are done with.
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
        return frozenset(
            name
            for name, one in self._standing.items()
            if one.counted > (self._passed_over if name in passed_over else self._limit)
        )


def excused(intake: Intake, *, limits: Limits) -> bool:
    """Return whether standing still is no fault of the reader, which a restart would not mend.

    What is in hand waits for the ledger. An outage of that excuses for as long as it lasts, since every try comes back
    and is made again; a try that does not come back excuses nothing.
    """
    return intake.longest_try() <= limits.one_try and intake.held_up_for() > limits.held_up


async def watch(
    stop: asyncio.Event,
    *,
    limits: Limits,
    ask: Callable[[], Awaitable[Mapping[Partition, Reach]]],
    placed: Callable[[], bool],
    excused: Callable[[], bool],
    busy: Callable[[], bool],
    passed_over: Callable[[], Collection[Partition]] = frozenset,
    end: Callable[[int], object] = os._exit,
    every: timedelta = _EVERY,
) -> None:
    """Look every so often; end the process where a partition stands still, or it is not `placed` for too long.

    `ask` raises `Transient` while the brokers do not answer: that time is not counted, nor is what is `excused`.
    While the reader is `busy` with a backlog, a partition may stand still for longer. A place is one in the group, with
    its topics there; a member without a partition has one.
    """
    stall = Stall(limits.stall, passed_over=limits.passed_over)
    unplaced = timedelta(0)
    while True:
        await pause(stop, every)
        if stop.is_set():
            return
        try:
            reaches = await ask()
        except Transient:
            continue
        passed = timedelta(0) if excused() else every
        unplaced = timedelta(0) if placed() else unplaced + passed
        counted = passed / _BEHIND if busy() else passed
        stalled = stall.look(reaches, passed=counted, passed_over=passed_over())
        if stalled:
            log.error(
                "reading stands still", partitions=[f"{topic}-{number}" for topic, number in sorted(stalled)]
            )
        if unplaced > limits.unplaced:
            log.error("no place in the group", seconds=unplaced.total_seconds())
        if stalled or unplaced > limits.unplaced:
            end(TEMPORARY_FAILURE)
